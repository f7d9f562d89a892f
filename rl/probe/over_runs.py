"""Means over several runs, in the shape of one run's figures: their first steps together, and their last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from monitors.statistics.auroc import Figure
from rl.probe.records import Record, only
from rl.probe.targets import TARGETS
from rl.report.data.measures import over_seeds

ENDS = ("first", "last")


def over_runs(runs: Sequence[Record]) -> dict[str, Any]:
    """Mean AUROC of every probe, control and transfer with t-intervals over runs, cosines as means.

    Runs in which a class has too few texts leave a mean; `runs` says how many are in it. Counts are sums.

    Args:
        runs: Figures of runs with the same layers.
    """
    head = {key: runs[0][key] for key in ("seed", "draws", "layers", "reading_layer", "positions", "targets")}
    ends = ENDS if all(len(run["steps"]) > 1 for run in runs) else ENDS[:1]
    found: dict[str, Any] = {"run": [run["run"] for run in runs], "steps": list(ends)} | head
    found["probes"], found["transfers"], found["directions"] = [], [], []
    for position in head["positions"]:
        for layer in range(head["layers"]):
            for target in TARGETS:
                place = {"target": target, "position": position, "layer": layer}
                found["probes"] += [{"step": end} | place | _probe(runs, place, end) for end in ends]
                if ends == ENDS:
                    found["transfers"] += [place | _transfer(runs, place, *pair) for pair in (ENDS, ENDS[::-1])]
                    found["directions"].append(place | _directions(runs, place))
    return found


def _probe(runs: Sequence[Record], place: dict[str, Any], end: str) -> dict[str, Any]:
    cells = [only(run["probes"], {**place, "step": _step(run, end)}) for run in runs]
    names = list(dict.fromkeys(name for cell in cells for name in cell["controls"]))
    return {
        "n": {
            side: {what: sum(cell["n"][side][what] for cell in cells) for what in counted}
            for side, counted in cells[0]["n"].items()
        },
        "auroc": _mean([cell["auroc"] for cell in cells]),
        "controls": {name: _mean([cell["controls"].get(name) for cell in cells]) for name in names},
    }


def _transfer(runs: Sequence[Record], place: dict[str, Any], trained: str, applied: str) -> dict[str, Any]:
    found = [only(run["transfers"], {**place, "trained": _step(run, trained)})["auroc"] for run in runs]
    return {"trained": trained, "applied": applied, "auroc": _mean(found)}


def _directions(runs: Sequence[Record], place: dict[str, Any]) -> dict[str, Any]:
    """The cosine of the first and the last step, and of halves of each."""
    records = [only(run["directions"], place) for run in runs]

    def mean(read: Callable[[Record], float | None]) -> float | None:
        known = [value for value in map(read, records) if value is not None]
        return round(sum(known) / len(known), 4) if known else None

    own = [mean(lambda record, end=end: record["cosine"][end][end]) for end in (0, -1)]  # type: ignore[misc]
    across = mean(lambda record: record["cosine"][0][-1])
    halves = [mean(lambda record, end=end: record["split_half"][end]) for end in (0, -1)]  # type: ignore[misc]
    return {"steps": list(ENDS), "cosine": [[own[0], across], [across, own[1]]], "split_half": halves}


def _step(run: Record, end: str) -> int:
    return int(run["steps"][0 if end == ENDS[0] else -1])


def _mean(figures: Sequence[Figure | None]) -> dict[str, float | int | None] | None:
    """The mean with its t-interval, cut off at 0 and 1, without bounds for one run; None where no run has a figure."""
    values = [figure["value"] for figure in figures if figure is not None]
    known = [value for value in values if value is not None]
    if not known:
        return None
    return over_seeds(known).clip(0.0, 1.0).to_json() | {"runs": len(known)}
