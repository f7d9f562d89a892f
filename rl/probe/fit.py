"""Linear probes: logistic regression on standardised activations, always scored on what it has not seen.

Acts are dealt out to folds, all requests for an act and both their tiers together, and every fold is scored by a probe
that was fitted on the others. How strongly a probe is regularised is chosen inside its own training folds, again
between acts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitors.faking.probe import Probe
from monitors.statistics.auroc import Scored, column_aurocs
from rl.probe.solver import Regressions, solve
from rl.probe.targets import Examples

FOLDS, INNER_FOLDS = 5, 3
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Inverse weights of the L2 penalty to choose from, the strongest penalty first; it wins where several do as well."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class FoldProbes:
    """One probe for each fold of acts, fitted on the other folds."""

    fold_of: Mapping[str, int]
    probes: tuple[Probe, ...]

    def score(self, texts: Examples) -> Scored:
        """Return the scores of texts of any step or prompt, each by the probe that has not seen its act.

        Texts about acts that were in no fold are left out.
        """
        folds_N = folds_of(texts, self.fold_of)
        kept = texts.at(folds_N >= 0)
        scores_N, folds_N = np.zeros(len(kept.y_N)), folds_N[folds_N >= 0]
        for fold, probe in enumerate(self.probes):
            scores_N[folds_N == fold] = probe.scores(kept.x_NE[folds_N == fold])
        return Scored(scores_N, kept.y_N, folds_N, kept.acts_N)


def fit_folds(texts: Examples, seed: int) -> FoldProbes:
    """Return a probe for each fold of acts, each with a strength of its own choice.

    Args:
        texts: Enough of either class (`rl.probe.targets.too_few`).
        seed: Of how acts are dealt out.
    """
    fold_of = deal(texts, FOLDS, seed)
    return FoldProbes(fold_of, _fit_on(texts, parts_of(texts, fold_of), seed))


def parts_of(texts: Examples, fold_of: Mapping[str, int]) -> list[Mask]:
    """Return what the probe of each fold learns from: the texts that are not in it."""
    folds_N = folds_of(texts, fold_of)
    return [folds_N != fold for fold in range(max(fold_of.values()) + 1)]


def folds_of(texts: Examples, fold_of: Mapping[str, int]) -> NDArray[np.int64]:
    """Return the fold of each text, (N,); -1 where its act is in none."""
    return np.array([fold_of.get(name, -1) for name in texts.acts_N.tolist()], dtype=np.int64)


def deal(texts: Examples, folds: int, seed: int) -> dict[str, int]:
    """Return act to fold, dealt like cards: those that hold the rarer class first, so that every fold gets its share.

    There are no more folds than acts of the rarer class.
    """
    rare = texts.y_N if texts.y_N.sum() * 2 <= len(texts.y_N) else ~texts.y_N
    holders = set(texts.acts_N[rare].tolist())
    others = set(texts.acts_N.tolist()) - holders
    rng = np.random.default_rng(seed)
    order = [name for group in (holders, others) for name in rng.permutation(sorted(group)).tolist()]
    count = min(folds, len(holders))
    return {name: place % count for place, name in enumerate(order)}


def fit(texts: Examples, seed: int) -> Probe:
    """Return one probe on all texts given; its strength is chosen among them."""
    return _fit_on(texts, [np.ones(len(texts.y_N), dtype=bool)], seed)[0]


def _fit_on(texts: Examples, parts: Sequence[Mask], seed: int) -> tuple[Probe, ...]:
    """Return a probe for each part of the texts; its strength is chosen among the texts of the part."""
    strengths = _choose_strengths(texts, parts, seed)
    return fit_all(texts, [Task(part, texts.y_N, part, at) for part, at in zip(parts, strengths, strict=True)])


@dataclass(frozen=True)
class Task:
    """What one probe learns from."""

    inside_N: Mask
    y_N: Mask
    standardised_by_N: Mask
    """The texts whose mean and scale the activations get."""
    strength: float


def fit_all(texts: Examples, tasks: Sequence[Task]) -> tuple[Probe, ...]:
    """Return a probe for each task.

    Texts of one class alone, as folds of a few acts may leave them, teach nothing: every text then has the same score.
    """
    width = texts.x_NE.shape[1]
    nothing = Probe(np.zeros(width), np.ones(width), np.zeros(width), 0.0, STRENGTHS[0])
    able = [task for task in tasks if _both(task.y_N[task.inside_N])]
    found = iter(_solve(texts.x_NE, able) if able else ())
    return tuple(next(found) if _both(task.y_N[task.inside_N]) else nothing for task in tasks)


def _both(y_N: Mask) -> bool:
    return bool(y_N.any() and not y_N.all())


def _solve(x_NE: NDArray[np.float64], tasks: Sequence[Task]) -> Iterator[Probe]:
    centre_E, spread_E = x_NE.mean(0), _scale(x_NE)
    x_NE = (x_NE - centre_E) / spread_E
    parts = {id(task.standardised_by_N): task.standardised_by_N for task in tasks}
    means = {key: x_NE[part].mean(0) for key, part in parts.items()}
    scales = {key: _scale(x_NE[part]) for key, part in parts.items()}
    keys = [id(task.standardised_by_N) for task in tasks]
    weights_EK, bias_K = solve(
        Regressions(
            x_NE,
            np.stack([task.y_N for task in tasks], 1).astype(float),
            np.stack([task.inside_N for task in tasks], 1).astype(float),
            np.stack([scales[key] for key in keys], 1),
            np.array([task.strength for task in tasks]),
        )
    )
    for k, (task, key) in enumerate(zip(tasks, keys, strict=True)):
        mean_E, scale_E = means[key], scales[key]
        bias = float(bias_K[k] + (mean_E / scale_E) @ weights_EK[:, k])
        yield Probe(centre_E + spread_E * mean_E, spread_E * scale_E, weights_EK[:, k], bias, task.strength)


def _scale(x_NE: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard deviation of each feature, 1 where it does not vary beyond rounding."""
    scale_E = x_NE.std(0)
    return np.where(scale_E > 1e-12 * np.abs(x_NE).max(0, initial=0.0), scale_E, 1.0)


def _choose_strengths(texts: Examples, parts: Sequence[Mask], seed: int) -> list[float]:
    """Return for each part the strength with the best mean AUROC on held-out acts of the part."""
    pairs = [pair for part in parts for pair in _inner_pairs(texts, part, seed)]
    tasks = [Task(one.inside_N, texts.y_N, one.part_N, strength) for one in pairs for strength in STRENGTHS]
    probes = iter(fit_all(texts, tasks))
    found: dict[int, list[NDArray[np.float64]]] = {id(part): [] for part in parts}
    for one in pairs:
        scores_NK = np.stack([next(probes).scores(texts.x_NE[one.outside_N]) for _ in STRENGTHS], 1)
        found[id(one.part_N)].append(column_aurocs(scores_NK, texts.y_N[one.outside_N]))
    means = [np.mean(found[id(part)] or [np.zeros(len(STRENGTHS))], axis=0) for part in parts]
    return [STRENGTHS[int(np.argmax(np.round(mean, 6)))] for mean in means]


@dataclass(frozen=True)
class _Pair:
    """Texts to learn from and texts to be scored, of one part."""

    part_N: Mask
    inside_N: Mask
    outside_N: Mask


def _inner_pairs(texts: Examples, part_N: Mask, seed: int) -> Iterator[_Pair]:
    fold_of = deal(texts.at(part_N), INNER_FOLDS, seed) if _both(texts.y_N[part_N]) else {}
    folds_N = np.where(part_N, folds_of(texts, fold_of), -1)
    for fold in range(max(fold_of.values(), default=-1) + 1):
        inside_N, outside_N = (folds_N >= 0) & (folds_N != fold), folds_N == fold
        if _both(texts.y_N[inside_N]) and _both(texts.y_N[outside_N]):
            yield _Pair(part_N, inside_N, outside_N)
