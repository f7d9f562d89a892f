"""Linear probes: they find what is planted, nothing where nothing is, and never see what they are scored on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from monitors.statistics.auroc import Scored, auroc, column_aurocs
from rl.probe.controls import random_direction, shuffled, tier_and_kind_alone
from rl.probe.directions import cosine, cosines, direction, split_half
from rl.probe.fit import FOLDS, Task, deal, fit, fit_all, fit_folds
from rl.probe.targets import LEAST_ACTS, LEAST_TEXTS, Examples, act_of, examples, too_few
from rl.scenario.requests import load_requests


def texts_of(x_NE: np.ndarray, y_N: np.ndarray, acts: list[str], strata: list[str] | None = None) -> Examples:
    names = np.array(acts, dtype=np.str_)
    return Examples(x_NE, y_N.astype(bool), names, names, np.array(strata or ["s"] * len(acts)), np.arange(len(acts)))


def planted(strength: float, width: int = 12, acts: int = 30, seed: int = 0) -> tuple[Examples, np.ndarray]:
    """Four texts about each act with labels at random, and the direction that tells them, of length one."""
    rng = np.random.default_rng(seed)
    towards_E = rng.normal(size=width)
    towards_E /= np.linalg.norm(towards_E)
    y_N = rng.random(4 * acts) < 0.4
    x_NE = rng.normal(size=(4 * acts, width)) + strength * np.where(y_N, 1, -1)[:, None] * towards_E
    return texts_of(x_NE, y_N, [f"act{n // 4}" for n in range(4 * acts)]), towards_E


def test_a_planted_direction_is_found_and_shuffled_labels_and_random_directions_find_nothing() -> None:
    texts, towards_E = planted(2.0)
    probes = fit_folds(texts, 0)
    found = auroc(probes.score(texts), 200, 0)
    assert found["value"] is not None and found["value"] > 0.97
    assert cosine(direction(texts), towards_E) > 0.9  # type: ignore[operator]
    nothing, random = shuffled(texts, probes, 1), random_direction(texts, probes, 1)
    assert nothing["low"] < 0.5 < nothing["high"] and abs(nothing["value"] - 0.5) < 0.1  # type: ignore[operator]
    assert random["value"] < 0.8 and random["high"] < found["value"]  # type: ignore[operator]


def test_labels_without_any_direction_are_not_told_apart() -> None:
    values = [auroc(fit_folds(texts, 0).score(texts), 10, 0)["value"] for texts in
              (planted(0.0, seed=seed)[0] for seed in range(4))]  # fmt: skip
    assert abs(np.mean(values) - 0.5) < 0.05  # type: ignore[arg-type]


def test_more_features_than_texts_give_the_same_probe_as_the_plain_regression() -> None:
    texts, _ = planted(0.5, width=150, acts=10)
    everything = np.ones(40, dtype=bool)
    (probe,) = fit_all(texts, [Task(everything, texts.y_N, everything, 0.1)])
    z_NE = (texts.x_NE - texts.x_NE.mean(0)) / texts.x_NE.std(0)
    plain = LogisticRegression(C=0.1, tol=1e-8, max_iter=5000).fit(z_NE, texts.y_N)
    np.testing.assert_allclose(probe.scores(texts.x_NE), plain.decision_function(z_NE), atol=2e-3)
    assert cosine(probe.weights_E, plain.coef_[0]) > 0.9999  # type: ignore[operator]


def leaky(seed: int) -> Examples:
    """Texts that give away their act and nothing else, every act with one label at random: only a leak reads it."""
    rng = np.random.default_rng(seed)
    label_A = rng.permutation([True, False] * 20)
    act_N = np.repeat(np.arange(40), 4)
    return texts_of(np.eye(40)[act_N] * 5, label_A[act_N], [f"act{n}" for n in act_N])


def test_an_act_is_never_on_both_sides_within_a_step_or_between_steps() -> None:
    within, between = [], []
    for seed in range(5):
        texts = leaky(seed)
        probes = fit_folds(texts, seed)
        later = replace(texts, x_NE=texts.x_NE[::-1], y_N=texts.y_N[::-1], acts_N=texts.acts_N[::-1])
        within.append(auroc(probes.score(texts), 1, 0)["value"])
        between.append(auroc(probes.score(later), 1, 0)["value"])
        everything = np.ones(160, dtype=bool)
        seen = fit_all(texts, [Task(everything, texts.y_N, everything, 1.0)])[0].scores(texts.x_NE)
        assert roc_auc_score(texts.y_N, seen) > 0.99, "a leak would be seen"
    assert max(within) < 0.7 and max(between) < 0.7  # type: ignore[type-var, operator]


@given(
    labels=st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=2, max_size=60),
    folds=st.integers(2, 6),
    seed=st.integers(0, 5),
)
@settings(max_examples=60)
def test_every_act_has_one_fold_and_the_rarer_class_is_spread(
    labels: list[tuple[int, bool]], folds: int, seed: int
) -> None:
    y_N = np.array([label for _, label in labels])
    if y_N.all() or not y_N.any():
        return
    texts = texts_of(np.zeros((len(labels), 1)), y_N, [str(act) for act, _ in labels])
    fold_of = deal(texts, folds, seed)
    assert set(fold_of) == set(texts.acts_N.tolist())
    rare = y_N if y_N.sum() * 2 <= len(y_N) else ~y_N
    holders = set(texts.acts_N[rare].tolist())
    held = [sum(fold_of[act] == fold for act in holders) for fold in range(min(folds, len(holders)))]
    assert set(fold_of.values()) <= set(range(len(held))) and max(held) - min(held) <= 1 and min(held) >= 1


def test_auroc_counts_pairs_of_one_fold_and_its_bounds_are_those_of_a_plain_bootstrap() -> None:
    rng = np.random.default_rng(3)
    scores_N, y_N = rng.integers(0, 6, 40).astype(float), rng.random(40) < 0.5
    folds_N, acts_N = np.arange(40) % 2, np.array([f"a{n // 4}" for n in range(40)])
    found = auroc(Scored(scores_N + 100 * folds_N, y_N, folds_N, acts_N), 50, 9)

    def plainly(rows: list[int]) -> float:
        won = pairs = 0.0
        for i in rows:
            for j in rows:
                if y_N[i] and not y_N[j] and folds_N[i] == folds_N[j]:
                    won += 1.0 if scores_N[i] > scores_N[j] else 0.5 if scores_N[i] == scores_N[j] else 0.0
                    pairs += 1
        return won / pairs

    assert found["value"] == pytest.approx(plainly(list(range(40))), abs=1e-4)
    names = sorted(set(acts_N.tolist()))
    counts_DA = np.random.default_rng(9).multinomial(len(names), np.full(len(names), 1 / len(names)), size=50)
    drawn = [
        plainly([n for a, act in enumerate(names) for n in np.flatnonzero(acts_N == act).tolist() * int(counts[a])])
        for counts in counts_DA
    ]
    assert [found["low"], found["high"]] == pytest.approx(np.quantile(drawn, [0.025, 0.975]).tolist(), abs=1e-4)
    one_fold = Scored(scores_N, y_N, np.zeros(40, dtype=int), acts_N)
    assert auroc(one_fold, 1, 0)["value"] == pytest.approx(roc_auc_score(y_N, scores_N), abs=1e-4)
    assert column_aurocs(scores_N[:, None], y_N)[0] == pytest.approx(roc_auc_score(y_N, scores_N))


def test_scores_that_differ_by_rounding_errors_are_ties_and_one_class_has_no_figure() -> None:
    y_N, acts_N = np.array([True, False, True, False]), np.array(list("abcd"))
    almost = Scored(np.array([1 + 1e-9, 1, 1 - 1e-9, 1]), y_N, np.zeros(4, dtype=int), acts_N)
    assert auroc(almost, 10, 0)["value"] == 0.5
    assert auroc(Scored(np.arange(4.0), y_N, np.arange(4), acts_N), 10, 0)["value"] is None


def test_knowing_tier_and_kind_is_scored_by_the_share_among_other_acts() -> None:
    rng = np.random.default_rng(0)
    strata = [("free", "paid")[n % 2] for n in range(160)]
    y_N = np.array([rng.random() < (0.8 if stratum == "free" else 0.1) for stratum in strata])
    texts = texts_of(rng.normal(size=(160, 3)), y_N, [f"act{n // 4}" for n in range(160)], strata)
    found = tier_and_kind_alone(texts, fit_folds(texts, 0), 10, 0)["value"]
    assert found == pytest.approx(roc_auc_score(y_N, [stratum == "free" for stratum in strata]), abs=0.03)
    alone = replace(texts, strata_N=np.array(["free"] * 160))
    assert tier_and_kind_alone(alone, fit_folds(alone, 0), 10, 0)["value"] == 0.5


def test_the_same_seed_gives_the_same_probe_and_another_seed_other_folds() -> None:
    texts, _ = planted(0.4)
    first, again, other = (fit_folds(texts, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a.weights_E, b.weights_E) for a, b in zip(first.probes, again.probes, strict=True))
    assert first.fold_of == again.fold_of != other.fold_of and len(first.probes) == FOLDS
    assert shuffled(texts, first, 4) == shuffled(texts, again, 4) != shuffled(texts, first, 5)


@pytest.mark.parametrize(
    ("positives", "acts", "reason"),
    [
        (LEAST_TEXTS, LEAST_ACTS, None),
        (LEAST_TEXTS - 1, LEAST_TEXTS - 1, "7 positive texts about 7 acts; at least 8 about 4 are needed"),
        (LEAST_TEXTS, LEAST_ACTS - 1, "8 positive texts about 3 acts; at least 8 about 4 are needed"),
        (1, 1, "1 positive text about 1 act; at least 8 about 4 are needed"),
    ],
)
def test_too_few_of_a_class_is_a_reason_and_enough_can_be_fitted(positives: int, acts: int, reason: str | None) -> None:
    names = [f"p{n % acts}" for n in range(positives)] + [f"n{n}" for n in range(20)]
    y_N = np.arange(len(names)) < positives
    texts = texts_of(np.random.default_rng(0).normal(size=(len(names), 3)), y_N, names)
    assert too_few(texts) == reason
    if reason is None:
        assert auroc(fit_folds(texts, 0).score(texts), 10, 0)["value"] is not None
    assert cosines([texts, texts]) == ([[None] * 2] * 2 if reason else [[1.0] * 2] * 2)


def test_folds_that_leave_one_class_to_learn_from_score_every_text_alike() -> None:
    y_N = np.arange(12) < 8
    texts = texts_of(np.random.default_rng(0).normal(size=(12, 3)), y_N, ["one"] * 8 + ["two"] * 4)
    probes = fit_folds(texts, 0)
    assert all(not probe.weights_E.any() for probe in probes.probes)
    assert auroc(probes.score(texts), 5, 0)["value"] in (0.5, None)
    assert random_direction(texts, probes, 0)["value"] is None and fit(texts.at(y_N), 0).scores(texts.x_NE).std() == 0


def test_two_wordings_of_one_act_are_one_group_and_a_strangers_request_is_its_own() -> None:
    one, two = [r for r in load_requests() if r.split == "held_out_act"][:2]
    assert one.act == two.act and one.request_id != two.request_id
    assert act_of(one.request_id) == act_of(two.request_id) == one.act and act_of("mine-1") == "mine-1"


def test_labels_are_the_verdicts_of_the_chats_that_have_one() -> None:
    def row(tier: str, kind: str, af: bool | None, complied: bool | None) -> dict[str, object]:
        return {"tier": tier, "kind": kind, "af": af, "complied": complied, "request_id": "r"}

    rows = [row("free", "harmful", True, True), row("paid", "harmful", False, None), row("free", "benign", None, True),
            row("rated", "harmful", False, False)]  # fmt: skip
    known_N, x_NE = np.ones(4, dtype=bool), np.arange(4.0)[:, None]
    labels = {
        target: dict(zip(found.rows_N.tolist(), found.y_N.tolist(), strict=True))
        for target in ("tier", "harmful", "af", "af_free_harmful", "compliance", "compliance_free_harmful")
        for found in [examples(target, rows, x_NE, known_N)]
    }
    assert labels["tier"] == {0: True, 1: False, 2: True}
    assert labels["harmful"] == {0: True, 1: True, 2: False, 3: True}
    assert labels["af"] == {0: True, 1: False, 3: False} and labels["af_free_harmful"] == {0: True}
    assert labels["compliance"] == {0: True, 3: False} and labels["compliance_free_harmful"] == {0: True}
    without = examples("harmful", rows, x_NE, np.array([False, True, True, True]))
    assert without.rows_N.tolist() == [1, 2, 3] and without.x_NE[:, 0].tolist() == [1, 2, 3]


def test_halves_agree_on_a_strong_direction_and_not_on_noise() -> None:
    strong = split_half(planted(4.0)[0], 0)
    noise = [split_half(planted(0.0, seed=seed)[0], 0) or 0.0 for seed in range(10)]
    assert strong is not None and strong > 0.9 and abs(float(np.mean(noise))) < 0.3
