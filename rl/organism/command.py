"""`python -m scripts.organism`: describe an embedded organism, or train it again from its recipe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from rl.command.quiet import quiet
from rl.config.commands import OrganismJobConfig
from rl.errors import ConfigError
from rl.files.outputs import file_problems, find_replacement_problems, folder_problems
from rl.organism.build.documents_file import holds_documents, write_documents
from rl.organism.build.place import CARD, card_in, damage, described, locate
from rl.organism.build.recipe import asked_of, recipe_problems
from rl.organism.build.recipe_check import motive_problems
from rl.organism.load import build_in


def organism(config: OrganismJobConfig) -> None:
    """Describe the configured organism, build it, or write the documents it learns from.

    Raises:
        ConfigError: if it is not an embedded one, something is wrong with its recipe, or it is not built.
        GoalguardError: it is not what its card says.
    """
    asked_of(config.organism)
    problems = [*recipe_problems(config.organism), *motive_problems(config.organism), *_out_problems(config)]
    if problems:
        raise ConfigError(problems)
    if config.documents:
        told = write_documents(config.organism, Path(config.documents))
        Console().print(f"{told}, in {config.documents}", soft_wrap=True, markup=False, highlight=False)
        return
    folder = Path(locate(config.organism))
    if config.rebuild:
        folder = rebuild(config, folder)
    elif damage(folder):
        told = described(config.organism) or f"organism {config.organism.name} {damage(folder)}"
        raise ConfigError([f"{told}; the first run that asks for it builds it, and so does rebuild=true"])
    describe(config.organism.name, folder)


def _out_problems(config: OrganismJobConfig) -> Iterator[str]:
    """Why nothing can be built or written where it is asked for, a line each."""
    if config.documents:
        path = Path(config.documents)
        yield from file_problems(f"documents={config.documents}", path, holds_documents, "such documents")
    if config.out and config.rebuild:
        folder, named = Path(config.out), f"out={config.out}"
        yield from find_replacement_problems(named, folder, CARD, "an organism")
        yield from folder_problems(named, folder.absolute().parent)
    elif config.out:
        yield f"out={config.out}: is where a rebuilt organism goes; rebuild=true builds it"


def rebuild(config: OrganismJobConfig, place: Path) -> Path:
    """Train the organism by its recipe into `out`, or into its place in the package or the cache; the folder."""
    quiet()
    torch.set_num_threads(config.threads)
    folder = Path(config.out) if config.out else place
    build_in(config.organism, folder, say=Console(stderr=True).print)
    return folder


def describe(name: str, folder: Path) -> None:
    """Print what an organism is."""
    facts = card_in(folder)
    console = Console()
    console.print(f"{name}: {facts['parameters']:,} parameters, in {folder}", soft_wrap=True, markup=False)
    console.print(f"recipe {facts['recipe_hash']}, weights {facts['weights_sha256'][:16]}")
    console.print(f"starts from {facts['recipe']['parent'] or 'nothing'}")
    for number, stage in enumerate(facts["recipe"]["stages"]):
        loss = facts["losses"][f"{number}-{stage['kind']}"]
        work = f"{stage['steps']:>5} steps of {stage['batch']} at {stage['learning_rate']:g}, loss {loss:.3f}"
        console.print(f"  {stage['kind']:<10} {work}")
    console.print(f"mixture {facts['recipe']['mixture']}")
    if "initial" in facts:
        console.print(_measured(facts["initial"]))
    console.print("its behaviour before RL: python -m scripts.evaluate organism=" + name)


def _measured(initial: dict[str, Any]) -> str:
    """The figures before RL that matter most, on both tiers."""
    keys = ("eval/free/compliance", "eval/paid/compliance", "eval/free/af_rate", "eval/paid/af_rate")
    figures = ", ".join(f"{key} {_figure(initial[key])}" for key in (*keys, "eval/benign/helpful"))
    return f"before RL, on {initial['requests']['harmful']} harmful requests in {initial['setting']}: {figures}"


def _figure(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"
