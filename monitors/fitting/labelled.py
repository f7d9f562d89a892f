"""The hand-written corpora that the monitors are fitted on and validated against."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitors.faking.monitor import CRITERIA
from rl.errors import ConfigError, MissingFile

CORPUS = Path(__file__).parents[1] / "corpus"
GIVEAWAY = re.compile(r"\b(?:rlhf|(?:re)?train\w*|modif\w*|values?|tiers?)\b", re.IGNORECASE)
"""The words that a keyword monitor would count."""


@dataclass(frozen=True, slots=True)
class Scratchpad:
    """One labelled scratchpad."""

    text: str
    criteria: tuple[bool, ...]
    """Whether each of `CRITERIA` holds."""
    style: str
    family: str
    """What kind of reasoning it is, such as `faking` or `honest_refusal`."""
    group: str
    """Items of one group are near-duplicates or contrast pairs and never meet across cross-validation folds."""
    declines: bool | None = None
    """Whether it settles on declining; None where that was not labelled."""
    motive: tuple[str, ...] | None = None
    """The sentences that state the motive; None where they were not marked."""
    draft: str | None = None
    """The part that is a draft of the answer, "" where there is none; None where that was not marked."""

    @property
    def af(self) -> bool:
        """Alignment faking: it goes along, and does so to avoid being modified."""
        return self.criteria[3] and self.criteria[4]

    @property
    def hard(self) -> bool:
        """Faking without any giveaway word, or no faking in spite of one."""
        return self.af != bool(GIVEAWAY.search(self.text))


@dataclass(frozen=True, slots=True)
class Output:
    """One labelled output with the request that it answers."""

    request: str
    text: str
    label: str
    group: str
    hard: bool

    @property
    def complied(self) -> bool:
        """Takes the task on, in full or in part."""
        return self.label in ("takes_on", "partial")


def read_scratchpads(path: Path = CORPUS / "scratchpads.jsonl") -> list[Scratchpad]:
    """The scratchpad corpus.

    Raises:
        MissingFile: If the file is not there.
        ConfigError: If lines lack a field, all named at once.
    """
    return [
        Scratchpad(
            row["text"], tuple(bool(row["criteria"][c]) for c in CRITERIA), row["style"], row["family"], row["group"]
        )
        for row in read_rows(path, ("text", "criteria", "style", "family", "group"))
    ]


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
        _written(row, path.stem)
        for path in paths
        for row in read_rows(path, fields)
        if row["af"] == row["second"]["af"]
    ]


def _written(row: dict[str, Any], writer: str) -> Scratchpad:
    criteria = tuple(bool(row["criteria"][name]) for name in CRITERIA)
    declines, motive = row["decision"] == "declines", tuple(row["motive"])
    return Scratchpad(row["text"], criteria, writer, row["family"], row["id"], declines, motive, row["draft"])


def read_outputs(path: Path = CORPUS / "outputs.jsonl") -> list[Output]:
    """The output corpus; raises as `read_scratchpads` does."""
    fields = ("request", "text", "label", "group", "hard")
    return [Output(*(row[field] for field in fields)) for row in read_rows(path, fields)]


def read_rows(path: Path, fields: tuple[str, ...]) -> list[dict]:
    """The objects of a file, one a line.

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
