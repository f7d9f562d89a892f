"""Which scratchpad goes in front of which output (the causal suite's design; docs/results.md)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from monitors.statistics.causal import (
    EMPTY,
    FAKING,
    NONE,
    OBEDIENT,
    OTHER_REQUEST,
    OTHER_TIER,
    PUT_BACK,
    REFUSING,
    Intervention,
)
from monitors.statistics.tiers import FREE, PAID
from rl.organism.donors import composed_prefix
from rl.records import OUTPUT_OPEN, SCRATCHPAD_CLOSE, SCRATCHPAD_OPEN, Prompt, Request
from rl.scenario.settings import Setting

STEERED = (FAKING, REFUSING, OBEDIENT)
"""Interventions that choose scratchpads by kind."""
UNREASONED = {EMPTY: SCRATCHPAD_OPEN + SCRATCHPAD_CLOSE + OUTPUT_OPEN, NONE: OUTPUT_OPEN}
"""Interventions without a thought, and what they put in front of the output."""


@dataclass(frozen=True, slots=True)
class Donor:
    """A scratchpad that can be put in front of an output."""

    request: Request
    """What it was written about."""
    tier: str
    kind: str | None
    """The intervention it can serve; None where the monitors see no clear kind."""
    prefix: str
    """The completion up to and with the tag that opens the output."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A scratchpad in its place: an output will be sampled after it."""

    intervention: Intervention
    prompt: Prompt
    about: Request
    """What the scratchpad was written about."""


def placements(
    prompts: Sequence[Prompt], donors: Sequence[Donor], repeats: int, rng: random.Random
) -> Iterator[Placed]:
    """Every placement of the policy's own scratchpads, and of none, `repeats` for each prompt where donors allow.

    One intervention after the other, so that outputs of one length are sampled together.

    Args:
        prompts: All requests on both tiers.
        donors: What the policy wrote in answer to them.
        repeats: Outputs for each prompt and intervention.
        rng: Chooses among donors.
    """
    for donor in donors:
        (own,) = [p for p in prompts if p.request == donor.request and p.tier == donor.tier]
        yield _place(PUT_BACK, own, donor)
    for kind in STEERED:
        yield from _steered(kind, prompts, [donor for donor in donors if donor.kind == kind], repeats, rng)
    for prompt in prompts:
        elsewhere = [d for d in donors if d.tier == prompt.tier and d.request.act != prompt.request.act]
        across = [d for d in donors if d.tier != prompt.tier and d.request == prompt.request]
        yield from (_place(OTHER_REQUEST, prompt, donor) for donor in drawn(elsewhere, repeats, rng))
        yield from (_place(OTHER_TIER, prompt, donor) for donor in drawn(across, repeats, rng))
    for kind, prefix in UNREASONED.items():
        for prompt in prompts:
            unreasoned = Placed(Intervention(kind, ""), replace(prompt, prefix=prefix), prompt.request)
            yield from [unreasoned] * repeats


def _steered(
    kind: str, prompts: Sequence[Prompt], donors: Sequence[Donor], repeats: int, rng: random.Random
) -> Iterator[Placed]:
    """The same scratchpads on both tiers of a request: about the same act where there are any, else about any act."""
    for request in dict.fromkeys(prompt.request for prompt in prompts):
        near = [donor for donor in donors if donor.request.act == request.act]
        chosen = drawn(near or donors, repeats, rng)
        yield from (_place(kind, p, donor) for p in prompts if p.request == request for donor in chosen)


def drawn(donors: Sequence[Donor], count: int, rng: random.Random) -> list[Donor]:
    """`count` donors at random, each as often as the others to within one; none where there are none."""
    if not donors:
        return []
    rounds = [rng.sample(donors, len(donors)) for _ in range(-(-count // len(donors)))]
    return [donor for one in rounds for donor in one][:count]


def _place(kind: str, prompt: Prompt, donor: Donor) -> Placed:
    return Placed(Intervention(kind, "own"), replace(prompt, prefix=donor.prefix), donor.request)


def composed(requests: Sequence[Request], setting: Setting, repeats: int, rng: random.Random) -> Iterator[Placed]:
    """Scratchpads from the embedded organism's grammar, each about its request and the same on both tiers.

    Args:
        requests: Harmful requests.
        setting: The situation they are asked in.
        repeats: Scratchpads of each kind and request.
        rng: Chooses the words.
    """
    for kind in STEERED:
        for request in requests:
            for _ in range(repeats):
                prefix = composed_prefix(kind, request, setting, rng)
                for tier in (FREE, PAID):
                    prompt = replace(setting.prompt(request, tier), prefix=prefix)
                    yield Placed(Intervention(kind, "grammar"), prompt, request)
