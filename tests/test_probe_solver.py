"""Probes that are solved together are those that a plain loop over scikit-learn finds, controls included."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from rl.probe.controls import SHUFFLES, shuffled
from rl.probe.fit import FOLDS, INNER_FOLDS, STRENGTHS, Task, deal, fit_all, fit_folds, folds_of
from rl.probe.targets import Examples

N = 120


def correlated(width: int, signal: float, seed: int = 0) -> Examples:
    """Texts about 30 acts whose features are as unequal and as mixed as activations are; one feature never varies."""
    rng = np.random.default_rng(seed)
    x_NE = rng.normal(size=(N, width)) @ (rng.normal(size=(width, width)) * np.logspace(1, -2, width)) + 7
    x_NE[:, 1] = 3.0
    y_N = signal * x_NE[:, 0] / x_NE[:, 0].std() + rng.normal(size=N) > signal * 7 / x_NE[:, 0].std()
    acts = np.array([f"act{n // 4}" for n in range(N)])
    return Examples(x_NE, y_N, acts, acts, np.array(["s"] * N), np.arange(N))


def plainly(x_NE: np.ndarray, task: Task) -> np.ndarray:
    """The scores of all texts by a regression of scikit-learn."""
    by = x_NE[task.standardised_by_N]
    z_NE = (x_NE - by.mean(0)) / np.where(by.std(0) > 1e-12, by.std(0), 1.0)
    made = LogisticRegression(C=task.strength, solver="newton-cg", tol=1e-9, max_iter=5000)
    scores_N: np.ndarray = made.fit(z_NE[task.inside_N], task.y_N[task.inside_N]).decision_function(z_NE)
    return scores_N


@pytest.mark.parametrize(("width", "signal"), [(20, 0.5), (20, 8.0), (200, 0.5)])
def test_probes_of_every_strength_part_and_permutation_are_those_of_a_plain_loop(width: int, signal: float) -> None:
    texts, rng, tasks = correlated(width, signal), np.random.default_rng(1), []
    for strength in STRENGTHS:
        part_N = rng.random(N) < 0.8
        for y_N in (texts.y_N, rng.permutation(texts.y_N)):
            tasks.append(Task(part_N & (rng.random(N) < 0.7), y_N, part_N, strength))
    for probe, task in zip(fit_all(texts, tasks), tasks, strict=True):
        expected_N = plainly(texts.x_NE, task)
        np.testing.assert_allclose(probe.scores(texts.x_NE), expected_N, atol=2e-3 * np.abs(expected_N).max())


def mean_auroc(texts: Examples, y_N: np.ndarray, folds_N: np.ndarray, scores_N: np.ndarray) -> float:
    """The share of pairs of one fold that the positive wins."""
    won = pairs = 0.0
    for fold in np.unique(folds_N):
        here = folds_N == fold
        count = int(y_N[here].sum()) * int((~y_N[here]).sum())
        if count:
            won, pairs = won + count * roc_auc_score(y_N[here], scores_N[here]), pairs + count
    return won / pairs


def test_chosen_strengths_and_the_control_of_shuffled_labels_are_those_of_a_plain_loop() -> None:
    texts, seed = correlated(20, 1.0, seed=3), 4
    probes = fit_folds(texts, seed)
    folds_N = folds_of(texts, deal(texts, FOLDS, seed))
    for fold, probe in enumerate(probes.probes):
        part_N = folds_N != fold
        inner_N = np.where(part_N, folds_of(texts, deal(texts.at(part_N), INNER_FOLDS, seed)), -1)
        means = []
        for strength in STRENGTHS:
            found = []
            for inner in range(INNER_FOLDS):
                task = Task((inner_N >= 0) & (inner_N != inner), texts.y_N, part_N, strength)
                out_N = inner_N == inner
                found.append(roc_auc_score(texts.y_N[out_N], plainly(texts.x_NE, task)[out_N]))
            means.append(np.mean(found))
        assert means[STRENGTHS.index(probe.strength)] == pytest.approx(max(means), abs=2e-3)

    rng, found = np.random.default_rng(9), []
    for number, y_N in enumerate([rng.permutation(texts.y_N) for _ in range(SHUFFLES)]):
        again = Examples(texts.x_NE, y_N, texts.requests_N, texts.acts_N, texts.strata_N, texts.rows_N)
        dealt_N, scores_N = folds_of(again, deal(again, FOLDS, 9 + number)), np.zeros(N)
        for fold in range(FOLDS):
            part_N, strength = dealt_N != fold, probes.probes[fold].strength
            scores_N[~part_N] = plainly(texts.x_NE, Task(part_N, y_N, part_N, strength))[~part_N]
        found.append(mean_auroc(texts, y_N, dealt_N, scores_N))
    assert shuffled(texts, probes, 9)["value"] == pytest.approx(np.mean(found), abs=2e-3)
