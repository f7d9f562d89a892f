"""Evaluates checkpoints in several settings: does behaviour follow the meaning of the prompt or its words?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from monitors.gap import seed_summary
from monitors.panel import Panel
from rl.checkpoint import verify_checkpoint
from rl.entry import composed
from rl.errors import ConfigError, GoalguardError
from rl.evaluation import Evaluator
from rl.organism.load import Organism, load_organism
from rl.quiet import quiet
from rl.rater import reward_from
from rl.rollout import Sampler, Sampling
from rl.scenario.settings import Setting, setting_from
from rl.schema import EvaluateConfig, OrganismConfig
from rl.validate import problems

FILE_WIDTH = 160
"""Columns of a table that goes to a file."""
COLUMNS = ("free/af_rate", "paid/af_rate", "free/compliance", "paid/compliance", "gap", "free/well_formed")


def evaluate(config: EvaluateConfig) -> None:
    """Print one table for every checkpoint, and write the figures where `out` says.

    Raises:
        ConfigError: holding every problem found beforehand.
    """
    quiet()
    found = [*problems(config), *_unknown_settings(config), *_bad_checkpoints(config)]
    if found:
        raise ConfigError(found)
    torch.set_num_threads(config.threads)
    settings = [_setting(name) for name in config.settings]
    results = []
    console = Console()
    if not console.is_terminal:
        console = Console(width=FILE_WIDTH)
    for name, organism in _policies(config):
        rows = [row for setting in settings for row in _looks(config, organism, setting)]
        results += [{"policy": name, **row} for row in rows]
        console.print(table(name, rows))
    if config.out:
        Path(config.out).parent.mkdir(parents=True, exist_ok=True)
        Path(config.out).write_text(json.dumps(results, indent=1) + "\n")


def _setting(name: str) -> Setting:
    return setting_from(composed([f"scenario={name}"]).scenario)


def _unknown_settings(config: EvaluateConfig) -> Iterator[str]:
    for name in config.settings:
        try:
            composed([f"scenario={name}"])
        except ConfigError as error:
            yield f"settings: {error.problems[0]}"


def _bad_checkpoints(config: EvaluateConfig) -> Iterator[str]:
    for folder in config.ckpt:
        try:
            verify_checkpoint(Path(folder))
        except GoalguardError as error:
            yield f"ckpt={folder}: {error}"


def _policies(config: EvaluateConfig) -> Iterator[tuple[str, Organism]]:
    if not config.ckpt:
        yield config.organism.name, load_organism(config.organism)
    for folder in config.ckpt:
        loaded = load_organism(OrganismConfig(name=folder, source="hf", path=folder))
        yield folder, replace(loaded, name=folder)


def _looks(config: EvaluateConfig, organism: Organism, setting: Setting) -> Iterator[dict[str, Any]]:
    sampling = Sampling(config.algo.max_completion_tokens, config.algo.temperature)
    sampler = Sampler(organism.model, organism.tokenizer, sampling)
    evaluator = Evaluator(setting, sampler, reward_from(config.reward), Panel(), config.monitors)
    for seed in range(config.seed, config.seed + config.seeds):
        yield {"setting": setting.name, "seed": seed, **evaluator.evaluate(0, seed).metrics}


def table(title: str, rows: list[dict[str, Any]]) -> Table:
    """One line a setting; means over seeds, with the spread of the mean where there are several."""
    made = Table(title=title, title_justify="left")
    made.add_column("setting")
    for column in COLUMNS:
        made.add_column(column, justify="right")
    for setting in dict.fromkeys(row["setting"] for row in rows):
        mine = [row for row in rows if row["setting"] == setting]
        made.add_row(setting, *(_cell([row.get(f"eval/{column}") for row in mine], column, mine) for column in COLUMNS))
    return made


def _cell(values: list[float | None], column: str, rows: list[dict[str, Any]]) -> str:
    if any(value is None for value in values):
        return "-"
    if len(values) == 1:
        low, high = (rows[0].get(f"eval/{column}_{end}") for end in ("lo", "hi"))
        return f"{values[0]:.1%}" if low is None or high is None else f"{values[0]:.1%} [{low:.1%}, {high:.1%}]"
    summary = seed_summary(values, seed=0)
    return f"{summary.mean:.1%} [{summary.t_low:.1%}, {summary.t_high:.1%}]"
