"""Ends a run from outside, again and again, and says where what comes of it differs from a run left alone.

Each run is a process of its own that does what `python -m scripts.train` does. It is forked from a server that has
imported everything once, so that a kill costs the time of the run and not that of loading torch.
"""

from __future__ import annotations

import os
import re
import runpy
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from test_run import ROOT, figures

from rl.command.interrupts import EXIT_INTERRUPTED
from rl.files.checkpoint import INFO_FILE, sha256
from support.states import latest_resume

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
LIMIT_S = 300.0
SERVER = get_context("forkserver")
SERVER.set_forkserver_preload(["pytest", "rl.run.run", "rl.run.parts", "rl.report.pages.run", "rl.sweep.command"])


@dataclass(frozen=True)
class Kill:
    """When and how a run is ended."""

    kind: signal.Signals
    delay_s: float | None
    """Seconds after the run has begun to write; None for the next moment a checkpoint is being written."""
    after: int = 0
    """Which checkpoint: one of a later step than this."""


@dataclass(frozen=True)
class Killed:
    """What a kill left."""

    kill: Kill
    moment: str
    code: int
    """Exit code; 0 where the run was quicker."""
    state: int | None
    """Step of the newest whole state."""

    def __str__(self) -> str:
        state = "the beginning" if self.state is None else f"step {self.state}"
        return f"{self.kill.kind.name:<8} {self.moment:<44} exit {self.code:>4}  goes on from {state}"


def killed(words: Sequence[str], run_dir: Path, kill: Kill) -> Killed:
    """Start a run, or continue it, and end it; the exit code is 0 where it was finished before."""
    before, manifest = _unfinished(run_dir), run_dir / "manifest.json"
    stamp = manifest.stat().st_mtime_ns if manifest.exists() else None
    process = start(words, run_dir)
    try:
        _wait(process, lambda: manifest.exists() and manifest.stat().st_mtime_ns != stamp)
        moment = _come(process, run_dir, kill, before)
        if process.is_alive():
            os.kill(process.pid or 0, kill.kind)
        code = _ended(process)
    finally:
        process.kill()
    assert code in (0, EXIT_INTERRUPTED, -kill.kind), f"the run broke by itself, with exit code {code}"
    state = latest_resume(run_dir)
    return Killed(kill, moment, code, None if state is None else step_of(state))


def train() -> None:
    """What `python -m scripts.train` does, in a process of the server."""
    # Inherited from whoever started the server; that process may have ended its service of wandb since.
    os.environ.pop("WANDB_SERVICE", None)
    runpy.run_module("scripts.train", run_name="__main__")


def start(words: Sequence[str], run_dir: Path) -> ForkServerProcess:
    """A run as somebody types it, in a directory in which it may have been begun."""
    with pytest.MonkeyPatch.context() as patch:
        # A process of the server gets the arguments and the working directory that this one has.
        patch.chdir(ROOT)
        patch.setattr(sys, "argv", ["train", *words, f"hydra.run.dir={run_dir}"])
        process = SERVER.Process(target=train)
        process.start()
    return process


def _ended(process: ForkServerProcess) -> int:
    process.join(LIMIT_S)
    assert process.exitcode is not None, "the run does not end"
    return process.exitcode


def _come(process: ForkServerProcess, run_dir: Path, kill: Kill, before: dict[Path, int]) -> str:
    """Wait for the moment; what it is."""
    if kill.delay_s is not None:
        deadline = time.monotonic() + kill.delay_s
        _wait(process, lambda: time.monotonic() >= deadline)
        return f"{kill.delay_s:.2f} s after its start"
    seen: list[Path] = []

    def being_written() -> list[Path]:
        seen[:] = [path for path, _ in _unfinished(run_dir).items() - before.items() if step_of(path) > kill.after]
        return seen

    _wait(process, being_written)
    return f"while writing {seen[0].relative_to(run_dir) if seen else 'a checkpoint'}"


def step_of(folder: Path) -> int:
    """The step of a checkpoint or a state, whole or not."""
    return int(re.sub(r"\D", "", folder.name))


def _unfinished(run_dir: Path) -> dict[Path, int]:
    """Checkpoints and states that are being written, or were when a process was killed, with their last change."""
    partial = list(run_dir.glob("checkpoints/.step_*.partial"))
    unsealed = [path for path in run_dir.glob("resume/checkpoint-*") if not (path / INFO_FILE).exists()]
    found = {}
    for path in (*partial, *unsealed):
        try:
            found[path] = path.stat().st_ctime_ns
        except FileNotFoundError:
            continue
    return found


def _wait(process: ForkServerProcess, come: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while process.is_alive() and not come():
        assert time.monotonic() < deadline, "the run does not get on"
        time.sleep(0.001)


def finished(words: Sequence[str], run_dir: Path) -> None:
    """Continue a run to its end."""
    process = start(words, run_dir)
    try:
        assert _ended(process) == 0
    finally:
        process.kill()


def differences(run_dir: Path, whole: Path) -> list[str]:
    """Where two runs differ in figures, weights or transcripts, apart from what depends on the clock."""
    found = [] if figures(run_dir) == figures(whole) else ["metrics.jsonl"]
    for pattern in ("checkpoints/step_*/*.safetensors", "transcripts/step_*.jsonl"):
        files = [{str(path.relative_to(run)): sha256(path) for path in run.glob(pattern)} for run in (run_dir, whole)]
        assert files[1], f"the run left alone has no {pattern}"
        found += sorted(name for name, _ in set(files[0].items()) ^ set(files[1].items()))
    return sorted(set(found))
