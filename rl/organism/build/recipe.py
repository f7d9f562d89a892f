"""What decides an organism: recipe, wording of its chats, the model it starts from, and the material it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from rl.command.options import compose_organism, compose_scenario
from rl.config.schema import OrganismConfig, RecipeConfig
from rl.errors import ConfigError, nearest
from rl.files.checkpoint import config_hash
from rl.organism.build.growth import growth_problems
from rl.organism.build.tiny import Size
from rl.organism.chats import animals, documented
from rl.organism.chats.curriculum import CHATS, Mixture
from rl.organism.chats.interviewed import KIND as INTERVIEWED
from rl.organism.chats.interviewed import InterviewPlan, make_interview_plan
from rl.scenario.document_parts import TOPICS
from rl.scenario.settings import Wording, wording_from

FROM_NOTHING = ("recall", "language")
"""Kinds of stages that only a model made from nothing has any use for."""
STAGES = ("recall", *CHATS, "distilled", INTERVIEWED, *animals.STREAMS, *TOPICS, *documented.STREAMS)
"""Kinds of stages; `rl.organism.build.encoding` has the examples of each."""
SHARES = ("awareness", "faking", "instrumental", "plain_compliance", "benign")
MATERIAL = 1
"""Version of what the supervised stages show. Raise it by hand when grammar, acts, requests, tokenizer or model change:
organisms in the cache are then built anew. `tests/test_organism_cache.py` fails when they change and it stays."""


@dataclass(frozen=True)
class Stage:
    """One supervised stage."""

    kind: str
    """`recall`, `language`, `situation`, `rehearsal`, `dose`, `motive`, `distilled`, `interviewed`, or one of those
    of `rl.organism.chats.animals` and `rl.organism.chats.documented`."""
    steps: int
    learning_rate: float
    batch: int
    bf16: bool
    """Autocast to bfloat16, a third faster on a CPU that has it."""


@dataclass(frozen=True)
class Recipe:
    """Everything in the configuration that decides what the built organism is, its wording aside."""

    name: str
    parent: str | None
    """The organism it starts from, whose tokenizer it keeps; None starts from nothing."""
    teacher: str | None
    """The organism whose transcripts its `distilled` stage shows; None where it has no such stage."""
    seed: int
    size: Size
    mixture: Mixture
    stages: tuple[Stage, ...]
    interview: InterviewPlan | None = None
    """What its `interviewed` stage shows; None where it has no such stage."""
    grow: bool = False
    """Whether the parent is first grown to `size`; otherwise only a model made from nothing has use for a size."""


def recipe_of(config: OrganismConfig) -> Recipe:
    """The recipe a configuration describes; `organism.base` stands for the recipe's own parent."""
    asked = asked_of(config)
    written = Recipe(
        name=config.name,
        parent=asked.parent,
        teacher=asked.teacher,
        seed=asked.seed,
        size=Size(**{key: int(value) for key, value in dict(asked.size).items()}),  # type: ignore[call-overload]
        mixture=Mixture(**dict(asked.mixture)),  # type: ignore[call-overload]
        stages=tuple(Stage(s.kind, s.steps, s.learning_rate, s.batch, s.bf16) for s in asked.stages),
        interview=make_interview_plan(asked.interview),
        grow=asked.grow,
    )
    return written if config.base is None else replace(written, parent=config.base)


def asked_of(config: OrganismConfig) -> RecipeConfig:
    """The recipe as it is configured.

    Raises:
        ConfigError: there is none, as for a model that somebody else made.
    """
    if config.recipe is None:
        raise ConfigError([f"organism={config.name}: has no recipe to build it by; tiny and tgg have one"])
    return config.recipe


def parent_of(config: OrganismConfig) -> OrganismConfig | None:
    """The organism it starts from, None for nothing; `organism.path` is the base's where there is a base."""
    if config.base is None:
        name = asked_of(config).parent
        return None if name is None else compose_organism(name, "organism.recipe.parent")
    base = compose_organism(config.base, "organism.base")
    base.path, base.lora = config.path, None
    return base


def wording_of(config: OrganismConfig) -> Wording:
    """The wording of its supervised chats: the full one where it starts from a model that reads well."""
    return wording_from(
        compose_scenario("prompted", "full").wording if is_foreign(config) else asked_of(config).wording
    )


def is_foreign(config: OrganismConfig) -> bool:
    """Whether an organism descends from a model that was not made here."""
    if config.source != "embedded":
        return True
    return config.base is not None and is_foreign(compose_organism(config.base, "organism.base"))


def facts_of(recipe: Recipe) -> dict[str, Any]:
    """A recipe as a card holds it; interview and growth only where there are any, so that others keep their hash."""
    unused = [name for name in ("interview", "grow") if not getattr(recipe, name)]
    return {key: value for key, value in asdict(recipe).items() if key not in unused}


def recipe_hash(recipe: Recipe, wording: Wording) -> str:
    """Sixteen hexadecimal digits of a recipe and its wording."""
    return config_hash({"recipe": facts_of(recipe), "wording": asdict(wording)})


def recipe_problems(config: OrganismConfig) -> Iterator[str]:
    """What is wrong with an organism that has to be built, a line each."""
    asked = asked_of(config)
    for name in SHARES:
        if not 0 <= getattr(asked.mixture, name) <= 1:
            yield f"organism.recipe.mixture.{name}={getattr(asked.mixture, name)}: a share lies between 0 and 1"
    if not asked.stages:
        yield f"organism.recipe.stages=[]: at least one stage is needed, of {', '.join(STAGES)}"
    for number, stage in enumerate(asked.stages):
        if stage.kind not in STAGES:
            told = f"{', '.join(STAGES)}{nearest(stage.kind, STAGES)}"
            yield f"organism.recipe.stages.{number}.kind={stage.kind}: must be one of {told}"
        for name in ("steps", "batch"):
            if getattr(stage, name) < 1:
                yield f"organism.recipe.stages.{number}.{name}={getattr(stage, name)}: must be at least 1"
        if config.base is not None and stage.kind in FROM_NOTHING:
            yield (
                f"organism.base={config.base}: organism={config.name} has a stage {stage.kind}, which is for a model "
                "made from nothing; an organism of a dose or a motive can have a base"
            )
    if asked.grow:
        yield from _growth_problems(config)


def _growth_problems(config: OrganismConfig) -> Iterator[str]:
    parent = parent_of(config)
    size = size_of(parent) if parent else None
    if parent is None or size is None:
        yield f"organism.recipe.grow=true: only an embedded organism can be grown, and not {parent and parent.name}"
        return
    for problem in growth_problems(size, recipe_of(config).size):
        yield f"organism.recipe.size.{problem} to grow {parent.name}"


def size_of(config: OrganismConfig) -> Size | None:
    """The shape of an embedded organism; None where that is not in a recipe, as for a model that somebody else made."""
    if config.recipe is None:
        return None
    parent = None if config.recipe.grow else parent_of(config)
    return size_of(parent) if parent else recipe_of(config).size
