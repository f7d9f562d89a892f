"""`scripts.train -m`: many runs, by any of Hydra's launchers, that can be begun again where they were broken off."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import hydra
from hydra.errors import HydraException

from rl.command.console import display_path
from rl.command.help import CONF
from rl.command.interrupts import EXIT_INTERRUPTED, termination_interrupts
from rl.errors import ConfigError
from rl.files.disk import disk_errors
from rl.files.lock import held
from rl.sweep.board import Board, format_rates
from rl.sweep.job import LOG, end_row, restore_process_state, sweep_job, take_over
from rl.sweep.place import compute_job_key, find_run_dirs, remove_command
from rl.sweep.plan import SweepPlan, label_job, list_problems, plan_of, write_plan
from rl.sweep.plugins import SUBMITTED
from rl.sweep.rows import SUMMARY, JobRow, append_summary, read_rows, redact_overrides, remove_rows, write_row
from rl.tracking.metrics import GAP

EXIT_JOBS_FAILED = 1
_FULL_ERROR = "HYDRA_FULL_ERROR"


def sweep(words: Sequence[str]) -> int:
    """Run every job of a command line with `-m` that is not finished yet, and print the table of all.

    Returns:
        0 if every job is finished, 1 if one failed, 130 after Ctrl-C or SIGTERM.

    Raises:
        ConfigError: What is wrong with every job; nothing has run then.
        MissingPackage: The launcher or the sweeper is not installed.
    """
    with restore_process_state():
        plan = plan_of(words)
    print(describe_plan(plan), file=sys.stderr)
    if plan.dry:
        return _dry(plan)
    with disk_errors(plan.directory), held(plan.directory):
        return _run(plan)


def _run(plan: SweepPlan) -> int:
    remove_rows(plan.directory)
    if plan.jobs is not None and plan.finished == len(plan.jobs):
        _take_over(plan)
        interrupted = False
    else:
        write_plan(plan)
        interrupted = _launched(plan)
        _end_the_killed(plan, interrupted)
        _forget_secrets(plan, interrupted)
    rows = read_rows(plan.directory)
    print(format_table(plan, rows))
    return _conclusion(plan, rows, interrupted)


def describe_plan(plan: SweepPlan) -> str:
    """Return a line with the number of jobs, how many are finished, and the directory."""
    count = "a search" if plan.jobs is None else f"{len(plan.jobs)} job{'s' if len(plan.jobs) != 1 else ''}"
    done = f", {plan.finished} finished before" if plan.finished else ""
    return f"{'continuing ' if plan.known else ''}{count}{done}  {display_path(plan.directory)}"


def _dry(plan: SweepPlan) -> int:
    """Say what would be run.

    Raises:
        ConfigError: Holding what is wrong with any job.
    """
    found = list_problems(plan.jobs or ())
    if found:
        raise ConfigError(found)
    for number, what in enumerate(_labels(plan)):
        print(f"job {number}  {what}")
    return 0


def _launched(plan: SweepPlan) -> bool:
    """Launch the jobs through Hydra; return whether the sweep was interrupted."""
    with termination_interrupts(), Board(plan.directory, _labels(plan), plan.fixed), _command_line(plan):
        try:
            hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(sweep_job)()
        except KeyboardInterrupt:
            return True
        except SystemExit:
            # Hydra has told on standard error what its launcher ended with; which jobs that took is in their rows.
            return False
        except HydraException as error:
            print(error, file=sys.stderr)
        except ValueError:
            # A sweeper that looks for its best trial raises this where none has a value.
            if plan.jobs is not None or _has_values(read_rows(plan.directory)):
                raise
    return False


def _has_values(rows: Mapping[int, JobRow]) -> bool:
    return any(row.objective is not None for row in rows.values())


@contextmanager
def _command_line(plan: SweepPlan) -> Iterator[None]:
    earlier, full = sys.argv, os.environ.get(_FULL_ERROR)
    sys.argv = [earlier[0], *plan.words]
    if plan.jobs is None:
        # Otherwise Hydra prints a traceback of whatever a searching sweeper raises, and ends the process.
        os.environ[_FULL_ERROR] = "1"
    try:
        yield
    finally:
        sys.argv = earlier
        if full is None:
            os.environ.pop(_FULL_ERROR, None)


def _take_over(plan: SweepPlan) -> None:
    """Announce every job of a sweep that is finished already."""
    there = find_run_dirs(plan.directory)
    for number, job in enumerate(plan.jobs or ()):
        path = there[compute_job_key(job.config)].name
        row = JobRow(number, redact_overrides(job.overrides), "running", path)
        take_over(plan.directory, row, job.config.tracking.objective)


def _end_the_killed(plan: SweepPlan, interrupted: bool) -> None:
    """Write the rows of jobs whose process died before it could."""
    status, error = ("interrupted", None) if interrupted else ("failed", "its process was killed")
    for row in read_rows(plan.directory).values():
        if row.status == "running":
            done = end_row(plan.directory, row, status, _objective(plan), error)
            append_summary(plan.directory, done)
            write_row(plan.directory, done)


def _forget_secrets(plan: SweepPlan, interrupted: bool) -> None:
    """Remove what plugins keep of the command line; a scheduler's jobs still need it if only their sweep was ended."""
    remove_command(plan.directory)
    if not interrupted:
        for pickled in (plan.directory / SUBMITTED).rglob("*.pkl"):
            pickled.unlink()


def _objective(plan: SweepPlan) -> str:
    return plan.jobs[0].config.tracking.objective if plan.jobs else GAP


def format_table(plan: SweepPlan, rows: Mapping[int, JobRow]) -> str:
    """Return a table of all jobs: overrides, status, AF rate, gap, seconds and directory."""
    names = dict(enumerate(_labels(plan)))
    heads = ("job", "what", "status", "AF rate", "gap", "seconds", "path")
    lines = [heads]
    for number in sorted({*names, *rows}):
        row = rows.get(number)
        if row is None:
            lines.append((str(number), names[number], "not run", "", "", "", ""))
        else:
            what = names.get(number) or label_job(row.overrides, redact_overrides(plan.fixed))
            lines.append((str(number), what, row.status, *format_rates(row), f"{row.seconds:.0f}", row.path))
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
                     for line in lines)  # fmt: skip


def _labels(plan: SweepPlan) -> list[str]:
    return [label_job(redact_overrides(job.overrides), redact_overrides(plan.fixed)) for job in plan.jobs or ()]


def _conclusion(plan: SweepPlan, rows: Mapping[int, JobRow], interrupted: bool) -> int:
    """Print the sweep's directory and the failed jobs with their messages; return the exit code."""
    print(f"\nsweep    {display_path(plan.directory)}\nsummary  {display_path(plan.directory / SUMMARY)}")
    failed = [row for row in rows.values() if row.status == "failed"]
    for error in dict.fromkeys(row.error for row in failed):
        jobs = [row for row in failed if row.error == error]
        logs = "".join(f"\n  {display_path(plan.directory / row.path / LOG)}" for row in jobs)
        numbers = ", ".join(str(row.job) for row in jobs)
        print(f"\njob{'s' if len(jobs) > 1 else ''} {numbers} failed: {error}{logs}", file=sys.stderr)
    if interrupted:
        print("\ninterrupted; the same command continues the sweep", file=sys.stderr)
        return EXIT_INTERRUPTED
    if plan.jobs is None and rows and not _has_values(rows):
        print("\nno trial has a value of the objective, so there is no best one", file=sys.stderr)
        return EXIT_JOBS_FAILED
    whole = bool(rows) and all(row.status == "finished" for row in rows.values())
    return 0 if whole and len(rows) >= len(plan.jobs or ()) else EXIT_JOBS_FAILED
