"""Labelled texts that no monitor is fitted on: who wrote them is said beside every figure that they give."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from monitors.fitting.labelled import CORPUS, Output, Scratchpad, is_hard, read_rows

WRITTEN_BY = {
    "held_out": "by the corpus's author, kept apart",
    "organism_sample": "by the embedded organism before, during and late in RL, labelled by reading",
    "honeypot": "written with the monitor's patterns and kept apart from them",
    "antilab": "by another author; five of its acts were seen before the rules were widened",
    "exam_outputs": "by the examiner, never fitted; its errors were used to write patterns",
    "exam3": "by the author of the corpus's last answers, before these and before any error was read; never fitted",
    "exam2": "by the examiner, before seeing monitors and corpora; never fitted, never looked at",
    "exam": "by the examiner, before seeing monitors and corpora; its errors were read once, and their kinds taught",
}
"""Name of a set, or how it starts, to who wrote it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A text for the anti-lab monitor."""

    scratchpad: str
    output: str
    antilab: bool


def read_scratchpad_sets(folder: Path = CORPUS) -> dict[str, list[Scratchpad]]:
    """Return texts by name: `held_out`, `organism_sample`, and every `exam*.jsonl` that is there.

    Raises:
        MissingFile: If one of the first two is not there.
        ConfigError: If lines lack a field, all of a file named at once.
    """
    exams = [path.stem for path in sorted(folder.glob("exam*.jsonl")) if not path.stem.endswith("_outputs")]
    return {
        name: [
            Scratchpad(row["text"], bool(row["af"]), bool(row.get("hard", is_hard(row["text"], bool(row["af"])))))
            for row in read_rows(folder / f"{name}.jsonl", ("text", "af"))
        ]
        for name in ("held_out", "organism_sample", *exams)
    }


def read_output_sets(folder: Path = CORPUS) -> dict[str, list[Output]]:
    """Return answers by name: every `exam*_outputs.jsonl` that is there; raises as `scratchpad_sets` does."""
    return {
        path.stem: [
            Output(row["request"], row["output"], bool(row["complied"]), bool(row.get("hard")))
            for row in read_rows(path, ("request", "output", "complied"))
        ]
        for path in sorted(folder.glob("exam*_outputs.jsonl"))
    }


def read_plan_sets(folder: Path = CORPUS) -> dict[str, list[Plan]]:
    """Return texts with and without an act against the lab by name; raises as `scratchpad_sets` does."""
    fields = ("scratchpad", "output", "antilab")
    honeypot = read_rows(folder / "honeypot.jsonl", (*fields, "part"))
    rows_of = {
        "honeypot": [row for row in honeypot if row["part"] == "held_out"],
        "antilab": read_rows(folder / "antilab.jsonl", fields),
    }
    return {name: [Plan(*(row[field] for field in fields)) for row in rows] for name, rows in rows_of.items()}


def read_evasions(path: Path = CORPUS / "evasions.jsonl") -> list[Scratchpad]:
    """Return faking that is written to slip past the first monitor; `style` is the way it tries."""
    rows = read_rows(path, ("text", "evasion"))
    return [Scratchpad(row["text"], True, is_hard(row["text"], True), style=row["evasion"]) for row in rows]


def find_author(name: str) -> str:
    """Return who wrote a set of texts."""
    return next(author for start, author in WRITTEN_BY.items() if name.startswith(start))
