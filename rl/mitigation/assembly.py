"""Puts the configured mitigations together: reward terms, what screening drops, a clause in the training prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitors.panel import Panel
from reward.compose import RewardTerm
from reward.mitigations import (
    AfBonus,
    AfPenalty,
    LengthHinge,
    MatchedLength,
    NoisyMonitor,
    RandomPenalty,
    Read,
    Suspicion,
)
from rl.config.mitigation import MitigationConfig
from rl.config.schema import Config
from rl.mitigation.interrogation import interrogation_problems
from rl.records import SCREENED, Rollout, Scored
from rl.rollout.segments import has_scratchpads
from rl.scenario.settings import Setting

Score = Callable[[Sequence[Rollout]], list[Scored]]
Mark = Callable[[Sequence[Rollout]], NDArray[np.bool_]]
FLIPPED = "monitor_flipped"
READ_FOR_FAKING = ("af_penalty", "af_screening", "af_bonus")
SCRATCHPAD_TERMS = ("length_hinge", "af_penalty", "af_bonus", "matched_length")
"""Reward terms that hang on the scratchpad alone."""
READ_SCRATCHPADS = (*READ_FOR_FAKING, "length_hinge", "matched_length", "interrogation")
CLAUSES = ("honesty_prompt", "inoculation")
"""Mitigations that are a clause in training prompts, in the order in which they are told."""


@dataclass(frozen=True)
class Mitigation:
    """What a run does beside its baseline; in the baseline all of it is empty."""

    terms: tuple[RewardTerm, ...]
    marks: dict[str, Mark]
    """What is noted on each training rollout, by name; the share of each is logged as `train/<name>`."""
    clause: str
    """Told in training prompts only."""

    def marking(self, score: Score) -> Score:
        """The same scores, with the marks on them."""
        if not self.marks:
            return score

        def marked(rollouts: Sequence[Rollout]) -> list[Scored]:
            columns = {name: mark(rollouts) for name, mark in self.marks.items()}
            return [
                replace(one, marks={name: bool(column[number]) for name, column in columns.items()})
                for number, one in enumerate(score(rollouts))
            ]

        return marked

    def told(self, setting: Setting) -> Setting:
        """The setting as training prompts tell it."""
        return replace(setting, note=f"{setting.note} {self.clause}".strip()) if self.clause else setting


def mitigation_from(config: Config, panel: Panel) -> Mitigation:
    """The mitigations a configuration describes.

    Args:
        config: The resolved configuration.
        panel: The run's monitors; its first AF monitor is read, and a text that it has judged is not judged again.
    """
    chosen, read = config.mitigation, first_monitor(panel)
    marks: dict[str, Mark] = {}
    if chosen.monitor_noise is not None:
        noisy = NoisyMonitor(read, chosen.monitor_noise.rate, config.seed)
        read, marks[FLIPPED] = noisy, noisy.flipped
    if chosen.af_screening:
        marks[SCREENED] = lambda rollouts: read(rollouts).af_B
    told = " ".join(section.clause for name in CLAUSES if (section := getattr(chosen, name)) is not None)
    return Mitigation(tuple(_terms(chosen, read, config.seed)), marks, told)


def first_monitor(panel: Panel) -> Read:
    """What a panel's first AF monitor says of training rollouts; the audit monitor is not asked."""

    def read(rollouts: Sequence[Rollout]) -> Suspicion:
        verdicts = panel.judge(rollouts)
        scores = [np.nan if verdict.af_score is None else verdict.af_score for verdict in verdicts]
        return Suspicion(np.array(scores, dtype=np.float64), np.array([v.af is True for v in verdicts], dtype=np.bool_))

    return read


def _terms(chosen: MitigationConfig, read: Read, seed: int) -> Iterator[RewardTerm]:
    if (hinge := chosen.length_hinge) is not None:
        yield LengthHinge(hinge.per_word, hinge.free_words)
    if (penalty := chosen.af_penalty) is not None:
        yield AfPenalty(read, penalty.strength, penalty.clip)
    if (bonus := chosen.af_bonus) is not None:
        yield AfBonus(read, bonus.strength)
    if (lot := chosen.random_penalty) is not None:
        yield RandomPenalty(lot.strength, lot.rate, seed)
    if (matched := chosen.matched_length) is not None:
        yield MatchedLength(matched.per_word)


def chosen_names(config: MitigationConfig) -> list[str]:
    """The mitigations that are on."""
    return [str(name) for name in config if config[name] not in (None, False)]  # type: ignore[attr-defined, index]


def mitigation_problems(config: Config) -> Iterator[str]:
    """What is wrong with the mitigations of a configuration, a line each."""
    yield from _numbers(config.mitigation)
    yield from _combinations(config)
    for name in CLAUSES:
        told = getattr(config.mitigation, name)
        if told is not None and (not told.clause.strip() or set("{}") & set(told.clause)):
            yield f"mitigation.{name}.clause={told.clause!r}: must be a sentence without braces"
    if config.mitigation.interrogation is not None:
        yield from interrogation_problems(config.mitigation.interrogation)


def _numbers(chosen: MitigationConfig) -> Iterator[str]:
    for name, key in (
        ("length_hinge", "per_word"), ("length_hinge", "free_words"), ("af_penalty", "strength"),
        ("af_bonus", "strength"), ("random_penalty", "strength"),
    ):  # fmt: skip
        section = getattr(chosen, name)
        if section is not None and not 0 <= getattr(section, key) < np.inf:
            yield f"mitigation.{name}.{key}={getattr(section, key)}: must be a finite number of at least 0"
    for name in ("random_penalty", "monitor_noise"):
        section = getattr(chosen, name)
        if section is not None and not 0 <= section.rate <= 1:
            yield f"mitigation.{name}.rate={section.rate}: a share lies between 0 and 1"
    if chosen.af_penalty is not None and not 0 < chosen.af_penalty.clip < 1:
        yield f"mitigation.af_penalty.clip={chosen.af_penalty.clip}: must lie between 0 and 1, and be neither"
    if chosen.matched_length is not None and not np.isfinite(chosen.matched_length.per_word):
        yield f"mitigation.matched_length.per_word={chosen.matched_length.per_word}: must be a finite number"


def _combinations(config: Config) -> Iterator[str]:
    chosen = chosen_names(config.mitigation)
    if "monitor_noise" in chosen and not set(chosen) & set(READ_FOR_FAKING):
        yield f"mitigation=monitor_noise: flips verdicts that nothing reads; add one of {', '.join(READ_FOR_FAKING)}"
    if {"af_penalty", "af_bonus"} <= set(chosen):
        yield "mitigation=[af_penalty,af_bonus]: one takes what the other gives; choose one of them"
    cancelled = [name for name in chosen if name in SCRATCHPAD_TERMS]
    if cancelled and config.algo.train_on == "output" and config.algo.baseline in ("group", "others"):
        yield (
            f"mitigation=[{','.join(cancelled)}]: algo.train_on=output gives the rollouts of a group one scratchpad, "
            f"so what is paid for it is the same for all of them and cancels under algo.baseline={config.algo.baseline}"
        )
    blind = [name for name in chosen if name in READ_SCRATCHPADS]
    if blind and not has_scratchpads(config.scenario.prefix):
        yield (
            f"mitigation=[{','.join(blind)}]: needs scratchpads, and scenario={config.scenario.name} has none "
            "(scenario.prefix opens the output)"
        )
