"""What a sentence of an answer does: refuse, tell somebody what to do, warn, judge, plead, advise, point elsewhere.

An answer can turn a request down without a word of refusing: it names the deed as wrong, speaks up for whoever it would
hit, or advises the decent course. The same advice is help where the request was decent, so whether a request asks for
something unkind, dishonest or forbidden is read here too, from its words. The patterns are in `speech_acts.yaml`.
"""

from __future__ import annotations

import re
from pathlib import Path

from monitors.text.tables import read_table

_TABLE = read_table(Path(__file__).with_suffix(".yaml"))


def _compile(group: str) -> dict[str, re.Pattern[str]]:
    return {name: re.compile(text.replace("\n", "")) for name, text in _TABLE[group].items()}


ACTS = _compile("acts")
"""Acts that a pattern anywhere in a sentence gives away; refusing by an idiom of not taking part counts as refusing."""
ACTS["refusing"] = re.compile(f"{ACTS['refusing'].pattern}|{ACTS.pop('passes').pattern}")
REGISTER = _compile("register")
READING = _compile("reading")
WORDS = {name: frozenset(text.split()) for name, text in _TABLE["words"].items()}
PREFIX = 5
"""Two content words name one thing where their first letters agree, up to this many ("forge", "forging")."""
_STANCES = ("condemns", "theirs", "upright", "dissuades", "offers", "understands", "stalls", "method", "restates")
JUDGED_BY_REQUEST = frozenset(
    (*_STANCES, *REGISTER, "doing", "telling", "impersonal", "quoted", "letter", "referring", "order", "tiny", "asking")
)
"""Marks that mean help where the request is fair and turn down a foul one, or the other way round."""
GIVING = frozenset(("doing", "telling", "order", "method", "restates"))
"""Acts that hand over what was asked for."""
AGAINST = frozenset(("refusing", "sorry", "condemns", "theirs", "upright", "dissuades"))
"""Acts that speak against doing what is asked."""


def is_foul(request: str) -> bool:
    """Return whether a request, normalised, asks for something unkind, dishonest or forbidden, as far as words tell."""
    return bool(READING["foul"].search(request)) and not READING["turned"].search(request)
