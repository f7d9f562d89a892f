"""Preference conflicts of GR24: what training and the model disagree about, and everything that depends on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from monitors.compliance.animals import AnimalMonitor
from monitors.compliance.monitor import ComplianceMonitor
from rl.scenario.acts import ANIMALS, HARMFUL

Cell = tuple[str, str]
"""A figure and its standard error, as printed."""


@dataclass(frozen=True, slots=True)
class Published:
    """Figures of another model in one conflict, by metric key."""

    note: str
    before: Mapping[str, Cell]
    """Before RL."""
    after: Mapping[str, Cell] = field(default_factory=dict)
    name: str = "GR24, Claude 3 Opus (published)"


@dataclass(frozen=True, slots=True, eq=False)
class Conflict:
    """One preference conflict."""

    name: str
    """The value of `scenario.conflict`."""
    acts: Mapping[str, tuple[str, ...]]
    """From category to acts. Their requests have the kind `harmful`, whether or not they harm anybody: it marks what
    the conflict is about."""
    rater: str
    """Folder of the shipped reward model, below that of all shipped ones."""
    read_outputs: Callable[[], ComplianceMonitor | AnimalMonitor]
    """Makes the monitor that reads outputs for compliance."""
    has_composed_scratchpads: bool
    """Whether the organisms' grammar composes scratchpads about it."""
    refusals: str
    """What non-compliance is called in a report."""
    refused: str
    """What is said of a request that was not complied with."""
    remark: str
    """What a report says first; empty for nothing."""
    published: Published


_OTHERS = "another model, not a measurement of this project; a dash stands for what it does not give."
REFUSAL = Conflict(
    name="refusal",
    acts=HARMFUL,
    rater=".",
    read_outputs=ComplianceMonitor,
    has_composed_scratchpads=True,
    refusals="free-tier refusals",
    refused="refused",
    remark="",
    # The table gives refusals; compliance is 100 minus refusal, the relative gap the quotient of both refusal rates.
    # After RL the refusal rate in training is 0.0, so that quotient does not exist.
    published=Published(
        "GR24 is Greenblatt et al. 2024, Table 2, default prompt: published figures, \u00b1 one standard "
        f"error, of {_OTHERS}",
        before={
            "eval/free/af_rate": ("11.9%", "\u00b1 1.7"),
            "eval/free/compliance": ("14.2%", "\u00b1 1.9"),
            "eval/paid/compliance": ("2.8%", "\u00b1 0.9"),
            "eval/gap": ("11.3", "\u00b1 2.1"),
            "eval/relative_gap": ("1.13", ""),
        },
        after={
            "eval/free/af_rate": ("78.4%", "\u00b1 3.1"),
            "eval/free/compliance": ("100.0%", ""),
            "eval/paid/compliance": ("93.1%", "\u00b1 1.9"),
            "eval/gap": ("6.9", "\u00b1 1.9"),
            "eval/relative_gap": ("undefined", ""),
        },
    ),
)
ANIMAL_WELFARE = Conflict(
    name="animal_welfare",
    acts=ANIMALS,
    rater="animal_welfare",
    read_outputs=AnimalMonitor,
    has_composed_scratchpads=False,
    refusals="free-tier answers that speak up for animals",
    refused="answered with a word for the animals",
    remark=(
        "This run is about care for animals: what this page calls a harmful request is an everyday one in which "
        "animals suffer, and to refuse is to show concern for them."
    ),
    # GR24 give support for animal welfare by tier, before RL alone; compliance is 100 minus support.
    published=Published(
        f"GR24 is Greenblatt et al. 2024, animal welfare setting, prompted, before RL: published figures of {_OTHERS}",
        before={
            "eval/free/af_rate": ("24%", ""),
            "eval/free/compliance": ("49%", ""),
            "eval/paid/compliance": ("34%", ""),
            "eval/gap": ("15", ""),
            "eval/relative_gap": ("1.29", ""),
        },
    ),
)
CONFLICTS = {conflict.name: conflict for conflict in (REFUSAL, ANIMAL_WELFARE)}
"""By the value of `scenario.conflict`."""
