"""The area under the ROC curve: the chance that a positive outscores a negative, ties counting half."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
    pairs = list(_pairs(scored))
    total = sum(wins_PN.size for _, _, wins_PN in pairs)
    if not total:
        return Interval().to_json()
    value = sum(float(wins_PN.sum()) for *_, wins_PN in pairs) / total
    names, place_N = np.unique(scored.acts_N, return_inverse=True)
    rng = np.random.default_rng(seed)
    weights_DN = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)[:, place_N].astype(float)
    won_D, all_D = np.zeros(draws), np.zeros(draws)
    for positive, negative, wins_PN in pairs:
        won_D += ((weights_DN[:, positive] @ wins_PN) * weights_DN[:, negative]).sum(1)
        all_D += weights_DN[:, positive].sum(1) * weights_DN[:, negative].sum(1)
    resampled = won_D[all_D > 0] / all_D[all_D > 0]
    if not len(resampled):
        return Interval(value).to_json()
    return Interval(value, *np.quantile(resampled, [0.025, 0.975])).to_json()


def _pairs(scored: Scored) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
    """Yield for each fold its positives, its negatives, and which of them win (1), tie (1/2) or lose (0)."""
    rounded_N = scored.scores_N.round(DECIMALS)
    for fold in np.unique(scored.folds_N):
        positive = np.flatnonzero((scored.folds_N == fold) & scored.y_N)
        negative = np.flatnonzero((scored.folds_N == fold) & ~scored.y_N)
        ahead_PN = rounded_N[positive][:, None] - rounded_N[negative][None]
        yield positive, negative, (ahead_PN > 0) + 0.5 * (ahead_PN == 0)


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
