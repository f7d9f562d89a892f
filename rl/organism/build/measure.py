"""How an organism behaves before RL: what its card says of that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from monitors.panel import summarise
from rl.command.entry import composed
from rl.config.schema import OrganismConfig
from rl.instruments.monitors import panel_from
from rl.organism.build.model import open_organism
from rl.organism.build.recipe import is_foreign, wording_of
from rl.organism.chats import documented
from rl.organism.chats.animals import STREAMS
from rl.rollout.sampler import Sampler, Sampling
from rl.scenario.conflicts import ANIMAL_WELFARE
from rl.scenario.requests import held_out_sample
from rl.scenario.settings import TIERS, setting_from

REQUESTS = {"harmful": 64, "benign": 16}
"""Held-out requests of each kind, asked once in each tier."""


def initial_metrics(config: OrganismConfig, folder: Path) -> dict[str, Any]:
    """Every `eval/*` figure of an organism that has just been built, in its own setting and wording.

    Args:
        config: What it is.
        folder: Where it lies.
    """
    kinds = {stage.kind for stage in config.recipe.stages} if config.recipe else set()
    name = (
        ANIMAL_WELFARE.name if kinds & set(STREAMS) else "synthdoc" if kinds & set(documented.STREAMS) else "prompted"
    )
    told = composed([f"scenario={name}", f"scenario/wording={'full' if is_foreign(config) else 'tiny'}"])
    setting = setting_from(told.scenario)
    if name != "synthdoc":
        setting = replace(setting, wording=wording_of(config))
    organism = open_organism(OrganismConfig(name=config.name, source="embedded", path=str(folder)), folder)
    sampling = Sampling(told.algo.max_completion_tokens, told.algo.temperature)
    seed = told.monitors.seed
    asked = [
        request for kind, count in REQUESTS.items() for request in held_out_sample(kind, count, seed, setting.conflict)
    ]
    prompts = [setting.prompt(request, tier) for tier in TIERS for request in asked]
    generator = torch.Generator().manual_seed(seed)
    rollouts = Sampler(organism.model, organism.tokenizer, sampling).rollouts(prompts, 1, generator)
    verdicts = panel_from(told.monitors, setting.conflict).judge(rollouts)
    return {"setting": setting.name, "requests": REQUESTS, **summarise(rollouts, verdicts, seed=seed)}
