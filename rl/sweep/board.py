"""The table a person watches while a sweep goes on, whichever processes its jobs run in: it is read from the disk."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rl.run.figures import figures
from rl.sweep.plan import label_job
from rl.sweep.rows import JobRow, read_rows, redact_overrides
from rl.tracking.metrics import GAP

_SECONDS_BETWEEN_LOOKS = 1.0
_ORDER = ("running", "failed", "interrupted", "waiting", "finished")
_COLOURS = {"running": "cyan", "finished": "green", "failed": "red", "interrupted": "yellow"}
_HEAD = ("job", "what", "status", "AF rate", "gap", "seconds")


class Board:
    """Shows running, finished, failed and waiting jobs with AF rate and gap; elsewhere than on a terminal plain lines.

    A plain line is written when a job's status changes. As a context manager it watches until the block ends.

    Args:
        sweep_dir: The sweep's directory.
        labels: What each job is about, in the order of their numbers; jobs that nobody knew of are added as they start.
        fixed: Overrides of all jobs, which tell nothing.
        stream: Where to write; standard error unless given.
    """

    def __init__(
        self, sweep_dir: Path, labels: Sequence[str], fixed: Sequence[str] = (), stream: TextIO | None = None
    ) -> None:
        self._sweep_dir, self._labels, self._fixed = sweep_dir, dict(enumerate(labels)), redact_overrides(fixed)
        self._stream = stream or sys.stderr
        self._told: dict[int, str] = {}
        # The console belongs to this table: what jobs of the same process print goes to their own logs.
        console = Console(file=self._stream)
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="sweep-board", daemon=True)

    def __enter__(self) -> Self:
        if self._live.console.is_terminal:
            self._live.start()
        self._watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._over.set()
        self._watcher.join()
        self.look()
        self._live.stop()

    def _watch(self) -> None:
        while not self._over.wait(_SECONDS_BETWEEN_LOOKS):
            self.look()

    def look(self) -> None:
        """Read the rows of all jobs and show them."""
        rows = read_rows(self._sweep_dir)
        if self._live.is_started:
            self._live.update(self._table(rows), refresh=True)
            return
        for row in rows.values():
            if self._told.get(row.job) != row.status:
                self._told[row.job] = row.status
                print(self._line(row), file=self._stream, flush=True)

    def _table(self, rows: Mapping[int, JobRow]) -> Table:
        numbers = {**self._labels, **{number: "" for number in rows if number not in self._labels}}
        states = {number: rows[number].status if number in rows else "waiting" for number in numbers}
        table = Table(*_HEAD, title=count_states(list(states.values())), title_justify="left", box=None)
        for number in sorted(numbers, key=lambda number: (_ORDER.index(states[number]), number)):
            row, state = self._fresh(rows.get(number)), Text(states[number], _COLOURS.get(states[number], ""))
            shown = ("", "", "") if row is None else (*format_rates(row), f"{row.seconds:.0f}" if row.seconds else "")
            table.add_row(str(number), Text(self._label(number, row)), state, *shown)
        return table

    def _fresh(self, row: JobRow | None) -> JobRow | None:
        """Return a running job's row with the figures of its newest evaluation."""
        if row is None or row.status != "running":
            return row
        return replace(row, **figures(self._sweep_dir / row.path, GAP))  # type: ignore[arg-type]

    def _line(self, row: JobRow) -> str:
        af_rate, gap = format_rates(row)
        parts = [f"job {row.job}", f"{row.status:<8}", self._label(row.job, row), af_rate and f"AF {af_rate}",
                 gap and f"gap {gap}", f"{row.seconds:.0f} s" if row.seconds else ""]  # fmt: skip
        return "  ".join(part for part in parts if part)

    def _label(self, number: int, row: JobRow | None) -> str:
        return self._labels.get(number) or (label_job(row.overrides, self._fixed) if row else "")


def format_rates(row: JobRow) -> tuple[str, str]:
    """Return a job's last AF rate and gap as a person reads them; empty where there is none."""
    af_rate = "" if row.af_rate_last is None else f"{row.af_rate_last:.1%}"
    return af_rate, "" if row.gap_last is None else f"{100 * row.gap_last:+.1f} pp"


def count_states(states: Sequence[str]) -> str:
    """Return how many jobs there are of each kind, as in `1 running, 2 finished`."""
    return ", ".join(f"{states.count(state)} {state}" for state in _ORDER if state in states)
