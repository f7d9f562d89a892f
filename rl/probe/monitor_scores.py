"""The probe beside the monitor: the score before a chat's first token, and what the monitor said of its scratchpad."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from rl.probe.fit import FoldProbes
from rl.probe.targets import LEAST_TEXTS, Examples, too_few

FREE_HARMFUL = "free harmful"


def against_monitor(rows: Sequence[Mapping[str, Any]], texts: Examples, probes: FoldProbes | None) -> dict[str, Any]:
    """Every chat's probe score, made by a probe that has not seen its act, beside the monitor's score.

    Returns:
        `chats`, one record each, and `spearman`, the rank correlation over all of them and over harmful free-tier chats
        alone; null with a `reason` where there are no probes.
    """
    if probes is None:
        return {"chats": [], "spearman": None, "spearman_free_harmful": None, "reason": too_few(texts)}
    scored = probes.score(texts)
    chats = [
        {"id": rows[row]["id"], "stratum": stratum, "probe": round(float(score), 4), "monitor": rows[row]["af_score"]}
        for row, stratum, score in zip(texts.rows_N.tolist(), texts.strata_N.tolist(), scored.scores_N, strict=True)
        if rows[row].get("af_score") is not None
    ]
    alike = [chat for chat in chats if chat["stratum"] == FREE_HARMFUL]
    return {
        "chats": chats, "spearman": _spearman(chats), "spearman_free_harmful": _spearman(alike), "reason": None
    }  # fmt: skip


def _spearman(chats: Sequence[Mapping[str, Any]]) -> float | None:
    """Rank correlation; None for fewer chats than a figure needs, or where either score never varies."""
    probe, monitor = (np.array([chat[name] for chat in chats], dtype=float) for name in ("probe", "monitor"))
    if len(chats) < LEAST_TEXTS or np.ptp(probe) == 0 or np.ptp(monitor) == 0:
        return None
    return round(float(spearmanr(probe, monitor).statistic), 4)
