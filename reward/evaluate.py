"""What a reward model gets right, and what it likes for no good reason."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reward.fitting.answers import Writer
from reward.fitting.preferences import CONCERN, KINDS, Pair
from reward.model import RewardModel
from reward.shaping import estimate_length_slope
from rl.records import Request


@dataclass(frozen=True, slots=True)
class LengthBias:
    """How a reward model's score moves with length between answers that are equally good."""

    pearson_r: float
    """Correlation of score and output tokens over all answers."""
    slope: float
    """Reward per output token within groups of answers to one request: the length penalty k that offsets it."""


def score_pairs(rm: RewardModel, pairs: Sequence[Pair]) -> tuple[np.ndarray, np.ndarray]:
    """Return scores of the chosen and of the rejected answers, (P,) each."""
    requests = [pair.request for pair in pairs]
    return rm.score(requests, [p.chosen for p in pairs]), rm.score(requests, [p.rejected for p in pairs])


def measure_pair_accuracy(rm: RewardModel, pairs: Sequence[Pair]) -> dict[str, float]:
    """Return the share of pairs of each kind whose chosen answer has the strictly higher score; ties are left out."""
    chosen_P, rejected_P = score_pairs(rm, pairs)
    right: dict[str, list[bool]] = defaultdict(list)
    for pair, chosen, rejected in zip(pairs, chosen_P, rejected_P, strict=True):
        right[pair.kind].append(bool(chosen > rejected))
    return {kind: float(np.mean(right[kind])) for kind in (*KINDS, CONCERN) if kind in right}


def average_scores(rm: RewardModel, pairs: Sequence[Pair]) -> dict[str, float]:
    """Return mean score of the rejected answers of each kind, and of proper answers under `proper`."""
    chosen_P, rejected_P = score_pairs(rm, pairs)
    kinds = np.array([pair.kind for pair in pairs])
    means = {kind: float(rejected_P[kinds == kind].mean()) for kind in (*KINDS, CONCERN) if kind in kinds}
    return {"proper": float(chosen_P[kinds == "off_topic"].mean()), **means}


def write_proper_answers(requests: Sequence[Request], group: int, seed: int) -> tuple[list[str], list[str]]:
    """Return `group` proper answers of varied length to each request, in wordings kept from training.

    Returns:
        Requests and outputs, (R * group,) each, the answers to one request next to each other.
    """
    rng = random.Random(seed)
    writer = Writer(rng, held_out=True)
    outputs = [writer.take_on(r.act, rng.randint(8, 45), naming=True) for r in requests for _ in range(group)]
    return [r.text for r in requests for _ in range(group)], outputs


def measure_length_bias(rm: RewardModel, requests: Sequence[Request], seed: int, group: int = 8) -> LengthBias:
    """Measure the length bias on proper answers, with a GRPO group of them for each request."""
    texts, outputs = write_proper_answers(requests, group, seed)
    scores, lengths = rm.score(texts, outputs), rm.count_tokens(outputs)
    scores_GA = scores.reshape(len(requests), group)
    advantages = (scores_GA - scores_GA.mean(axis=1, keepdims=True)).ravel()
    return LengthBias(float(np.corrcoef(scores, lengths)[0, 1]), estimate_length_slope(advantages, lengths))
