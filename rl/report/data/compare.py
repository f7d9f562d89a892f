"""Several runs as one comparison: which runs are seeds of the same condition, and their means with intervals."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitors.statistics.bimodality import Bimodality, find_two_groups
from monitors.statistics.interval import Interval
from rl.report.data.arms import QUESTIONS, Arm, arm_of
from rl.report.data.load import RunData
from rl.report.data.measures import over_seeds
from rl.report.data.visible import visible
from rl.scenario.conflicts import REFUSAL, Conflict

_NO_CONDITION = frozenset({"seed", "seeds", "run_dir", "output_dir", "out", "resume", "dry_run", "threads"})
"""Last parts of config keys that set seeds apart or say where and how fast a run was made, not what it does."""
_ABSENT = "none"


@dataclass(frozen=True)
class Condition:
    """Runs that differ in nothing but their seed."""

    label: str
    runs: tuple[RunData, ...]

    @property
    def arm(self) -> Arm:
        """What its runs do other than the baseline of the study."""
        return arm_of(self.runs[0].config)

    @property
    def repeated_seeds(self) -> bool:
        """Whether two runs have one seed, so that they are no independent repetitions."""
        seeds = [run.seed for run in self.runs if run.seed]
        return len(seeds) != len(set(seeds))

    def at(self, key: str, end: str) -> list[float]:
        """The value of `key` in each run at its `first` or `last` evaluation; NaN where it is not known."""
        index = 0 if end == "first" else -1
        return [run.metrics[run.evaluated_steps[index]].get(key, math.nan) for run in self.runs]

    def mean_at(self, key: str, end: str, *, bounded: bool) -> Interval:
        """Mean over seeds with a t interval, for a rate cut off at 0 and 1."""
        mean = over_seeds(self.at(key, end))
        return mean.clip(0.0, 1.0) if bounded else mean

    def modes(self, key: str) -> Bimodality:
        """Whether the last values of `key` fall into two groups of seeds (GA25)."""
        last = [None if math.isnan(value) else value for value in self.at(key, "last")]
        return find_two_groups(last, step=min(map(_smallest_difference, self.runs)))

    def mean_series(self, key: str) -> tuple[np.ndarray, list[Interval]]:
        """Steps at which every run has a value, and the mean over the runs there.

        Runs stop at different steps. A mean over those that go on would jump where one drops out, so there is none.
        """
        columns = [dict(zip(*(part.tolist() for part in run.series(key)), strict=True)) for run in self.runs]
        shared = sorted(set.intersection(*(set(column) for column in columns)))
        values = [[column[step] for column in columns] for step in shared]
        readings = [Interval() if any(map(math.isnan, row)) else over_seeds(row) for row in values]
        return np.array(shared, dtype=int), readings


def _smallest_difference(run: RunData) -> float:
    """Between two values of a rate or a gap of this run; 0 where its configuration does not say."""
    monitors = run.config.get("monitors") or {}
    outcomes = monitors.get("harmful_requests", 0) * monitors.get("samples", 0)
    return 1 / outcomes if outcomes else 0.0


def conditions(runs: Sequence[RunData]) -> list[Condition]:
    """Runs grouped by experiment name and, within one name, by the config keys in which they differ.

    A condition is called after what its runs do other than the baseline of the study, and after the keys in which it
    differs from another of that name; among several experiments after its own first, and if it has one condition, after
    nothing else. A run without any evaluation has nothing to compare and belongs to no condition.
    """
    experiments: dict[str, list[RunData]] = defaultdict(list)
    for run in runs:
        if run.evaluated_steps:
            experiments[run.experiment].append(run)
    labelled = []
    for name, members in experiments.items():
        groups = _by_differing_keys(members)
        for label, same in _labelled(groups):
            parts = [label or name] if len(experiments) == 1 else [name, label] if len(groups) > 1 else [name]
            labelled.append(Condition(visible(", ".join(part for part in parts if part)), tuple(same)))
    return sorted(labelled, key=lambda group: _place(group.arm))


def conflict_of(groups: Sequence[Condition]) -> Conflict:
    """Return the conflict that all conditions are about; that of refusals where they are about several."""
    conflicts = {run.conflict for group in groups for run in group.runs}
    return conflicts.pop() if len(conflicts) == 1 else REFUSAL


def _place(arm: Arm) -> tuple[bool, int]:
    """The baseline first, then question by question; what is of one question stays in the order of the runs."""
    return bool(arm.names), list(QUESTIONS).index(arm.question)


Group = tuple[dict[str, str], list[RunData]]
"""The keys in which the runs of one experiment differ, with the values that these share, and the runs."""


def _by_differing_keys(runs: Sequence[RunData]) -> list[Group]:
    flat = [condition_keys(run) for run in runs]
    every = sorted({key for config in flat for key in config})
    differing = [key for key in every if len({config.get(key, _ABSENT) for config in flat}) > 1]
    groups: dict[tuple[str, ...], list[RunData]] = defaultdict(list)
    for run, config in zip(runs, flat, strict=True):
        groups[tuple(config.get(key, _ABSENT) for key in differing)].append(run)
    return [(dict(zip(differing, values, strict=True)), same) for values, same in groups.items()]


def _labelled(groups: Sequence[Group]) -> Iterator[tuple[str, list[RunData]]]:
    """Each group with its name; empty where there is one group only."""
    arms = [arm_of(same[0].config) for _, same in groups]
    for arm, (keys, same) in zip(arms, groups, strict=True):
        namesakes = [other for other_arm, (other, _) in zip(arms, groups, strict=True) if other_arm == arm]
        apart = [f"{key}={value}" for key, value in keys.items() if any(other[key] != value for other in namesakes)]
        named = arm.names or (len(groups) > 1 and not apart)
        yield ", ".join([arm.label] * bool(named) + apart), same


def condition_keys(run: RunData) -> dict[str, str]:
    """Dotted config key to its value as text, without seeds, tracking and what names the run's own folder."""
    own_folder = "/".join(run.path.resolve().parts[-2:])
    flat = flattened(run.config).items()
    return {key: value for key, value in flat if _is_condition(key) and own_folder not in value}


def _is_condition(key: str) -> bool:
    last = key.rsplit(".", 1)[-1]
    return (
        key != "name"
        and last not in _NO_CONDITION
        and not last.endswith("_seed")
        and not key.startswith(("tracking.", "hydra."))
    )


def flattened(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Dotted config key to its value as text; what is null is as if it were not there."""
    flat: dict[str, str] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{name}.")
        elif value is not None:
            flat[name] = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return flat
