"""What a sweep knows of its jobs: a row for each, on the disk, so that any launcher's processes can write and read it.

SWEEP/.jobs/3.json     the row of job 3 as it stands, written when the job starts and when it ends
SWEEP/summary.jsonl    one line for each exit of a job; a job that was continued has several, and the last one holds
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from rl.files.atomic import replace_text, sync_open
from rl.files.lock import wait_for_turn
from rl.files.secrets import redact

SUMMARY, ANNOUNCED = "summary.jsonl", ".jobs"


@dataclass(frozen=True)
class JobRow:
    """One job of a sweep; None for a figure that the run has not, or not yet."""

    job: int
    overrides: list[str]
    status: str
    """`running`, `finished`, `failed` or `interrupted`."""
    path: str
    """The run directory, relative to the sweep's."""
    seconds: float = 0.0
    """Wall seconds of the run's stages, earlier parts of a continued run included."""
    af_rate_first: float | None = None
    af_rate_last: float | None = None
    af_rate_best: float | None = None
    """The largest of all evaluations."""
    gap_first: float | None = None
    gap_last: float | None = None
    gap_best: float | None = None
    objective: float | None = None
    """The last value of `tracking.objective`."""
    error: str | None = None


def write_row(sweep_dir: Path, row: JobRow) -> None:
    """Write the row of a job as it stands now."""
    replace_text(sweep_dir / ANNOUNCED / f"{row.job}.json", json.dumps(asdict(row), allow_nan=False) + "\n")


def read_rows(sweep_dir: Path) -> dict[int, JobRow]:
    """Return the row of each job that the newest launch started, by job number."""
    rows = [_row(path.read_text(encoding="utf-8")) for path in (sweep_dir / ANNOUNCED).glob("[0-9]*.json")]
    return {row.job: row for row in sorted((row for row in rows if row), key=lambda row: row.job)}


def remove_rows(sweep_dir: Path) -> None:
    """Remove the rows of the last launch; `summary.jsonl` stays."""
    shutil.rmtree(sweep_dir / ANNOUNCED, ignore_errors=True)


def append_summary(sweep_dir: Path, row: JobRow) -> None:
    """Add a line to `summary.jsonl`, on the disk when this returns; jobs that end together take turns.

    A line that a killed process left unfinished is ended first, and readers pass it over.
    """
    path = sweep_dir / SUMMARY
    with wait_for_turn(path), path.open("ab+") as file:
        file.seek(0, os.SEEK_END)
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(json.dumps(asdict(row), allow_nan=False).encode() + b"\n")
        file.flush()
        sync_open(file.fileno())


def read_summary(sweep_dir: Path) -> dict[str, JobRow]:
    """Return the last row of each run directory in `summary.jsonl`, by its path; skip lines that are no rows."""
    path = sweep_dir / SUMMARY
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    return {row.path: row for line in lines if (row := _row(line))}


def _row(text: str) -> JobRow | None:
    try:
        content = json.loads(text)
        return JobRow(**{field.name: content[field.name] for field in fields(JobRow)})
    except (ValueError, KeyError, TypeError):
        return None


def redact_overrides(overrides: Sequence[str]) -> list[str]:
    """Return overrides with every value that looks like a secret, by its key or by its shape, as `[redacted]`."""
    pairs = (word.partition("=") for word in overrides)
    return [f"{key}{equals}{redact({key.rsplit('.', 1)[-1]: value}).popitem()[1]}" for key, equals, value in pairs]
