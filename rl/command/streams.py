"""Standard output and error that take every text, whatever characters the terminal or the log has."""

from __future__ import annotations

import codecs
import io
import sys

_NEAREST = str.maketrans({"−": "-", "–": "-", "—": "-", "×": "x", "·": ".", "…": ".", "“": '"', "”": '"', "’": "'"})  # noqa: RUF001
_NAME = "goalguard_nearest"


def _nearest(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    missing = error.object[error.start : error.end].translate(_NEAREST)
    return "".join(letter if letter.isascii() else "?" for letter in missing), error.end


def accept_every_character() -> None:
    """Have standard output and error replace what their encoding lacks, and a minus sign by a hyphen."""
    codecs.register_error(_NAME, _nearest)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_NAME)
