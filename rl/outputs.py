"""Where a command may put what it makes: somewhere that can be written, and never over something else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from rl.disk import DiskFailed, refuse_unwritable


def file_problems(named: str, path: Path, ours: Callable[[Path], bool], what: str) -> Iterator[str]:
    """Why a file cannot be written, a line each.

    Args:
        named: What the user gave, `out=FILE`.
        path: The file.
        ours: Whether a file that is there is an earlier one of the same kind, which may be replaced.
        what: The kind, in words.
    """
    if path.is_dir():
        yield f"{named}: is a folder; the name of a file is needed"
    elif path.exists() and not ours(path):
        yield f"{named}: {path} is there and holds something else than {what}, which is not replaced"
    else:
        yield from folder_problems(named, path.parent)


def folder_problems(named: str, folder: Path) -> Iterator[str]:
    """Why nothing can be written into a folder, which need not be there yet."""
    try:
        refuse_unwritable(folder)
    except DiskFailed as error:
        yield f"{named}: {error}"


def holds_rows_with(field: str) -> Callable[[Path], bool]:
    """Tells files that hold a JSON list of objects with a field."""

    def ours(path: Path) -> bool:
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return isinstance(rows, list) and all(isinstance(row, dict) and field in row for row in rows)

    return ours
