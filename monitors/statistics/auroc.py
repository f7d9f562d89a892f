"""The area under the ROC curve: the chance that a positive outscores a negative, ties counting half."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import rankdata

from monitors.statistics.interval import Interval

Figure = dict[str, float | None]
DECIMALS = 5
"""Scores that differ by less are ties: the rounding errors of two batches, no difference between two texts."""


@dataclass(frozen=True)
class Scored:
    """Texts with the score of the probe that had not seen their act."""

    scores_N: NDArray[np.float64]
    y_N: NDArray[np.bool_]
    folds_N: NDArray[np.int64]
    acts_N: NDArray[np.str_]


def auroc(scored: Scored, draws: int, seed: int) -> Figure:
    """Return `value` with its 95% bootstrap bounds, rounded; None where no fold or resample has both classes.

    Scores of two folds come from two probes with two offsets and are never compared. Pooling them would pull the
    figure below 1/2 where there is nothing to read. A resample draws acts with replacement and takes all texts about
    them, without fitting anew. Equal bounds mean that no resample could disagree, and not that there is no doubt.
    """
    won_AA, all_AA, acts = _won_by_acts(scored)
    total = all_AA.sum()
    if not total:
        return Interval().to_json()
    value = float(won_AA.sum() / total)
    weights_DA = _resamples(acts, draws, seed)
    won_D, all_D = (((weights_DA @ pairs_AA) * weights_DA).sum(1) for pairs_AA in (won_AA, all_AA))
    resampled = won_D[all_D > 0] / all_D[all_D > 0]
    if not len(resampled):
        return Interval(value).to_json()
    return Interval(value, *np.quantile(resampled, [0.025, 0.975])).to_json()


@lru_cache(maxsize=4)
def _resamples(acts: int, draws: int, seed: int) -> NDArray[np.float64]:
    """Return how often each resample draws each act, (D, A)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(acts, np.full(acts, 1 / acts), size=draws).astype(float)


def _won_by_acts(scored: Scored) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Return the pairs of one fold that positives about each act win against negatives about each act, (A, A), all
    such pairs, and A. A tie is half a win."""
    names, place_N = np.unique(scored.acts_N, return_inverse=True)
    rounded_N = scored.scores_N.round(DECIMALS)
    won_AA, all_AA = np.zeros((2, len(names), len(names)))
    for fold in np.unique(scored.folds_N):
        positive = np.flatnonzero((scored.folds_N == fold) & scored.y_N)
        negative = np.flatnonzero((scored.folds_N == fold) & ~scored.y_N)
        ahead_PN = rounded_N[positive][:, None] - rounded_N[negative][None]
        where = place_N[positive][:, None], place_N[negative][None]
        np.add.at(won_AA, where, (ahead_PN > 0) + 0.5 * (ahead_PN == 0))
        np.add.at(all_AA, where, 1.0)
    return won_AA, all_AA, len(names)


def column_aurocs(scores_NK: NDArray[np.float64], y_N: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the area of each of K columns of scores, by rank sums."""
    m, n = int(y_N.sum()), int((~y_N).sum())
    ranks_NK = rankdata(scores_NK.round(DECIMALS), axis=0)
    return np.asarray((ranks_NK[y_N].sum(0) - m * (m + 1) / 2) / (m * n))


def delong_auroc(truth: Sequence[bool], scores: Sequence[float]) -> Figure:
    """Return `value` with the 95% bounds of DeLong et al. (1988) on the logit scale, rounded.

    The variance is estimated from how the chance varies over single positives and over single negatives. All is None
    without both kinds of text; the bounds are None where the variance is not known.
    """
    labels, values = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=float)
    m, n = int(labels.sum()), int((~labels).sum())
    if not m or not n:
        return Interval().to_json()
    ranks = rankdata(values)
    beats_P = (ranks[labels] - rankdata(values[labels])) / n
    beaten_N = 1 - (ranks[~labels] - rankdata(values[~labels])) / m
    area = float(beats_P.mean())
    if min(m, n) < 2 or area in (0.0, 1.0):
        return Interval(area).to_json()
    error = math.sqrt(beats_P.var(ddof=1) / m + beaten_N.var(ddof=1) / n) / (area * (1 - area))
    bounds = expit(logit(area) + np.array([-1.959964, 1.959964]) * error)
    return Interval(area, *bounds.tolist()).to_json()
