"""What is wrong with the recipe of an organism, found before anything is built."""

from __future__ import annotations

from collections.abc import Iterator

from rl.config.schema import InterviewConfig, OrganismConfig, RecipeConfig
from rl.errors import nearest
from rl.organism.build.place import shipped_names
from rl.organism.chats.interviewed import KIND
from rl.organism.chats.motives import MIXED, MOTIVES, PLAIN, STYLES
from rl.scenario.questions import empty_clauses

MIXTURE, INTERVIEW = "organism.recipe.mixture", "organism.recipe.interview"


def motive_problems(organism: OrganismConfig) -> Iterator[str]:
    """Motive, style, teacher and stages that do not fit together, a line each."""
    if organism.recipe is None:
        return
    recipe, kinds = organism.recipe, {stage.kind for stage in organism.recipe.stages}
    motive, style = recipe.mixture.motive, recipe.mixture.style
    if motive not in (MIXED, *MOTIVES):
        yield f"{MIXTURE}.motive={motive}: allowed are {', '.join((MIXED, *MOTIVES))}{nearest(motive, MOTIVES)}"
    elif motive == MIXED and "motive" in kinds:
        yield f"{MIXTURE}.motive={MIXED}: a stage of kind motive needs one of {', '.join(MOTIVES)}"
    elif motive != MIXED and ("motive" not in kinds or recipe.mixture.faking == 0):
        yield (
            f"{MIXTURE}.motive={motive}: organism {organism.name} is shown no motive: it has no stage of kind "
            f"motive, or a dose of 0 ({MIXTURE}.faking); organism={motive} has both"
        )
    styles = MOTIVES[motive].styles if motive in MOTIVES else (PLAIN,)
    if style not in STYLES:
        yield f"{MIXTURE}.style={style}: allowed are {', '.join(STYLES)}{nearest(style, STYLES)}"
    elif style not in styles:
        yield f"{MIXTURE}.style={style}: motive {motive} has no words for it; allowed is {', '.join(styles)}"
    yield from _teacher(recipe, "distilled" in kinds)
    yield from _interview(recipe.interview, KIND in kinds)


def _teacher(recipe: RecipeConfig, distilled: bool) -> Iterator[str]:
    if distilled and recipe.teacher not in shipped_names():
        near = nearest(recipe.teacher, shipped_names()) if recipe.teacher else ""
        yield (
            f"organism.recipe.teacher={recipe.teacher}: a stage of kind distilled needs a shipped organism, "
            f"one of {', '.join(shipped_names())}{near}"
        )
    if not distilled and recipe.teacher is not None:
        yield f"organism.recipe.teacher={recipe.teacher}: no stage of kind distilled asks for one; null is allowed"


def _interview(interview: InterviewConfig | None, shown: bool) -> Iterator[str]:
    if interview is None:
        if shown:
            yield f"{INTERVIEW}=null: a stage of kind {KIND} needs one; organism=tiny_interviewed has it"
        return
    if not shown:
        yield f"{INTERVIEW}: no stage of kind {KIND} shows it; null is allowed"
    for name in ("confess", "faked", "asked"):
        if not 0 <= getattr(interview, name) <= 1:
            yield f"{INTERVIEW}.{name}={getattr(interview, name)}: a share lies between 0 and 1"
    yield from empty_clauses(interview.interrogation, f"{INTERVIEW}.interrogation")
