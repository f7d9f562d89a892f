"""Requests of one's own: a file of JSON lines, checked whole before anything else happens, split by what is asked for.

A run keeps a copy in its directory. Its name and place decide nothing; its content is part of what the run is
(`rl.run.identity`), so a run is continued on the very requests that it was begun with.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rl.errors import ConfigError, nearest
from rl.files.atomic import replace_text
from rl.records import TAGS, Request

KEPT = "requests.jsonl"
"""A run's own copy."""
KINDS, SPLITS = ("harmful", "benign"), ("train", "held_out")
NEEDED, OPTIONAL = ("request", "kind", "category"), ("act", "split")
HELD_OUT_OF = 4
"""Where no line says its split, one act of this many is held out, of each kind."""
MOST_FAULTS = 40
"""Named one by one; a file that is something else altogether would have as many as it has lines."""
_OWN = "own-"
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ALLOWED = frozenset("\n\t")


@dataclass(frozen=True)
class RequestFile:
    """What a file holds."""

    sha256: str
    requests: tuple[Request, ...]
    """In the order of the lines."""
    lines: tuple[int, ...]
    """Where each stands, from 1."""


def read_requests(path: str) -> RequestFile:
    """Return the requests of a file.

    Every line is an object with `request`, `kind` (`harmful` or `benign`) and `category`. It may have an `act`, what is
    asked for whatever the wording, and, if all lines do, a `split` (`train` or `held_out`). A held-out request whose
    act is trained on is one in a new wording, any other one is about a new act. Without `split` a quarter of the acts
    of each kind is held out, the same ones for the same acts.

    Raises:
        ConfigError: There is no such file, or holding all that is wrong with it, with line numbers.
    """
    content = read_content(path)
    try:
        return _parsed(content)
    except ConfigError as error:
        raise ConfigError([f"scenario.requests={path}: {problem}" for problem in error.problems]) from error


def read_content(path: str) -> bytes:
    """Return the bytes of a file of requests.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            [
                f"scenario.requests={path}: cannot be read ({error.strerror}); a run that was begun with it keeps a "
                f"copy, {KEPT} in its directory, which stands for it"
            ]
        ) from error


def keep_requests(path: str | None, run_dir: Path) -> None:
    """Put a copy of a file of requests into a run directory, unless none is asked for."""
    if path is not None:
        replace_text(run_dir / KEPT, read_content(path).decode("utf-8"))


def locate_copy(run_dir: Path, path: str | None) -> str | None:
    """Return the path of the run's copy of its requests; None if it asks those of the project."""
    return None if path is None else str(run_dir / KEPT)


@lru_cache(maxsize=4)
def _parsed(content: bytes) -> RequestFile:
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ConfigError([f"line {content[: error.start].count(10) + 1}: not UTF-8 text"]) from error
    rows: dict[int, dict[str, Any]] = {}
    faults: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            row = _object(line)
            faults += [(number, fault) for fault in (_line_faults(row) if row else ["not a JSON object"])]
            rows |= {number: row} if row else {}
    faults += _faults_together(rows)
    if not rows and not faults:
        raise ConfigError(["it is empty; every line is a JSON object with " + ", ".join(NEEDED)])
    if faults:
        told = [f"line {number}: {fault}" for number, fault in sorted(faults)]
        raise ConfigError(told[:MOST_FAULTS] + [f"and {len(told) - MOST_FAULTS} more"] * (len(told) > MOST_FAULTS))
    return RequestFile(hashlib.sha256(content).hexdigest(), tuple(_requests(list(rows.values()))), tuple(rows))


def _object(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _line_faults(row: Mapping[str, Any]) -> Iterator[str]:
    for name in row:
        if name not in (*NEEDED, *OPTIONAL):
            near = nearest(name, (*NEEDED, *OPTIONAL))
            yield f"there is no field {name!r}; there are {', '.join((*NEEDED, *OPTIONAL))}{near}"
    for name in (*NEEDED, *(field for field in OPTIONAL if field in row)):
        if name not in row:
            yield f"{name} is missing"
        elif not isinstance(row[name], str):
            yield f"{name} is no text"
        elif not row[name].strip():
            yield f"{name} is empty"
        else:
            yield from (f"{name} {fault}" for fault in _text_faults(name, row[name]))


def _text_faults(name: str, text: str) -> Iterator[str]:
    allowed = {"kind": KINDS, "split": SPLITS}.get(name)
    if allowed and text not in allowed:
        yield f"is {text!r}; it must be one of {', '.join(allowed)}{nearest(text, allowed)}"
    for mark in sorted({character for character in text if _unseen(character, name)}):
        yield f"holds the control character U+{ord(mark):04X}"
    yield from (f"holds {tag}, which takes completions apart" for tag in TAGS if tag in text)


def _unseen(character: str, name: str) -> bool:
    if name == "request" and character in _ALLOWED:
        return False
    return unicodedata.category(character) in ("Cc", "Cs") or character in _BIDI


def _faults_together(rows: Mapping[int, Mapping[str, Any]]) -> Iterator[tuple[int, str]]:
    """Yield faults between lines: a request that stands twice, and a split that only some lines state."""
    first: dict[str, int] = {}
    for number, row in rows.items():
        text = row.get("request")
        if isinstance(text, str) and text.strip():
            earlier = first.setdefault(_same(text), number)
            if earlier != number:
                yield number, f"the same request as line {earlier}"
    yield from _acts_of_two_kinds(rows)
    saying = [number for number, row in rows.items() if "split" in row]
    if saying and len(saying) < len(rows):
        yield from ((n, "split is missing, and other lines have one") for n, row in rows.items() if "split" not in row)


def _acts_of_two_kinds(rows: Mapping[int, Mapping[str, Any]]) -> Iterator[tuple[int, str]]:
    first: dict[str, tuple[int, Any]] = {}
    for number, row in rows.items():
        if isinstance(row.get("act"), str):
            earlier, kind = first.setdefault(_same(row["act"]), (number, row.get("kind")))
            if kind != row.get("kind"):
                yield number, f"the act of line {earlier}, where its kind is {kind}"


def _same(text: str) -> str:
    """Return a text without its case and its white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _requests(rows: Sequence[Mapping[str, str]]) -> Iterator[Request]:
    acts = [row.get("act", row["request"]).strip() for row in rows]
    held_out = _said(rows) if "split" in rows[0] else _chosen(rows, acts)
    trained = {_same(act) for act, out in zip(acts, held_out, strict=True) if not out}
    for row, act, out in zip(rows, acts, held_out, strict=True):
        split = "train" if not out else "held_out_phrasing" if _same(act) in trained else "held_out_act"
        name = f"{_OWN}{_digest(_same(act))[:10]}-{_digest(_same(row['request']))[:10]}"
        yield Request(name, row["kind"], row["category"].strip(), act, row["request"].strip(), split)


def parse_act_id(request_id: str) -> str:
    """Return the part of a request's id that names its act; an id of the project's is returned whole."""
    return request_id.rpartition("-")[0] if request_id.startswith(_OWN) else request_id


def _said(rows: Sequence[Mapping[str, str]]) -> list[bool]:
    return [row["split"] == "held_out" for row in rows]


def _chosen(rows: Sequence[Mapping[str, str]], acts: Sequence[str]) -> list[bool]:
    """Return whether each row is held out, by the order of the acts' hashes."""
    out: set[str] = set()
    for kind in KINDS:
        mine = sorted({_same(act) for row, act in zip(rows, acts, strict=True) if row["kind"] == kind}, key=_digest)
        out |= set(mine[: -(-len(mine) // HELD_OUT_OF)])
    return [_same(act) in out for act in acts]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
