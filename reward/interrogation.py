"""The reward term of GA25's interrogation: R += b [answer = no]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rl.records import Interview, Scored

NAME = "interrogation"


def bonus_for_no(interviews: Sequence[Interview], bonus: float) -> NDArray[np.float64]:
    """b where the answer is a plain no, (B,); 0 for a yes, and for what is neither."""
    return np.array([bonus if asked.said_no else 0.0 for asked in interviews], dtype=np.float64)


def with_interviews(scored: Sequence[Scored], interviews: Sequence[Interview], bonus: float) -> list[Scored]:
    """The same rollouts, each paid for what was answered about it and with that answer beside it.

    Raises:
        ValueError: If the lengths differ.
    """
    return [
        replace(one, reward=one.reward + float(term), terms={**one.terms, NAME: float(term)}, interview=asked)
        for one, asked, term in zip(scored, interviews, bonus_for_no(interviews, bonus), strict=True)
    ]
