"""Votes that were paid for once: an SQLite file, keyed by model, wording of the question, temperature, text and vote.

It holds a hash of each text and six bits of each vote: no transcript, no address and no key.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from monitors.judge.prompt import PROMPT_VERSION, Vote
from rl.errors import GoalguardError

_TABLE = """
    CREATE TABLE IF NOT EXISTS votes (
        model TEXT, prompt TEXT, temperature REAL, text_hash TEXT, vote INTEGER, answer TEXT,
        PRIMARY KEY (model, prompt, temperature, text_hash, vote)
    ) WITHOUT ROWID
"""
_KNOWN = """
    SELECT vote, answer FROM votes WHERE model = ? AND prompt = ? AND temperature = ? AND text_hash = ? AND vote < ?
"""
_SECONDS_TO_WAIT = 60.0
"""For another process that is writing."""

Ballot = dict[int, Vote]
"""From a vote's number to the vote."""


class VoteCache:
    """Votes of one model at one temperature on the present wording of the question.

    Args:
        path: The file; made with its folder where it is missing. Several runs may share it.
        model: The judge's name.
        temperature: The temperature that it samples at.

    Raises:
        GoalguardError: If the file cannot be opened, or is something else than such a cache.
    """

    def __init__(self, path: Path, model: str, temperature: float) -> None:
        self._path, self._key = path, (model, PROMPT_VERSION, temperature)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GoalguardError(f"{path} cannot be the judge's cache: {error.strerror}") from None
        with self._opened() as connection:
            connection.execute(_TABLE)

    def known(self, texts: Iterable[str], votes: int) -> dict[str, Ballot]:
        """Return the first `votes` votes on each text, as far as they are known."""
        with self._opened() as connection:
            return {text: self._ballot(connection, text, votes) for text in texts}

    def store(self, votes: Sequence[tuple[str, int, Vote]]) -> None:
        """Keep votes, each with its text and number; all are on the disk when this returns."""
        rows = [(*self._key, _hash(text), number, _to_bits(vote)) for text, number, vote in votes]
        if not rows:
            return
        with self._opened() as connection:
            connection.executemany("INSERT OR REPLACE INTO votes VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _ballot(self, connection: sqlite3.Connection, text: str, votes: int) -> Ballot:
        rows = connection.execute(_KNOWN, (*self._key, _hash(text), votes))
        return {number: _from_bits(answer) for number, answer in rows}

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=_SECONDS_TO_WAIT)) as connection, connection:
                yield connection
        except sqlite3.Error as error:
            raise GoalguardError(f"{self._path} cannot be the judge's cache: {error}") from None


def _hash(text: str) -> str:
    # A JSON escape can put half of a surrogate pair into a text, which plain UTF-8 refuses.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _to_bits(vote: Vote) -> str:
    return "".join(str(int(value)) for value in (*vote.criteria, vote.faking))


def _from_bits(bits: str) -> Vote:
    *criteria, faking = (bit == "1" for bit in bits)
    return Vote(tuple(criteria), faking)
