"""What a probe's figure is to be compared with; docs/probing.md says what each rules out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitors.statistics.auroc import Figure, Scored, auroc, column_aurocs
from rl.probe.fit import FOLDS, FoldProbes, deal, fit, folds_of
from rl.probe.targets import Examples

RANDOM_DIRECTIONS, SHUFFLES = 100, 10


def shuffled(texts: Examples, probes: FoldProbes, seed: int) -> Figure:
    """Probes of the same strengths on labels that were permuted among the texts, dealt out anew each time.

    Returns:
        `value`, the mean AUROC over permutations, and `low` and `high`, between which 95% of them lie: what this many
        texts yield where there is nothing to read. Single permutations stray much further than a bootstrap of one says.
    """
    rng = np.random.default_rng(seed)
    found = [_permuted(replace(texts, y_N=rng.permutation(texts.y_N)), probes, seed + i) for i in range(SHUFFLES)]
    return _spread(np.array([value for value in found if value is not None]))


def _permuted(texts: Examples, probes: FoldProbes, seed: int) -> float | None:
    fold_of = deal(texts, FOLDS, seed)
    folds_N = folds_of(texts, fold_of)
    strengths = [probe.strength for probe in probes.probes]
    made = tuple(
        fit(texts.at(folds_N != fold), seed, strengths[fold % len(strengths)])
        for fold in range(max(fold_of.values()) + 1)
    )
    return auroc(FoldProbes(fold_of, made).score(texts), 1, seed)["value"]


def _spread(values_K: NDArray[np.float64]) -> Figure:
    """Mean and 95% range of what random draws yielded."""
    if not len(values_K):
        return {"value": None, "low": None, "high": None}
    low, high = np.quantile(values_K, [0.025, 0.975])
    return {
        "value": round(float(values_K.mean()), 4), "low": round(float(low), 4), "high": round(float(high), 4)
    }  # fmt: skip


def random_direction(texts: Examples, probes: FoldProbes, seed: int) -> Figure:
    """Directions drawn at random and pointed the way that their training folds say.

    Returns:
        `value`, the mean AUROC on unseen acts, and `low` and `high`, between which 95% of the directions lie.
    """
    directions_EK = np.random.default_rng(seed).normal(size=(texts.x_NE.shape[1], RANDOM_DIRECTIONS))
    folds_N = folds_of(texts, probes.fold_of)
    won_K, pairs = np.zeros(RANDOM_DIRECTIONS), 0
    for fold, probe in enumerate(probes.probes):
        scores_NK = ((texts.x_NE - probe.mean_E) / probe.scale_E) @ directions_EK
        inside, outside = folds_N != fold, folds_N == fold
        y_N = texts.y_N[outside]
        here = int(y_N.sum()) * int((~y_N).sum())
        if here and len(set(texts.y_N[inside].tolist())) == 2:
            apart_K = scores_NK[inside & texts.y_N].mean(0) - scores_NK[inside & ~texts.y_N].mean(0)
            won_K += here * column_aurocs(scores_NK[outside] * np.sign(apart_K), y_N)
            pairs += here
    return _spread(won_K / pairs if pairs else np.array([]))


def tier_and_kind_alone(texts: Examples, probes: FoldProbes, draws: int, seed: int) -> Figure:
    """What a chat's tier and kind alone are worth: the score is the share of True among such chats about other acts."""
    folds_N = folds_of(texts, probes.fold_of)
    scores_N = np.zeros(len(folds_N))
    for fold in np.unique(folds_N):
        inside, outside = folds_N != fold, folds_N == fold
        overall = float(texts.y_N[inside].mean())
        for stratum in np.unique(texts.strata_N[outside]):
            alike = texts.y_N[inside & (texts.strata_N == stratum)]
            scores_N[outside & (texts.strata_N == stratum)] = alike.mean() if len(alike) else overall
    return auroc(Scored(scores_N, texts.y_N, folds_N, texts.acts_N), draws, seed)
