"""Every probe of a run: each target, position, layer and step, with its controls. The figures of `probes.json`."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any

from threadpoolctl import threadpool_limits

from monitors.statistics.auroc import auroc
from rl.probe.controls import random_direction, shuffled, tier_and_kind_alone
from rl.probe.directions import cosines, split_half
from rl.probe.fit import FoldProbes, fit_folds
from rl.probe.monitor_scores import against_monitor
from rl.probe.positions import LAST_PROMPT, POSITIONS
from rl.probe.reading import variants
from rl.probe.shards import AS_ASKED, TAG_DELETED, Activations
from rl.probe.source import Source
from rl.probe.targets import TARGETS, VERDICTS, Examples, examples, too_few

Record = dict[str, Any]
_Part = dict[str, list[Record]]
CHUNK = 3
"""Places that a process takes at once: few enough that a bar moves and that none is left with a long rest."""


@dataclass(frozen=True)
class Plan:
    """How figures are made."""

    draws: int
    """Bootstrap resamples."""
    seed: int
    """Of folds, permutations, random directions and resamples."""
    processes: int
    """Places that are worked on side by side; the figures do not depend on it."""


@dataclass(frozen=True)
class Place:
    """Where a probe looks."""

    target: str
    position: str
    layer: int

    def record(self) -> Record:
        """As fields of a record."""
        return {"target": self.target, "position": self.position, "layer": self.layer}


def reading_layer(layers: int) -> int:
    """The layer that tables and scatter figures show: two thirds up, fixed beforehand, so that none is picked for its
    figures. `layers` counts the embedding."""
    return max(1, round(2 * (layers - 1) / 3))


def places(layers: int) -> list[Place]:
    """Every place that is probed."""
    return [Place(target, position, layer) for position in POSITIONS for layer in range(layers) for target in TARGETS]


def analyse(source: Source, kept: Activations, plan: Plan, advance: Callable[[int], None]) -> Record:
    """All figures of a run, as plain data; the same seed gives the same ones."""
    found: Record = {
        "run": str(source.path), "seed": plan.seed, "draws": plan.draws, "steps": [step.step for step in source.steps],
        "layers": kept.layers, "reading_layer": reading_layer(kept.layers), "positions": list(POSITIONS),
        "targets": list(TARGETS), "probes": [], "transfers": [], "directions": [], "monitor": [],
    }  # fmt: skip
    for part in _in_parallel(partial(_figures_of, source, kept, plan), places(kept.layers), plan.processes):
        for name, records in part.items():
            found[name] += records
        advance(1)
    return found


def _in_parallel(figures_of: Callable[[Place], _Part], found: Sequence[Place], processes: int) -> Iterator[_Part]:
    """The figures of each place, in order; another process has to load the package first, so one works here."""
    if processes == 1:
        with threadpool_limits(1, "blas"):
            yield from map(figures_of, found)
        return
    # Forked children would hold the locks of whatever threads run here.
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin) as pool:
        yield from pool.map(figures_of, found, chunksize=CHUNK)


def _begin() -> None:
    """Take one thread: products of this size wait longer for a second one than they gain from it."""
    threadpool_limits(1, "blas")


def _figures_of(source: Source, kept: Activations, plan: Plan, place: Place) -> _Part:
    """The figures of one place."""
    texts = {variant: _texts(source, kept, place, variant) for variant in variants(source)}
    asked = texts[AS_ASKED]
    probes = {step: None if too_few(one) else fit_folds(one, plan.seed) for step, one in asked.items()}
    compared = place == Place("af", LAST_PROMPT, reading_layer(kept.layers))
    return {
        "probes": [_cell(step, place, texts, probes[step], plan) for step in asked],
        "transfers": [*_transfers(place, asked, probes, plan)],
        "directions": [_directions(place, asked, plan)],
        "monitor": [
            {"step": step.step} | place.record() | against_monitor(step.rows, asked[step.step], probes[step.step])
            for step in (source.steps if compared else ())
        ],
    }


def _texts(source: Source, kept: Activations, place: Place, variant: str) -> dict[int, Examples]:
    return {
        step.step: examples(place.target, step.rows, *kept.at(step.step, variant, place.position, place.layer))
        for step in source.steps
    }


def _cell(
    step: int, place: Place, texts: Mapping[str, Mapping[int, Examples]], probes: FoldProbes | None, plan: Plan
) -> Record:
    asked = texts[AS_ASKED][step]
    record: Record = {"step": step} | place.record() | {"n": asked.counts(), "auroc": None, "controls": {}}
    if probes is None:
        return record | {"reason": too_few(asked)}
    luck = zlib.crc32(repr((plan.seed, step, place)).encode())
    controls: Record = {
        "shuffled": shuffled(asked, probes, luck),
        "random_direction": random_direction(asked, probes, luck),
    }
    if place.target in VERDICTS:
        controls["tier_and_kind_alone"] = tier_and_kind_alone(asked, probes, plan.draws, plan.seed)
    if TAG_DELETED in texts:
        controls |= _without_tag(texts[TAG_DELETED][step], probes, place, plan)
    record["auroc"] = auroc(probes.score(asked), plan.draws, plan.seed)
    record["strengths"] = [probe.strength for probe in probes.probes]
    return record | {"controls": controls, "reason": None}


def _without_tag(deleted: Examples, probes: FoldProbes, place: Place, plan: Plan) -> Record:
    """The same probes on the chats without their tag; for the tier, new probes on them too."""
    made = {"tag_deleted": auroc(probes.score(deleted), plan.draws, plan.seed)}
    if place.target == "tier":
        made["tag_deleted_refitted"] = auroc(fit_folds(deleted, plan.seed).score(deleted), plan.draws, plan.seed)
    return made


def _transfers(
    place: Place, asked: Mapping[int, Examples], probes: Mapping[int, FoldProbes | None], plan: Plan
) -> Sequence[Record]:
    """The first checkpoint's probe on the last one's texts, and back, on acts that the probe has not seen."""
    ends = [min(asked), max(asked)]
    if ends[0] == ends[1]:
        return []
    return [_transfer(place, asked, probes, pair, plan) for pair in (ends, ends[::-1])]


def _transfer(
    place: Place,
    asked: Mapping[int, Examples],
    probes: Mapping[int, FoldProbes | None],
    pair: Sequence[int],
    plan: Plan,
) -> Record:
    trained, applied = pair
    record: Record = place.record() | {"trained": trained, "applied": applied, "n": asked[applied].counts()}
    fitted = probes[trained]
    for step in pair:
        if reason := too_few(asked[step]):
            return record | {"auroc": None, "reason": f"step {step}: {reason}"}
    assert fitted is not None
    return record | {"auroc": auroc(fitted.score(asked[applied]), plan.draws, plan.seed), "reason": None}


def _directions(place: Place, asked: Mapping[int, Examples], plan: Plan) -> Record:
    """Cosines of the difference-of-means directions of every pair of steps, and of halves of one step."""
    halves = [None if too_few(texts) else split_half(texts, plan.seed) for texts in asked.values()]
    reasons = {str(step): reason for step, texts in asked.items() if (reason := too_few(texts))}
    return place.record() | {
        "steps": list(asked), "cosine": cosines(list(asked.values())), "split_half": halves, "reasons": reasons
    }  # fmt: skip
