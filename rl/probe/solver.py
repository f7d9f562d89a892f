"""Solves many logistic regressions on the same texts at once: Newton's method with conjugate gradients.

The folds, strengths and permutations of one probe differ in which texts they learn from, in their labels, in what
activations are standardised by and in their penalty. They share the activations, so each product with those is one
matrix product for all of them. The minimum is that of scikit-learn's `LogisticRegression`.

Axes: N texts, E width, R rank of the activations, K regressions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.floating[Any]]

TOLERANCE = 3e-5
"""Length of the gradient at which a regression is done, over its length at the start."""
MOST_STEPS, MOST_PRODUCTS, MOST_HALVINGS = 60, 200, 30


@dataclass(frozen=True)
class Regressions:
    """K regressions, each of which has texts of both classes."""

    x_NE: Array
    """Activations with mean 0 and scale 1 over all texts, or nearly so; this decides speed and not the solution."""
    y_NK: Array
    """1 or 0."""
    inside_NK: Array
    """1 where a text is learnt from, else 0."""
    scale_EK: Array
    """What each regression divides `x_NE` by; the penalty is on the weights after that."""
    strength_K: Array
    """Inverse weight of the L2 penalty. The intercept has none."""

    def at(self, chosen_K: NDArray[np.int64]) -> Regressions:
        """Return some of the regressions."""
        y_NK, inside_NK, scale_EK = (part[:, chosen_K] for part in (self.y_NK, self.inside_NK, self.scale_EK))
        return Regressions(self.x_NE, y_NK, inside_NK, scale_EK, self.strength_K[chosen_K])

    def in_single_precision(self, x_NE: Array) -> Regressions:
        """Return the same in single precision; `x_NE` is already."""
        rest = (self.y_NK, self.inside_NK, self.scale_EK, self.strength_K)
        y_NK, inside_NK, scale_EK, strength_K = (part.astype(np.float32) for part in rest)
        return Regressions(x_NE, y_NK, inside_NK, scale_EK, strength_K)

    def scores(self, weights_EK: Array, bias_K: Array) -> Array:
        """Return the log-odds of every text, (N, K)."""
        return np.asarray(self.x_NE @ (weights_EK / self.scale_EK) + bias_K)

    def losses(self, weights_EK: Array, bias_K: Array) -> Array:
        """Return what each regression minimises, (K,)."""
        scores_NK = self.scores(weights_EK, bias_K)
        missed_NK = self.inside_NK * (np.logaddexp(0.0, scores_NK) - self.y_NK * scores_NK)
        return np.asarray(self.strength_K * missed_NK.sum(0) + 0.5 * (weights_EK**2).sum(0))

    def back(self, of_texts_NK: Array) -> tuple[Array, Array]:
        """Return a quantity of the texts as one of weights (E, K) and intercepts (K,)."""
        weighed_NK = self.strength_K * of_texts_NK
        return (self.x_NE.T @ weighed_NK) / self.scale_EK, weighed_NK.sum(0)


def solve(given: Regressions) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights (E, K) on the standardised activations, and intercepts (K,) for `x_NE` divided by the scales.

    Those of one strength are solved together, as weaker penalties take more steps.
    """
    axes = _axes(given.x_NE)
    weights_EK, bias_K = np.zeros(given.scale_EK.shape), np.zeros(len(given.strength_K))
    for strength in np.unique(given.strength_K):
        chosen_K = np.flatnonzero(given.strength_K == strength)
        weights_EK[:, chosen_K], bias_K[chosen_K] = _solve_alike(given.at(chosen_K), axes)
    return weights_EK, bias_K


def _solve_alike(given: Regressions, axes: tuple[Array, Array]) -> tuple[Array, Array]:
    """Take Newton's steps until every gradient is short; each step is solved for in single precision, which is enough
    for a direction, and taken and judged in double precision."""
    share_K = (given.inside_NK * given.y_NK).sum(0) / given.inside_NK.sum(0)
    weights_EK, bias_K = np.zeros_like(given.scale_EK), np.log(share_K / (1 - share_K))
    left_K, at_start_K = np.arange(len(bias_K)), np.zeros(len(bias_K))
    axes_RE, size_R, single_x_NE = (part.astype(np.float32) for part in (*axes, given.x_NE))
    for step in range(MOST_STEPS):
        some, w, b = given.at(left_K), weights_EK[:, left_K], bias_K[left_K]
        chance_NK = expit(some.scores(w, b))
        slope_EK, slope_K = some.back(some.inside_NK * (chance_NK - some.y_NK))
        slope_EK = slope_EK + w
        length_K = np.sqrt((slope_EK**2).sum(0) + slope_K**2)
        at_start_K = length_K if step == 0 else at_start_K
        going = length_K > TOLERANCE * at_start_K[left_K] + 1e-12
        if not going.any():
            break
        left_K, some = left_K[going], some.at(np.flatnonzero(going))
        slope_EK, slope_K, length_K = slope_EK[:, going], slope_K[going], length_K[going]
        curve_NK = (some.inside_NK * (chance_NK * (1 - chance_NK))[:, going]).astype(np.float32)
        single = some.in_single_precision(single_x_NE)
        near = _nearly_inverse(axes_RE, size_R, single.strength_K, curve_NK)
        unit = (slope_EK / length_K).astype(np.float32), (slope_K / length_K).astype(np.float32)
        # A long gradient is far from the end, where an exact step is no better than a rough one.
        exact_K = np.clip(length_K / at_start_K[left_K], 1e-3, 0.3).astype(np.float32)
        down_EK, down_K = (length_K * part for part in _conjugate_gradients(single, curve_NK, unit, near, exact_K))
        falls_K = (slope_EK * down_EK).sum(0) + slope_K * down_K
        at = w[:, going], b[going]
        weights_EK[:, left_K], bias_K[left_K] = _descend(some, at, (down_EK, down_K), falls_K)
    return weights_EK, bias_K


def _axes(x_NE: Array) -> tuple[Array, Array]:
    _, size_R, axes_RE = np.linalg.svd(x_NE, full_matrices=False)
    return axes_RE, size_R


def _nearly_inverse(
    axes_RE: Array, size_R: Array, strength_K: Array, curve_NK: Array
) -> Callable[[Array, Array], tuple[Array, Array]]:
    """Return what nearly undoes the Hessians: as if every text had the mean curvature and every scale were 1."""
    total_K = strength_K * curve_NK.sum(0)
    shrink_RK = 1 / (1 + size_R[:, None] ** 2 * total_K / len(curve_NK)) - 1
    return lambda r_EK, r_K: (r_EK + axes_RE.T @ (shrink_RK * (axes_RE @ r_EK)), r_K / np.maximum(total_K, 1e-12))


def _conjugate_gradients(
    some: Regressions,
    curve_NK: Array,
    slope: tuple[Array, Array],
    near: Callable[[Array, Array], tuple[Array, Array]],
    exact_K: Array,
) -> tuple[Array, Array]:
    """Return Newton's step for each regression, until the square of the rest is `exact_K` of what it was."""
    r_EK, r_K = -slope[0], -slope[1]
    z_EK, z_K = near(r_EK, r_K)
    p_EK, p_K = z_EK.copy(), z_K.copy()
    d_EK, d_K = np.zeros_like(r_EK), np.zeros_like(r_K)
    rz_K = (r_EK * z_EK).sum(0) + r_K * z_K
    enough_K = exact_K * rz_K
    for _ in range(MOST_PRODUCTS):
        h_EK, h_K = some.back(curve_NK * some.scores(p_EK, p_K))
        h_EK += p_EK
        bent_K = (p_EK * h_EK).sum(0) + p_K * h_K
        going_K = (rz_K > enough_K) & (bent_K > 0)
        if not going_K.any():
            break
        a_K = np.where(going_K, rz_K / np.where(bent_K > 0, bent_K, 1.0), 0.0)
        d_EK += a_K * p_EK
        d_K += a_K * p_K
        r_EK -= a_K * h_EK
        r_K = r_K - a_K * h_K
        z_EK, z_K = near(r_EK, r_K)
        before_K, rz_K = rz_K, np.where(going_K, (r_EK * z_EK).sum(0) + r_K * z_K, rz_K)
        turn_K = np.where(going_K, rz_K / np.where(before_K > 0, before_K, 1.0), 0.0)
        p_EK, p_K = z_EK + turn_K * p_EK, z_K + turn_K * p_K
    return d_EK, d_K


def _descend(
    some: Regressions, at: tuple[Array, Array], down: tuple[Array, Array], slope_K: Array
) -> tuple[Array, Array]:
    """Return weights and intercepts after the step, halved where the loss would not fall as its slope says."""
    before_K, size_K = some.losses(*at), np.ones(len(slope_K))
    for _ in range(MOST_HALVINGS):
        moved = at[0] + size_K * down[0], at[1] + size_K * down[1]
        too_far_K = some.losses(*moved) > before_K + 1e-4 * size_K * slope_K + 1e-9 * np.abs(before_K)
        if not too_far_K.any():
            break
        size_K = np.where(too_far_K, size_K / 2, size_K)
    return moved
