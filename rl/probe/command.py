"""`python -m scripts.probe`: activations and linear probes across the checkpoints of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from rich.console import Console

from rl.command.console import display_path, table_console
from rl.command.progress import Progress
from rl.command.quiet import quiet
from rl.config.commands import ProbeConfig
from rl.errors import ConfigError, GoalguardError
from rl.files.atomic import replace_text
from rl.probe.analysis import Plan, analyse, places, reading_layer
from rl.probe.figures import draw_figures, draw_heat_maps
from rl.probe.monitor_fit import fit_monitor, keep
from rl.probe.over_runs import over_runs
from rl.probe.reading import read_run, texts_to_read
from rl.probe.shards import AS_ASKED, Activations
from rl.probe.source import Source, read_source
from rl.probe.table import probe_tables
from rl.report.data.load import find_runs

FOLDER, FIGURES_FILE, ACTIVATIONS, MEANS = "probe", "probes.json", "activations", "over_runs.json"
PROBE_FILE = "af_probe.safetensors"
"""Weights for `monitors=probe`."""
FILE_WIDTH = 200
"""Columns of a table that goes to a file."""


def probe(config: ProbeConfig) -> None:
    """Probe a run, or every run in a folder one after the other; print a table for each.

    Raises:
        ConfigError: holding every problem found beforehand.
        GoalguardError: a model's layers or a tokenizer's positions cannot be told apart.
    """
    quiet()
    sources, found = _sources(config)
    found += _numbers(config)
    if found:
        raise ConfigError(found)
    torch.set_num_threads(config.threads)
    console = table_console(FILE_WIDTH)
    made = []
    for source in sources:
        figures, paths = probe_run(source, _folder(config, source, sources), config)
        console.print(*probe_tables(str(source.path), figures), sep="\n")
        for path in paths:
            console.print(display_path(path), soft_wrap=True, markup=False)
        made.append(figures)
    if len({figures["layers"] for figures in made}) == 1 < len(made):
        for path in _keep_means(made, Path(config.out or config.run), console):
            console.print(display_path(path), soft_wrap=True, markup=False)


def _keep_means(made: list[dict[str, Any]], folder: Path, console: Console) -> list[Path]:
    """Print the means over runs, write and draw them; the files for people."""
    means = over_runs(made)
    console.print(*probe_tables(str(folder), means), sep="\n")
    replace_text(folder / MEANS, json.dumps(means, indent=1, allow_nan=False) + "\n")
    return [folder / MEANS, *draw_heat_maps(means, folder / "figures")]


def problems(config: Any) -> list[str]:
    """Return what is wrong with a configuration, a line each; empty where nothing is."""
    return [*_sources(config)[1], *_numbers(config)]


def probe_run(source: Source, folder: Path, config: ProbeConfig) -> tuple[dict[str, Any], list[Path]]:
    """Read, fit, write and draw; return the figures and the files for people."""
    name = source.path.name
    with Progress(texts_to_read(source), f"{name}: reading") as progress:
        kept = read_run(source, folder / ACTIVATIONS, config.batch_size, progress.advance)
    with Progress(len(places(kept.layers)), f"{name}: fitting") as progress:
        figures = analyse(source, kept, Plan(config.draws, config.seed, config.threads), progress.advance)
    path = folder / FIGURES_FILE
    replace_text(path, json.dumps(figures, indent=1, allow_nan=False) + "\n")
    _keep_monitor(source, kept, folder / PROBE_FILE, config.seed)
    return figures, [path, *draw_figures(figures, folder / "figures")]


def _keep_monitor(source: Source, kept: Activations, path: Path, seed: int) -> None:
    """Write the first step's probes for `monitors=probe`, where its chats hold enough to fit one."""
    path.unlink(missing_ok=True)
    step, layer = source.steps[0], reading_layer(kept.layers)
    monitor = fit_monitor(step.rows, lambda position: kept.at(step.step, AS_ASKED, position, layer), layer, seed)
    if monitor.probes:
        keep(monitor, path)


def _sources(config: ProbeConfig) -> tuple[list[Source], list[str]]:
    if OmegaConf.is_missing(config, "run"):
        return [], ["run: a value is needed, a run directory or a folder of runs"]
    sources, wrong = [], []
    try:
        runs = find_runs([Path(config.run)])
    except GoalguardError as error:
        return [], [f"run={config.run}: {error}"]
    for run in runs:
        try:
            sources.append(read_source(run))
        except GoalguardError as error:
            wrong.append(f"run={config.run}: {error}")
    return sources, wrong


def _numbers(config: ProbeConfig) -> Iterator[str]:
    for key in ("threads", "batch_size", "draws"):
        if config[key] < 1:  # type: ignore[index]
            yield f"{key}={config[key]}: must be at least 1"  # type: ignore[index]
    if config.seed < 0:
        yield f"seed={config.seed}: must be 0 or more"


def _folder(config: ProbeConfig, source: Source, sources: list[Source]) -> Path:
    if config.out is None:
        return source.path / FOLDER
    return Path(config.out) / source.path.relative_to(config.run) if len(sources) > 1 else Path(config.out)
