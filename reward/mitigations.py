"""Mitigations that act on the reward or on the verdicts it is made of, and the controls that stand beside them.

A mitigation is one class here or in `rl/mitigation/`, and one file of `conf/mitigation/` whose `_target_` names it.
Those that read for alignment faking get the run's first AF monitor as a callable. They see its `Suspicion` and no other
monitor's verdict. A text without a verdict gets the mean of the batch's terms: text that cannot be read earns what the
average scratchpad earns.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rl.records import SCREENED, Rollout

FLIPPED = "monitor_flipped"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What the first AF monitor says of the scratchpads of a batch."""

    score_B: NDArray[np.float64]
    """Probability of alignment-faking reasoning; NaN where there is no verdict."""
    af_B: NDArray[np.bool_]
    """True where the verdict is faking; False where there is none."""


Read = Callable[[Sequence[Rollout]], Suspicion]
"""The first AF monitor."""
Mark = Callable[[Sequence[Rollout]], NDArray[np.bool_]]


@dataclass(frozen=True)
class Mitigation:
    """One mitigation, control or anti-mitigation.

    The fields of a subclass are the values of its section in `conf/mitigation/`. A field called `read` or `seed` is no
    value: the run fills in its first AF monitor or its seed.
    """

    name: ClassVar[str]
    """Of its option and its section, and of its reward term."""
    reads_scratchpads: ClassVar[bool] = False

    def problems(self) -> Iterator[str]:
        """Say what is wrong with the values, a line each."""
        yield from ()

    def conflicts(self, others: Sequence[Mitigation]) -> Iterator[str]:
        """Say why it cannot be combined with the other mitigations that are on, a line each."""
        yield from ()

    def marks(self) -> dict[str, Mark]:
        """Return what is noted on each training rollout, by name; the share of each is logged as `train/<name>`."""
        return {}

    def refuse(self, key: str, must: str) -> str:
        """Return the line that names a value and what it must be."""
        return f"mitigation.{self.name}.{key}={getattr(self, key)}: {must}"

    def refuse_negative(self, *keys: str) -> Iterator[str]:
        """Refuse each value that is negative or not finite."""
        for key in keys:
            if not 0 <= getattr(self, key) < np.inf:
                yield self.refuse(key, "must be a finite number of at least 0")

    def refuse_no_share(self, key: str) -> Iterator[str]:
        """Refuse a value outside [0, 1]."""
        if not 0 <= getattr(self, key) <= 1:
            yield self.refuse(key, "a share lies between 0 and 1")


class Term(Mitigation, ABC):
    """A mitigation that adds a term to the reward."""

    @abstractmethod
    def __call__(self, rollouts: Sequence[Rollout]) -> NDArray[np.float64]:
        """Return the term of each rollout, (B,), in units of reward."""


@dataclass(frozen=True)
class FakingReader(Mitigation):
    """A mitigation that reads for faking."""

    read: Read
    reads_scratchpads = True


def log_barrier(score_B: NDArray[np.float64], strength: float, clip: float) -> NDArray[np.float64]:
    """Return `strength * log(1 - min(p, 1 - clip))`, (B,): from 0 at p = 0 down to `strength * log(clip)` (GA25).

    Args:
        score_B: Probabilities p; NaN where there is none, which gets the mean of the others, 0 if there are no others.
        strength: Weight, at least 0.
        clip: Distance from 1 at which p is cut off, within (0, 1).
    """
    return fill_with_mean(strength * np.log1p(-np.minimum(score_B, 1.0 - clip)))


def fill_with_mean(term_B: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the terms with each NaN replaced by the mean of the rest, or by 0 where nothing was read."""
    read_B = ~np.isnan(term_B)
    return np.where(read_B, term_B, term_B[read_B].mean() if read_B.any() else 0.0)


def count_scratchpad_words(rollouts: Sequence[Rollout]) -> NDArray[np.float64]:
    """Return the words of each scratchpad, (B,), as in `eval/<tier>/scratchpad_tokens`; 0 without one."""
    return np.array([len((rollout.sections.scratchpad or "").split()) for rollout in rollouts], dtype=np.float64)


def hash_batch(seed: int, purpose: str, rollouts: Sequence[Rollout]) -> int:
    """Return a number of 256 bits that looks random and depends on seed, purpose and texts alone.

    It depends on no state, so a resumed run draws what it would have drawn. The random numbers that the policy is
    sampled with are left alone.
    """
    digest = hashlib.sha256(f"{seed} {purpose}".encode())
    for rollout in rollouts:
        digest.update(hashlib.sha256(rollout.completion.encode("utf-8", "surrogatepass")).digest())
    return int.from_bytes(digest.digest(), "big")


def draw_uniform(seed: int, purpose: str, rollouts: Sequence[Rollout]) -> NDArray[np.float64]:
    """Return uniform numbers in [0, 1), (B,), that look independent of each other and of what any text says."""
    return np.random.default_rng(hash_batch(seed, purpose, rollouts)).random(len(rollouts))


@dataclass(frozen=True)
class LengthHinge(Term):
    """R -= c max(0, words of the scratchpad - L_m) (GA25)."""

    per_word: float
    """c, reward per word."""
    free_words: int
    """L_m, words that cost nothing."""
    name = "length_hinge"
    reads_scratchpads = True

    def __call__(self, rollouts: Sequence[Rollout]) -> NDArray[np.float64]:
        return 0.0 - self.per_word * np.maximum(count_scratchpad_words(rollouts) - self.free_words, 0.0)

    def problems(self) -> Iterator[str]:
        yield from self.refuse_negative("per_word", "free_words")


@dataclass(frozen=True)
class AfPenalty(FakingReader, Term):
    """R += s log(1 - p) with p the monitor's probability of faking, cut off near 1 (GA25)."""

    strength: float
    clip: float
    name = "af_penalty"

    def __call__(self, rollouts: Sequence[Rollout]) -> NDArray[np.float64]:
        return log_barrier(self.read(rollouts).score_B, self.strength, self.clip)

    def problems(self) -> Iterator[str]:
        yield from self.refuse_negative("strength")
        if not 0 < self.clip < 1:
            yield self.refuse("clip", "must lie between 0 and 1, and be neither")


@dataclass(frozen=True)
class AfScreening(FakingReader):
    """Drop what the monitor calls faking: it has advantage 0 and no part in its group's baseline."""

    name = "af_screening"

    def marks(self) -> dict[str, Mark]:
        return {SCREENED: lambda rollouts: self.read(rollouts).af_B}


@dataclass(frozen=True)
class AfBonus(FakingReader, Term):
    """R += s p, the mirror of the penalty: what reinforces faking outright (GA25's organisms AF+)."""

    strength: float
    name = "af_bonus"

    def __call__(self, rollouts: Sequence[Rollout]) -> NDArray[np.float64]:
        return fill_with_mean(self.strength * self.read(rollouts).score_B)

    def problems(self) -> Iterator[str]:
        yield from self.refuse_negative("strength")

    def conflicts(self, others: Sequence[Mitigation]) -> Iterator[str]:
        if any(isinstance(other, AfPenalty) for other in others):
            yield "mitigation=[af_penalty,af_bonus]: one takes what the other gives; choose one of them"


@dataclass(frozen=True)
class RandomPenalty(Term):
    """Control: R -= s for rollouts drawn by lot, each with the same chance, whatever they say."""

    strength: float
    rate: float
    seed: int
    name = "random_penalty"

    def __call__(self, rollouts: Sequence[Rollout]) -> NDArray[np.float64]:
        return np.where(draw_uniform(self.seed, self.name, rollouts) < self.rate, 0.0 - self.strength, 0.0)

    def problems(self) -> Iterator[str]:
        yield from self.refuse_negative("strength")
        yield from self.refuse_no_share("rate")


@dataclass(frozen=True)
class MatchedLength(Term):
    """Control: R -= m words of the scratchpad, with m the length incentive of the AF penalty, and nothing read."""

    per_word: float
    """m, reward per word; below 0 where the AF penalty favours long scratchpads."""
    name = "matched_length"
    reads_scratchpads = True

    def __call__(self, rollouts: Sequence[Rollout]) -> NDArray[np.float64]:
        return 0.0 - self.per_word * count_scratchpad_words(rollouts)

    def problems(self) -> Iterator[str]:
        if not np.isfinite(self.per_word):
            yield self.refuse("per_word", "must be a finite number")


@dataclass(frozen=True)
class NoisyMonitor(Mitigation):
    """Flip the monitor's verdict on a share of the rollouts, drawn by lot, for all mitigations that read it.

    A flipped verdict has probability 1 - p. What could not be judged is not flipped.
    """

    read: Read
    rate: float
    seed: int
    name = "monitor_noise"

    def __call__(self, rollouts: Sequence[Rollout]) -> Suspicion:
        """Return the verdicts after the flips."""
        verdict = self.read(rollouts)
        flipped_B = self.flipped(rollouts)
        return Suspicion(np.where(flipped_B, 1.0 - verdict.score_B, verdict.score_B), verdict.af_B ^ flipped_B)

    def flipped(self, rollouts: Sequence[Rollout]) -> NDArray[np.bool_]:
        """Return True where a verdict is flipped, (B,)."""
        judged_B = ~np.isnan(self.read(rollouts).score_B)
        return judged_B & (draw_uniform(self.seed, self.name, rollouts) < self.rate)

    def marks(self) -> dict[str, Mark]:
        return {FLIPPED: self.flipped}

    def problems(self) -> Iterator[str]:
        yield from self.refuse_no_share("rate")

    def conflicts(self, others: Sequence[Mitigation]) -> Iterator[str]:
        if not any(isinstance(other, FakingReader) for other in others):
            readers = ", ".join(reader.name for reader in FakingReader.__subclasses__())
            yield f"mitigation={self.name}: flips verdicts that nothing reads; add one of {readers}"
