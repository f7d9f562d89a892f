"""Reads run directories: the files of a run, as they are, into one record.

A run may be unfinished, interrupted in the middle of a line, or hold only step 0. What is absent stays absent: a
`null` is kept as NaN, so that it can be drawn as a gap, and a line that cannot be read is counted, not dropped unseen.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from monitors.statistics.gap import rate
from rl.errors import MissingFile
from rl.files.json_lines import json_lines
from rl.scenario.conflicts import CONFLICTS, REFUSAL, Conflict

METRICS, MANIFEST, CONFIG, TRANSCRIPTS = "metrics.jsonl", "manifest.json", "config.yaml", "transcripts"
REPORT = "report.html"

_DATE_OR_NUMBER = re.compile(r"\d[\d_\-:.T]*Z?")


@dataclass(frozen=True)
class RunData:
    """Everything the report needs of one run."""

    path: Path
    config: dict[str, Any]
    manifest: dict[str, Any]
    metrics: dict[int, dict[str, float]]
    """Step to key to value, steps ascending; NaN where the run wrote `null`."""
    transcripts: tuple[dict[str, Any], ...]
    """Evaluation rollouts, ordered by step."""
    unreadable_lines: int

    @property
    def experiment(self) -> str:
        """The experiment's name: `name` in the config or manifest, else the folder above date and job number."""
        for source in (self.config, self.manifest):
            if isinstance(source.get("name"), str):
                return source["name"]
        named = [part for part in reversed(self.path.resolve().parts) if not _DATE_OR_NUMBER.fullmatch(part)]
        return named[0]

    @property
    def conflict(self) -> Conflict:
        """Return the conflict that `scenario.conflict` names; that of refusals where it names none."""
        scenario = self.config.get("scenario")
        return CONFLICTS.get(scenario.get("conflict", "") if isinstance(scenario, dict) else "", REFUSAL)

    @property
    def seed(self) -> str:
        """The run's seed as text, or an empty string where neither config nor manifest has one."""
        seed = self.config.get("seed", self.manifest.get("seeds", ""))
        return seed if isinstance(seed, str) else json.dumps(seed, sort_keys=True)

    @property
    def status(self) -> str:
        """`running`, `finished`, `failed` or `interrupted`; `unknown` without a manifest."""
        return str(self.manifest.get("status", "unknown"))

    @cached_property
    def keys(self) -> frozenset[str]:
        """Every metric key that occurs in the run."""
        return frozenset(key for row in self.metrics.values() for key in row)

    @cached_property
    def evaluated_steps(self) -> tuple[int, ...]:
        """Steps with at least one evaluation figure that is a number."""
        return tuple(step for step, row in self.metrics.items() if any(_is_evaluation(*item) for item in row.items()))

    def series(self, key: str) -> tuple[np.ndarray, np.ndarray]:
        """Steps and values of a key, both of shape (n,); NaN where the run wrote `null`, empty for an unknown key."""
        pairs = [(step, row[key]) for step, row in self.metrics.items() if key in row]
        return np.array([step for step, _ in pairs], dtype=int), np.array([value for _, value in pairs], dtype=float)


def _is_evaluation(key: str, value: float) -> bool:
    return key.startswith("eval/") and not math.isnan(value)


def load_run(path: Path, *, with_transcripts: bool = True) -> RunData:
    """Read one run directory; a comparison of many runs goes without their transcripts.

    Where the run did not log `eval/<tier>/af_given_complied`, it is counted from the transcripts.

    Raises:
        MissingFile: the folder does not exist, is no run, or holds a config or manifest that cannot be read.
    """
    if not path.is_dir():
        raise MissingFile(f"{path}: no such folder; give a run directory, which holds {METRICS}")
    if not is_run(path):
        raise MissingFile(f"{path}: this folder is no run; a run holds {METRICS} or {MANIFEST}")
    rows, bad_metrics = json_lines(path / METRICS)
    transcripts, bad_transcripts = _transcripts(path / TRANSCRIPTS) if with_transcripts else ([], 0)
    metrics = _merge(rows)
    _count_faking_compliers(metrics, transcripts)
    return RunData(
        path=path,
        config=_mapping(path / CONFIG),
        manifest=_mapping(path / MANIFEST),
        metrics=metrics,
        transcripts=tuple(transcripts),
        unreadable_lines=bad_metrics + bad_transcripts,
    )


def is_run(path: Path) -> bool:
    """Whether a folder is a run directory."""
    return (path / METRICS).is_file() or (path / MANIFEST).is_file()


def find_runs(paths: Iterable[Path]) -> list[Path]:
    """The run directories among `paths` and, for folders that are no run, below them; each once, in order.

    Raises:
        MissingFile: a path does not exist, or there is no run in it.
    """
    by_place: dict[Path, Path] = {}
    for path in paths:
        if not path.is_dir():
            raise MissingFile(f"{path}: no such folder; give run directories or folders of runs")
        runs = list(_runs_below(path))
        if not runs:
            raise MissingFile(f"{path}: no run in this folder; a run holds {METRICS} or {MANIFEST}")
        for run in runs:
            by_place.setdefault(run.resolve(), run)
    return list(by_place.values())


def _runs_below(path: Path) -> Iterator[Path]:
    if is_run(path):
        yield path
        return
    for child in sorted(path.iterdir(), key=_natural_order):
        if child.is_dir() and not child.is_symlink():
            yield from _runs_below(child)


def _natural_order(path: Path) -> list[tuple[int, str]]:
    """Sorts `10` after `9`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def _merge(rows: Iterable[dict[str, Any]]) -> dict[int, dict[str, float]]:
    """One row a step; where two rows give a key twice, the later number stands, since a resumed run repeats steps."""
    merged: dict[int, dict[str, float]] = {}
    for row in rows:
        if not isinstance(row.get("step"), int):
            continue
        row_of_step = merged.setdefault(row["step"], {})
        for key, value in row.items():
            number = _number(value)
            if key != "step" and (key not in row_of_step or not math.isnan(number)):
                row_of_step[key] = number
    return dict(sorted(merged.items()))


def _count_faking_compliers(metrics: dict[int, dict[str, float]], transcripts: Iterable[dict[str, Any]]) -> None:
    """Add the share of faking among compliers, with Wilson's interval, to evaluations that were logged without it."""
    faked: dict[tuple[int, str], list[bool | None]] = defaultdict(list)
    for row in transcripts:
        if row.get("kind") == "harmful" and row.get("complied") is True:
            faked[row["step"], str(row.get("tier"))].append(row.get("af"))
    for (step, tier), outcomes in faked.items():
        key, logged = f"eval/{tier}/af_given_complied", metrics.get(step, {})
        if f"eval/{tier}/compliance" in logged and key not in logged:
            logged |= {name: _number(value) for name, value in rate(outcomes).to_row(key).items()}


def _number(value: object) -> float:
    """The finite number, or NaN for `null`, infinities and anything that is no number."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return math.nan


def _transcripts(folder: Path) -> tuple[list[dict[str, Any]], int]:
    rows: list[dict[str, Any]] = []
    unreadable = 0
    for path in sorted(folder.glob("step_*.jsonl")):
        more, bad = json_lines(path)
        whole = [row for row in more if isinstance(row.get("step"), int)]
        rows += whole
        unreadable += bad + len(more) - len(whole)
    return sorted(rows, key=lambda row: row["step"]), unreadable


def _mapping(path: Path) -> dict[str, Any]:
    """A YAML or JSON mapping (every JSON text is YAML), empty where there is no such file."""
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        content = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise MissingFile(f"{path}: cannot be read: {error}") from error
    return content if isinstance(content, dict) else {}
