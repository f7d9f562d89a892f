"""PPO's pure functions, each derived again in plain loops, by exact sums, or by learning a known bandit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import explained_variance_score
from torch import Tensor

from rl.algo.ppo.gae import gae, terminal_rewards, whiten
from rl.algo.ppo.losses import adapt_weight, explained_variance, kl_loss, mean_over, policy_loss, value_loss
from rl.algo.ppo.value import Value, deal

numbers = st.floats(-3, 3)
lengths = st.lists(st.integers(0, 5), min_size=1, max_size=4)


def drawn(count: int, width: int, seed: int) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def real(tokens: list[int], width: int = 5) -> Tensor:
    return torch.arange(width) < torch.tensor(tokens)[:, None]


@given(lengths, st.floats(0, 1), st.floats(0, 1), st.integers(0, 99))
def test_gae_is_the_discounted_sum_of_one_step_errors(
    tokens: list[int], discount: float, lam: float, seed: int
) -> None:
    reward, value, real_BC = drawn(len(tokens), 5, seed), drawn(len(tokens), 5, seed + 100), real(tokens)
    made = gae(reward, value, real_BC, discount, lam)
    for row, count in enumerate(tokens):
        v = [*value[row, :count].tolist(), 0.0]
        delta = [float(reward[row, t]) + discount * v[t + 1] - v[t] for t in range(count)]
        for t in range(5):
            expected = sum((discount * lam) ** (s - t) * delta[s] for s in range(t, count))
            assert float(made[row, t]) == pytest.approx(expected, abs=1e-5)


def test_with_lambda_one_and_no_discount_the_advantage_is_the_reward_minus_the_value() -> None:
    real_BC, value = real([3, 5]), drawn(2, 5, 0)
    reward = terminal_rewards(torch.tensor([2.0, -1.0]), real_BC)
    assert reward.tolist() == [[0, 0, 2, 0, 0], [0, 0, 0, 0, -1]]
    expected = torch.where(real_BC, torch.tensor([[2.0], [-1.0]]) - value, 0.0)
    torch.testing.assert_close(gae(reward, value, real_BC, 1.0, 1.0), expected)


def test_a_completion_without_tokens_earns_nothing() -> None:
    assert not terminal_rewards(torch.tensor([2.0]), real([0])).any()


@given(lengths.filter(lambda tokens: sum(tokens) > 1), st.integers(0, 99))
def test_whitened_advantages_have_mean_0_and_spread_1_where_trained_and_are_0_elsewhere(
    tokens: list[int], seed: int
) -> None:
    adv, on = 7 * drawn(len(tokens), 5, seed) + 3, real(tokens)
    made, seen = whiten(adv, on), adv[on].double().numpy()
    np.testing.assert_allclose(made[on], (seen - np.mean(seen)) / np.std(seen), atol=1e-3)
    assert not made[~on].any()


def test_whitening_of_equal_advantages_or_of_none_gives_0_and_no_nan() -> None:
    assert not whiten(torch.ones(2, 5), real([2, 3])).any() and not whiten(torch.ones(2, 5), real([0, 0])).any()
    assert not whiten(torch.full((8, 5), -3.3), real([1, 2, 3, 4, 5, 5, 5, 5])).any()


@given(numbers, st.floats(-1, 1), st.floats(0.05, 0.5))
def test_the_policy_loss_is_flat_exactly_where_moving_on_would_pay(adv: float, log_ratio: float, clip: float) -> None:
    logp = torch.tensor([[log_ratio]], requires_grad=True)
    loss = policy_loss(logp, torch.zeros(1, 1), torch.tensor([[adv]]), clip)
    (gradient,) = torch.autograd.grad(loss.sum(), logp)
    ratio = math.exp(torch.tensor(log_ratio).item())
    held = min(max(ratio, 1 - clip), 1 + clip)
    assert loss.item() == pytest.approx(-min(ratio * adv, held * adv), abs=1e-4)
    if min(abs(ratio - 1 - clip), abs(ratio - 1 + clip)) > 1e-4:
        out = (adv > 0 and ratio > 1 + clip) or (adv < 0 and ratio < 1 - clip)
        assert gradient.item() == pytest.approx(0.0 if out else -ratio * adv, abs=1e-4)


@given(numbers, numbers, numbers, st.floats(0.05, 0.5))
def test_the_value_loss_is_the_larger_error_of_value_and_held_value(
    v: float, old: float, to: float, clip: float
) -> None:
    held = old + clip if v > old + clip else old - clip if v < old - clip else v
    made = value_loss(torch.tensor([[v]]), torch.tensor([[old]]), torch.tensor([[to]]), clip)
    assert made.item() == pytest.approx(max((v - to) ** 2, (held - to) ** 2) / 2, abs=1e-4)


def test_the_kl_term_has_the_exact_kl_and_its_gradient_as_expectation() -> None:
    """Summed over every token that the old policy might have drawn, each weighed by its chance."""
    logits = torch.tensor([0.3, -1.0, 0.8], dtype=torch.double, requires_grad=True)
    old = torch.tensor([0.1, -0.5, 0.6], dtype=torch.double).log_softmax(0)
    ref = torch.tensor([-0.4, 0.2, 0.9], dtype=torch.double).log_softmax(0)
    estimate = (old.exp() * kl_loss(logits.log_softmax(0), old, ref)).sum()
    p = logits.softmax(0)
    exact = torch.stack([p[n] * (p[n].log() - ref[n]) for n in range(3)]).sum()
    torch.testing.assert_close(estimate, exact)
    torch.testing.assert_close(torch.autograd.grad(estimate, logits), torch.autograd.grad(exact, logits))


def test_the_kl_coefficient_follows_its_target_in_bounded_steps() -> None:
    assert adapt_weight(0.1, 0.05, 0.05) == pytest.approx(0.1)
    assert adapt_weight(0.1, 0.055, 0.05) == pytest.approx(0.1 * 1.01)
    assert adapt_weight(0.1, 9.0, 0.05) == pytest.approx(0.1 * 1.02)
    assert adapt_weight(0.1, 0.0, 0.05) == pytest.approx(0.1 * 0.98)


def test_a_mean_leaves_out_what_is_masked_even_if_it_is_no_number() -> None:
    values = torch.tensor([[1.0, 2.0, math.inf]], requires_grad=True)
    mean = mean_over(values, torch.tensor([[True, True, False]]))
    assert mean.item() == 1.5
    assert torch.autograd.grad(mean, values)[0].tolist() == [[0.5, 0.5, 0.0]]
    assert mean_over(values, torch.zeros(1, 3, dtype=torch.bool)).item() == 0.0


def test_explained_variance_is_sklearns() -> None:
    value, returns, on = drawn(3, 5, 0), drawn(3, 5, 1), real([2, 5, 0])
    assert explained_variance(value, returns, on) == pytest.approx(
        explained_variance_score(returns[on], value[on]), abs=1e-5
    )
    assert explained_variance(value, torch.ones(3, 5), on) == 0.0


def test_every_pass_deals_out_every_rollout_once_and_no_group_is_split() -> None:
    torch.manual_seed(0)
    dealt = deal(groups=6, minibatches=3, group_size=4, epochs=2)
    assert len(dealt) == 6 and all(len(rows) == 8 for rows in dealt)
    for start in (0, 3):
        assert sorted(torch.cat(list(dealt[start : start + 3])).tolist()) == list(range(24))
    for rows in dealt:
        assert all(rows[n : n + 4].tolist() == list(range(int(rows[n]), int(rows[n]) + 4)) for n in (0, 4))
    assert dealt[0].tolist() != dealt[3].tolist()


def test_the_value_head_pulls_on_nothing_but_itself_and_says_0_at_first() -> None:
    head, hidden = Value(8), torch.randn(2, 3, 8, requires_grad=True)
    assert not head(hidden).any() and head(hidden).shape == (2, 3)
    head(hidden).sum().backward()
    assert hidden.grad is None and all(p.grad is not None for p in head.parameters())


def test_it_learns_which_arm_of_a_bandit_pays() -> None:
    """Four arms, paying 0, 0.2, 1 and 0.4 and noise: the third is drawn nearly always in the end."""
    torch.manual_seed(0)
    pays, logits = torch.tensor([0.0, 0.2, 1.0, 0.4]), torch.zeros(4, requires_grad=True)
    value: Any = torch.zeros(1, requires_grad=True)
    optimizer, one = torch.optim.Adam([logits, value], 0.05), torch.ones(64, 1, dtype=torch.bool)
    for _ in range(40):
        arm = torch.multinomial(logits.detach().softmax(0), 64, replacement=True)
        reward = terminal_rewards(pays[arm] + 0.3 * torch.randn(64), one)
        old, old_value = logits.detach().log_softmax(0)[arm][:, None], value.detach().expand(64, 1)
        adv = gae(reward, old_value, one, 1.0, 0.95)
        returns, adv = adv + old_value, whiten(adv, one)
        for _ in range(4):
            optimizer.zero_grad()
            loss = policy_loss(logits.log_softmax(0)[arm][:, None], old, adv, 0.2)
            (loss + value_loss(value.expand(64, 1), old_value, returns, 0.2)).mean().backward()
            optimizer.step()
    assert logits.softmax(0)[2] > 0.95
    assert value.item() == pytest.approx(1.0, abs=0.15)
