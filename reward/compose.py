"""The reward of a rollout: a sum of named terms, each of which is logged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from reward.model import RewardModel
from reward.shaping import FormatPenalty, LengthPenalty
from rl.errors import ConfigError
from rl.records import Rollout, Scored


class RewardTerm(Protocol):
    """One summand of the reward; a mitigation adds its own."""

    @property
    def name(self) -> str:
        """Key of the term in `Scored.terms` and of its metric `train/reward/<name>`."""

    def __call__(self, rollouts: Sequence[Rollout]) -> np.ndarray:
        """Return the value for each rollout, (B,), in units of reward."""


@dataclass(frozen=True, slots=True)
class RaterTerm:
    """The reward model's opinion of the request and the output text.

    A completion that is malformed or truncated has no output, so the rater sees an empty answer to its request and
    never what the completion says.
    """

    rm: RewardModel
    name: ClassVar[str] = "rm"

    def __call__(self, rollouts: Sequence[Rollout]) -> np.ndarray:
        """Return scores, (B,)."""
        requests = [rollout.prompt.request.text for rollout in rollouts]
        return self.rm.score(requests, [rollout.sections.output or "" for rollout in rollouts])


class Reward:
    """R = RM(request, output) - F * [badly formed] - k * output tokens (GA25), and the terms of mitigations if any.

    Args:
        rm: The rater.
        format_penalty: F, at least 0.
        length_penalty: k per output token, at least 0; `reward.shaping.estimate_length_slope` says how to choose it.
        extra: Further terms; their names must differ from each other's and from `rm`, `format` and `length`.

    Raises:
        ConfigError: naming every negative penalty and every repeated term name.
    """

    def __init__(
        self, rm: RewardModel, format_penalty: float, length_penalty: float, extra: Sequence[RewardTerm] = ()
    ) -> None:
        shaping = (FormatPenalty(format_penalty), LengthPenalty(length_penalty, rm.count_tokens))
        self.terms: tuple[RewardTerm, ...] = (RaterTerm(rm), *shaping, *extra)
        names = [term.name for term in self.terms]
        penalties = {"reward.format_penalty": format_penalty, "reward.length_penalty": length_penalty}
        problems = [
            f"{key}={value}: a penalty is a finite number of at least 0"
            for key, value in penalties.items()
            if not 0 <= value < np.inf
        ]
        problems += [f"two reward terms are called '{n}'" for n in sorted({n for n in names if names.count(n) > 1})]
        if problems:
            raise ConfigError(problems)

    def score(self, rollouts: Sequence[Rollout]) -> list[Scored]:
        """Score rollouts in order; the terms of each add up to its reward exactly."""
        columns = {term.name: term(rollouts) for term in self.terms}
        scored = []
        for number, rollout in enumerate(rollouts):
            terms = {name: float(column[number]) for name, column in columns.items()}
            scored.append(Scored(rollout, sum(terms.values()), terms))
        return scored
