"""The pages of many runs: only those that would come out otherwise are written, several at a time.

A run that ended as it should has written its own page. What is left for the report of a sweep are the pages of jobs
that were killed or are still running, and of those reported by another version of this package.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from joblib import cpu_count

from rl.files.disk import refuse_unwritable
from rl.report.data.load import REPORT
from rl.report.data.summary import SUMMARY
from rl.report.pages.digest import digest_in, source_digest
from rl.report.pages.run import FIGURES, write_report

FEWEST_IN_PARALLEL = 8
"""Fewer pages are written before other processes have started."""


def write_reports(run_dirs: Sequence[Path]) -> Iterator[Path]:
    """The page of each run, in order and as soon as it is there; one that says what it would say now stays.

    Raises:
        MissingFile: one of `run_dirs` is no run, or holds a file that cannot be read.
        DiskFailed: a run whose page has to be written cannot be written to.
    """
    stale = [run_dir for run_dir in run_dirs if not is_current(run_dir)]
    for run_dir in stale:
        refuse_unwritable(run_dir)
    written = _in_parallel(stale) if len(stale) >= FEWEST_IN_PARALLEL and cpu_count() > 1 else map(write_report, stale)
    left = set(stale)
    for run_dir in run_dirs:
        yield next(written) if run_dir in left else run_dir / REPORT


def is_current(run_dir: Path) -> bool:
    """Whether a run's page, figures and summary are there and the page was made from the files as they are."""
    whole = (run_dir / SUMMARY).is_file() and (run_dir / FIGURES).is_dir()
    return whole and digest_in(run_dir / REPORT) == source_digest(run_dir)


def _in_parallel(run_dirs: Sequence[Path]) -> Iterator[Path]:
    # Forked children would hold the locks of whatever threads run here.
    with ProcessPoolExecutor(min(cpu_count(), len(run_dirs)), get_context("spawn"), _begin) as pool:
        yield from pool.map(write_report, run_dirs)


def _begin() -> None:
    """Keep what the imports made out of the garbage collector's way: it would look at all of it for every page."""
    gc.freeze()
