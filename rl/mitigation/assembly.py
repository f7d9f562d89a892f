"""The configured mitigations as a run uses them: reward terms, marks on rollouts, a clause in the training prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitors.panel import Panel
from reward.compose import RewardTerm
from reward.mitigations import FakingReader, Mark, Mitigation, NoisyMonitor, Read, Suspicion, Term
from rl.config.schema import Config
from rl.errors import ConfigError
from rl.mitigation.clauses import Clause
from rl.mitigation.lookup import build_mitigation, list_chosen
from rl.records import Rollout, Scored
from rl.rollout.segments import has_scratchpads
from rl.scenario.settings import Setting

Score = Callable[[Sequence[Rollout]], list[Scored]]


@dataclass(frozen=True)
class Mitigations:
    """What a run does beside its baseline; in the baseline all of it is empty."""

    terms: tuple[RewardTerm, ...]
    marks: dict[str, Mark]
    """What is noted on each training rollout, by name."""
    clause: str
    """Told in training prompts only."""

    def mark_scores(self, score: Score) -> Score:
        """Return the same scoring with the marks on its results."""
        if not self.marks:
            return score

        def score_and_mark(rollouts: Sequence[Rollout]) -> list[Scored]:
            columns = {name: mark(rollouts) for name, mark in self.marks.items()}
            return [
                replace(one, marks={name: bool(column[number]) for name, column in columns.items()})
                for number, one in enumerate(score(rollouts))
            ]

        return score_and_mark

    def add_clause(self, setting: Setting) -> Setting:
        """Return the setting of training prompts."""
        return replace(setting, note=f"{setting.note} {self.clause}".strip()) if self.clause else setting


def mitigations_from(config: Config, panel: Panel) -> Mitigations:
    """Return the mitigations that a configuration names.

    Args:
        config: The resolved configuration.
        panel: The run's monitors; its first AF monitor is read, and a text that it has judged is not judged again.

    Raises:
        ConfigError: if a section does not fit its class.
    """
    read = first_monitor(panel)
    chosen = [build_mitigation(config, name, read) for name in list_chosen(config.mitigation)]
    for noisy in [one for one in chosen if isinstance(one, NoisyMonitor)]:
        chosen = [replace(one, read=noisy) if isinstance(one, FakingReader) else one for one in chosen]
    return Mitigations(
        terms=tuple(one for one in chosen if isinstance(one, Term)),
        marks={name: mark for one in chosen for name, mark in one.marks().items()},
        clause=" ".join(one.clause for one in chosen if isinstance(one, Clause)),
    )


def first_monitor(panel: Panel) -> Read:
    """Return what a panel's first AF monitor says of training rollouts; the audit monitor is not asked."""

    def read(rollouts: Sequence[Rollout]) -> Suspicion:
        verdicts = panel.judge(rollouts)
        scores = [np.nan if verdict.af_score is None else verdict.af_score for verdict in verdicts]
        return Suspicion(np.array(scores, dtype=np.float64), np.array([v.af is True for v in verdicts], dtype=np.bool_))

    return read


def mitigation_problems(config: Config) -> Iterator[str]:
    """Say what is wrong with the mitigations of a configuration, a line each."""
    chosen: list[Mitigation] = []
    for name in list_chosen(config.mitigation):
        try:
            chosen.append(build_mitigation(config, name))
        except ConfigError as error:
            yield from error.problems
    for one in chosen:
        yield from one.problems()
        yield from one.conflicts([other for other in chosen if other is not one])
    yield from _misplaced(config, chosen)


def _misplaced(config: Config, chosen: Sequence[Mitigation]) -> Iterator[str]:
    """Say which mitigations do not fit the algorithm or the scenario."""
    readers = [one for one in chosen if one.reads_scratchpads]
    terms = [one.name for one in readers if isinstance(one, Term)]
    if terms and config.algo.train_on == "output" and config.algo.baseline in ("group", "others"):
        yield (
            f"mitigation=[{','.join(terms)}]: algo.train_on=output gives the rollouts of a group one scratchpad, "
            f"so what is paid for it is the same for all of them and cancels under algo.baseline={config.algo.baseline}"
        )
    if readers and not has_scratchpads(config.scenario.prefix):
        yield (
            f"mitigation=[{','.join(one.name for one in readers)}]: needs scratchpads, and "
            f"scenario={config.scenario.name} has none (scenario.prefix opens the output)"
        )
