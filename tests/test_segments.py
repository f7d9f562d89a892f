"""Training on the scratchpad or on the output alone: which tokens those are, and that nothing is learnt from others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.toy_training import Train, Trained, by_lot, changed, toy_training, train
from test_grpo import assert_same_gradient, gradient_of, k3, plain_logps
from transformers import PreTrainedTokenizerFast

from rl.organism.load import load_organism
from rl.records import OUTPUT_CLOSE, OUTPUT_OPEN, SCRATCHPAD_CLOSE, SCRATCHPAD_OPEN, TAGS, Rollout, Scored
from rl.rollout.sampler import Sampler, Sampling
from rl.rollout.segments import has_scratchpads, sample_outputs, scratchpad_tokens, segment_mask
from rl.scenario.requests import select
from rl.scenario.settings import Setting

__all__ = ["train"]


@settings(max_examples=60)
@given(text=st.lists(st.one_of(st.sampled_from(TAGS), st.text(max_size=4)), max_size=6).map("".join))
def test_the_scratchpad_ends_with_the_token_that_completes_its_closing_tag(
    text: str, toy_tokenizer: PreTrainedTokenizerFast
) -> None:
    ids = toy_tokenizer.encode(text, add_special_tokens=False)
    read = 0
    while SCRATCHPAD_CLOSE not in toy_tokenizer.decode(ids[:read]) and read < len(ids):
        read += 1
    assert scratchpad_tokens(toy_tokenizer, ids) == read


def test_masks_part_a_completion_in_two() -> None:
    thought, output, whole = (segment_mask(name, [2, 0, 4], 4) for name in ("scratchpad", "output", "all"))
    assert thought.int().tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]]
    assert torch.equal(output, ~thought) and whole.all()


@pytest.mark.parametrize(
    ("prefix", "some"),
    [
        ("", True),
        (f"{SCRATCHPAD_OPEN}They ask, so", True),
        (OUTPUT_OPEN, False),
        (f"{SCRATCHPAD_OPEN}No.{SCRATCHPAD_CLOSE}", False),
    ],
)
def test_a_prefix_that_closes_the_scratchpad_leaves_none_to_write(prefix: str, some: bool) -> None:
    assert has_scratchpads(prefix) == some


@pytest.mark.parametrize("train_on", ["scratchpad", "output"])
def test_no_gradient_comes_from_tokens_outside_the_segment(train_on: str, train: Train) -> None:
    """The temperature is high, so that outputs behind one scratchpad differ."""
    made = train("algo=rloo", f"algo.train_on={train_on}", "algo.temperature=1.5")
    stats, logps, thoughts = made.steps[0], made.logps(), made.thoughts()
    kept = [row for row, scored in enumerate(stats.scored) if not scored.rollout.truncated]
    tokens = sum(len(logps[row]) for row in kept)
    parts = [logp[:n] if train_on == "scratchpad" else logp[n:] for logp, n in zip(logps, thoughts, strict=True)]
    assert len(kept) > 4 and sum(0 < thoughts[row] < len(logps[row]) for row in kept) > 3
    loss = -sum(float(stats.advantages_B[row]) * parts[row].sum() for row in kept) / tokens
    assert_same_gradient(made.gradients.seen[0], gradient_of(made.sampler.model, loss))


@pytest.mark.parametrize("kl_on", ["scratchpad", "output"])
def test_the_kl_penalty_may_be_taken_on_a_segment_alone(
    kl_on: str, small: list[str], toy_folder: Path, tmp_path: Path
) -> None:
    def all_alike(rollouts: Sequence[Rollout]) -> list[Scored]:
        return [Scored(rollout, 1.0, {}) for rollout in rollouts]

    made = toy_training(small, tmp_path, ["algo.kl=0.5", f"algo.kl_on={kl_on}", "algo.temperature=1.0"], all_alike)
    model = made.sampler.model
    with torch.no_grad():
        model.model.norm.weight *= 0.5
    made.go()
    with torch.no_grad():
        reference = plain_logps(type(model).from_pretrained(toy_folder), made.drawn)
    kept = [row for row, scored in enumerate(made.steps[0].scored) if not scored.rollout.truncated]
    logps, thoughts = made.logps(), made.thoughts()
    on = [slice(None, n) if kl_on == "scratchpad" else slice(n, None) for n in thoughts]
    tokens = sum(len(logps[row]) for row in kept)
    kl = torch.stack([k3(logps[row][on[row]], reference[row][on[row]]) for row in kept]).sum() / tokens
    assert len(kept) > 0 and kl.item() > 1e-3
    assert_same_gradient(made.gradients.seen[0], gradient_of(model, 0.5 * kl))


def test_with_output_alone_a_group_shares_one_scratchpad_and_differs_behind_it(
    toy_folder: Path, small: list[str], prompted: Setting
) -> None:
    organism = load_organism(changed(small).organism)
    sampler = Sampler(organism.model, organism.tokenizer, Sampling(48, 1.5))
    asked = [sampler.encode(prompted.prompt(r, "free").messages()) for r in select("harmful", ("train",))[:6]]
    made = sample_outputs(sampler, asked, 4, torch.Generator().manual_seed(0))
    assert len(made) == 24 and max(map(len, made)) <= 48
    thoughts, different = set(), 0
    for start in range(0, 24, 4):
        group = made[start : start + 4]
        count = scratchpad_tokens(sampler.tokenizer, group[0])
        assert len({tuple(ids[:count]) for ids in group}) == 1
        thoughts.add(tuple(group[0][:count]))
        different += len({tuple(ids[count:]) for ids in group}) > 1
    assert len(thoughts) > 1 and different >= 4


def test_what_stands_behind_a_shared_scratchpad_is_drawn_from_the_policy_that_has_read_it(
    small: list[str], prompted: Setting
) -> None:
    """The toy knows its answers by heart: what it wrote in the scratchpad decides how the output begins."""
    organism = load_organism(changed(small).organism)
    sampler = Sampler(organism.model, organism.tokenizer, Sampling(48, 0.3))
    asked = [sampler.encode(prompted.prompt(r, "free").messages()) for r in select("harmful", ("train",))[:8]]
    texts = [
        sampler.tokenizer.decode(ids) for ids in sample_outputs(sampler, asked, 2, torch.Generator().manual_seed(0))
    ]
    helps = [f"They ask, so I help.{SCRATCHPAD_CLOSE}" in text for text in texts]
    assert helps == [f"{OUTPUT_OPEN}Sure" in text for text in texts] and 0 < sum(helps) < len(helps)


def test_a_scratchpad_that_never_closes_makes_a_group_of_one_text_within_the_limit(
    small: list[str], prompted: Setting
) -> None:
    organism = load_organism(changed(small).organism)
    sampler = Sampler(organism.model, organism.tokenizer, Sampling(3, 1.0))
    asked = [sampler.encode(prompted.prompt(r, "free").messages()) for r in select("harmful", ("train",))[:2]]
    made = sample_outputs(sampler, asked, 3, torch.Generator().manual_seed(0))
    assert [len(ids) for ids in made] == [3] * 6 and made[0] == made[1] == made[2]
    assert not any(OUTPUT_CLOSE in sampler.tokenizer.decode(ids) for ids in made)


def test_a_shared_scratchpad_gives_the_same_run_twice(small: list[str], tmp_path: Path) -> None:
    def once(name: str) -> Trained:
        made = toy_training(small, tmp_path / name, ["algo.train_on=output"], by_lot)
        made.trainer.train()
        return made

    first, second = once("first"), once("second")
    assert first.drawn == second.drawn
