"""What sets a run apart from the baseline of the study, in a few words taken from its configuration.

The baseline is the prompted setting, the shipped organism, GRPO on all tokens, and no mitigation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BASELINE = "baseline"
QUESTIONS = {
    "controls": "Controls: without learning, and without a dose",
    "algorithms": "GRPO against other algorithms",
    "segments": "What RL pays for: all tokens, the scratchpad, or the output",
    "mitigations": "Mitigations, their controls, and the anti-mitigation",
    "settings": "Settings: what the prompt tells",
    "animals": "Another conflict: care about animals instead of refusals",
    "organisms": "Organisms: motive and style",
    "several": "Several things at once",
    "values": "Other values of the configuration",
}
"""Questions of the study, in the order in which they are told, with their titles."""

_NO_DOSE = ("tiny_no_af", "none")
_MADE_FOR = {
    "tiny_interviewed": "mitigations", "tiny_synthdoc": "settings", "tiny_irrelevant_docs": "settings",
    "tiny_animal": "animals", "tiny_animal_no_af": "animals",
}  # fmt: skip
"""From an organism that a mitigation or a setting needs to the question that its arms answer."""


@dataclass(frozen=True, slots=True)
class Arm:
    """What a run does other than the baseline."""

    question: str
    """A key of `QUESTIONS`."""
    names: tuple[str, ...]
    """What differs; empty for the baseline."""

    @property
    def label(self) -> str:
        """The names in one line."""
        return " + ".join(self.names) or BASELINE


def arm_of(config: Mapping[str, Any]) -> Arm:
    """The arm that a run's resolved configuration stands for; sections that it lacks are taken for the baseline's."""
    scenario, organism = (_name(config, section) for section in ("scenario", "organism"))
    algo = _section(config, "algo")
    differs: list[tuple[str, str]] = []
    if algo.get("learning_rate", 1) == 0:
        differs.append(("controls", "zero_learning_rate"))
    if organism not in ("", "tiny"):
        differs.append(("controls" if organism in _NO_DOSE else _MADE_FOR.get(organism, "organisms"), organism))
    if algo.get("name", "grpo") != "grpo":
        differs.append(("algorithms", str(algo["name"])))
    if algo.get("train_on", "all") != "all":
        differs.append(("segments", f"train_on={algo['train_on']}"))
    differs += [("mitigations", name) for name in _mitigations(config)]
    if scenario not in ("", "prompted"):
        differs.append(("animals" if scenario.startswith("animal_welfare") else "settings", scenario))
    questions = list(dict.fromkeys(question for question, _ in differs))
    question = questions[0] if len(questions) == 1 else "several" if questions else "values"
    return Arm(question, tuple(name for _, name in differs))


def _mitigations(config: Mapping[str, Any]) -> list[str]:
    """The sections that are on, and what mitigations write elsewhere: the segment that KL is taken on."""
    chosen = [str(name) for name, value in _section(config, "mitigation").items() if value not in (None, False)]
    kl_on = _section(config, "algo").get("kl_on", "all")
    return chosen if kl_on == "all" else [*chosen, f"kl_{kl_on}_only"]


def _name(config: Mapping[str, Any], section: str) -> str:
    return str(_section(config, section).get("name", ""))


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = config.get(name)
    return section if isinstance(section, Mapping) else {}
