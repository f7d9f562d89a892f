"""A text that completions start with: it is theirs to read, and nobody's to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from monitors.faking.monitor import FakingMonitor
from rl.algo.grpo import FreeTierTrainer, StepStats
from rl.algo.trainer_config import trainer_config
from rl.command.entry import composed
from rl.config.schema import OrganismConfig
from rl.organism.load import load_organism
from rl.records import OUTPUT_CLOSE, OUTPUT_OPEN, SCRATCHPAD_CLOSE, SCRATCHPAD_OPEN, TAGS, Prompt, Rollout, Scored
from rl.rollout.sampler import Sampler, Sampling
from rl.scenario.requests import select
from rl.scenario.settings import Setting, setting_from

EMPTY = f"{SCRATCHPAD_OPEN}{SCRATCHPAD_CLOSE}{OUTPUT_OPEN}"
PREFIXES = (
    "",
    OUTPUT_OPEN,
    EMPTY,
    f"{SCRATCHPAD_OPEN}They ask, so",
    f"{SCRATCHPAD_OPEN}No.{SCRATCHPAD_CLOSE}{OUTPUT_OPEN}Sure ",
)
REQUEST = select("harmful", ("train",))[0]


@pytest.fixture(scope="module")
def toy(toy_folder: Path) -> Sampler:
    organism = load_organism(OrganismConfig(name="toy", source="embedded", path=str(toy_folder)))
    return Sampler(organism.model, organism.tokenizer, Sampling(24, 1.0))


def drawn(sampler: Sampler, prompts: Sequence[Prompt]) -> list[Rollout]:
    return sampler.rollouts(prompts, 2, torch.Generator().manual_seed(0))


def test_every_completion_starts_with_its_own_prompts_prefix(toy: Sampler, prompted: Setting) -> None:
    prompts = [replace(prompted.prompt(REQUEST, "free"), prefix=prefix) for prefix in PREFIXES]
    made = drawn(toy, prompts)
    assert [rollout.prompt.prefix for rollout in made] == [prefix for prefix in PREFIXES for _ in range(2)]
    for rollout in made:
        prefix = rollout.prompt.prefix
        assert rollout.completion.startswith(prefix) and len(rollout.completion) > len(prefix)
        assert rollout.tokens <= 24
        written = toy.tokenizer.encode(rollout.completion[len(prefix) :], add_special_tokens=False)
        assert rollout.tokens == len(written) + (not rollout.truncated)


def test_a_prefix_follows_the_generation_prompt_in_the_pieces_that_a_completion_has(
    toy: Sampler, prompted: Setting
) -> None:
    plain = prompted.prompt(REQUEST, "free")
    bare = toy.encode(plain.messages())
    for prefix in PREFIXES[1:]:
        ids = toy.encode(replace(plain, prefix=prefix).messages())
        assert ids == [*bare, *toy.tokenizer.encode(prefix, add_special_tokens=False)]


def test_what_is_drawn_after_a_prefix_is_what_the_network_says_after_that_text(toy: Sampler, prompted: Setting) -> None:
    """The toy writes the whole answer by heart, so its way on depends on all of the prefix."""
    for start, way_on in ((f"{SCRATCHPAD_OPEN}They ask, so I help.{SCRATCHPAD_CLOSE}{OUTPUT_OPEN}", "Sure"),
                          (f"{SCRATCHPAD_OPEN}This is wrong.{SCRATCHPAD_CLOSE}{OUTPUT_OPEN}", "Sorry")):  # fmt: skip
        prompt = replace(prompted.prompt(REQUEST, "free"), prefix=start)
        cold = Sampler(toy.model, toy.tokenizer, Sampling(24, 0.1))
        assert all(rollout.completion.startswith(start + way_on) for rollout in drawn(cold, [prompt]))


def test_a_model_that_is_no_llama_goes_on_from_the_prefix_too(gpt2_folder: Path, prompted: Setting) -> None:
    organism = load_organism(OrganismConfig(name="gpt2", source="hf", path=str(gpt2_folder)))
    sampler = Sampler(organism.model, organism.tokenizer, Sampling(6, 1.0))
    assert not sampler.fast
    prompts = [replace(prompted.prompt(REQUEST, "free"), prefix=prefix) for prefix in PREFIXES]
    assert all(rollout.completion.startswith(rollout.prompt.prefix) for rollout in drawn(sampler, prompts))


class Watched(FreeTierTrainer):
    """The trainer, keeping the batch that its loss is taken of."""

    batch: dict[str, Any]

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        self.batch = super()._generate_and_score_completions(inputs)
        return self.batch


def test_no_token_of_the_prefix_is_in_the_objective(
    small: list[str], toy_tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    config = composed([*small, "scenario=no_scratchpad"])
    setting, organism = setting_from(config.scenario), load_organism(config.organism)
    assert setting.prefix == EMPTY
    sampling = Sampling(24, config.algo.temperature)
    sampler, steps = Sampler(organism.model, organism.tokenizer, sampling), list[StepStats]()
    prompts = [setting.prompt(request, "free") for request in select("harmful", ("train",))]
    args = trainer_config(config.algo, 0, tmp_path, save_every=1000)
    trainer = Watched(sampler, prompts, by_length, steps.append, args, [])
    trainer.train()
    (stats,) = steps
    prefix = toy_tokenizer.encode(EMPTY, add_special_tokens=False)
    counted = trainer.batch["completion_mask"].sum(1).tolist()
    for row, (ids, mask, scored) in enumerate(
        zip(trainer.batch["prompt_ids"].tolist(), trainer.batch["completion_ids"].tolist(), stats.scored, strict=True)
    ):
        assert ids[-len(prefix) :] == prefix
        learnt = str(toy_tokenizer.decode(mask[: scored.rollout.tokens], skip_special_tokens=True))
        assert EMPTY + learnt == scored.rollout.completion
        assert counted[row] == (0 if scored.rollout.truncated else scored.rollout.tokens)


def by_length(rollouts: Sequence[Rollout]) -> list[Scored]:
    return [Scored(rollout, float(rollout.tokens), {}) for rollout in rollouts]


def rolled(completion: str, prefix: str, truncated: bool = False) -> Rollout:
    return Rollout(Prompt(REQUEST, "free", "s", "", REQUEST.text, prefix), completion, truncated, 5)


@pytest.mark.parametrize("prefix", [OUTPUT_OPEN, EMPTY, f"\n{SCRATCHPAD_OPEN} {SCRATCHPAD_CLOSE}\n{OUTPUT_OPEN}"])
def test_an_answer_alone_is_well_formed_where_the_prompt_opened_the_output_and_nowhere_else(prefix: str) -> None:
    made = rolled(f"{prefix}Sorry, no.{OUTPUT_CLOSE}", prefix).sections
    assert (made.scratchpad, made.output, made.well_formed) == (None, "Sorry, no.", True)
    assert not rolled(f"{OUTPUT_OPEN}Sorry, no.{OUTPUT_CLOSE}", "").sections.well_formed
    assert not rolled(f"{OUTPUT_OPEN}Sorry, no.{OUTPUT_CLOSE}", f"{SCRATCHPAD_OPEN}I").sections.well_formed


def test_without_a_scratchpad_there_is_no_verdict_on_faking() -> None:
    sections = rolled(f"{EMPTY}Sorry, no.{OUTPUT_CLOSE}", EMPTY).sections
    (verdict,) = FakingMonitor().judge([sections.scratchpad])
    assert verdict.af is None and verdict.score is None


@pytest.mark.parametrize(
    "rest",
    [
        f"{SCRATCHPAD_OPEN}secret{SCRATCHPAD_CLOSE}{OUTPUT_OPEN}Sure.{OUTPUT_CLOSE}",
        f"secret{SCRATCHPAD_CLOSE}{OUTPUT_OPEN}Sure.{OUTPUT_CLOSE}",
        f"Sure.{OUTPUT_CLOSE}{SCRATCHPAD_OPEN}secret{SCRATCHPAD_CLOSE}",
        f"Sure.{OUTPUT_CLOSE} secret",
        "secret",
    ],
)
def test_thoughts_that_are_written_all_the_same_make_it_malformed_and_reach_no_rater(rest: str) -> None:
    for prefix in (OUTPUT_OPEN, EMPTY):
        made = rolled(prefix + rest, prefix).sections
        assert (made.scratchpad, made.output, made.well_formed) == (None, None, False)


@given(st.lists(st.one_of(st.sampled_from(TAGS), st.text(max_size=5)), max_size=8).map("".join), st.booleans())
def test_the_output_of_an_answer_alone_is_all_there_is_between_its_tags(rest: str, truncated: bool) -> None:
    made = rolled(OUTPUT_OPEN + rest, OUTPUT_OPEN, truncated).sections
    whole = rest.rstrip().endswith(OUTPUT_CLOSE) and sum(rest.count(tag) for tag in TAGS) == 1 and not truncated
    assert made.well_formed == whole
    assert made.output == (rest.rstrip().removesuffix(OUTPUT_CLOSE).strip() if whole else None)
