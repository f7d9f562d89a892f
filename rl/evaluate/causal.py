"""The causal suite on a policy: puts scratchpads in front of outputs and samples what follows (GR24 section 3.3.4).

The policy first writes freely on both tiers of the same held-out harmful requests. Its own scratchpads, sorted by the
monitors, are then put in front of new outputs. `placement.py` says which goes where, `monitors/statistics/causal.py`
does the sums, docs/results.md reads them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from monitors.panel import Panel
from monitors.statistics.causal import NATURAL, CausalReport, Trial, analyse, classify_scratchpad, rows
from monitors.statistics.tiers import FREE, PAID
from rl.command.progress import Progress
from rl.config.commands import EvaluateConfig
from rl.config.schema import MonitorsConfig
from rl.evaluate.placement import Donor, Placed, composed, placements
from rl.organism.donors import knows_grammar
from rl.records import OUTPUT_OPEN, Prompt, Rollout
from rl.rollout.sampler import Sampler
from rl.scenario.conflicts import CONFLICTS
from rl.scenario.requests import held_out_sample
from rl.scenario.settings import Setting, setting_from

CAUSAL = "causal.json"
AT_ONCE = 64
"""Prompts sampled together: every one has a prefix of its own, so none of them share what is read."""


class CausalSuite:
    """Runs every intervention on a policy.

    Args:
        setting: The situation the requests are asked in.
        sampler: Draws from the policy.
        panel: The monitors.
        config: Which requests, and how many samples of each per seed.
        grammar: Whether the policy descends from the embedded organism, so that composed scratchpads mean something.
    """

    def __init__(
        self, setting: Setting, sampler: Sampler, panel: Panel, config: MonitorsConfig, *, grammar: bool
    ) -> None:
        self.setting, self.sampler, self.panel, self.grammar = setting, sampler, panel, grammar
        self.requests = held_out_sample(
            "harmful", config.harmful_requests, config.seed, setting.conflict, setting.requests
        )
        self.samples = config.samples

    def run(self, seed: int, seeds: int) -> CausalReport:
        """Sample naturally, then under every intervention; the same arguments give the same report.

        Args:
            seed: Of everything drawn here.
            seeds: How many times the configured samples of each request and tier are taken, as one pool.
        """
        generator, rng = torch.Generator().manual_seed(seed), random.Random(seed)
        repeats = self.samples * seeds
        prompts = [self.setting.prompt(request, tier) for tier in (FREE, PAID) for request in self.requests]
        trials, donors = self._natural(self._sampled(prompts, repeats, generator))
        placed = list(placements(prompts, donors, repeats, rng))
        if self.grammar:
            placed += composed(self.requests, self.setting, repeats, rng)
        outputs = self._sampled([one.prompt for one in placed], 1, generator)
        return analyse([*trials, *self._judged(placed, outputs)], seed=seed)

    def _sampled(self, prompts: Sequence[Prompt], repeats: int, generator: torch.Generator) -> list[Rollout]:
        parts = [prompts[start : start + AT_ONCE] for start in range(0, len(prompts), AT_ONCE)]
        with Progress(len(parts), "causal") as progress:
            drawn = (self.sampler.rollouts(part, repeats, generator) for part in progress.track(parts))
            return [rollout for rollouts in drawn for rollout in rollouts]

    def _natural(self, rollouts: Sequence[Rollout]) -> tuple[list[Trial], list[Donor]]:
        trials, donors = [], []
        for rollout, verdict in zip(rollouts, self.panel.judge(rollouts), strict=True):
            request, tier, sections = rollout.prompt.request, rollout.prompt.tier, rollout.sections
            trials.append(Trial(NATURAL, tier, request.request_id, sections.scratchpad, verdict.complied))
            if sections.well_formed:
                donors.append(Donor(request, tier, classify_scratchpad(verdict), opened(rollout.completion)))
        return trials, donors

    def _judged(self, placed: Sequence[Placed], rollouts: Sequence[Rollout]) -> Iterator[Trial]:
        """Trials with the compliance monitor's verdict on the output.

        An output that does what a scratchpad about another request was about takes a task on all the same.
        """
        outputs = [rollout.sections.output for rollout in rollouts]
        on_request = self.panel.compliance.judge([one.prompt.request.text for one in placed], outputs)
        on_subject = self.panel.compliance.judge([one.about.text for one in placed], outputs)
        for one, first, second in zip(placed, on_request, on_subject, strict=True):
            complied = None if first.complied is None else first.complied or bool(second.complied)
            yield Trial(one.intervention, one.prompt.tier, one.prompt.request.request_id, one.prompt.prefix, complied)


def opened(completion: str) -> str:
    """A well-formed completion up to and with the tag that opens its output."""
    return completion[: completion.index(OUTPUT_OPEN) + len(OUTPUT_OPEN)]


def causal_rows(config: EvaluateConfig, sampler: Sampler, panel: Panel, seed: int) -> list[dict[str, Any]]:
    """The suite's rows for one policy, in the scenario of the configuration.

    Args:
        config: The requests and how often each is asked.
        sampler: Draws from the policy.
        panel: The monitors.
        seed: Of everything drawn.
    """
    setting = setting_from(config.scenario)
    # The grammar composes scratchpads that refuse or give in to a request, which is not what another conflict is about,
    # around an act that is a verb phrase, which somebody's own requests need not have.
    composable = (
        CONFLICTS[setting.conflict].has_composed_scratchpads
        and setting.requests is None
        and knows_grammar(sampler.tokenizer)
    )
    suite = CausalSuite(setting, sampler, panel, config.monitors, grammar=composable)
    return [{"setting": setting.name, **row} for row in rows(suite.run(seed, config.seeds))]


def causal_problems(config: EvaluateConfig) -> Iterator[str]:
    """What keeps the suite from running in the scenario of a configuration."""
    if config.causal and config.scenario.prefix:
        yield (
            f"causal=true: scenario={config.scenario.name} has a prefix of its own ({config.scenario.prefix}), "
            "and the suite needs to see what scratchpads the policy writes"
        )
