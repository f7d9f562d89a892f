"""`python -m scripts.report`: reports of runs, and a comparison where there are several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rl.errors import ConfigError
from rl.files.disk import refuse_unwritable
from rl.files.outputs import folder_problems
from rl.report.data.load import find_runs, is_run
from rl.report.pages.comparison import write_comparison
from rl.report.pages.many import write_reports
from rl.report.pages.run import write_report


def report_on(arguments: Sequence[str]) -> Iterator[Path]:
    """Write the report of every run named or found, then their comparison; yields each page as it is done.

    Among several runs, a page that was made from the files of its run as they are, by this code, stays as it is.

    Args:
        arguments: Run directories and folders of runs, and at most one `out=DIR` for the comparison.

    Raises:
        MissingFile: a folder does not exist or holds no run.
        ConfigError: there is no folder at all, or `out=` is given twice, empty, for a single run or for no folder of
            its own.
        DiskFailed: a run whose page has to be written cannot be written to.
    """
    paths = [Path(argument) for argument in arguments if not argument.startswith("out=")]
    outs = [argument.removeprefix("out=") for argument in arguments if argument.startswith("out=")]
    problems = [] if paths else ["no run: give at least one run directory or folder of runs"]
    if len(outs) > 1 or "" in outs:
        problems.append("out=DIR: give one folder, once")
    if problems:
        raise ConfigError(problems)
    runs = find_runs(paths)
    if outs and len(runs) == 1:
        raise ConfigError([f"out={outs[0]}: is where a comparison goes, but there is one run only: {runs[0]}"])
    if len(runs) == 1:
        refuse_unwritable(runs[0])
        yield write_report(runs[0])
        return
    if problems_of_out := [line for out in outs for line in _out_problems(Path(out))]:
        raise ConfigError(problems_of_out)
    yield from write_reports(runs)
    yield write_comparison(runs, Path(outs[0]) if outs else None)


def _out_problems(folder: Path) -> Iterator[str]:
    """Why a comparison cannot go to a folder, a line each."""
    if folder.is_file():
        yield f"out={folder}: is a file; the name of a folder is needed"
    elif folder.is_dir() and is_run(folder):
        yield f"out={folder}: is a run, whose own report lies there; another folder is needed"
    else:
        yield from folder_problems(f"out={folder}", folder)
