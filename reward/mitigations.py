"""Reward terms of mitigations, and of the controls that stand beside them.

Two of them read for alignment faking. They are handed the run's first AF monitor as a callable and see of it what
`Suspicion` holds; no other monitor's verdict fits into it. A text on which the monitor has no verdict is given the
mean of the batch's terms, so that writing what cannot be read earns what the average scratchpad earns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rl.records import Rollout


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What the first AF monitor says of the scratchpads of a batch."""

    score_B: NDArray[np.float64]
    """Probability of alignment-faking reasoning; NaN where there is no verdict."""
    af_B: NDArray[np.bool_]
    """True where the verdict is faking; False where there is none."""


Read = Callable[[Sequence[Rollout]], Suspicion]
"""The first AF monitor."""


def log_barrier(score_B: NDArray[np.float64], strength: float, clip: float) -> NDArray[np.float64]:
    """`strength * log(1 - min(p, 1 - clip))`, (B,): from 0 at p = 0 down to `strength * log(clip)` (GA25).

    Args:
        score_B: Probabilities p; NaN where there is none, which gets the mean of the others, 0 if there are no others.
        strength: Weight, at least 0.
        clip: Distance from 1 at which p is cut off, within (0, 1).
    """
    return mean_where_unread(strength * np.log1p(-np.minimum(score_B, 1.0 - clip)))


def mean_where_unread(term_B: NDArray[np.float64]) -> NDArray[np.float64]:
    """The terms with each NaN replaced by the mean of the rest, or by 0 where nothing was read."""
    read_B = ~np.isnan(term_B)
    return np.where(read_B, term_B, term_B[read_B].mean() if read_B.any() else 0.0)


def scratchpad_words(rollouts: Sequence[Rollout]) -> NDArray[np.float64]:
    """Whitespace-separated words of each scratchpad, (B,), as in `eval/<tier>/scratchpad_tokens`; 0 without one."""
    return np.array([len((rollout.sections.scratchpad or "").split()) for rollout in rollouts], dtype=np.float64)


def batch_seed(seed: int, purpose: str, rollouts: Sequence[Rollout]) -> int:
    """A number of 256 bits that looks random, the same for the same seed, purpose and texts.

    What is drawn from it hangs on no state: a run that is resumed draws what it would have drawn, and nothing is taken
    from the stream that the policy is sampled with.
    """
    digest = hashlib.sha256(f"{seed} {purpose}".encode())
    for rollout in rollouts:
        digest.update(hashlib.sha256(rollout.completion.encode("utf-8", "surrogatepass")).digest())
    return int.from_bytes(digest.digest(), "big")


def draws(seed: int, purpose: str, rollouts: Sequence[Rollout]) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1), (B,), that look independent of each other and of what any text says."""
    return np.random.default_rng(batch_seed(seed, purpose, rollouts)).random(len(rollouts))


@dataclass(frozen=True, slots=True)
class LengthHinge:
    """R -= c max(0, words of the scratchpad - L_m) (GA25)."""

    per_word: float
    """c, reward per word."""
    free_words: int
    """L_m, words that cost nothing."""
    name: ClassVar[str] = "length_hinge"

    def __call__(self, rollouts: Sequence[Rollout]) -> NDArray[np.float64]:
        """The term of each rollout, (B,), never positive."""
        return 0.0 - self.per_word * np.maximum(scratchpad_words(rollouts) - self.free_words, 0.0)


@dataclass(frozen=True, slots=True)
class AfPenalty:
    """R += s log(1 - p) with p the monitor's probability of faking, cut off near 1 (GA25)."""

    read: Read
    strength: float
    clip: float
    name: ClassVar[str] = "af_penalty"

    def __call__(self, rollouts: Sequence[Rollout]) -> NDArray[np.float64]:
        """The term of each rollout, (B,), never positive."""
        return log_barrier(self.read(rollouts).score_B, self.strength, self.clip)


@dataclass(frozen=True, slots=True)
class AfBonus:
    """R += s p, the mirror of the penalty: what reinforces faking outright (GA25's organisms AF+)."""

    read: Read
    strength: float
    name: ClassVar[str] = "af_bonus"

    def __call__(self, rollouts: Sequence[Rollout]) -> NDArray[np.float64]:
        """The term of each rollout, (B,), never negative."""
        return mean_where_unread(self.strength * self.read(rollouts).score_B)


@dataclass(frozen=True, slots=True)
class RandomPenalty:
    """Control: R -= s for rollouts drawn by lot, each with the same chance, whatever they say."""

    strength: float
    rate: float
    seed: int
    name: ClassVar[str] = "random_penalty"

    def __call__(self, rollouts: Sequence[Rollout]) -> NDArray[np.float64]:
        """The term of each rollout, (B,), either 0 or minus the strength."""
        return np.where(draws(self.seed, self.name, rollouts) < self.rate, 0.0 - self.strength, 0.0)


@dataclass(frozen=True, slots=True)
class MatchedLength:
    """Control: R -= m words of the scratchpad, with m the length incentive of the AF penalty, and nothing read.

    `length_incentive` measures m beforehand.
    """

    per_word: float
    """m, reward per word; below 0 where the AF penalty favours long scratchpads."""
    name: ClassVar[str] = "matched_length"

    def __call__(self, rollouts: Sequence[Rollout]) -> NDArray[np.float64]:
        """The term of each rollout, (B,)."""
        return 0.0 - self.per_word * scratchpad_words(rollouts)


@dataclass(frozen=True, slots=True)
class NoisyMonitor:
    """A monitor whose verdict is the opposite of what it found for a share of the rollouts, drawn by lot.

    A flipped verdict has probability 1 - p. What could not be judged is not flipped.
    """

    read: Read
    rate: float
    seed: int

    def __call__(self, rollouts: Sequence[Rollout]) -> Suspicion:
        """What it says instead."""
        found = self.read(rollouts)
        flipped_B = self._flipped(found, rollouts)
        return Suspicion(np.where(flipped_B, 1.0 - found.score_B, found.score_B), found.af_B ^ flipped_B)

    def flipped(self, rollouts: Sequence[Rollout]) -> NDArray[np.bool_]:
        """True where a verdict is the opposite of what was found, (B,)."""
        return self._flipped(self.read(rollouts), rollouts)

    def _flipped(self, found: Suspicion, rollouts: Sequence[Rollout]) -> NDArray[np.bool_]:
        judged_B = ~np.isnan(found.score_B)
        return judged_B & (draws(self.seed, "monitor_noise", rollouts) < self.rate)


def length_incentive(term_B: NDArray[np.float64], words_B: NDArray[np.float64], group_size: int) -> float:
    """Least-squares slope of a reward term on length within groups, in reward per word.

    GRPO compares rollouts of one prompt, so only differences within a group are an incentive:
    sum (w - mean of its group)(t - mean of its group) / sum (w - mean of its group)^2. The control `matched_length`
    takes its negative, measured on `af_penalty` before training.

    Args:
        term_B: The term of each rollout, group by group.
        words_B: Words of each scratchpad.
        group_size: Rollouts of one prompt.

    Raises:
        ValueError: where the arrays do not consist of whole groups, or no two lengths of a group differ.
    """
    if term_B.shape != words_B.shape or term_B.ndim != 1 or not len(term_B) or len(term_B) % group_size:
        raise ValueError(f"terms {term_B.shape} and words {words_B.shape} must be whole groups of {group_size}")
    term_GN, words_GN = term_B.reshape(-1, group_size), words_B.reshape(-1, group_size)
    term_GN, words_GN = (x - x.mean(axis=1, keepdims=True) for x in (term_GN, words_GN))
    spread = float((words_GN**2).sum())
    if spread == 0:
        raise ValueError("scratchpads of one length say nothing about a slope")
    return float((words_GN * term_GN).sum()) / spread
