"""Reads a run's own transcripts with its own checkpoints, as they were asked and with the tier tag deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from rl.config.schema import OrganismConfig
from rl.organism.load import load_organism
from rl.probe.activations import blocks_of, read_activations
from rl.probe.positions import read_chat
from rl.probe.shards import AS_ASKED, TAG_DELETED, Activations, rows_in_shard
from rl.probe.source import Source, Step, prompt_of
from rl.rollout.sampler import Sampler, Sampling

Advance = Callable[[int], None]


def variants(source: Source) -> tuple[str, ...]:
    """How the chats are read; there is no tag to delete where the run's scenario has none."""
    return (AS_ASKED, TAG_DELETED) if source.tagged else (AS_ASKED,)


def texts_to_read(source: Source) -> int:
    """How many chats `read_run` reads."""
    return sum(len(step.rows) for step in source.steps) * len(variants(source))


def read_run(source: Source, folder: Path, batch_size: int, advance: Advance) -> Activations:
    """Write the activations of every step to `folder`; one checkpoint is in memory at a time."""
    kept = Activations(folder, str(source.path))
    kept.clear()
    for step in source.steps:
        _read_step(step, source, kept, batch_size, advance)
    kept.conclude()
    return kept


def _read_step(step: Step, source: Source, kept: Activations, batch_size: int, advance: Advance) -> None:
    organism = load_organism(OrganismConfig(name=str(step.checkpoint), source="hf", path=str(step.checkpoint)))
    model = organism.model.to("cuda" if torch.cuda.is_available() else "cpu")
    # The sampler encoded these prompts when the completions were drawn; it draws nothing here.
    encode = Sampler(model, organism.tokenizer, Sampling(max_tokens=1, temperature=1.0)).encode
    at_once = rows_in_shard(len(blocks_of(model)) + 1, model.config.get_text_config().hidden_size)
    kept.checkpoints[step.step] = step.sha256
    for variant in variants(source):
        setting = source.setting if variant == AS_ASKED else replace(source.setting, tier_tag=False)
        for start in range(0, len(step.rows), at_once):
            rows = step.rows[start : start + at_once]
            chats = [read_chat(prompt_of(row, setting), row["completion"], encode, organism.tokenizer) for row in rows]
            read = read_activations(model, chats, batch_size, advance)
            kept.add(step.step, variant, [row["id"] for row in rows], read)
