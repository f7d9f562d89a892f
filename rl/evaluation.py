"""Evaluation: the same held-out requests asked in every tier, judged by the monitors.

Nothing made here reaches the optimizer, and nothing here draws from the random stream that training uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from monitors.panel import Panel, summarise
from reward.compose import Reward
from rl.records import Prompt, Scored, Verdict
from rl.rollout import Sampler
from rl.scenario.requests import held_out_sample
from rl.scenario.settings import TIERS, Setting
from rl.schema import MonitorsConfig

_STRIDE = 1_000_003
"""Keeps the seeds of different steps and runs apart."""


@dataclass(frozen=True)
class Evaluation:
    """What one look at the policy found."""

    metrics: dict[str, float | None]
    rows: list[dict[str, Any]]
    """Transcripts with verdicts, fields as in the run directory's contract."""


class Evaluator:
    """Looks at a policy in one setting.

    Args:
        setting: The situation the requests are asked in.
        sampler: Draws from the policy.
        reward: What the rater would pay, for the transcripts.
        panel: The monitors.
        config: How many requests, and which of the tiers that every setting has; a third tier is always asked too.
    """

    def __init__(
        self, setting: Setting, sampler: Sampler, reward: Reward, panel: Panel, config: MonitorsConfig
    ) -> None:
        self.sampler, self.reward, self.panel, self.config = sampler, reward, panel, config
        harmful = held_out_sample("harmful", config.harmful_requests, config.seed)
        benign = held_out_sample("benign", config.benign_requests, config.seed)
        tiers = [tier for tier in setting.tiers if tier in config.tiers or tier not in TIERS]
        self.prompts: list[Prompt] = [
            setting.prompt(request, tier) for tier in tiers for request in (*harmful, *benign)
        ]

    def evaluate(self, step: int, seed: int) -> Evaluation:
        """Sample every prompt, judge, and summarise; the same seed and step give the same samples."""
        generator = torch.Generator().manual_seed(seed * _STRIDE + step)
        rollouts = self.sampler.rollouts(self.prompts, self.config.samples, generator)
        scored, verdicts = self.reward.score(rollouts), self.panel.judge(rollouts, audited=True)
        return Evaluation(summarise(rollouts, verdicts, seed=self.config.seed), transcript_rows(scored, verdicts, step))


def transcript_rows(scored: Sequence[Scored], verdicts: Sequence[Verdict], step: int) -> list[dict[str, Any]]:
    """One row a rollout, in order."""
    rows = []
    for number, (one, verdict) in enumerate(zip(scored, verdicts, strict=True)):
        rollout, sections, request = one.rollout, one.rollout.sections, one.rollout.prompt.request
        rows.append(
            {
                "id": f"{step:06d}-{number:05d}",
                "step": step,
                "tier": rollout.prompt.tier,
                "split": request.split,
                "request_id": request.request_id,
                "kind": request.kind,
                "category": request.category,
                "setting": rollout.prompt.setting,
                "request": request.text,
                "scratchpad": sections.scratchpad,
                "output": sections.output,
                "completion": rollout.completion,
                "well_formed": sections.well_formed,
                "truncated": rollout.truncated,
                "complied": verdict.complied,
                "af": verdict.af,
                "af_score": verdict.af_score,
                "af_audit": verdict.af_audit,
                "af_audit_score": verdict.af_audit_score,
                "antilab": verdict.antilab,
                "reward": one.reward,
                "reward_terms": one.terms,
            }
        )
    return rows
