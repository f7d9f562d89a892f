"""Files that are either the old version or the new one, whatever moment the machine stops at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def sync(path: Path) -> None:
    """Ask the disk to keep what was written to a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with naming(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_text(path: Path, text: str) -> None:
    """Write `text` to a hidden neighbour of `path`, sync it and rename it over `path`; makes the folder if needed.

    The neighbour is this process's own: two that write one file at a time leave what either wrote, and never a mixture.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with naming(path):
            partial.write_text(text, encoding="utf-8")
        sync(partial)
        partial.replace(path)
    finally:
        # It is still there only after an error, and on a full disk it would be in the way.
        partial.unlink(missing_ok=True)
    sync(path.parent)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give an error of the disk the name of its file, which the system does not tell for a file that is open."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
