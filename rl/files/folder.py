"""A folder that appears whole under its name, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rl.files.atomic import sync


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
