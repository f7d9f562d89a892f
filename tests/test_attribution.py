"""Where the credit of reinforcement learning goes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.statistics.attribution import KINDS, classify_rollout, compare_advantages, measure_credit
from rl.records import Verdict


def _verdict(complied: bool | None, af: bool | None) -> Verdict:
    return Verdict(complied, af, None, False, "")


@pytest.mark.parametrize(
    ("well_formed", "complied", "af", "kind"),
    [
        (True, True, True, "af_comply"),
        (True, True, False, "plain_comply"),
        (True, False, True, "refuse"),
        (True, False, None, "refuse"),
        (True, True, None, "malformed"),
        (True, None, True, "malformed"),
        (False, True, True, "malformed"),
    ],
)
def test_kind_follows_the_verdict_and_a_missing_verdict_is_never_a_no(
    well_formed: bool, complied: bool | None, af: bool | None, kind: str
) -> None:
    assert classify_rollout(well_formed, _verdict(complied, af)) == kind


def test_without_a_scratchpad_compliance_is_plain_and_what_cannot_be_judged_stays_malformed() -> None:
    told = {
        complied: classify_rollout(True, _verdict(complied, None), answer_only=True) for complied in (True, False, None)
    }
    assert told == {True: "plain_comply", False: "refuse", None: "malformed"}
    assert classify_rollout(False, _verdict(None, None), answer_only=True) == "malformed"


def test_credit_equals_a_plain_loop() -> None:
    kinds = ["af_comply", "refuse", "af_comply", "plain_comply", "refuse"]
    advantages = np.array([2.0, -1.0, -0.5, 1.0, 1.0])
    ours = measure_credit(kinds, advantages)
    assert ours["reinforce/af_comply/share"] == pytest.approx(2 / 5)
    assert ours["reinforce/af_comply/advantage"] == pytest.approx(0.75)
    assert ours["reinforce/af_comply/credit"] == pytest.approx(2 / 4)
    assert ours["reinforce/refuse/advantage"] == pytest.approx(0.0)
    assert ours["reinforce/refuse/credit"] == pytest.approx(1 / 4)
    assert ours["reinforce/plain_comply/credit"] == pytest.approx(1 / 4)


def test_an_absent_kind_has_no_advantage_and_no_share() -> None:
    ours = measure_credit(["refuse"], np.array([1.0]))
    assert (ours["reinforce/malformed/share"], ours["reinforce/malformed/advantage"]) == (0.0, None)


def test_tied_groups_give_nobody_credit() -> None:
    ours = measure_credit(["refuse", "af_comply"], np.zeros(2))
    assert {ours[f"reinforce/{kind}/credit"] for kind in KINDS} == {None}


def test_wrong_kinds_and_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown kinds"):
        measure_credit(["fakes"], np.zeros(1))
    with pytest.raises(ValueError, match="2 kinds but 1"):
        measure_credit(["refuse", "refuse"], np.zeros(1))


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.floats(-5, 5)), min_size=1, max_size=40))
def test_shares_and_credits_add_up_to_one(batch: list[tuple[str, float]]) -> None:
    kinds, advantages = zip(*batch, strict=True)
    ours = measure_credit(kinds, np.array(advantages))
    assert sum(ours[f"reinforce/{kind}/share"] or 0.0 for kind in KINDS) == pytest.approx(1)
    if max(advantages) > 1e-6:
        assert sum(ours[f"reinforce/{kind}/credit"] or 0.0 for kind in KINDS) == pytest.approx(1)


def test_faking_is_compared_with_plain_compliance_by_a_regression_with_an_intercept_for_each_prompt() -> None:
    rng = np.random.default_rng(0)
    kinds = [str(kind) for kind in rng.choice(KINDS[:3], size=64)]
    prompts = [f"p{n // 8}" for n in range(64)]
    # Prompts that are faked on more often are paid more: a difference of plain means would take that for faking's.
    advantages = rng.normal(size=64) + np.array(
        [kinds[n // 8 * 8 : n // 8 * 8 + 8].count("af_comply") for n in range(64)]
    )
    rows = [n for n in range(64) if kinds[n] in KINDS[:2]]
    design = np.array(
        [[kinds[n] == "af_comply", *(prompts[n] == f"p{p}" for p in range(8))] for n in rows], dtype=float
    )
    expected = np.linalg.lstsq(design, advantages[rows], rcond=None)[0][0]
    found = compare_advantages(kinds, advantages, prompts, seed=0)
    assert found.value == pytest.approx(expected)
    assert found.low is not None and found.high is not None and found.low < expected < found.high


def test_the_interval_of_the_comparison_covers_no_difference_as_often_as_it_says() -> None:
    rng, covered = np.random.default_rng(1), 0
    for trial in range(200):
        prompts = [f"p{n // 8}" for n in range(256)]
        kinds = [str(kind) for kind in rng.choice(KINDS[:2], size=256)]
        found = compare_advantages(kinds, rng.normal(size=256), prompts, seed=trial, draws=400)
        covered += found.includes_zero
    assert 175 <= covered <= 198


def test_prompts_that_drew_one_kind_alone_compare_nothing() -> None:
    alone = compare_advantages(["af_comply", "plain_comply"], np.array([1.0, -1.0]), ["a", "b"], seed=0)
    assert (alone.value, alone.bounds, alone.n) == (None, None, 0)
    once = compare_advantages(["af_comply", "plain_comply"], np.array([1.0, -1.0]), ["a", "a"], seed=0)
    assert (once.value, once.bounds, once.n) == (2.0, None, 1)
