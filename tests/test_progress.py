"""What a person sees while a run goes on."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import time

import numpy as np

from rl.command.progress import Progress
from rl.tracking.progress import RunProgress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def read_terminal(reader: int, until: str) -> str:
    """What a terminal shows: it arrives in pieces, so read on until `until` and a silence, ten seconds at most."""
    shown, deadline = b"", time.monotonic() + 10
    while time.monotonic() < deadline:
        ready, _, _ = select.select([reader], [], [], 0.2)
        if ready:
            shown += os.read(reader, 4096)
        elif until.encode() in shown:
            break
    return shown.decode()


def test_a_log_file_gets_evaluations_the_last_step_and_a_line_every_two_seconds() -> None:
    clock, stream = Clock(), io.StringIO()
    with RunProgress(last_step=12, stream=stream, clock=clock) as progress:
        progress.stage("rl")
        for step in range(1, 13):
            clock.now += 0.9
            progress.stage("rollout")
            progress.step(step, {"eval/gap": 0.1} if step == 4 else {"train/af_rate": 0.5})
    steps = [int(match) for match in re.findall(r"step (\d+)/12", stream.getvalue())]
    assert steps == [0, 3, 4, 7, 10, 12]


def test_a_stage_that_comes_back_every_step_is_announced_once() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = RunProgress(last_step=9, stream=stream, clock=clock)
    for _ in range(5):
        clock.now += 10
        progress.stage("rollout")
        clock.now += 10
        progress.stage("update")
    assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["rollout", "update"]


def test_the_line_carries_pace_af_rate_and_gap_until_newer_ones_come() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = RunProgress(last_step=40, stream=stream, clock=clock)
    progress.stage("rl")
    clock.now += 500
    progress.step(10, {"eval/free/af_rate": np.float32(0.125), "eval/gap": -0.02})
    clock.now += 6
    progress.step(12, {"train/af_rate": 0.2, "eval/gap": float("nan")})
    last = stream.getvalue().splitlines()[-1]
    assert last.split("  ") == [
        "rl", "", "", "", "", "step 12/40", "84 s left", "AF 12.5%", "AF in training 20.0%", "gap -2.0 pp",
    ]  # fmt: skip


def test_a_terminal_gets_one_line_redrawn_in_place() -> None:
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as terminal:
        with RunProgress(last_step=2, stream=terminal) as progress:
            progress.stage("rl")
            for step in (0, 1, 2):
                progress.step(step, {"eval/free/af_rate": 0.5, "eval/gap": 0.25})
        shown = read_terminal(reader, until="step 2/2")
    os.close(reader)
    assert "step 2/2" in shown and "gap +25.0 pp" in shown
    assert "\x1b[2K" in shown or "\r" in shown


def test_work_without_a_terminal_says_every_two_seconds_how_long_it_will_take() -> None:
    clock, stream = Clock(), io.StringIO()
    with Progress(1000, "reading", stream, clock) as progress:
        for _ in range(6):
            clock.now += 0.9
            progress.advance(100)
        progress.say("line 3: not JSON; skipped")
    assert stream.getvalue().splitlines() == [
        "reading  30%  6 s left", "reading  60%  4 s left", "line 3: not JSON; skipped"
    ]  # fmt: skip


def test_the_pace_is_that_of_the_work_since_it_began_at_a_point() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = Progress(100, stream=stream, clock=clock)
    progress.begin_at(60)
    clock.now += 5
    progress.update(70, "half way", "gap +1 pp")
    progress.show(urgent=True)
    progress.update(70, "later")
    progress.show(urgent=True)
    assert stream.getvalue().splitlines() == ["half way  15 s left  gap +1 pp", "later  15 s left"]


def test_work_on_a_terminal_gets_a_bar_and_lines_above_it() -> None:
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as terminal:
        with Progress(100, "judging", terminal) as progress:
            progress.update(50, "7 judged  50%")
            progress.say("line 3: [red] not JSON")
        shown = read_terminal(reader, until="7 judged")
    os.close(reader)
    assert "50%" in shown and "line 3: [red] not JSON" in shown
