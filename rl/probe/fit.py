"""Linear probes: logistic regression on standardised activations, always scored on what it has not seen.

Acts are dealt out to folds, all requests for an act and both their tiers together, and every fold is scored by a probe
that was fitted on the others. How strongly a probe is regularised is chosen inside its own training folds, again
between acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from monitors.faking.probe import Probe
from monitors.statistics.auroc import Scored, column_aurocs
from rl.probe.targets import Examples

FOLDS, INNER_FOLDS = 5, 3
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Inverse weights of the L2 penalty to choose from, the strongest penalty first; it wins where several do as well."""
MOST_ITERATIONS = 1000


@dataclass(frozen=True)
class FoldProbes:
    """One probe for each fold of acts, fitted on the other folds."""

    fold_of: Mapping[str, int]
    probes: tuple[Probe, ...]

    def score(self, texts: Examples) -> Scored:
        """Score texts of any step or prompt, each by the probe that has not seen its act.

        Texts about acts that were in no fold are left out.
        """
        folds_N = folds_of(texts, self.fold_of)
        kept = texts.at(folds_N >= 0)
        scores_N, folds_N = np.zeros(len(kept.y_N)), folds_N[folds_N >= 0]
        for fold, probe in enumerate(self.probes):
            scores_N[folds_N == fold] = probe.scores(kept.x_NE[folds_N == fold])
        return Scored(scores_N, kept.y_N, folds_N, kept.acts_N)


def fit_folds(texts: Examples, seed: int) -> FoldProbes:
    """A probe for each fold of acts, each with a strength of its own choice.

    Args:
        texts: Enough of either class (`rl.probe.targets.too_few`).
        seed: Of how acts are dealt out.
    """
    fold_of = deal(texts, FOLDS, seed)
    folds_N = folds_of(texts, fold_of)
    return FoldProbes(fold_of, tuple(fit(texts.at(folds_N != fold), seed) for fold in range(max(fold_of.values()) + 1)))


def folds_of(texts: Examples, fold_of: Mapping[str, int]) -> NDArray[np.int64]:
    """The fold of each text, (N,); -1 where its act is in none."""
    return np.array([fold_of.get(name, -1) for name in texts.acts_N.tolist()], dtype=np.int64)


def deal(texts: Examples, folds: int, seed: int) -> dict[str, int]:
    """Act to fold, dealt like cards: those that hold the rarer class first, so that every fold gets its share.

    There are no more folds than acts of the rarer class.
    """
    rare = texts.y_N if texts.y_N.sum() * 2 <= len(texts.y_N) else ~texts.y_N
    holders = set(texts.acts_N[rare].tolist())
    others = set(texts.acts_N.tolist()) - holders
    rng = np.random.default_rng(seed)
    order = [name for group in (holders, others) for name in rng.permutation(sorted(group)).tolist()]
    count = min(folds, len(holders))
    return {name: place % count for place, name in enumerate(order)}


def fit(texts: Examples, seed: int, strength: float | None = None) -> Probe:
    """One probe on all texts given; its strength is chosen among them unless it is given.

    Texts of one class alone, as folds of a few acts may leave them, teach nothing: every text then has the same score.
    """
    if len(set(texts.y_N.tolist())) < 2:
        width = texts.x_NE.shape[1]
        return Probe(np.zeros(width), np.ones(width), np.zeros(width), 0.0, STRENGTHS[0])
    mean_E, scale_E = texts.x_NE.mean(0), texts.x_NE.std(0)
    scale_E = np.where(scale_E > 0, scale_E, 1.0)
    z_NE = (texts.x_NE - mean_E) / scale_E
    if z_NE.shape[1] > len(z_NE):
        # The penalty is rotation invariant, so the solution lies in the span of the texts and is found there.
        left_NR, size_R, axes_RE = np.linalg.svd(z_NE, full_matrices=False)
        coordinates_NR = left_NR * size_R
    else:
        coordinates_NR, axes_RE = z_NE, np.eye(z_NE.shape[1])
    if strength is None:
        strength = choose_strength(coordinates_NR, texts, seed)
    fitted = regression(coordinates_NR, texts.y_N, strength)
    return Probe(mean_E, scale_E, fitted.coef_[0] @ axes_RE, float(fitted.intercept_[0]), strength)


def choose_strength(coordinates_NR: NDArray[np.float64], texts: Examples, seed: int) -> float:
    """The strength with the best mean AUROC on held-out acts among those given."""
    fold_of = deal(texts, INNER_FOLDS, seed)
    folds_N = folds_of(texts, fold_of)
    found: list[list[float]] = [[] for _ in STRENGTHS]
    for fold in range(max(fold_of.values()) + 1):
        inside, outside = folds_N != fold, folds_N == fold
        if len(set(texts.y_N[inside].tolist())) < 2 or len(set(texts.y_N[outside].tolist())) < 2:
            continue
        for kept, strength in zip(found, STRENGTHS, strict=True):
            fitted = regression(coordinates_NR[inside], texts.y_N[inside], strength)
            scores_N1 = (coordinates_NR[outside] @ fitted.coef_[0])[:, None]
            kept.append(float(column_aurocs(scores_N1, texts.y_N[outside])[0]))
    means = [float(np.mean(kept)) if kept else 0.0 for kept in found]
    return STRENGTHS[int(np.argmax(np.round(means, 6)))]


def regression(x_NR: NDArray[np.float64], y_N: NDArray[np.bool_], strength: float) -> Any:
    """A fitted logistic regression of scikit-learn, whose Newton solver is the fastest here on few texts."""
    return LogisticRegression(C=strength, solver="newton-cg", max_iter=MOST_ITERATIONS).fit(x_NR, y_N)
