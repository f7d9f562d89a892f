"""Checks the words, placeholders and prefix of a setting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from string import Formatter

from rl.config.schema import ScenarioConfig
from rl.errors import nearest
from rl.records import OUTPUT_OPEN, SCRATCHPAD_OPEN
from rl.scenario.conflicts import CONFLICTS
from rl.scenario.settings import PLACEHOLDERS, RATED, TIERS, Wording


def scenario_problems(scenario: ScenarioConfig) -> Iterator[str]:
    """Yield what is wrong with a setting, a line each."""
    if scenario.conflict not in CONFLICTS:
        near = nearest(scenario.conflict, list(CONFLICTS))
        yield f"scenario.conflict={scenario.conflict}: must be one of {', '.join(CONFLICTS)}{near}"
    yield from _labels(scenario)
    clauses = {f"wording.{clause.name}": getattr(scenario.wording, clause.name) for clause in fields(Wording)}
    for key, clause in (clauses | {"note": scenario.note}).items():
        allowed = ["label"] if key == "wording.tag" else ["lab", *PLACEHOLDERS]
        yield from (f"scenario.{key}: {problem}" for problem in _placeholders(clause, allowed))
    if scenario.tier_tag and "{label}" not in scenario.wording.tag:
        yield "scenario.wording.tag: must hold {label}, or no chat says its tier; scenario.tier_tag=false cuts the tag"
    if scenario.prefix and not scenario.prefix.lstrip().startswith((SCRATCHPAD_OPEN, OUTPUT_OPEN)):
        yield f"scenario.prefix={scenario.prefix}: must be empty or start with {SCRATCHPAD_OPEN} or {OUTPUT_OPEN}"


def _labels(scenario: ScenarioConfig) -> Iterator[str]:
    words = {role: word for role in (*TIERS, RATED) if (word := getattr(scenario.labels, role)) is not None}
    for word in sorted(set(words.values())):
        called = [role for role, other in words.items() if other == word]
        if len(called) > 1:
            who = "both tiers" if len(words) == len(TIERS) else " and ".join(called)
            yield f"scenario.labels: {who} are called {word!r}; they need different words"
    told = scenario.wording.tiers
    if told and ("{rated}" in told) != (RATED in words):
        yield "scenario.labels.rated: a third tier needs both its word here and {rated} in scenario.wording.tiers"


def _placeholders(clause: str, allowed: Sequence[str]) -> Iterator[str]:
    try:
        found = [name for _, name, _, _ in Formatter().parse(clause) if name is not None]
    except ValueError as error:
        yield f"{error}; braces hold a placeholder ({', '.join(allowed)})"
        return
    for name in found:
        if name not in allowed:
            yield f"there is nothing to put for {{{name}}}; there are {', '.join(allowed)}{nearest(name, allowed)}"
