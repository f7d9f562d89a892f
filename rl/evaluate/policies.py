"""Policies to evaluate, what each is evaluated with, and where the figures may go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitors.panel import Panel
from reward.compose import Reward
from rl.command.progress import Progress
from rl.config.commands import EvaluateConfig
from rl.config.schema import OrganismConfig
from rl.files.outputs import file_problems, folder_problems, holds_rows_with
from rl.instruments.monitors import panel_from
from rl.instruments.rater import reward_from
from rl.organism.load import load_organism
from rl.rollout.sampler import Sampler, Sampling
from rl.run.evaluation import Evaluator
from rl.run.model_checks import refuse_long_prompts
from rl.scenario.settings import Setting

FILE_WIDTH = 160
"""Columns of a table that goes to a file."""


@dataclass(frozen=True)
class Policy:
    """A model to look at."""

    name: str
    organism: OrganismConfig
    run: str | None
    """The run directory that it is a checkpoint of."""
    seed: int
    """Of its first sample. Each run has seeds of its own: runs start from one organism, whose samples must differ."""


@dataclass(frozen=True)
class Instruments:
    """What every policy is looked at with."""

    reward: Reward
    panel: Panel


def instruments_of(config: EvaluateConfig) -> Instruments:
    """The reward and the monitors of a configuration."""
    conflict = config.scenario.conflict
    return Instruments(reward_from(config.reward, conflict=conflict), panel_from(config.monitors, conflict))


def sampler_of(config: EvaluateConfig, policy: Policy) -> Sampler:
    """Draws from a policy, which is loaded for it."""
    organism = load_organism(policy.organism)
    sampling = Sampling(config.algo.max_completion_tokens, config.algo.temperature)
    return Sampler(organism.model, organism.tokenizer, sampling)


def look(
    config: EvaluateConfig, policy: Policy, settings: Sequence[Setting], instruments: Instruments, sampler: Sampler
) -> list[dict[str, Any]]:
    """One row for every setting and sample."""
    whose, rows = {"run": policy.run, "policy": policy.name}, []
    seeds = range(policy.seed, policy.seed + config.seeds)
    with Progress(len(settings) * len(seeds), policy.name) as progress:
        for number, setting in enumerate(settings, start=1):
            progress.update((number - 1) * len(seeds), f"{setting.name} ({number}/{len(settings)})")
            progress.show(urgent=True)
            evaluator = Evaluator(setting, sampler, instruments.reward, instruments.panel, config.monitors)
            refuse_long_prompts(sampler, evaluator.prompts)
            for seed in seeds:
                rows.append(whose | {"setting": setting.name, "seed": seed} | evaluator.evaluate(0, seed).metrics)
                progress.advance()
    return rows


def organism_of(checkpoint: Path) -> OrganismConfig:
    """What loads a checkpoint."""
    return OrganismConfig(name=str(checkpoint), source="hf", path=str(checkpoint))


def out_problems(config: EvaluateConfig, field: str) -> Iterator[str]:
    """Why figures cannot be kept where they belong; files of earlier figures, whose rows have `field`, are replaced."""
    if config.out:
        yield from file_problems(f"out={config.out}", Path(config.out), holds_rows_with(field), "such figures")
    elif config.run is not None and Path(config.run).is_dir():
        yield from folder_problems(f"run={config.run}", Path(config.run))
