"""The shape of the configuration of the commands beside training; what Hydra knows of all commands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, BooleanNode, StringNode

from rl.config.schema import Config, MonitorsConfig


@dataclass
class EvaluateConfig(Config):
    """A look at checkpoints, without training."""

    run: str | None = MISSING
    """A run directory or a folder of runs: the first and the last checkpoint of each; None where `ckpt` says which."""
    ckpt: list[str] = MISSING
    """Checkpoint folders; empty, and no run, for the organism itself."""
    settings: list[str] = MISSING
    """Options of the scenario group that each is asked in."""
    seeds: int = MISSING
    """Independent samples of the whole evaluation, one seed each."""
    causal: bool = MISSING
    """Whether to ask also, in the scenario, if the scratchpad drives the output; see docs/results.md."""
    interpolate: list[float] = MISSING
    """Places on the line between the run's first checkpoint (0) and its last (1), looked at instead; see
    docs/probing.md."""
    out: str | None = MISSING
    """Where the figures go as JSON, a picture beside it; None for `grid.json` in the run directory, if there is one."""


@dataclass
class OrganismJobConfig(Config):
    """Building or describing an organism."""

    rebuild: bool = MISSING
    out: str | None = MISSING
    """Folder for a rebuilt organism; None for its place in the package or in the cache."""
    documents: str | None = MISSING
    """File for the synthetic documents of its first stage; None to write none."""


@dataclass
class ExportConfig:
    """A portable copy of a run's checkpoints and transcripts."""

    run: str = MISSING
    step: str = MISSING
    """The step of a checkpoint, or `first`, `last` or `all`."""
    out: str = MISSING
    overwrite: bool = MISSING
    """Whether an earlier export in `out` is replaced."""
    lora: str = MISSING
    """Of a run with adapters: `merged`, the whole model, or `separate`, the adapters alone."""
    inspect: bool = MISSING
    """Whether the transcripts are also written as a log of inspect-ai."""
    push: str | None = MISSING
    """Repository on the Hugging Face Hub that the export is uploaded to; None for none."""


@dataclass
class ProbeConfig:
    """Activations and linear probes across a run's checkpoints."""

    run: str = MISSING
    """A run directory, or a folder of runs."""
    out: str | None = MISSING
    """Folder for what is made; None for `probe` in the run directory."""
    seed: int = MISSING
    """Of folds, permutations, random directions and bootstrap resamples."""
    threads: int = MISSING
    batch_size: int = MISSING
    """Chats read at once."""
    draws: int = MISSING
    """Bootstrap resamples of an interval."""


def judge_schema() -> dict[str, Any]:
    """The shape of `scripts.judge`'s configuration: a mapping, as `in` is a word of Python's and cannot be a field."""
    return {
        "in": StringNode(MISSING, is_optional=False),
        "out": StringNode(MISSING, is_optional=False),
        "overwrite": BooleanNode(MISSING, is_optional=False),
        "monitors": MonitorsConfig,
    }


@cache
def register() -> None:
    """Make the schemas known to Hydra, once in a process."""
    store = ConfigStore.instance()
    for name, node in (
        ("schema", Config),
        ("evaluate_schema", EvaluateConfig),
        ("organism_schema", OrganismJobConfig),
        ("judge_schema", judge_schema()),
        ("probe_schema", ProbeConfig),
        ("export_schema", ExportConfig),
    ):
        store.store(name=name, node=node)
