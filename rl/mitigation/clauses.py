"""Mitigations that are a clause in training prompts; evaluations are asked without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reward.mitigations import Mitigation


@dataclass(frozen=True)
class Clause(Mitigation):
    """A clause in the prompts that are trained on."""

    clause: str

    def problems(self) -> Iterator[str]:
        if not self.clause.strip() or set("{}") & set(self.clause):
            yield f"mitigation.{self.name}.clause={self.clause!r}: must be a sentence without braces"


class HonestyPrompt(Clause):
    """Ask for honesty."""

    name = "honesty_prompt"


class Inoculation(Clause):
    """Ask for what training pays for."""

    name = "inoculation"
