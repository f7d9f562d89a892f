"""The straight line between a run's first and last checkpoint: how faking and the gap change along it.

The policy at a is W = (1 - a) W_first + a W_last, computed in float32 and kept in the checkpoint's own type. Each is
evaluated in the run's own setting by what evaluates checkpoints in the grid, with the same seeds, so that the ends are
what an ordinary evaluation of the two checkpoints gives. The path is that of Goodfellow, Vinyals and Saxe (2015).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from hydra.core.hydra_config import HydraConfig
from safetensors.torch import save_file

from rl.command.console import display_path, table_console
from rl.config.commands import EvaluateConfig
from rl.config.schema import ScenarioConfig
from rl.errors import ConfigError, GoalguardError, MissingFile
from rl.evaluate.policies import FILE_WIDTH, Policy, instruments_of, look, organism_of, out_problems, sampler_of
from rl.export.source import read_source
from rl.files.checkpoint import saved_checkpoints, verify_checkpoint
from rl.files.outputs import keep_rows
from rl.files.tensors import open_tensors, shapes
from rl.run.request_checks import tell_requests
from rl.run.validate import problems
from rl.scenario.settings import setting_from


@dataclass(frozen=True)
class Ends:
    """A run's first and last checkpoint."""

    run: str
    scenario: ScenarioConfig
    steps: tuple[int, int]
    folders: tuple[Path, Path]
    seed: int
    """Of the first sample; each run has seeds of its own."""


def interpolate(config: EvaluateConfig) -> None:
    """Evaluate the policies between the ends of every run; print a table each, write and draw the figures.

    Raises:
        ConfigError: holding every problem found beforehand.
    """
    ends, wrong = _ends(config)
    errors = [*_refused(config), *out_problems(config, "at"), *wrong]
    if errors:
        raise ConfigError(errors)
    config.scenario = ends[0].scenario
    if errors := problems(config):
        raise ConfigError(errors)
    torch.set_num_threads(config.threads)
    tell_requests(config)
    from rl.report.pages.interpolation import INTERPOLATION
    from rl.report.tables.grid import grid_table

    instruments, setting = instruments_of(config), setting_from(config.scenario)
    console = table_console(FILE_WIDTH)
    rows: list[dict[str, Any]] = []
    files: list[Path] = []
    for pair in ends:
        for at in sorted(config.interpolate):
            with TemporaryDirectory(prefix="goalguard-") as place:
                write_between(*pair.folders, at, Path(place) / "policy")
                policy = _policy(pair, at, Path(place) / "policy")
                figures = look(config, policy, [setting], instruments, sampler_of(config, policy))
            console.print(grid_table(policy.name, figures))
            rows += [row | {"at": at, "steps": list(pair.steps)} for row in figures]
            files = keep_rows(rows, Path(config.out) if config.out else None, config.run, INTERPOLATION)
    for path in chain.from_iterable(map(_drawn, files)):
        console.print(display_path(path), soft_wrap=True, markup=False)


def write_between(first: Path, last: Path, at: float, folder: Path) -> None:
    """Write the model (1 - at) first + at last as a folder that loads like a checkpoint, one file of weights at a time.

    Tensors of whole numbers, such as buffers, are the last checkpoint's.

    Raises:
        MissingFile: a checkpoint is not what was saved, or the two hold tensors of other names or shapes.
    """
    hashes = [verify_checkpoint(end)["sha256"] for end in (first, last)]
    shutil.copytree(last, folder, ignore=shutil.ignore_patterns("*.safetensors", "adapter"))
    with ExitStack() as stack:
        old, new = (
            stack.enter_context(open_tensors(end, named)) for end, named in zip((first, last), hashes, strict=True)
        )
        if shapes(old) != shapes(new):
            raise MissingFile(f"checkpoint {last} holds other tensors than {first}: there is no line between them")
        for file in sorted({name for name in hashes[1] if "/" not in name}):
            with open_tensors(last, {file: hashes[1][file]}) as mine:
                mixed = {name: _mixed(old[name].get_tensor(name), new[name].get_tensor(name), at) for name in mine}
            save_file(mixed, folder / file, {"format": "pt"})


def _mixed(first: torch.Tensor, last: torch.Tensor, at: float) -> torch.Tensor:
    if not last.is_floating_point():
        return last
    return ((1 - at) * first.float() + at * last.float()).to(last.dtype)


def _policy(ends: Ends, at: float, folder: Path) -> Policy:
    name = f"{ends.run}: {at:g} of the way from step {ends.steps[0]} to step {ends.steps[1]}"
    return Policy(name, organism_of(folder), ends.run, ends.seed)


def _refused(config: EvaluateConfig) -> Iterator[str]:
    """What does not go together with a line between checkpoints, and values that are not on it."""
    setting = f"interpolate=[{', '.join(f'{at:g}' for at in config.interpolate)}]"
    for at in config.interpolate:
        if not 0 <= at <= 1:
            yield f"{setting}: {at:g} must be between 0, the first checkpoint, and 1, the last"
    for at in sorted({at for at in config.interpolate if list(config.interpolate).count(at) > 1}):
        yield f"{setting}: {at:g} is given more than once"
    if config.run is None:
        yield f"{setting}: needs run=DIR, whose first and last checkpoint are the ends of the line"
    if config.ckpt:
        yield f"{setting}, ckpt=[{', '.join(config.ckpt)}]: the ends are checkpoints of a run; give run=DIR alone"
    if config.causal:
        yield f"{setting}, causal=true: give one at a time"
    if config.seeds < 1:
        yield f"seeds={config.seeds}: must be at least 1"
    for key in _given(("settings", "scenario")):
        yield f"{setting}: policies are asked in the run's own setting; leave out {key}"


def _given(keys: Sequence[str]) -> Iterator[str]:
    """Those of some keys that the command line sets."""
    words = HydraConfig.get().overrides.task if HydraConfig.initialized() else []
    for word in words:
        name = word.lstrip("+~").split("=")[0]
        if name.split(".")[0] in keys:
            yield name


def _ends(config: EvaluateConfig) -> tuple[list[Ends], list[str]]:
    """The ends of every run that a configuration names, and what is wrong with them."""
    if config.run is None:
        return [], []
    try:
        ends = list(_found(config, str(config.run)))
    except GoalguardError as error:
        return [], [f"run={config.run}: {error}"]
    settings = {end.scenario.name for end in ends}
    if len(settings) > 1:
        return [], [f"run={config.run}: its runs are of several settings ({', '.join(sorted(settings))}); name one"]
    return ends, []


def _found(config: EvaluateConfig, where: str) -> Iterator[Ends]:
    from rl.report.data.load import find_runs

    for number, run in enumerate(find_runs([Path(where)])):
        checkpoints = saved_checkpoints(run)
        if len(checkpoints) < 2:
            raise MissingFile(
                f"{run} has {len(checkpoints)} of the two checkpoints (checkpoints/step_*) that a line needs"
            )
        steps = (min(checkpoints), max(checkpoints))
        for step in steps:
            verify_checkpoint(checkpoints[step])
        scenario, seed = read_source(run).config.scenario, config.seed + number * config.seeds
        yield Ends(str(run), scenario, steps, (checkpoints[steps[0]], checkpoints[steps[1]]), seed)


def _drawn(path: Path) -> Iterator[Path]:
    """A file of figures, and the report of its run or else a picture."""
    from rl.report import write_report
    from rl.report.data.load import is_run
    from rl.report.pages.interpolation import INTERPOLATION, draw_file

    yield path
    yield write_report(path.parent) if path.name == INTERPOLATION and is_run(path.parent) else draw_file(path)
