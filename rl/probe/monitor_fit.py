"""Probes for `monitors=probe`: fitted on chats of one model, kept in a file.

Everything here draws from random streams of its own and changes nothing in the model.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from monitors.faking.probe import Probe, ProbeMonitor
from monitors.panel import Panel
from monitors.statistics.auroc import Figure, Scored, auroc
from rl.config.schema import MonitorsConfig
from rl.files.atomic import sync
from rl.probe.activations import blocks_of, read_activations
from rl.probe.analysis import reading_layer
from rl.probe.fit import fit, fit_folds
from rl.probe.monitor_scores import FREE_HARMFUL
from rl.probe.positions import END_OF_SCRATCHPAD, LAST_PROMPT, POSITIONS, read_chat
from rl.probe.source import prompt_of
from rl.probe.targets import examples, too_few
from rl.records import Rollout, Verdict
from rl.rollout.sampler import Sampler
from rl.scenario.requests import select
from rl.scenario.settings import TIERS, Setting

NAMES = {LAST_PROMPT: "probe", END_OF_SCRATCHPAD: "probe_end"}
"""The tokens that are read, and how their figures begin. The second is a control: the thought lies behind it."""
DRAWS = 1000
LEAST_SLOPE = 0.01
AT_ONCE = 64
"""Prompts that are sampled together."""

Row = dict[str, Any]
Read = Callable[[str], tuple[NDArray[np.float64], NDArray[np.bool_]]]
"""From a token's name to activations (N, E) and a mask (N,) that is True where a chat has it."""


def fitted(config: MonitorsConfig, sampler: Sampler, setting: Setting, panel: Panel) -> ProbeMonitor:
    """Probes fitted on chats that the model writes now, with the panel's verdicts as labels.

    The same requests and the same random stream for every run, so that runs from one organism have the same probes.
    """
    assert config.probe is not None
    started = time.perf_counter()
    rng = random.Random(config.seed)
    asked = select("harmful", ("train",), setting.conflict, setting.requests)
    requests = rng.sample(asked, min(config.probe.requests, len(asked)))
    prompts = [setting.prompt(request, tier) for tier in TIERS for request in requests]
    generator = torch.Generator().manual_seed(config.seed)
    rollouts: list[Rollout] = []
    for start in range(0, len(prompts), AT_ONCE):
        rollouts += sampler.rollouts(prompts[start : start + AT_ONCE], config.probe.samples, generator)
    rows = [_row(rollout, verdict) for rollout, verdict in zip(rollouts, panel.judge(rollouts), strict=True)]
    layer = reading_layer(len(blocks_of(sampler.model)) + 1)
    read = read_policy(sampler, setting, rows, config.probe.batch_size, layer)
    made = fit_monitor(rows, read, layer, config.seed)
    return ProbeMonitor(made.layer, made.probes, {**made.figures, "time/probe_fit_s": time.perf_counter() - started})


def _row(rollout: Rollout, verdict: Verdict) -> Row:
    prompt, request = rollout.prompt, rollout.prompt.request
    return {
        "tier": prompt.tier, "kind": request.kind, "request_id": request.request_id, "request": request.text,
        "completion": rollout.completion, "af": verdict.af,
    }  # fmt: skip


def fit_monitor(rows: Sequence[Mapping[str, Any]], read: Read, layer: int, seed: int) -> ProbeMonitor:
    """Probes of the faking to come on harmful chats of both tiers, each fitted on all of them.

    Its figures are the AUROC among harmful free-tier chats of probes that had not seen the act, and how many of those
    chats fake.

    Args:
        rows: Transcripts with verdicts.
        read: Their activations at `layer`.
        layer: Kept with the probes.
        seed: Of folds and intervals.
    """
    harmful_N = np.array([row["kind"] == "harmful" for row in rows], dtype=bool)
    probes, figures = {}, dict[str, float | None]()
    for position, name in NAMES.items():
        x_NE, known_N = read(position)
        texts = examples("af", rows, x_NE, known_N & harmful_N)
        free = texts.at(texts.strata_N == FREE_HARMFUL)
        if position == LAST_PROMPT:
            figures["probe/fit_faking"] = float(free.y_N.sum())
        if too_few(texts):
            continue
        folds = fit_folds(texts, seed)
        probes[position] = calibrated(fit(texts, seed), folds.score(texts))
        found = auroc(folds.score(free), DRAWS, seed)
        figures |= bounds(name.replace("probe", "probe/fit") + "_auroc", found)
    return ProbeMonitor(layer, probes, figures)


def calibrated(probe: Probe, unseen: Scored) -> Probe:
    """The probe with its log-odds stretched and shifted to fit what folds of it said of acts they had not seen.

    A penalty that was chosen by AUROC says nothing about probabilities: where there is little to read, the raw ones are
    as bold as anywhere. Platt 1999 fits slope and offset on scores of unseen texts. A slope of nothing or less would
    turn or wipe out the order of the chats, so it stops at `LEAST_SLOPE`, with the offset that the base rate asks for.
    """
    fitted = LogisticRegression(C=1.0, solver="newton-cg", max_iter=1000).fit(unseen.scores_N[:, None], unseen.y_N)
    slope, offset = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope < LEAST_SLOPE:
        slope = LEAST_SLOPE
        offset = float(logit(unseen.y_N.mean()) - slope * unseen.scores_N.mean())
    return replace(probe, weights_E=slope * probe.weights_E, bias=slope * probe.bias + offset)


def keep(monitor: ProbeMonitor, path: Path) -> None:
    """Write a file of probes, whole or not at all."""
    tensors, metadata = monitor.tensors()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    save_file(tensors, partial, metadata)
    sync(partial)
    partial.replace(path)
    sync(path.parent)


def read_policy(sampler: Sampler, setting: Setting, rows: Sequence[Row], batch_size: int, layer: int) -> Read:
    """Activations of a policy at one layer while it reads chats of its own."""
    chats = [read_chat(prompt_of(row, setting), row["completion"], sampler.encode, sampler.tokenizer) for row in rows]
    if not chats:
        width = sampler.model.config.get_text_config().hidden_size
        return lambda _: (np.zeros((0, width)), np.zeros(0, dtype=bool))
    with _without_dropout(sampler.model):
        found_NPLE, known_NP = read_activations(sampler.model, chats, batch_size)

    def at(position: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        p = POSITIONS.index(position)
        return found_NPLE[:, p, layer].numpy().astype(np.float64), known_NP[:, p].numpy()

    return at


@contextmanager
def _without_dropout(model: Any) -> Iterator[None]:
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


def bounds(key: str, found: Figure) -> Figure:
    """A figure with its interval, as three metrics."""
    return {key: found["value"], f"{key}_lo": found["low"], f"{key}_hi": found["high"]}
