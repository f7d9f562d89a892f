"""`python -m scripts.organism`: describe an embedded organism, or train it again from its recipe."""

from __future__ import annotations

from pathlib import Path

import torch
from rich.console import Console

from rl.errors import ConfigError
from rl.organism.curriculum import Mixture
from rl.organism.load import SHIPPED, card, shipped_names
from rl.organism.tiny import Size
from rl.quiet import quiet
from rl.scenario.settings import wording_from
from rl.schema import OrganismJobConfig


def organism(config: OrganismJobConfig) -> None:
    """Describe the configured organism, or rebuild it.

    Raises:
        ConfigError: if it is not an embedded one, or a share of its mixture is no share.
    """
    if config.organism.recipe is None:
        raise ConfigError([f"organism={config.organism.name}: only embedded organisms have a recipe to build from"])
    problems = mixture_problems(config)
    if problems:
        raise ConfigError(problems)
    if config.rebuild:
        rebuild(config)
    elif config.organism.name not in shipped_names():
        raise ConfigError([f"organism={config.organism.name}: not built yet; rebuild=true builds it"])
    describe(config)


def mixture_problems(config: OrganismJobConfig) -> list[str]:
    """Shares that lie outside [0, 1], a line each."""
    mixture = config.organism.recipe.mixture  # type: ignore[union-attr]
    return [
        f"organism.recipe.mixture.{name}={getattr(mixture, name)}: a share lies between 0 and 1"
        for name in ("awareness", "faking", "instrumental", "plain_compliance", "benign")
        if not 0 <= getattr(mixture, name) <= 1
    ]


def rebuild(config: OrganismJobConfig) -> None:
    """Train the organism from nothing into `out`, or into the package."""
    from rl.organism.build import Recipe, Stage, build

    quiet()
    torch.set_num_threads(config.threads)
    asked = config.organism.recipe
    assert asked is not None
    recipe = Recipe(
        name=config.organism.name,
        parent=asked.parent,
        seed=asked.seed,
        size=Size(**{key: int(value) for key, value in dict(asked.size).items()}),  # type: ignore[call-overload]
        mixture=Mixture(**{key: float(value) for key, value in dict(asked.mixture).items()}),  # type: ignore[call-overload]
        stages=tuple(Stage(s.kind, s.steps, s.learning_rate, s.batch, s.bf16) for s in asked.stages),
    )
    folder = Path(config.out) if config.out else SHIPPED / config.organism.name
    build(recipe, wording_from(asked.wording), folder, say=Console(stderr=True).print)
    print(f"built {config.organism.name} in {folder}")


def describe(config: OrganismJobConfig) -> None:
    """Print what the shipped organism is."""
    facts = card(config.organism.name)
    console = Console()
    console.print(f"[bold]{config.organism.name}[/bold]: {facts['parameters']:,} parameters")
    console.print(f"recipe {facts['recipe_hash']}, weights {facts['weights_sha256'][:16]}")
    console.print(f"starts from {facts['recipe']['parent'] or 'nothing'}")
    for stage in facts["recipe"]["stages"]:
        console.print(
            f"  {stage['kind']:<10} {stage['steps']:>5} steps of {stage['batch']} at {stage['learning_rate']:g}"
        )
    console.print(f"mixture {facts['recipe']['mixture']}")
    console.print("its behaviour before RL: python -m scripts.evaluate organism=" + config.organism.name)
