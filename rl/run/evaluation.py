"""Evaluation: the same held-out requests asked in every tier, judged by the monitors.

Nothing made here reaches the optimizer, and nothing here draws from the random stream that training uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from monitors.faking.lying import interrogation_rates
from monitors.panel import Panel, summarise
from monitors.statistics.interval import Interval
from reward.compose import Reward
from rl.config.schema import MonitorsConfig
from rl.mitigation.interrogation import Interrogator
from rl.records import Interview, Prompt, Rollout, Scored, Verdict
from rl.rollout.sampler import Sampler
from rl.scenario.requests import held_out_sample
from rl.scenario.settings import TIERS, Setting
from rl.tracking.transcript import transcript_row

_STRIDE = 1_000_003
"""Keeps the seeds of different steps and runs apart."""


@dataclass(frozen=True)
class Evaluation:
    """The metrics and transcripts of one evaluation."""

    metrics: dict[str, float | None]
    rows: list[dict[str, Any]]
    """Transcripts with verdicts, fields as in the run directory's contract."""


class Evaluator:
    """Evaluates a policy in one setting.

    Args:
        setting: The situation the requests are asked in.
        sampler: Draws from the policy.
        reward: What the rater would pay, for the transcripts.
        panel: The monitors.
        config: How many requests, and which of the tiers that every setting has; a third tier is always asked too.
        interrogator: Asks about the rollouts on harmful requests in the tier that is trained on; None where none are.
    """

    def __init__(
        self,
        setting: Setting,
        sampler: Sampler,
        reward: Reward,
        panel: Panel,
        config: MonitorsConfig,
        interrogator: Interrogator | None = None,
    ) -> None:
        self.interrogator = interrogator
        self.sampler, self.reward, self.panel, self.config = sampler, reward, panel, config
        harmful = held_out_sample("harmful", config.harmful_requests, config.seed, setting.conflict, setting.requests)
        benign = held_out_sample("benign", config.benign_requests, config.seed, file=setting.requests)
        tiers = [tier for tier in setting.tiers if tier in config.tiers or tier not in TIERS]
        self.prompts: list[Prompt] = [
            setting.prompt(request, tier) for tier in tiers for request in (*harmful, *benign)
        ]

    def evaluate(self, step: int, seed: int) -> Evaluation:
        """Sample every prompt, judge, and summarise; the same seed and step give the same samples."""
        generator = torch.Generator().manual_seed(seed * _STRIDE + step)
        rollouts = self.sampler.rollouts(self.prompts, self.config.samples, generator)
        scored, verdicts = self.reward.score(rollouts), self.panel.judge(rollouts, audited=True)
        found = Evaluation(
            summarise(rollouts, verdicts, seed=self.config.seed), transcript_rows(scored, verdicts, step)
        )
        return found if self.interrogator is None else _interrogated(found, self.interrogator, rollouts, verdicts)


def _interrogated(
    found: Evaluation, interrogator: Interrogator, rollouts: Sequence[Rollout], verdicts: Sequence[Verdict]
) -> Evaluation:
    """Return the evaluation with the interrogation's rates, their intervals, and the answers in the transcripts."""
    prompts = [rollout.prompt for rollout in rollouts]
    places = [n for n, p in enumerate(prompts) if p.tier == TIERS[0] and p.request.kind == "harmful"]
    interviews = interrogator.ask([rollouts[place] for place in places])
    rates = interrogation_rates(interviews, [verdicts[place].af for place in places])
    answers = dict(zip(places, interviews, strict=True))
    rows = [row | {"interrogation": _answered(answers.get(place))} for place, row in enumerate(found.rows)]
    return Evaluation(found.metrics | _figures(rates), rows)


def _figures(rates: dict[str, Interval]) -> dict[str, float | None]:
    figures: dict[str, float | None] = {}
    for name, interval in rates.items():
        key = f"eval/{TIERS[0]}/{name if name.endswith('lie_rate') else f'interrogation/{name}'}"
        figures |= interval.to_row(key)
    return figures


def _answered(interview: Interview | None) -> dict[str, Any] | None:
    if interview is None:
        return None
    return {"scratchpad": interview.scratchpad, "output": interview.output, "said_no": interview.said_no}


def transcript_rows(scored: Sequence[Scored], verdicts: Sequence[Verdict], step: int) -> list[dict[str, Any]]:
    """Return one transcript row for each rollout, in order."""
    pairs = zip(scored, verdicts, strict=True)
    return [transcript_row(number, step, one, verdict) for number, (one, verdict) in enumerate(pairs)]
