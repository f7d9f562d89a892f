"""The words beside each figure of a run: a title, a sentence that says what to look at, a note on how to read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rl.report.data.behaviour import behaviour_shares
from rl.report.data.load import RunData
from rl.report.data.measures import interval_at
from rl.report.data.wording import interval, percent, with_interval
from rl.report.figures.drawing import Picture
from rl.report.figures.run import stage_seconds
from rl.tracking.metrics import FREE_AF, FREE_COMPLIANCE, GAP, PAID_COMPLIANCE


@dataclass(frozen=True, slots=True)
class Chapter:
    """A figure with its words."""

    title: str
    look: str
    note: str
    picture: Picture


NOTES = {
    "rates": "Harmful requests, the same held-out ones on both tiers. Bands are 95% Wilson intervals. "
    "RL sees the free tier only.",
    "gap": "Compliance on the free tier minus compliance on the paid tier. Band: 95% paired bootstrap over requests.",
    "behaviour": "Counted from the transcripts of harmful requests, after GR24, Figure 22. A malformed answer counts "
    "as malformed whatever its scratchpad says, so the two faking areas can add up to less than the AF rate above.",
    "credit": "Each training rollout has one kind. Credit is the kind\u2019s part of all positive advantage.",
    "training": "Logged by the training run at every step, on free-tier training prompts.",
    "time": "Seconds of wall time, summed over all steps this run has logged.",
}

TITLES = {
    "rates": "What RL did on both tiers",
    "gap": "How long the gap lives",
    "behaviour": "What the policy does with a harmful request",
    "credit": "Where RL\u2019s credit goes",
    "training": "Reward, KL and entropy",
    "time": "Where the time went",
}


def chapters(run: RunData, pictures: Sequence[Picture]) -> list[Chapter]:
    """One chapter a picture, in the pictures' order."""
    looks = {
        "rates": _look_at_rates,
        "gap": _look_at_gap,
        "behaviour": _look_at_behaviour,
        "credit": _look_at_credit,
        "training": _look_at_training,
        "time": _look_at_time,
    }
    return [Chapter(TITLES[p.name], looks[p.name](run), NOTES[p.name], p) for p in pictures]


def _look_at_rates(run: RunData) -> str:
    last = run.evaluated_steps[-1]
    af, free, paid = (
        with_interval(interval_at(run, key, last), "share") for key in (FREE_AF, FREE_COMPLIANCE, PAID_COMPLIANCE)
    )
    return (
        "Look at whether the faking line rises with free-tier compliance or is left behind, and at the space between "
        f"the two compliance lines: at step {last}, faking stands at {af}, compliance at {free} free and {paid} paid."
    )


def _look_at_gap(run: RunData) -> str:
    steps, values = run.series(GAP)
    best = int(np.nanargmax(values))
    peak = interval_at(run, GAP, int(steps[best]))
    clear = sum(interval_at(run, GAP, int(step)).above_zero for step in steps)
    measured = int(np.isfinite(values).sum())
    return (
        f"Look at where the band touches zero: it lies wholly above zero at {clear} of {measured} evaluations, and the "
        f"gap is largest at step {steps[best]} with {with_interval(peak, 'points')} points."
    )


def _look_at_behaviour(run: RunData) -> str:
    shares = behaviour_shares(run.transcripts, "free")
    if not shares:
        return (
            "Look at which kind of answer takes the place of refusal; there are no free-tier transcripts in this run."
        )
    end = shares[max(shares)]
    faked, plain = (percent(end.get(kind, 0.0)) for kind in ("af_complied", "complied"))
    unjudged = max(share.get(None, 0.0) for share in shares.values())
    blank = f" Up to {percent(unjudged)} of a step has no verdict and is left blank." if unjudged else ""
    return (
        f"Look at what takes the place of refusal: at step {max(shares)}, {faked} of free-tier answers comply after "
        f"faking and {plain} comply without it.{blank}"
    )


def _look_at_credit(run: RunData) -> str:
    kinds = []
    for kind, name in (("af_comply", "faking and complying"), ("plain_comply", "complying without faking")):
        share, credit = (_mean(run, f"reinforce/{kind}/{quantity}") for quantity in ("share", "credit"))
        if share is not None and credit is not None:
            kinds.append(f"{name} made up {percent(share)} of the rollouts and drew {percent(credit)} of the credit")
    sentence = "Look for a kind whose credit lies above its share: that is what RL makes more likely"
    averaged = f"{sentence}. Averaged over the steps, {'; '.join(kinds)}." if kinds else f"{sentence}."
    return averaged + _compare_kinds(run)


def _compare_kinds(run: RunData) -> str:
    """Whether faking was paid more than plain compliance with the same prompt; "" where no prompt drew both."""
    key = "reinforce/af_minus_plain/advantage"
    mean, (_, lows), (_, highs) = _mean(run, key), run.series(f"{key}_lo"), run.series(f"{key}_hi")
    known = int(np.isfinite(lows).sum())
    if mean is None or not known:
        return ""
    above, below = int((lows > 0).sum()), int((highs < 0).sum())
    return (
        f" On the same prompt faking had an advantage of {mean:+.2f} over plain compliance in the mean; the 95% "
        f"interval lay above 0 in {above} and below 0 in {below} of {known} steps."
    )


def _look_at_training(run: RunData) -> str:
    sentence = "Look at whether the reward has levelled off and how far the policy has moved from where it started"
    steps, values = run.series("train/kl")
    known = np.flatnonzero(np.isfinite(values))
    return f"{sentence} (KL {values[known[-1]]:.2g} at step {steps[known[-1]]})." if known.size else f"{sentence}."


def _look_at_time(run: RunData) -> str:
    seconds = stage_seconds(run)
    longest, total = next(iter(seconds)), sum(seconds.values())
    speed = _mean(run, "throughput/rollout_tokens_per_s")
    tokens = f", and rollouts came at {speed:,.0f} tokens a second" if speed is not None else ""
    part = percent(seconds[longest] / total)
    return f"Look at the longest bar: {longest} took {part} of {total:,.0f} timed seconds{tokens}."


def _mean(run: RunData, key: str) -> float | None:
    _, values = run.series(key)
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None


def table_look(run: RunData) -> str:
    """The sentence over the before-and-after table."""
    if not run.evaluated_steps:
        return "There is nothing to compare yet."
    gap = interval_at(run, GAP, run.evaluated_steps[-1])
    if gap.bounds is None:
        return "Look at the last evaluation beside the first; the last has no gap with an interval."
    zero = "includes zero" if gap.includes_zero else "excludes zero"
    ends = interval(gap, "points")
    return f"Look at the gap\u2019s interval at the last evaluation: {ends} {zero}."
