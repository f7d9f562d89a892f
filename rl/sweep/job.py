"""One job of a sweep, in whatever process a launcher runs it: it leaves a row behind, and nothing else."""

from __future__ import annotations

import gc
import io
import math
import os
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO, cast

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from rl.config.schema import Config
from rl.errors import GoalguardError
from rl.files.secrets import redact_text
from rl.run.figures import figures, read_seconds
from rl.run.manifest import status_in
from rl.run.train import checked, train_in
from rl.sweep.place import choose_threads, find_job_dir, remove_command
from rl.sweep.rows import JobRow, append_summary, read_summary, redact_overrides, write_row
from rl.tracking.record import name_status

LOG = "job.log"


def sweep_job(composed: DictConfig) -> float:
    """Run a job of a sweep, continue the one that was interrupted, or take over the one that is finished.

    Returns:
        The objective's last value; NaN for a job that failed, unless a searching sweeper asks.

    Raises:
        KeyboardInterrupt: The sweep is to end.
        Exception: What the job failed with, where a searching sweeper has to know it.
    """
    config, hydra = cast(Config, composed), HydraConfig.get()
    sweep_dir, fresh = Path(hydra.sweep.dir), Path(hydra.runtime.output_dir)
    remove_command(sweep_dir)
    place = find_job_dir(config, sweep_dir, fresh)
    if place != fresh:
        with suppress(OSError):
            fresh.rmdir()
    row = JobRow(hydra.job.num, redact_overrides(hydra.overrides.task), "running", os.path.relpath(place, sweep_dir))
    searching = hydra.runtime.choices["hydra/sweeper"] != "basic"
    if status_in(place) == "finished":
        value = take_over(sweep_dir, row, config.tracking.objective)
    else:
        config.threads = choose_threads(config, place, hydra)
        value = math.nan
        with (
            JobReport(sweep_dir, row, config.tracking.objective, forgiving=not searching),
            restore_process_state(),
            redirect_to_log(place),
        ):
            value = train_in(checked(config), place)
    if searching and math.isnan(value):
        raise GoalguardError(f"the run {place} ended without a value of tracking.objective={config.tracking.objective}")
    return value


def take_over(sweep_dir: Path, row: JobRow, objective: str) -> float:
    """Return a finished run's objective; add its row if its process died before it wrote one."""
    done = end_row(sweep_dir, row, "finished", objective)
    write_row(sweep_dir, done)
    earlier = read_summary(sweep_dir).get(row.path)
    if earlier is None or earlier.status != "finished":
        append_summary(sweep_dir, done)
    return math.nan if done.objective is None else done.objective


def end_row(sweep_dir: Path, row: JobRow, status: str, objective: str, error: str | None = None) -> JobRow:
    """Return a job's row with its final status and the figures of its run."""
    run_dir = sweep_dir / row.path
    known: dict[str, Any] = {**figures(run_dir, objective), "seconds": read_seconds(run_dir) or row.seconds}
    return replace(row, status=status, error=error, **known)


class JobReport:
    """Announces that a job runs, and writes its row when it ends, in whatever way.

    Args:
        sweep_dir: The sweep's directory.
        row: The job as it starts.
        objective: The metric whose last value is the job's.
        forgiving: Whether an error ends the job alone; what ends the sweep (Ctrl-C, SIGTERM) gets out in any case.
    """

    def __init__(self, sweep_dir: Path, row: JobRow, objective: str, *, forgiving: bool) -> None:
        self._sweep_dir, self._row, self._objective, self._forgiving = sweep_dir, row, objective, forgiving
        self._started = time.perf_counter()

    def __enter__(self) -> Self:
        (self._sweep_dir / self._row.path).mkdir(parents=True, exist_ok=True)
        write_row(self._sweep_dir, self._row)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool | None:
        row = replace(self._row, seconds=round(time.perf_counter() - self._started, 1))
        row = end_row(self._sweep_dir, row, name_status(kind), self._objective, describe_error(error))
        if isinstance(error, Exception):
            with (self._sweep_dir / row.path / LOG).open("a", encoding="utf-8") as log:
                log.write(redact_text("".join(traceback.format_exception(error))))
        append_summary(self._sweep_dir, row)
        write_row(self._sweep_dir, row)
        return self._forgiving and isinstance(error, Exception)


def describe_error(error: BaseException | None) -> str | None:
    """Return an error as one line: ours by the message alone, others with their type before it."""
    if error is None:
        return None
    if isinstance(error, GoalguardError):
        return redact_text(str(error))
    return redact_text(f"{type(error).__name__}: {error}".rstrip(": "))


@contextmanager
def restore_process_state() -> Iterator[None]:
    """Restore environment, threads, signal handlers and accelerate's global state when the block ends.

    Launchers run several jobs in one process. Seeds are set by each run as it begins, and each run closes its wandb
    run; the caches that outlive a job hold tables made from constants (requests, the grammar, answers), no weights.
    """
    import torch
    from accelerate.state import AcceleratorState, GradientState

    environment, threads = dict(os.environ), torch.get_num_threads()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for key in set(os.environ) - set(environment):
            del os.environ[key]
        os.environ.update(environment)
        torch.set_num_threads(threads)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()
        # The trainer refers to itself through its callbacks, and would keep its models until the next collection.
        gc.collect()


@contextmanager
def redirect_to_log(run_dir: Path) -> Iterator[None]:
    """Redirect what a job prints to `job.log` in its run directory; the console shows the sweep's table."""
    with (run_dir / LOG).open("a", encoding="utf-8", buffering=1) as file:
        log = RedactedFile(file)
        with redirect_stdout(log), redirect_stderr(log):
            yield


class RedactedFile(io.TextIOBase):
    """A file that takes text without the secrets in it."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str, /) -> int:
        """Write the text and return its length."""
        self._file.write(redact_text(text))
        return len(text)

    def flush(self) -> None:
        """Flush the file."""
        self._file.flush()
