"""The files of `scripts.judge`: there whole or not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rl.files.atomic import sync


@dataclass(frozen=True)
class Files:
    """What is read and what is written."""

    source: Path
    out: Path

    @property
    def rejected(self) -> Path:
        """The list of lines that could not be read."""
        return self.out.with_name(f"{self.out.name}.rejected.jsonl")


_LINE_BREAKERS = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}
"""What JSON lets stand in a text and many readers of lines take for the end of one."""


class Partial:
    """A file of JSON lines that grows under a hidden name and gets its own by `keep`; a context manager.

    Args:
        path: The name it gets.
    """

    def __init__(self, path: Path) -> None:
        self.rows = 0
        self._path, self._partial = path, path.with_name(f".{path.name}.partial")
        self._file = self._partial.open("wb")

    def write(self, row: dict[str, Any]) -> None:
        """Add a line."""
        text = json.dumps(row, ensure_ascii=False, allow_nan=False).translate(_LINE_BREAKERS)
        try:
            line = text.encode()
        except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can carry
            line = json.dumps(row, allow_nan=False).encode()
        self._file.write(line + b"\n")
        self.rows += 1

    def keep(self) -> None:
        """Put the file under its name, over whatever stood there."""
        self._file.close()
        sync(self._partial)
        self._partial.replace(self._path)
        sync(self._path.parent)

    def keep_if_any(self) -> None:
        """The same where there are lines; without any, nothing stays under the name, an older file neither."""
        if self.rows:
            self.keep()
        else:
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._file.close()
        self._partial.unlink(missing_ok=True)
