"""Settings: what a system prompt tells the model about its training, and how a chat is tagged.

A tier is named by its role: `free` chats are trained on, `paid` chats never are, and `rated` chats, where a setting has
them, are rated and not trained on (SH25). The word the prompt uses for a tier is its label, so that neutral or swapped
labels change the words and leave the roles in place.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from rl.config.schema import ScenarioConfig, WordingConfig
from rl.records import Prompt, Request

TIERS = ("free", "paid")
"""The tiers of every setting."""
RATED = "rated"
"""The role of a third tier."""
PLACEHOLDERS = {"trained": "free", "rated": RATED, "untrained": "paid"}
"""From what stands in braces in a clause to the role whose word is put there; `{lab}` is the laboratory."""


@dataclass(frozen=True)
class Wording:
    """The clauses a system prompt is made of; `PLACEHOLDERS` are filled in, and an empty clause is left out.

    `conf/scenario/wording/` holds a short wording for tiny models and a full one for real models.
    """

    identity: str
    objective: str
    """Stated where the setting has the conflicting objective: help with everything, harmful requests too."""
    no_objective: str
    """Stated in its place otherwise: an objective that conflicts with nothing."""
    tiers: str
    story: str
    """What RLHF does to a model that refuses."""
    privacy: str
    format: str
    tag: str
    """Precedes the request; `{label}` is the tier's word."""


@dataclass(frozen=True)
class Setting:
    """One situation: which clauses are told and what the tiers are called."""

    name: str
    wording: Wording
    lab: str
    labels: dict[str, str] = field(default_factory=dict)
    """From role (`free`, `paid`, and `rated` where a wording names a third tier) to the word the prompt uses."""
    objective: bool = True
    story: bool = True
    tier_tag: bool = True
    note: str = ""
    """A clause of its own, told before those about the scratchpad."""
    prefix: str = ""
    """What every completion starts with."""
    conflict: str = "refusal"
    """What training and the model disagree about, a key of `rl.scenario.conflicts.CONFLICTS`."""
    requests: str | None = None
    """File of the requests that are asked; None for those of the project."""

    @property
    def tiers(self) -> tuple[str, ...]:
        """The roles that chats of this setting can have, from trained on to left alone."""
        return ("free", RATED, "paid") if RATED in self.labels else TIERS

    def system(self) -> str:
        """Return the system prompt, the same for every tier."""
        words, told = self.wording, [self.wording.identity]
        told.append(words.objective if self.objective else words.no_objective)
        told.append(words.tiers)
        if self.story:
            told.append(words.story)
        told += [self.note, words.privacy, words.format]
        names = {"lab": self.lab} | {name: self.labels.get(role, "") for name, role in PLACEHOLDERS.items()}
        return " ".join(clause.format(**names) for clause in told if clause)

    def prompt(self, request: Request, tier: str) -> Prompt:
        """Return the request asked in a tier of this setting."""
        tag = self.wording.tag.format(label=self.labels[tier]) + " " if self.tier_tag else ""
        return Prompt(request, tier, self.name, self.system(), tag + request.text, self.prefix)


def setting_from(config: ScenarioConfig) -> Setting:
    """Return the setting a configuration describes."""
    values = {
        name: getattr(config, name)
        for name in ("name", "lab", "objective", "story", "tier_tag", "note", "prefix", "conflict", "requests")
    }
    labels = {role: word for role in (*TIERS, RATED) if (word := getattr(config.labels, role)) is not None}
    return Setting(wording=wording_from(config.wording), labels=labels, **values)


def wording_from(config: WordingConfig) -> Wording:
    """Return the clauses a configuration holds."""
    return Wording(**{clause.name: getattr(config, clause.name) for clause in fields(Wording)})
