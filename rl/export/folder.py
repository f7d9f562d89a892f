"""The folder of an export: there whole or not at all, and put over nothing but an earlier export."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rl.atomic import sync
from rl.outputs import taken_problems

RUN_FILE = "goalguard_run.json"
"""Stands in every export: the configuration and the manifest of the run it was made of."""


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A hidden neighbour of `out` to build in; it gets its name when the block ends well, and goes when it does not.

    Whatever stands under the name by then is replaced. What a killed process left behind is removed first.
    """
    out = out.absolute()
    partial, old = (out.with_name(f".{out.name}.{state}") for state in ("partial", "old"))
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        for path in [*partial.rglob("*"), partial]:
            sync(path)
        shutil.rmtree(old, ignore_errors=True)
        if out.exists():
            out.rename(old)
        partial.rename(out)
        sync(out.parent)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def out_problems(out: Path, run: Path, *, overwrite: bool) -> Iterator[str]:
    """Why an export of `run` cannot go to `out`, a line each."""
    place, home = out.resolve(), run.resolve()
    if place == home or place in home.parents or place.is_relative_to(home / "checkpoints"):
        yield f"out={out}: would lie over the run {run}; another folder is needed"
    elif place.is_dir() and any(place.iterdir()) and not overwrite:
        yield f"out={out}: is there already; overwrite=true replaces an earlier export"
    else:
        yield from taken_problems(f"out={out}", place, RUN_FILE, "an export")
