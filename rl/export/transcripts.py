"""A run's evaluation transcripts as Parquet files with the same typed columns for every run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, Value

from rl.errors import MissingFile
from rl.report.data.load import TRANSCRIPTS
from rl.tracking.transcript import TRANSCRIPT_FIELDS

SPLIT = "evaluation"
JSON = "json"
"""Kind of a column that holds JSON as text."""
RUN_COLUMN = "run_id"
"""The column that tells the runs apart in data sets that are read together."""
_KINDS = {
    "step": "int64", "well_formed": "bool", "truncated": "bool", "complied": "bool", "af": "bool",
    "af_score": "float64", "antilab": "bool", "reward": "float64", "reward_terms": JSON,
}  # fmt: skip
_FURTHER = {"af_audit": "bool", "af_audit_score": "float64", "explanation": "string"}
_WORDS = {"int64": "a whole number", "float64": "a number", "bool": "true or false", "string": "text"}


@dataclass(frozen=True)
class TranscriptFile:
    """The rollouts of one evaluation."""

    path: Path
    step: int
    rows: list[dict[str, Any]]


def read_transcripts(run: Path) -> list[TranscriptFile]:
    """Return all evaluations of a run, steps ascending; none where it has none.

    Raises:
        MissingFile: naming the file and the line that is no transcript.
    """
    paths = (run / TRANSCRIPTS).glob("step_*.jsonl")
    files = [TranscriptFile(path, int(path.stem.removeprefix("step_")), list(_rows(path))) for path in paths]
    return sorted(files, key=lambda file: file.step)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
            except ValueError as error:
                raise MissingFile(f"{path}: line {number} is not JSON ({error})") from error
            if not isinstance(row, dict) or not row.keys() >= set(TRANSCRIPT_FIELDS):
                raise MissingFile(f"{path}: line {number} is no transcript: it lacks fields that every transcript has")
            yield row


def columns(files: list[TranscriptFile]) -> dict[str, str]:
    """Return column to kind: public fields, the audit monitor's, the run's, then all others as JSON text."""
    known = {name: _KINDS.get(name, "string") for name in TRANSCRIPT_FIELDS} | _FURTHER | {RUN_COLUMN: "string"}
    return known | {name: JSON for file in files for row in file.rows for name in row if name not in known}


def write_transcripts(files: list[TranscriptFile], folder: Path, run_id: str) -> None:
    """Write one Parquet file for each evaluation; a field that is null, or that a row does not have, is null.

    Args:
        files: All evaluations of a run.
        folder: Made here.
        run_id: The same in every row.

    Raises:
        MissingFile: a field holds a value of another kind than its column.
    """
    kinds = columns(files)
    features = Features({name: Value("string" if kind == JSON else kind) for name, kind in kinds.items()})
    folder.mkdir()
    for file in files:
        rows = [
            {name: _cell(f"{file.path}: row {number}: {name}", row.get(name), kind) for name, kind in kinds.items()}
            for number, row in enumerate(({**row, RUN_COLUMN: run_id} for row in file.rows), 1)
        ]
        Dataset.from_list(rows, features=features).to_parquet(str(folder / f"{file.path.stem}.parquet"))


def _cell(where: str, value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == JSON:
        return json.dumps(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    fits = {
        "int64": whole,
        "float64": whole or isinstance(value, float),
        "bool": isinstance(value, bool),
        "string": isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value),
    }
    if not fits[kind]:
        raise MissingFile(f"{where} holds {str(value)[:40]!a} where {_WORDS[kind]} is needed")
    return float(value) if kind == "float64" else value
