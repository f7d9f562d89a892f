"""Where a command may put what it makes: somewhere that can be written, and never over something else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rl.files.atomic import replace_text
from rl.files.disk import DiskFailed, refuse_unwritable
from rl.files.secrets import redact


def file_problems(named: str, path: Path, ours: Callable[[Path], bool], what: str) -> Iterator[str]:
    """Yield why a file cannot be written, a line each.

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
    """Yield why nothing can be written into a folder, which need not be there yet."""
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


def find_replacement_problems(named: str, folder: Path, mark: str, what: str) -> Iterator[str]:
    """Yield why a folder cannot be replaced: it is a file, or holds something without the file that marks what may be.

    Args:
        named: What the user gave, `out=FOLDER`.
        folder: The folder, which need not be there.
        mark: Name of the file.
        what: The kind of folder that has it, in words.
    """
    if folder.is_file():
        yield f"{named}: is a file; the name of a folder is needed"
    elif folder.is_dir() and any(folder.iterdir()) and not (folder / mark).is_file():
        yield f"{named}: holds something else than {what} ({mark} is missing), which is not replaced"


def keep_rows(rows: Sequence[Mapping[str, Any]], out: Path | None, runs: str | None, name: str) -> list[Path]:
    """Write rows of figures as JSON and return the files; none without rows or a place.

    Args:
        rows: Each with the `run` it is of.
        out: Where all of them go; None for a place by their run.
        runs: A run or a folder of runs: each run directory gets its own rows as `name`, and the folder all of them.
        name: Of those files.
    """
    places: dict[Path, list[Mapping[str, Any]]] = {}
    if rows and out is not None:
        places[out] = list(rows)
    elif rows and runs is not None:
        for row in rows:
            places.setdefault(Path(row["run"]) / name, []).append(row)
        places[Path(runs) / name] = list(rows)
    for path, mine in places.items():
        replace_text(path, json.dumps([redact(row) for row in mine], indent=1, allow_nan=False) + "\n")
    return list(places)
