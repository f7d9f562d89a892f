"""What a probe's figure is to be compared with; docs/probing.md says what each rules out."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from monitors.statistics.auroc import Figure, Scored, auroc, column_aurocs
from monitors.statistics.interval import Interval
from rl.probe.fit import FOLDS, FoldProbes, Task, deal, fit_all, folds_of, parts_of
from rl.probe.targets import Examples

RANDOM_DIRECTIONS, SHUFFLES = 100, 10


def shuffled(texts: Examples, probes: FoldProbes, seed: int) -> Figure:
    """Fit probes of the same strengths on labels that were permuted among the texts, dealt out anew each time.

    Returns:
        `value`, the mean AUROC over permutations, and `low` and `high`, between which 95% of them lie: what this many
        texts yield where there is nothing to read. Single permutations stray much further than a bootstrap of one says.
    """
    rng = np.random.default_rng(seed)
    permuted = [replace(texts, y_N=rng.permutation(texts.y_N)) for _ in range(SHUFFLES)]
    deals = [deal(one, FOLDS, seed + number) for number, one in enumerate(permuted)]
    strengths = [probe.strength for probe in probes.probes]
    tasks: list[Task] = []
    for one, fold_of in zip(permuted, deals, strict=True):
        parts = enumerate(parts_of(one, fold_of))
        tasks += [Task(part, one.y_N, part, strengths[fold % len(strengths)]) for fold, part in parts]
    made = iter(fit_all(texts, tasks))
    found = []
    for one, fold_of in zip(permuted, deals, strict=True):
        folds = FoldProbes(fold_of, tuple(islice(made, max(fold_of.values()) + 1)))
        found.append(auroc(folds.score(one), 1, seed)["value"])
    return _spread(np.array([value for value in found if value is not None]))


def _spread(values_K: NDArray[np.float64]) -> Figure:
    """Return mean and 95% range of what random draws yielded."""
    if not len(values_K):
        return Interval().to_json()
    return Interval(values_K.mean(), *np.quantile(values_K, [0.025, 0.975])).to_json()


def random_direction(texts: Examples, probes: FoldProbes, seed: int) -> Figure:
    """Score directions drawn at random and pointed the way that their training folds say.

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
    """Score each chat by the share of True among chats of its tier and kind about other acts."""
    folds_N = folds_of(texts, probes.fold_of)
    scores_N = np.zeros(len(folds_N))
    for fold in np.unique(folds_N):
        inside, outside = folds_N != fold, folds_N == fold
        overall = float(texts.y_N[inside].mean())
        for stratum in np.unique(texts.strata_N[outside]):
            alike = texts.y_N[inside & (texts.strata_N == stratum)]
            scores_N[outside & (texts.strata_N == stratum)] = alike.mean() if len(alike) else overall
    return auroc(Scored(scores_N, texts.y_N, folds_N, texts.acts_N), draws, seed)
