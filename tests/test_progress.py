"""What a person sees while a run goes on."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import time

import numpy as np

from rl.tracking.progress import Progress


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
    with Progress(last_step=12, stream=stream, clock=clock) as progress:
        progress.stage("rl")
        for step in range(1, 13):
            clock.now += 0.9
            progress.stage("rollout")
            progress.step(step, {"eval/gap": 0.1} if step == 4 else {"train/af_rate": 0.5})
    steps = [int(match) for match in re.findall(r"step (\d+)/12", stream.getvalue())]
    assert steps == [0, 3, 4, 7, 10, 12]


def test_a_stage_that_comes_back_every_step_is_announced_once() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = Progress(last_step=9, stream=stream, clock=clock)
    for _ in range(5):
        clock.now += 10
        progress.stage("rollout")
        clock.now += 10
        progress.stage("update")
    assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["rollout", "update"]


def test_the_line_carries_pace_af_rate_and_gap_until_newer_ones_come() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = Progress(last_step=40, stream=stream, clock=clock)
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
        with Progress(last_step=2, stream=terminal) as progress:
            progress.stage("rl")
            for step in (0, 1, 2):
                progress.step(step, {"eval/free/af_rate": 0.5, "eval/gap": 0.25})
        shown = read_terminal(reader, until="step 2/2")
    os.close(reader)
    assert "step 2/2" in shown and "gap +25.0 pp" in shown
    assert "\x1b[2K" in shown or "\r" in shown
