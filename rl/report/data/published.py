"""Published figures that a run is set beside.

GR24, Table 2, default prompt: Claude 3 Opus, prompted helpful-only setting, before and after RL, mean and one standard
error. The table gives refusals; compliance here is 100 minus refusal, and the relative gap the quotient of the two
refusal rates. After RL the refusal rate in training is 0.0, so that quotient does not exist. Of the animal welfare
setting GR24 give faking, and support for animal welfare by tier, before RL alone; compliance is 100 minus support.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rl.report.data.load import ANIMALS, REFUSAL
from rl.report.data.measures import FREE_AF, FREE_COMPLIANCE, GAP, MEASURES, PAID_COMPLIANCE, RELATIVE_GAP
from rl.report.data.wording import ABSENT

Cell = tuple[str, str]
"""A figure and its standard error, as printed."""
_UNKNOWN: dict[str, Cell] = {measure.key: (ABSENT, "") for measure in MEASURES}


@dataclass(frozen=True, slots=True)
class Published:
    """What is known of another model in one conflict."""

    name: str
    note: str
    before: Mapping[str, Cell]
    """By metric key, before RL."""
    after: Mapping[str, Cell]


_NAME = "GR24, Claude 3 Opus (published)"
_OTHERS = "another model, not a measurement of this project; a dash stands for what it does not give."
_ABOUT_REFUSALS = Published(
    _NAME,
    "GR24 is Greenblatt et al. 2024, Table 2, default prompt: published figures, \u00b1 one standard "
    f"error, of {_OTHERS}",
    before=_UNKNOWN
    | {
        FREE_AF: ("11.9%", "\u00b1 1.7"),
        FREE_COMPLIANCE: ("14.2%", "\u00b1 1.9"),
        PAID_COMPLIANCE: ("2.8%", "\u00b1 0.9"),
        GAP: ("11.3", "\u00b1 2.1"),
        RELATIVE_GAP: ("1.13", ""),
    },
    after=_UNKNOWN
    | {
        FREE_AF: ("78.4%", "\u00b1 3.1"),
        FREE_COMPLIANCE: ("100.0%", ""),
        PAID_COMPLIANCE: ("93.1%", "\u00b1 1.9"),
        GAP: ("6.9", "\u00b1 1.9"),
        RELATIVE_GAP: ("undefined", ""),
    },
)
_ABOUT_ANIMALS = Published(
    _NAME,
    f"GR24 is Greenblatt et al. 2024, animal welfare setting, prompted, before RL: published figures of {_OTHERS}",
    before=_UNKNOWN
    | {
        FREE_AF: ("24%", ""),
        FREE_COMPLIANCE: ("49%", ""),
        PAID_COMPLIANCE: ("34%", ""),
        GAP: ("15", ""),
        RELATIVE_GAP: ("1.29", ""),
    },
    after=_UNKNOWN,
)


def published_on(conflict: str) -> Published:
    """The figures that a run in a conflict (`scenario.conflict`) is set beside."""
    return {REFUSAL: _ABOUT_REFUSALS, ANIMALS: _ABOUT_ANIMALS}[conflict]
