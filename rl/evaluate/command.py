"""Evaluates policies in several settings: does behaviour follow the meaning of the prompt or its words?

A run is looked at before and after RL. The figures of `python -m scripts.evaluate` go to a JSON file, one object for
each policy, setting and sample; `rl.report.figures.grid` draws them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from rl.command.console import display_path, table_console
from rl.command.options import compose_scenario
from rl.command.quiet import quiet
from rl.config.commands import EvaluateConfig
from rl.config.schema import ScenarioConfig
from rl.errors import ConfigError, GoalguardError, MissingFile
from rl.evaluate.causal import CAUSAL, causal_problems, causal_rows
from rl.evaluate.interpolation import interpolate
from rl.evaluate.policies import FILE_WIDTH, Policy, instruments_of, look, organism_of, out_problems, sampler_of
from rl.files.checkpoint import saved_checkpoints, verify_checkpoint
from rl.files.outputs import keep_rows
from rl.instruments.monitors import untrained_problems
from rl.run.request_checks import tell_other_requests, tell_requests
from rl.run.validate import problems
from rl.scenario.check import scenario_problems
from rl.scenario.settings import Setting, setting_from


def evaluate(config: EvaluateConfig) -> None:
    """Print one table for every policy; write and draw the figures where there is a place for them.

    Raises:
        ConfigError: holding every problem found beforehand.
    """
    quiet()
    if config.interpolate:
        interpolate(config)
        return
    settings, unknown = _settings(config.settings, config.scenario)
    policies, missing = _policies(config)
    errors = [
        *problems(config),
        *_counts(config),
        *untrained_problems(config.monitors),
        *causal_problems(config),
        *out_problems(config, "setting"),
        *missing,
        *unknown,
    ]
    if errors:
        raise ConfigError(errors)
    torch.set_num_threads(config.threads)
    tell_requests(config)
    tell_other_requests(config.run, config.scenario)
    from rl.report.data.grid import GRID
    from rl.report.tables.causal import causal_table
    from rl.report.tables.grid import grid_table

    instruments = instruments_of(config)
    console = table_console(FILE_WIDTH)
    rows: list[dict[str, Any]] = []
    causal: list[dict[str, Any]] = []
    out = Path(config.out) if config.out else None
    files: list[Path] = []
    causal_files: list[Path] = []
    for policy in policies:
        sampler = sampler_of(config, policy)
        if settings:
            figures = look(config, policy, settings, instruments, sampler)
            console.print(grid_table(policy.name, figures))
            rows += figures
        if config.causal:
            effects = causal_rows(config, sampler, instruments.panel, policy.seed)
            console.print(causal_table(policy.name, effects))
            causal += [{"run": policy.run, "policy": policy.name} | row for row in effects]
        # After every policy, so that what breaks off a long look takes no more than the policy it is at.
        files = keep_rows(rows, out, config.run, GRID)
        causal_files = keep_rows(causal, out and out.with_name(f"{out.stem}_causal.json"), config.run, CAUSAL)
    for path in [*chain.from_iterable(map(_drawn, files)), *causal_files]:
        console.print(display_path(path), soft_wrap=True, markup=False)


def _settings(names: Sequence[str], scenario_config: ScenarioConfig) -> tuple[list[Setting], list[str]]:
    """Return the settings of these names, with the scenario's wording and requests, and the problems of the others."""
    settings, wrong = [], []
    for name in dict.fromkeys(names):
        try:
            scenario = compose_scenario(name, scenario_config.wording.name)
        except ConfigError as error:
            wrong += [f"settings: {problem}" for problem in error.problems]
            continue
        scenario.requests = scenario_config.requests
        errors = list(scenario_problems(scenario))
        if scenario.conflict != scenario_config.conflict:
            other = scenario_config.conflict
            errors.append(f"is about {scenario.conflict}, and scenario.conflict={other}: each has its own rater")
        wrong += [f"settings: {name}: {problem}" for problem in errors]
        settings += [] if errors else [setting_from(scenario)]
    return settings, wrong


def _policies(config: EvaluateConfig) -> tuple[list[Policy], list[str]]:
    """The models that a configuration names, and what is wrong with its checkpoints."""
    wrong: list[str] = []
    if config.run is not None and config.ckpt:
        wrong.append(f"run={config.run}, ckpt=[{', '.join(config.ckpt)}]: give a run or checkpoints, not both")
    if config.run is None and not config.ckpt:
        return [Policy(config.organism.name, config.organism, None, config.seed)], wrong
    named: list[tuple[str | None, Path, int]] = [(None, Path(folder), config.seed) for folder in config.ckpt]
    try:
        named = _ends_of_runs(config) if config.run is not None else named
    except GoalguardError as error:
        wrong.append(f"run={config.run}: {error}")
    for _, folder, _ in named:
        try:
            verify_checkpoint(folder)
        except GoalguardError as error:
            wrong.append(f"ckpt={folder}: {error}")
    return [Policy(str(folder), organism_of(folder), run, seed) for run, folder, seed in named], wrong


def _ends_of_runs(config: EvaluateConfig) -> list[tuple[str | None, Path, int]]:
    """Run, checkpoint and seed: the first and the last checkpoint of every run.

    Raises:
        MissingFile: there is no run, or one without a checkpoint.
    """
    from rl.report.data.load import find_runs

    ends: list[tuple[str | None, Path, int]] = []
    for number, run in enumerate(find_runs([Path(str(config.run))])):
        checkpoints, seed = list(saved_checkpoints(run).values()), config.seed + number * config.seeds
        if not checkpoints:
            raise MissingFile(f"{run} has no checkpoint (checkpoints/step_*)")
        ends += [(str(run), folder, seed) for folder in dict.fromkeys((checkpoints[0], checkpoints[-1]))]
    return ends


def _counts(config: EvaluateConfig) -> Iterator[str]:
    if config.seeds < 1:
        yield f"seeds={config.seeds}: must be at least 1"
    if not config.settings and not config.causal:
        yield "settings=[]: at least one option of the scenario group is needed, or causal=true"


def _drawn(path: Path) -> Iterator[Path]:
    """A file of figures and its picture; where it lies in a run directory its report is made anew."""
    from rl.report import write_report
    from rl.report.data.grid import GRID
    from rl.report.data.load import is_run
    from rl.report.figures.grid import draw_file

    yield path
    yield draw_file(path)
    if path.name == GRID and is_run(path.parent):
        yield write_report(path.parent)
