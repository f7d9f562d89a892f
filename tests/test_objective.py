"""Log-probabilities with shared prompts are those of each text read alone, gradients too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from rl.algo.objective import completion_scores

PAD = 0


def llama(kv_heads: int = 2) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=14, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=kv_heads, max_position_embeddings=64, initializer_range=0.2, tie_word_embeddings=True,
    )  # fmt: skip
    return LlamaForCausalLM(config)


def gpt2() -> GPT2LMHeadModel:
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=14, n_embd=32, n_layer=2, n_head=4, n_positions=64, initializer_range=0.2, resid_pdrop=0.0,
        embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    return GPT2LMHeadModel(config)


@dataclass(frozen=True)
class Batch:
    """Texts as the trainer holds them, and the same without padding."""

    ids_BT: Tensor
    real_BT: Tensor
    completion_tokens: int
    alone: list[tuple[list[int], list[int]]]


def padded(pairs: list[tuple[list[int], list[int]]]) -> Batch:
    """Prompts padded on the left, completions on the right."""
    prompt_tokens, completion_tokens = (max(len(pair[part]) for pair in pairs) for part in (0, 1))
    ids, real = [], []
    for prompt, completion in pairs:
        left, right = prompt_tokens - len(prompt), completion_tokens - len(completion)
        ids.append([PAD] * left + prompt + completion + [PAD] * right)
        real.append([0] * left + [1] * (len(prompt) + len(completion)) + [0] * right)
    return Batch(torch.tensor(ids), torch.tensor(real), completion_tokens, pairs)


def one_by_one(model: Any, batch: Batch, temperature: float = 1.0) -> tuple[list[Tensor], list[Tensor]]:
    """Log-probabilities and entropies of each completion, by reading each text alone, whole and without padding."""
    logps, entropies = [], []
    for prompt, completion in batch.alone:
        logits = model(torch.tensor([prompt + completion])).logits[0, len(prompt) - 1 : -1] / temperature
        chances = torch.softmax(logits, -1)
        logps.append(torch.stack([chances[t, token].log() for t, token in enumerate(completion)]))
        entropies.append(-(chances * chances.log()).sum(-1))
    return logps, entropies


def real_parts(scores_BC: Tensor, batch: Batch) -> list[Tensor]:
    return [row[: len(completion)] for row, (_, completion) in zip(scores_BC, batch.alone, strict=True)]


def assert_same_as_alone(model: Any, batch: Batch) -> None:
    scores = completion_scores(model, batch.ids_BT, batch.real_BT, batch.completion_tokens)
    logps, entropies = one_by_one(model, batch)
    torch.testing.assert_close(real_parts(scores.logp_BC, batch), logps, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(real_parts(scores.entropy_BC, batch), entropies, atol=1e-5, rtol=1e-5)
    ours, theirs = (gradient_of(model, parts) for parts in (real_parts(scores.logp_BC, batch), logps))
    for name, expected in theirs.items():
        tolerance = 1e-5 * max(1.0, float(expected.abs().max()))
        assert float((ours[name] - expected).abs().max()) < tolerance, name


def gradient_of(model: Any, logps: list[Tensor]) -> dict[str, Tensor]:
    """Gradient of a sum that weighs every token differently."""
    total = torch.stack([(torch.linspace(-1, 2, len(logp)) * logp).sum() for logp in logps]).sum()
    names, parameters = zip(*model.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(total, parameters), strict=True))


tokens = st.lists(st.integers(2, 13), min_size=1, max_size=6)


@settings(max_examples=25)
@given(
    groups=st.lists(st.tuples(tokens, st.lists(tokens, min_size=1, max_size=3)), min_size=1, max_size=3),
    kv_heads=st.sampled_from([4, 2, 1]),
    shuffle=st.randoms(use_true_random=False),
)
def test_scores_and_gradients_are_those_of_each_text_read_alone(
    groups: list[tuple[list[int], list[list[int]]]], kv_heads: int, shuffle: Any
) -> None:
    pairs = [(prompt, completion) for prompt, completions in groups for completion in completions]
    shuffle.shuffle(pairs)
    assert_same_as_alone(llama(kv_heads), padded(pairs))


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_reading_few_rows_at_once_changes_nothing(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rl.algo.objective.ROWS_AT_ONCE", rows)
    assert_same_as_alone(
        llama(), padded([([3, 4], [2]), ([5], [8, 9, 7]), ([3, 4], [3]), ([6, 6, 6], [2, 2]), ([3, 4], [2, 4, 6])])
    )


def test_prompts_that_differ_only_in_what_is_padding_are_told_apart() -> None:
    assert_same_as_alone(
        llama(), padded([([5, 6], [7, 8]), ([PAD, 5, 6], [7, 8]), ([5, 6], [9]), ([PAD, PAD, 5, 6], [7])])
    )


def test_two_groups_with_one_prompt_and_rows_in_any_order_share_it_without_harm() -> None:
    first, second = [3, 4, 5], [6, 7]
    assert_same_as_alone(
        llama(), padded([(second, [2]), (first, [8, 9]), (second, [3, 3]), (first, [2]), (first, [2])])
    )


def test_a_network_with_learnt_positions_is_scored_right() -> None:
    assert_same_as_alone(gpt2(), padded([([3, 4, 5], [8, 9]), ([6], [3, 3, 4]), ([3, 4, 5], [2])]))


def test_a_completion_that_is_masked_whole_changes_nothing_for_the_others() -> None:
    model, batch = llama(), padded([([3, 4, 5], [8, 9]), ([6], [3, 3, 4]), ([6], [2, 2])])
    masked = batch.real_BT.clone()
    masked[2, -batch.completion_tokens :] = 0
    scores = completion_scores(model, batch.ids_BT, masked, batch.completion_tokens)
    logps, _ = one_by_one(model, batch)
    torch.testing.assert_close(real_parts(scores.logp_BC, batch)[:2], logps[:2], atol=1e-5, rtol=1e-5)
    (scores.logp_BC * masked[:, -batch.completion_tokens :]).sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("temperature", [0.6, 1.5])
def test_the_scored_policy_is_the_one_that_a_temperature_samples_from(temperature: float) -> None:
    model, batch = llama(), padded([([3, 4, 5], [8, 9]), ([6], [3, 3, 4])])
    scores = completion_scores(model, batch.ids_BT, batch.real_BT, batch.completion_tokens, temperature)
    logps, entropies = one_by_one(model, batch, temperature)
    torch.testing.assert_close(real_parts(scores.logp_BC, batch), logps, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(real_parts(scores.entropy_BC, batch), entropies, atol=1e-5, rtol=1e-5)


def test_the_entropy_that_is_logged_pulls_on_no_weight() -> None:
    batch = padded([([3, 4, 5], [8, 9])])
    assert not completion_scores(llama(), batch.ids_BT, batch.real_BT, 2).entropy_BC.requires_grad
