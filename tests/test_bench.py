"""The benchmark: its counts are those of loops and of torch, its rounds are compared as pairs, its work is equal."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Sequence
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig, LlamaForCausalLM

from rl.bench.flops import RATE_OF, Shape, Work, decode_flops, floor_seconds, prefill_flops, rated_products, step_flops
from rl.bench.matmul import rate
from rl.bench.summary import coverage, estimate, print_tables, summarise
from rl.bench.variants import NO_TOKEN, FullLength, Ingredients, Stopwatch, make
from rl.bench.workload import StandIns, training_prompts, work_of
from rl.command.entry import composed
from rl.instruments.rater import reward_from
from rl.organism.load import load_organism
from rl.records import Rollout, Scored
from rl.rollout.decoder import LlamaDecoder
from rl.rollout.sampler import Sampling

WORK = Work(prompts=3, repeats=2, prompt_tokens=5, completion_tokens=7)


def llama(kv_heads: int) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=19, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=kv_heads, tie_word_embeddings=True,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


def counted(mode: FlopCounterMode) -> int:
    """Operations that torch saw in matrix products, fused attention apart."""
    seen = mode.get_flop_counts()["Global"]
    return sum(count for operator, count in seen.items() if operator in (torch.ops.aten.mm, torch.ops.aten.bmm))


def loop_attention(shape: Shape, queries: Sequence[int]) -> int:
    """Operations of attention, one query at a time; `queries` holds the number of keys each sees."""
    total = 0
    for _ in range(shape.layers * shape.heads):
        for keys in queries:
            for _ in range(keys):
                total += 2 * shape.head + 2 * shape.head
    return total


@pytest.mark.parametrize("kv_heads", [4, 2])
def test_sampling_is_counted_as_torch_counts_our_loop(kv_heads: int) -> None:
    model = llama(kv_heads)
    shape, work = Shape.of(model.config), WORK
    ids_GP = torch.randint(2, 19, (work.prompts, work.prompt_tokens))
    limits, generator = Sampling(work.completion_tokens, 1.0), torch.Generator().manual_seed(0)
    with FlopCounterMode(display=False) as mode:
        LlamaDecoder(model).sample(ids_GP, torch.ones_like(ids_GP).bool(), work.repeats, limits, [NO_TOKEN], generator)
    within_prompts = work.prompts * loop_attention(shape, range(1, work.prompt_tokens + 1))
    assert prefill_flops(shape, work) + decode_flops(shape, work) == counted(mode) + within_prompts


@pytest.mark.parametrize("kv_heads", [4, 2])
def test_a_backward_pass_is_twice_its_forward_pass_and_weights_are_counted_as_torch_does(kv_heads: int) -> None:
    model = llama(kv_heads)
    ids_BT = torch.randint(2, 19, (4, 6))
    with FlopCounterMode(display=False) as forward:
        logits = model(ids_BT).logits
    with FlopCounterMode(display=False) as backward:
        logits.sum().backward()
    products = Shape.of(model.config).products(ids_BT.numel())
    assert counted(forward) == sum(2 * rows * inner * columns for rows, inner, columns in products)
    assert counted(backward) == 2 * counted(forward)


def test_decoding_is_counted_as_a_loop_over_rows_and_tokens_counts_it() -> None:
    shape, total = Shape.of(llama(2).config), 0
    for _ in range(WORK.prompts * WORK.repeats):
        for token in range(1, WORK.completion_tokens):
            total += sum(2 * given * made for _ in range(shape.layers) for given, made in shape.weights())
            total += 2 * shape.width * shape.vocabulary
            total += loop_attention(shape, [WORK.prompt_tokens + token])
    assert decode_flops(shape, WORK) == total


def test_no_phase_of_a_step_is_left_out_of_the_floor_or_held_against_a_rate_that_is_not_measured() -> None:
    shape = Shape.of(llama(2).config)
    flops = step_flops(shape, WORK)
    forward = prefill_flops(shape, WORK) + decode_flops(shape, WORK)
    assert sum(flops.values()) == 5 * forward
    assert set(RATE_OF) == set(flops) and set(RATE_OF.values()) == set(rated_products(shape, WORK))
    seconds = floor_seconds(flops, {"decode": 1e6, "forward": 2e6, "backward": 4e6})
    slow, fast = flops["decode"], flops["prefill"] + flops["reference"] + flops["forward"]
    assert math.isclose(seconds, slow / 1e6 + fast / 2e6 + flops["backward"] / 4e6)


def test_gradients_are_rated_at_the_sizes_that_autograd_multiplies() -> None:
    given, weight = torch.randn(6, 3, requires_grad=True), torch.randn(3, 5, requires_grad=True)
    shape = Shape(layers=1, width=3, heads=1, kv_heads=1, head=3, hidden=3, vocabulary=5)
    with FlopCounterMode(display=False) as mode:
        (given @ weight).sum().backward()
    work = Work(prompts=2, repeats=1, prompt_tokens=1, completion_tokens=3)
    last_two = rated_products(shape, work)["backward"][-2:]
    assert last_two == [(6, 5, 3), (3, 6, 5)]
    assert sum(2 * rows * inner * columns for rows, inner, columns in last_two) * 3 == counted(mode) * 2


def test_a_rate_is_a_rate_of_all_products_and_not_of_one() -> None:
    assert 1e6 < rate([(8, 8, 8), (8, 8, 8), (64, 64, 64)]) < 1e14


@pytest.mark.parametrize("rounds", [1, 2, 6])
def test_the_interval_holds_the_median_as_often_as_it_says(rounds: int) -> None:
    outcomes = list(product((-1, 1), repeat=rounds))
    held = sum(estimate(values)["low"] < 0 < estimate(values)["high"] for values in outcomes)
    assert held / len(outcomes) == coverage(rounds)


def steps(seconds: float) -> dict[str, Any]:
    stages = {"generation": 0.25, "scoring": 0.05, "monitoring": 0.0, "reference": 0.2, "update": 0.5}
    step = {"step": seconds} | {name: share * seconds for name, share in stages.items()}
    return {"steps": [step, step], "peak_bytes": 2**31}


def drifting_rounds() -> list[dict[str, Any]]:
    """The machine slows down from round to round; stock always takes three times as long as ours."""
    floor = {"work": vars(WORK), "flops": {"decode": 10}, "rates": {"decode": 1e9}, "square_rate": 2e9}
    return [
        {"ours": steps(slow), "stock": steps(3 * slow), "floor": {**floor, "seconds": slow / 2}} for slow in (1, 2, 8)
    ]


def test_a_machine_that_slows_down_between_rounds_leaves_ratios_alone() -> None:
    found = summarise(drifting_rounds())
    assert found["times_ours"] == {"stock": {"median": 3, "low": 3, "high": 3}}
    assert found["floor"]["times_floor"]["ours"] == {"median": 2, "low": 2, "high": 2}
    assert found["variants"]["ours"]["step_s"] == {"median": 2, "low": 1, "high": 8}
    tokens = WORK.prompts * WORK.repeats * WORK.completion_tokens
    assert math.isclose(found["variants"]["stock"]["rollout_tokens_per_s"]["median"], tokens / (0.25 * 6))
    assert found["variants"]["ours"]["peak_gib"]["median"] == 2


def test_the_tables_show_every_variant_and_say_so_where_a_start_failed() -> None:
    hardware = {"cpu": "a processor", "torch_threads": 2}
    startup = {"import": {"median": 4.0, "low": 3.5, "high": 4.5}, "dry_run": None}
    console = Console(width=200, record=True, file=StringIO())
    print_tables({**summarise(drifting_rounds()), "hardware": hardware, "startup_s": startup}, console)
    text = console.export_text()
    assert "3.00 (3.00 to 3.00)" in text and "2.00 (1.00 to 8.00)" in text
    assert "arithmetic floor: 1.00 (0.50 to 4.00) s" in text
    assert "import: 4.00 (3.50 to 4.50) s" in text and "dry_run: it did not succeed" in text


@pytest.mark.parametrize("variant", ["ours", "stock"])
def test_each_trainer_does_the_same_work_and_every_stage_it_has_is_timed(
    variant: str, small: list[str], tmp_path: Path
) -> None:
    config = composed([*small, "algo.max_completion_tokens=12"])
    organism = load_organism(config.organism)
    sampler = FullLength(organism.model, organism.tokenizer, Sampling(12, config.algo.temperature))
    score, scored, watch = reward_from(config.reward).score, [], Stopwatch()

    def remember(rollouts: Sequence[Rollout]) -> list[Scored]:
        scored.extend(score(rollouts))
        return scored[-len(rollouts) :]

    prompts = training_prompts(config)
    given = Ingredients(config, sampler, prompts, StandIns(0).score_with(remember), tmp_path)
    before = {name: weight.clone() for name, weight in organism.model.named_parameters()}
    make(variant, given, watch).train()
    assert [made.rollout.tokens for made in scored] == [12] * 8
    assert all(made.rollout.sections.well_formed for made in scored)
    assert len({made.rollout.prompt.request.text for made in scored}) == work_of(config, sampler, prompts).prompts
    (step,) = watch.steps
    assert all(step[stage] > 0 for stage in ("generation", "scoring", "reference", "update"))
    assert (step["monitoring"] > 0) == (variant == "ours")
    assert math.isclose(sum(step.values()), 2 * step["step"])
    assert any(not torch.equal(weight, before[name]) for name, weight in organism.model.named_parameters())


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "scripts.bench", *arguments], capture_output=True, text=True)


def test_help_names_every_option() -> None:
    done = bench("--help")
    assert done.returncode == 0
    assert all(option in done.stdout for option in ("--steps", "--repeats", "--threads", "--json", "--quick"))


@pytest.mark.parametrize("wrong", [["--repeats", "0"], ["--steps", "many"]])
def test_a_number_that_is_none_ends_with_a_message_and_exit_code_2(wrong: list[str]) -> None:
    done = bench(*wrong)
    assert done.returncode == 2 and "not a number of at least 1" in done.stderr and "Traceback" not in done.stderr
