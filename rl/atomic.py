"""Files that are either the old version or the new one, whatever moment the machine stops at."""

from __future__ import annotations

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Ask the disk to keep what was written to a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_text(path: Path, text: str) -> None:
    """Write `text` to a hidden neighbour of `path`, sync it and rename it over `path`; makes the folder if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    sync(partial)
    partial.replace(path)
    sync(path.parent)
