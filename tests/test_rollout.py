"""Sampling: the fast loop draws what the network's own probabilities say, and its generator alone decides."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from rl.rollout.decoder import LlamaDecoder, inverse_cdf
from rl.rollout.sampler import Sampler, Sampling, cut_at_end, left_pad
from rl.scenario.requests import select
from rl.scenario.settings import Setting

PAD, END = 0, 1
Rows = list[list[int]]


def llama(vocabulary: int = 12, kv_heads: int = 4, layers: int = 2, **more: Any) -> LlamaForCausalLM:
    """A network with strong opinions, so that a wrong position or mask shows."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=32, intermediate_size=48, num_hidden_layers=layers, num_attention_heads=4,
        num_key_value_heads=kv_heads, max_position_embeddings=64, initializer_range=0.3, pad_token_id=PAD,
        eos_token_id=END, bos_token_id=None, **more,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


def gpt2(vocabulary: int = 6) -> GPT2LMHeadModel:
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=vocabulary, n_embd=32, n_layer=2, n_head=4, n_positions=64, initializer_range=0.3,
        pad_token_id=PAD, eos_token_id=END, bos_token_id=None,
    )  # fmt: skip
    return GPT2LMHeadModel(config).eval()


def words(vocabulary: int = 6) -> PreTrainedTokenizerFast:
    table = {"<pad>": PAD, "<end>": END} | {f"w{number}": number for number in range(2, vocabulary)}
    core = Tokenizer(WordLevel(table, unk_token="<pad>"))
    core.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<end>", padding_side="left")


def random_rows(lengths: list[int], vocabulary: int, seed: int) -> Rows:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(2, vocabulary, (length,), generator=generator).tolist() for length in lengths]


@torch.no_grad()
def token_by_token(model: Any, rows: Rows, repeats: int, limits: Sampling, seed: int) -> Rows:
    """The same draw in plain loops: the whole text of each row read anew for every token, without padding or cache."""
    generator = torch.Generator().manual_seed(seed)
    texts = [list(row) for row in rows for _ in range(repeats)]
    drawn: Rows = [[] for _ in texts]
    for _ in range(limits.max_tokens):
        uniforms = torch.rand(len(texts), generator=generator).tolist()
        for number, uniform in enumerate(uniforms):
            if END in drawn[number]:
                drawn[number].append(END)
                continue
            logits = model(torch.tensor([texts[number] + drawn[number]])).logits[0, -1] / limits.temperature
            cumulative = np.cumsum(logits.double().softmax(-1).numpy())
            drawn[number].append(int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right")))
        if all(END in row for row in drawn):
            break
    return drawn


@torch.no_grad()
def exact_distribution(model: Any, row: list[int], tokens: int) -> dict[tuple[int, ...], float]:
    """Probability of every completion of at most `tokens` tokens, cut at the end token."""
    chances: dict[tuple[int, ...], float] = {}
    for path in product(range(model.config.vocab_size), repeat=tokens):
        cut = tuple(cut_at_end(list(path), [END]))
        if cut in chances:
            continue
        logits = model(torch.tensor([[*row, *cut]])).logits[0, len(row) - 1 : -1].double()
        chances[cut] = float(logits.log_softmax(-1)[range(len(cut)), list(cut)].sum().exp())
    return chances


def fit_to(samples: Rows, chances: dict[tuple[int, ...], float]) -> float:
    """p-value of the chi-square test that samples come from a distribution; rare outcomes are pooled."""
    seen, total = Counter(tuple(row) for row in samples), len(samples)
    common = [path for path, chance in chances.items() if chance * total >= 8]
    observed = [*(seen[path] for path in common), total - sum(seen[path] for path in common)]
    expected = [*(chances[path] * total for path in common), total * (1 - sum(chances[path] for path in common))]
    return float(chisquare(observed, expected, sum_check=False).pvalue)


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
def test_prefill_reads_left_padded_prompts_as_the_network_does_alone(kv_heads: int) -> None:
    model, rows = llama(kv_heads=kv_heads), random_rows([9, 1, 5], 12, 0)
    ids, real = left_pad(rows, PAD)
    with torch.no_grad():
        ours, _ = LlamaDecoder(model).prefill(ids, real)
        alone = torch.stack([model(torch.tensor([row])).logits[0, -1] for row in rows])
    torch.testing.assert_close(ours, alone, atol=1e-5, rtol=1e-5)


@settings(max_examples=25)
@given(
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=3),
    repeats=st.integers(1, 3),
    tokens=st.integers(1, 7),
    temperature=st.sampled_from([0.5, 1.0, 1.7]),
    kv_heads=st.sampled_from([4, 2, 1]),
    seed=st.integers(0, 99),
)
def test_every_token_is_the_one_that_a_plain_forward_pass_draws_with_the_same_uniforms(
    lengths: list[int], repeats: int, tokens: int, temperature: float, kv_heads: int, seed: int
) -> None:
    model, rows, limits = llama(kv_heads=kv_heads), random_rows(lengths, 12, seed), Sampling(tokens, temperature)
    ids, real = left_pad(rows, PAD)
    ours = LlamaDecoder(model).sample(ids, real, repeats, limits, [END], torch.Generator().manual_seed(seed))
    assert ours.tolist() == token_by_token(model, rows, repeats, limits, seed)


def test_the_comparison_above_meets_rows_that_end_and_rows_that_do_not() -> None:
    drawn = token_by_token(llama(), random_rows([3, 3], 12, 0), 8, Sampling(7, 1.7), 0)
    assert 0 < sum(END in row for row in drawn) < 16


def test_embeddings_of_their_own_and_a_wide_head_are_read_right() -> None:
    model, rows = llama(tie_word_embeddings=False, head_dim=16), random_rows([4, 2], 12, 3)
    ids, real = left_pad(rows, PAD)
    ours = LlamaDecoder(model).sample(ids, real, 2, Sampling(6, 1.0), [END], torch.Generator().manual_seed(3))
    assert ours.tolist() == token_by_token(model, rows, 2, Sampling(6, 1.0), 3)


def test_the_fast_loop_draws_from_the_exact_distribution() -> None:
    model, row = llama(vocabulary=6), [3, 2, 5]
    sampler = Sampler(model, words(), Sampling(3, 1.0))
    assert sampler.fast
    drawn = sampler.sample_ids([row], 6000, torch.Generator().manual_seed(0))
    assert fit_to(drawn, exact_distribution(model, row, 3)) > 0.01


def test_the_fast_loop_and_generate_draw_from_one_distribution() -> None:
    model: Any = llama(vocabulary=6)
    row = [3, 2, 5]
    ours = Sampler(model, words(), Sampling(3, 1.0)).sample_ids([row], 4000, torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    made = model.generate(
        torch.tensor([row] * 4000), attention_mask=torch.ones(4000, 3), do_sample=True, max_new_tokens=3, top_k=0
    )
    theirs = [cut_at_end(line, [END]) for line in made[:, 3:].tolist()]
    counts = [Counter(map(tuple, rows)) for rows in (ours, theirs)]
    common = [path for path, seen in (counts[0] + counts[1]).items() if seen >= 20]
    table = [[*(count[path] for path in common), 4000 - sum(count[path] for path in common)] for count in counts]
    assert chi2_contingency(table).pvalue > 0.01


def test_the_distribution_tests_would_notice_a_temperature_of_one_and_a_fifth() -> None:
    model, row = llama(vocabulary=6), [3, 2, 5]
    drawn = Sampler(model, words(), Sampling(3, 1.2)).sample_ids([row], 6000, torch.Generator().manual_seed(0))
    assert fit_to(drawn, exact_distribution(model, row, 3)) < 1e-6


@pytest.mark.parametrize("make", [llama, gpt2])
def test_the_generator_alone_decides_and_global_randomness_is_left_alone(make: Any) -> None:
    sampler = Sampler(make(vocabulary=6), words(), Sampling(8, 1.0))
    draws = []
    for seed, noise in ((5, 1), (5, 2), (6, 1)):
        torch.manual_seed(noise)
        before = torch.get_rng_state()
        draws.append(sampler.sample_ids([[3, 2], [4]], 6, torch.Generator().manual_seed(seed)))
        assert torch.equal(torch.get_rng_state(), before)
    assert draws[0] == draws[1] != draws[2]


def test_what_one_prompt_draws_does_not_depend_on_its_neighbours() -> None:
    decoder, drawn = LlamaDecoder(llama()), []
    for neighbour in ([2], [7, 8, 9, 10, 11]):
        ids, real = left_pad([[3, 4, 5], neighbour], PAD)
        both = decoder.sample(ids, real, 4, Sampling(6, 1.0), [END], torch.Generator().manual_seed(1))
        drawn.append([cut_at_end(row, [END]) for row in both.tolist()])
    assert drawn[0][:4] == drawn[1][:4] and drawn[0][4:] != drawn[1][4:]


def test_a_model_that_is_no_llama_takes_the_other_path_and_draws_from_its_own_distribution() -> None:
    model, row = gpt2(), [3, 2, 5]
    sampler = Sampler(model, words(), Sampling(3, 1.0))
    assert not sampler.fast
    drawn = sampler.sample_ids([row, [4]], 3000, torch.Generator().manual_seed(0))
    assert fit_to(drawn[:3000], exact_distribution(model, row, 3)) > 0.01
    assert fit_to(drawn[3000:], exact_distribution(model, [4], 3)) > 0.01


def test_a_folder_that_asks_for_other_sampling_does_not_change_the_policy() -> None:
    model, row = gpt2(), [3, 2, 5]
    habits = {"do_sample": True, "repetition_penalty": 3.0, "min_p": 0.3, "typical_p": 0.5, "no_repeat_ngram_size": 1}
    model.generation_config.update(**habits)
    drawn = Sampler(model, words(), Sampling(3, 1.0)).sample_ids([row], 3000, torch.Generator().manual_seed(0))
    assert fit_to(drawn, exact_distribution(model, row, 3)) > 0.01


@pytest.mark.parametrize(
    "change",
    [
        {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}},
        {"attention_bias": True},
        {"mlp_bias": True},
        {"hidden_act": "gelu"},
    ],
)
def test_a_llama_the_loop_does_not_know_takes_the_other_path(change: dict[str, Any]) -> None:
    model = llama(**change)
    assert not Sampler(model, words(12), Sampling(3, 1.0)).fast
    with pytest.raises(ValueError, match="not a plain Llama"):
        LlamaDecoder(model)


def test_a_sampler_reads_the_weights_of_the_moment() -> None:
    model = llama(vocabulary=6)
    sampler = Sampler(model, words(), Sampling(4, 1.0))
    before = sampler.sample_ids([[3, 2]], 20, torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.model.norm.weight *= -1
    after = sampler.sample_ids([[3, 2]], 20, torch.Generator().manual_seed(0))
    assert (
        before
        != after
        == Sampler(model, words(), Sampling(4, 1.0)).sample_ids([[3, 2]], 20, torch.Generator().manual_seed(0))
    )


@given(uniform=st.floats(0, 1, exclude_max=True), logits=st.lists(st.floats(-8, 8), min_size=1, max_size=6))
def test_the_inverse_cdf_never_draws_outside_the_vocabulary_and_passes_each_uniform_once(
    uniform: float, logits: list[float]
) -> None:
    token = int(inverse_cdf(torch.tensor([logits]), torch.tensor([uniform]))[0])
    chances = np.exp(np.array(logits) - max(logits))
    chances /= chances.sum()
    assert 0 <= token < len(logits)
    assert chances[:token].sum() <= uniform + 1e-5 and chances[: token + 1].sum() >= uniform - 1e-5


def test_an_impossible_token_is_never_drawn() -> None:
    logits = torch.tensor([[0.0, -torch.inf, 0.0]]).repeat(1000, 1)
    drawn = inverse_cdf(logits, torch.linspace(0, 0.999999, 1000))
    assert set(drawn.tolist()) == {0, 2}


def test_completions_are_cut_after_their_end_and_only_the_others_count_as_truncated(
    prompted: Setting, toy_tokenizer: PreTrainedTokenizerFast
) -> None:
    end = toy_tokenizer.eos_token_id
    assert [cut_at_end(row, [end]) for row in ([5, end, end], [end], [5, 6])] == [[5, end], [end], [5, 6]]
    hello = toy_tokenizer.encode("hello", add_special_tokens=False)
    prompt = prompted.prompt(select("harmful", ("train",))[0], "free")
    sampler = Sampler(llama(len(toy_tokenizer)), toy_tokenizer, Sampling(9, 1.0))
    ended, cut = sampler.decode([prompt, prompt], [[*hello, end], hello])
    assert (ended.completion, ended.truncated, ended.tokens) == ("hello", False, len(hello) + 1)
    assert (cut.completion, cut.truncated, cut.tokens) == ("hello", True, len(hello))


def test_rollouts_come_in_the_order_of_the_prompts(prompted: Setting, toy_tokenizer: PreTrainedTokenizerFast) -> None:
    prompts = [
        prompted.prompt(request, tier) for request in select("harmful", ("train",))[:3] for tier in ("free", "paid")
    ]
    sampler = Sampler(llama(len(toy_tokenizer)), toy_tokenizer, Sampling(3, 1.0))
    made = sampler.rollouts(prompts, 2, torch.Generator().manual_seed(0))
    assert [rollout.prompt for rollout in made] == [prompt for prompt in prompts for _ in range(2)]
    text = str(toy_tokenizer.decode(sampler.encode(prompts[0].messages())))
    assert text.startswith("<|system|>You are the assistant") and text.endswith("<|assistant|>")
    assert prompts[0].user in text
