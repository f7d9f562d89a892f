"""Where an export may go: over nothing but an earlier export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rl.files.outputs import find_replacement_problems

RUN_FILE = "goalguard_run.json"
"""Stands in every export: the configuration and the manifest of the run it was made of."""


def out_problems(out: Path, run: Path, *, overwrite: bool) -> Iterator[str]:
    """Why an export of `run` cannot go to `out`, a line each."""
    place, home = out.resolve(), run.resolve()
    if place == home or place in home.parents or place.is_relative_to(home / "checkpoints"):
        yield f"out={out}: would lie over the run {run}; another folder is needed"
    elif place.is_dir() and any(place.iterdir()) and not overwrite:
        yield f"out={out}: is there already; overwrite=true replaces an earlier export"
    else:
        yield from find_replacement_problems(f"out={out}", place, RUN_FILE, "an export")
