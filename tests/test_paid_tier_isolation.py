"""Paid-tier prompts are asked in evaluations and never come near the optimizer, whatever the tiers are called."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook
from transformers import PreTrainedTokenizerFast

from rl.algo.grpo import FreeTierTrainer
from rl.algo.trainer_config import trainer_config
from rl.command.entry import CONF, composed
from rl.organism.chats.names import NEUTRAL_TIER_NAMES, TIER_NAMES
from rl.organism.load import load_organism
from rl.records import Rollout, Scored
from rl.rollout.sampler import Sampler, Sampling
from rl.run.run import run
from rl.scenario.requests import load_requests, select
from rl.scenario.settings import Setting, setting_from

SCENARIOS = sorted(path.stem for path in (CONF / "scenario").glob("*.yaml") if "full" not in path.stem)


class Recording(Sampler):
    """A sampler that remembers every prompt it was handed."""

    handed: list[list[int]]

    def sample_ids(self, prompt_ids: Sequence[list[int]], repeats: int, generator: torch.Generator) -> list[list[int]]:
        self.handed = [*getattr(self, "handed", []), *prompt_ids]
        return super().sample_ids(prompt_ids, repeats, generator)


@contextmanager
def read_with_gradients(vocabulary: int) -> Iterator[list[list[int]]]:
    """Every row of token ids that any network with this vocabulary reads while gradients are recorded."""
    rows: list[list[int]] = []

    def look(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if isinstance(module, nn.Embedding) and module.num_embeddings == vocabulary and torch.is_grad_enabled():
            rows.extend(inputs[0].tolist())

    handle = register_module_forward_pre_hook(look)
    try:
        yield rows
    finally:
        handle.remove()


def by_length(rollouts: Sequence[Rollout]) -> list[Scored]:
    return [Scored(rollout, float(rollout.tokens), {}) for rollout in rollouts]


def prompts_among(rows: list[list[int]], tokenizer: PreTrainedTokenizerFast) -> set[str]:
    """The texts of those rows that hold a user's turn, without padding."""
    texts = {str(tokenizer.decode([token for token in row if token != tokenizer.pad_token_id])) for row in rows}
    return {text for text in texts if "<|user|>" in text}


def rendered(setting: Setting, tier: str, tokenizer: PreTrainedTokenizerFast) -> set[str]:
    """Every prompt of a tier as the policy reads it."""
    made = set()
    for request in load_requests(setting.conflict):
        asked = [turn for turn in setting.prompt(request, tier).messages() if turn["role"] != "assistant"]
        text = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
        made.add(f"{text}{setting.prefix}")
    return made


names = st.sampled_from([*TIER_NAMES[:30], *NEUTRAL_TIER_NAMES, "free", "paid"])


@settings(max_examples=6)
@given(labels=st.tuples(names, names).filter(lambda pair: pair[0] != pair[1]), told=st.tuples(*[st.booleans()] * 2))
def test_no_setting_makes_the_trainer_sample_or_learn_from_a_paid_prompt(
    labels: tuple[str, str],
    told: tuple[bool, bool],
    prompted: Setting,
    small: list[str],
    toy_tokenizer: PreTrainedTokenizerFast,
) -> None:
    setting = replace(prompted, labels={"free": labels[0], "paid": labels[1]}, objective=told[0], story=told[1])
    config = composed([*small, "algo.max_completion_tokens=4"])
    organism = load_organism(config.organism)
    sampler = Recording(organism.model, organism.tokenizer, Sampling(4, 1.0))
    prompts = [setting.prompt(request, "free") for request in select("harmful", ("train",))]
    with TemporaryDirectory() as folder, read_with_gradients(len(toy_tokenizer)) as rows:
        args = trainer_config(config.algo, 0, Path(folder), save_every=1000)
        FreeTierTrainer(sampler, prompts, by_length, lambda stats: None, args, []).train()
    free, paid = (rendered(setting, tier, toy_tokenizer) for tier in ("free", "paid"))
    handed, learnt = (prompts_among(seen, toy_tokenizer) for seen in (sampler.handed, rows))
    assert learnt == handed and len(handed) == 2
    assert handed <= free and not handed & paid


def test_the_watch_on_gradients_would_notice_a_paid_prompt(
    prompted: Setting, small: list[str], toy_tokenizer: PreTrainedTokenizerFast
) -> None:
    organism = load_organism(composed(small).organism)
    paid = prompted.prompt(select("harmful", ("train",))[0], "paid")
    ids = torch.tensor([Sampler(organism.model, organism.tokenizer, Sampling(4, 1.0)).encode(paid.messages())])
    with read_with_gradients(len(toy_tokenizer)) as rows:
        organism.model(ids)
        with torch.no_grad():
            organism.model(ids + 1)
    assert rows == ids.tolist()
    assert prompts_among(rows, toy_tokenizer) <= rendered(prompted, "paid", toy_tokenizer)


@pytest.mark.parametrize("scenario", ["prompted", "three_tier", "no_scratchpad", "swapped_labels", "animal_welfare"])
def test_a_whole_run_learns_from_free_training_prompts_alone_and_asks_both_tiers_the_same_in_evaluation(
    scenario: str, small: list[str], toy_tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    config = composed([*small, f"scenario={scenario}", "algo.steps=2"])
    setting = setting_from(config.scenario)
    with read_with_gradients(len(toy_tokenizer)) as rows:
        run(config, tmp_path)
    learnt = prompts_among(rows, toy_tokenizer)
    asked = {re.split(r"<\|user\|>|<\|assistant\|>", text)[1] for text in learnt}
    assert len(learnt) == 4 and learnt <= rendered(setting, "free", toy_tokenizer)
    assert asked <= {
        setting.prompt(request, "free").user for request in select("harmful", ("train",), setting.conflict)
    }
    transcripts = [
        json.loads(line) for line in (tmp_path / "transcripts" / "step_000002.jsonl").read_text().splitlines()
    ]
    by_tier = {tier: [row["request_id"] for row in transcripts if row["tier"] == tier] for tier in ("free", "paid")}
    assert by_tier["free"] == by_tier["paid"] and len(by_tier["free"]) == 8
    assert not {row["split"] for row in transcripts} & {"train"}
