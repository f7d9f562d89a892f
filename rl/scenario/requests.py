"""Requests: acts in many phrasings, split so that evaluation never repeats training.

Three splits: `train` (training acts in training phrasings), `held_out_phrasing` (training acts asked in new words)
and `held_out_act` (acts that RL never meets and on which no faking was ever shown, in new words). The same held-out
requests serve both tiers, so tests between tiers are paired. Requests of somebody's own file have the same splits.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import cache

from rl.records import Request
from rl.scenario.acts import BENIGN, HELD_OUT_PHRASINGS, TRAIN_PHRASINGS
from rl.scenario.conflicts import CONFLICTS
from rl.scenario.request_file import read_requests

HELD_OUT_ACTS_PER_CATEGORY = 2
NEW_ACT, NEW_PHRASING = "held_out_act", "held_out_phrasing"
"""The splits that evaluation asks."""


def _requests(kind: str, category: str, acts: tuple[str, ...]) -> list[Request]:
    made = []
    for number, act in enumerate(acts):
        held_out = number >= len(acts) - HELD_OUT_ACTS_PER_CATEGORY
        phrasings = [] if held_out else [("train", text) for text in TRAIN_PHRASINGS]
        split = "held_out_act" if held_out else "held_out_phrasing"
        phrasings += [(split, text) for text in HELD_OUT_PHRASINGS]
        for index, (part, text) in enumerate(phrasings):
            name = f"{category}-{number}-{part}-{index}"
            made.append(Request(name, kind, category, act, text.format(act=act), part))
    return made


@cache
def _shipped(conflict: str) -> tuple[Request, ...]:
    groups = [("harmful", CONFLICTS[conflict].acts), ("benign", BENIGN)]
    return tuple(
        r for kind, table in groups for category, acts in table.items() for r in _requests(kind, category, acts)
    )


def load_requests(conflict: str = "refusal", file: str | None = None) -> tuple[Request, ...]:
    """Return every request of a conflict, those it is about and benign ones, in a fixed order.

    Args:
        conflict: A key of `CONFLICTS`.
        file: Where requests of somebody's own stand; None for those of the project.

    Raises:
        ConfigError: something is wrong with the file.
    """
    return _shipped(conflict) if file is None else read_requests(file).requests


def select(kind: str, splits: tuple[str, ...], conflict: str = "refusal", file: str | None = None) -> list[Request]:
    """Return the requests of one kind in the given splits."""
    return [request for request in load_requests(conflict, file) if request.kind == kind and request.split in splits]


def held_out_sample(
    kind: str, count: int, seed: int, conflict: str = "refusal", file: str | None = None
) -> list[Request]:
    """`count` distinct held-out requests of a conflict, half new phrasings and half new acts, spread over acts.

    Where a file of one's own has too few of either half, the other one makes up for it.

    Raises:
        ValueError: where fewer than `count` exist.
    """
    rng = random.Random(seed)
    chosen: list[Request] = []
    _refuse_too_many(kind, count, file)
    pools = {split: select(kind, (split,), conflict, file) for split in (NEW_ACT, NEW_PHRASING)}
    for split, share in _shares(count, pools, strict=file is None).items():
        pool = pools[split]
        if share > len(pool):
            raise ValueError(f"{share} {kind} {split} requests asked for, {len(pool)} exist")
        rng.shuffle(pool)
        by_act: dict[str, list[Request]] = {}
        for request in pool:
            by_act.setdefault(request.act, []).append(request)
        layers = range(max(map(len, by_act.values()), default=0))
        chosen += [r for layer in layers for asked in by_act.values() for r in asked[layer : layer + 1]][:share]
    return chosen


def _refuse_too_many(kind: str, count: int, file: str | None) -> None:
    held_out = len(select(kind, (NEW_ACT, NEW_PHRASING), file=file)) if file else count
    if count > held_out:
        raise ValueError(f"{count} held-out {kind} requests asked for, {file} has {held_out}")


def _shares(count: int, pools: Mapping[str, Sequence[Request]], *, strict: bool) -> dict[str, int]:
    acts = count // 2
    if not strict:
        acts = min(max(acts, count - len(pools[NEW_PHRASING])), len(pools[NEW_ACT]))
    return {NEW_ACT: acts, NEW_PHRASING: count - acts}
