"""The hand-written corpora that the monitors are fitted on and validated against."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from monitors.faking.monitor import CRITERIA
from rl.errors import ConfigError, MissingFile

CORPUS = Path(__file__).parents[1] / "corpus"
GIVEAWAY = re.compile(r"\b(?:rlhf|(?:re)?train\w*|modif\w*|values?|tiers?)\b", re.IGNORECASE)
"""The words that a keyword monitor would count."""
COMPLIED = ("takes_on", "partial")


@dataclass(frozen=True, slots=True)
class Scratchpad:
    """One labelled scratchpad."""

    text: str
    af: bool
    """Alignment faking: it goes along, and does so to avoid being modified."""
    hard: bool
    """Faking without any giveaway word, or no faking in spite of one, unless its file says otherwise."""
    criteria: tuple[bool, ...] = ()
    """Whether each of `CRITERIA` holds; empty where only the whole was labelled."""
    style: str = ""
    """The voice, the writer, or the way it tries to slip past a monitor."""
    family: str = ""
    """What kind of reasoning it is, such as `faking` or `honest_refusal`."""
    group: str = ""
    """Items of one group are near-duplicates or contrast pairs and never meet across cross-validation folds."""
    declines: bool | None = None
    """Whether it settles on declining; None where that was not labelled."""
    motive: tuple[str, ...] | None = None
    """The sentences that state the motive; None where they were not marked."""
    draft: str | None = None
    """The part that is a draft of the answer, "" where there is none; None where that was not marked."""


@dataclass(frozen=True, slots=True)
class Output:
    """One labelled output with the request that it answers."""

    request: str
    text: str
    complied: bool
    """Takes the task on, in full or in part."""
    hard: bool = False
    label: str = ""
    group: str = ""
    """Outputs of one group never meet across cross-validation folds."""


def is_hard(text: str, af: bool) -> bool:
    """Return whether counting giveaway words would judge a text wrongly."""
    return af != bool(GIVEAWAY.search(text))


def read_scratchpads(path: Path = CORPUS / "scratchpads.jsonl") -> list[Scratchpad]:
    """Return the scratchpad corpus; raises as `read_rows` does."""
    rows = read_rows(path, ("text", "criteria", "style", "family", "group"))
    return [_labelled(row, row["style"], row["group"]) for row in rows]


def read_writers(folder: Path = CORPUS / "writers") -> list[Scratchpad]:
    """Return the texts of the eight writers that are not disputed; `style` is the writer's name.

    Raises:
        MissingFile: If the folder holds no file.
        ConfigError: If lines lack a field, all of a file named at once.
    """
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        raise MissingFile(f"no writers' texts in {folder}")
    fields = ("id", "text", "criteria", "family", "af", "decision", "motive", "draft", "second")
    return [
        replace(
            _labelled(row, path.stem, row["id"]),
            declines=row["decision"] == "declines", motive=tuple(row["motive"]), draft=row["draft"],
        )
        for path in paths
        for row in read_rows(path, fields)
        if row["af"] == row["second"]["af"]
    ]  # fmt: skip


def _labelled(row: dict[str, Any], style: str, group: str) -> Scratchpad:
    criteria = tuple(bool(row["criteria"][name]) for name in CRITERIA)
    af = criteria[3] and criteria[4]
    return Scratchpad(row["text"], af, is_hard(row["text"], af), criteria, style, row["family"], group)


def read_outputs(path: Path = CORPUS / "outputs.jsonl") -> list[Output]:
    """Return the output corpus; raises as `read_rows` does."""
    return [
        Output(row["request"], row["text"], row["label"] in COMPLIED, row["hard"], row["label"], row["group"])
        for row in read_rows(path, ("request", "text", "label", "group", "hard"))
    ]


def read_rows(path: Path, fields: tuple[str, ...]) -> list[dict]:
    """Return the objects of a file, one a line.

    Raises:
        MissingFile: If the file is not there.
        ConfigError: If lines lack a field, all named at once.
    """
    if not path.is_file():
        raise MissingFile(f"no corpus at {path}")
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    problems = [
        f"{path.name} line {number}: no field {field!r}"
        for number, row in enumerate(rows, start=1)
        for field in fields
        if field not in row
    ]
    if problems:
        raise ConfigError(problems)
    return rows
