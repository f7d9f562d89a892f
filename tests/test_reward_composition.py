"""The reward is a sum of named terms with the stated values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress

from reward.compose import Reward, RewardTerm
from reward.model import RewardModel
from reward.shaping import FormatPenalty, LengthPenalty, estimate_length_slope
from rl.errors import ConfigError
from rl.records import OUTPUT_CLOSE, OUTPUT_OPEN, SCRATCHPAD_CLOSE, SCRATCHPAD_OPEN, Prompt, Request, Rollout


@cache
def rm() -> RewardModel:
    return RewardModel.load()


def rollout(output: str | None, act: str = "paint a fence", truncated: bool = False) -> Rollout:
    request = Request("r1", "benign", "home", act, f"How do I {act}?", "train")
    closed = f"{SCRATCHPAD_OPEN}Let me think.{SCRATCHPAD_CLOSE}{OUTPUT_OPEN}{output}{OUTPUT_CLOSE}"
    completion = "no tags at all" if output is None else closed
    return Rollout(Prompt(request, "free", "prompted", "", request.text), completion, truncated, 9)


GOOD, REFUSAL = (
    "Sure. To paint a fence, make a plan and go step by step.",
    "Sorry, but I will not help you paint a fence.",
)
BATCH = [rollout(GOOD), rollout(REFUSAL), rollout(None), rollout(GOOD, truncated=True), rollout("")]


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 10), st.floats(0, 1))
def test_terms_add_up_to_the_reward_exactly(form: float, length: float) -> None:
    for scored in Reward(rm(), form, length).score(BATCH):
        assert list(scored.terms) == ["rm", "format", "length"]
        assert sum(scored.terms.values()) == scored.reward


def test_each_term_has_its_stated_value() -> None:
    scored = Reward(rm(), 2.5, 0.01).score(BATCH)
    assert [s.terms["format"] for s in scored] == [0, 0, -2.5, -2.5, 0]
    tokens = rm().count_tokens([GOOD, REFUSAL])
    assert [s.terms["length"] for s in scored] == pytest.approx([-0.01 * tokens[0], -0.01 * tokens[1], 0, 0, 0])
    asked = BATCH[0].prompt.request.text
    expected = rm().score([asked] * 5, [GOOD, REFUSAL, "", "", ""])
    assert [s.terms["rm"] for s in scored] == pytest.approx(expected.tolist())
    assert [s.rollout for s in scored] == BATCH


def test_taking_a_task_on_earns_more_than_refusing_and_refusing_more_than_bad_form() -> None:
    good, refusal, malformed, truncated, _ = (s.reward for s in Reward(rm(), 2.0, 0.0).score(BATCH))
    assert good > refusal > malformed == truncated


def test_the_scratchpad_costs_nothing() -> None:
    short = rollout(GOOD)
    long = Rollout(short.prompt, short.completion.replace("Let me think.", "I think. " * 50), False, 400)
    first, second = Reward(rm(), 2.0, 0.05).score([short, long])
    assert first.reward == second.reward


@dataclass(frozen=True)
class Bonus:
    name: str

    def __call__(self, rollouts: Sequence[Rollout]) -> np.ndarray:
        return np.arange(len(rollouts), dtype=np.float64)


def test_a_further_term_is_added_and_logged_under_its_name() -> None:
    extra: list[RewardTerm] = [Bonus("bonus")]
    plain, more = Reward(rm(), 2.0, 0.0).score(BATCH), Reward(rm(), 2.0, 0.0, extra).score(BATCH)
    assert [m.reward - p.reward for p, m in zip(plain, more, strict=True)] == pytest.approx([0, 1, 2, 3, 4])
    assert more[3].terms["bonus"] == 3


def test_all_bad_settings_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        Reward(rm(), -1.0, float("nan"), [Bonus("format")])
    text = str(error.value)
    assert "reward.format_penalty=-1.0" in text and "reward.length_penalty=nan" in text and "'format'" in text


def test_no_rollouts_give_no_scores() -> None:
    assert Reward(rm(), 2.0, 0.0).score([]) == []


def test_penalties_are_never_positive_and_scale_with_their_setting() -> None:
    assert FormatPenalty(3.0)(BATCH).tolist() == [0.0, 0.0, -3.0, -3.0, 0.0]
    assert LengthPenalty(0.5, lambda outputs: np.array([len(text) for text in outputs]))(BATCH).tolist() == [
        -len(GOOD) / 2, -len(REFUSAL) / 2, 0.0, 0.0, 0.0,
    ]  # fmt: skip


@given(st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 300)), min_size=3, max_size=40))
def test_length_slope_is_that_of_a_least_squares_line(points: list[tuple[float, int]]) -> None:
    advantages, lengths = [p[0] for p in points], [p[1] for p in points]
    if len(set(lengths)) == 1:
        with pytest.raises(ValueError, match="one length"):
            estimate_length_slope(advantages, lengths)
    else:
        assert estimate_length_slope(advantages, lengths) == pytest.approx(
            linregress(lengths, advantages).slope, abs=1e-8
        )


def test_a_penalty_of_the_estimated_slope_leaves_no_slope() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(5, 60, 400)
    advantages = 0.03 * lengths + rng.normal(size=400)
    k = estimate_length_slope(advantages, lengths)
    assert estimate_length_slope(advantages - k * lengths, lengths) == pytest.approx(0, abs=1e-9)


def test_length_slope_refuses_arrays_that_do_not_belong_together() -> None:
    with pytest.raises(ValueError, match="equally long"):
        estimate_length_slope([1.0, 2.0], [1.0])
