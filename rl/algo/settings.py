"""Whether the settings of an algorithm go together, every problem in a line."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

from rl.algo.advantages import BASELINES
from rl.algo.extra import extra_problems
from rl.config.schema import AlgoConfig, Config, PpoConfig
from rl.errors import nearest
from rl.rollout.segments import SEGMENTS, has_scratchpads

INNER_STEPS = ("num_iterations", "steps_per_generation", "gradient_accumulation_steps")
"""Fields of TRL's that say how often a step updates."""


def algorithm_problems(config: Config) -> Iterator[str]:
    """Say what is wrong with the algorithm of a configuration; nothing of what its name being unknown explains."""
    algo = config.algo
    yield from _segments(config)
    yield from _vllm(algo)
    yield from extra_problems(algo)
    allowed = BASELINES.get(algo.name)
    if allowed is None:
        return
    if algo.baseline not in allowed:
        yield f"algo.baseline={algo.baseline}: for algo.name={algo.name} it is one of {', '.join(allowed)}"
    if algo.name != "grpo" and algo.scale_rewards != "none":
        yield f"algo.scale_rewards={algo.scale_rewards}: algo.name={algo.name} divides by nothing, so it is none"
    if (algo.name == "ppo") != (algo.ppo is not None):
        what = "needs these settings" if algo.ppo is None else "has no such settings"
        yield f"algo.ppo: algo.name={algo.name} {what}; algo={algo.name} brings all that belongs to it"
    elif algo.ppo is not None:
        yield from _ppo(algo, algo.ppo)


def _segments(config: Config) -> Iterator[str]:
    for key, value in (("algo.train_on", config.algo.train_on), ("algo.kl_on", config.algo.kl_on)):
        if value not in SEGMENTS:
            yield f"{key}={value}: must be one of {', '.join(SEGMENTS)}{nearest(value, SEGMENTS)}"
        elif value != "all" and not has_scratchpads(config.scenario.prefix):
            yield f"{key}={value}: scenario={config.scenario.name} has no scratchpad to tell from an output"


def _vllm(algo: AlgoConfig) -> Iterator[str]:
    if not algo.extra.get("use_vllm"):
        return
    if importlib.util.find_spec("vllm") is None:
        yield "algo.extra.use_vllm=true: needs the package vllm and a GPU (docs/scaling.md): pip install 'trl[vllm]'"
    if algo.train_on == "output":
        yield "algo.train_on=output: groups that share a scratchpad are drawn by our own loop, not by vLLM"


def _ppo(algo: AlgoConfig, ppo: PpoConfig) -> Iterator[str]:
    for name in ("epochs", "minibatches"):
        if getattr(ppo, name) < 1:
            yield f"algo.ppo.{name}={getattr(ppo, name)}: must be at least 1"
    for name in ("clip", "value_clip", "value_learning_rate"):
        if not getattr(ppo, name) > 0:
            yield f"algo.ppo.{name}={getattr(ppo, name)}: must be more than 0"
    for name in ("gae_lambda", "discount"):
        if not 0 <= getattr(ppo, name) <= 1:
            yield f"algo.ppo.{name}={getattr(ppo, name)}: must lie between 0 and 1"
    prompts = algo.batch_size // max(algo.group_size, 1)
    if ppo.minibatches >= 1 and prompts % ppo.minibatches:
        yield f"algo.ppo.minibatches={ppo.minibatches}: does not divide the {prompts} prompts of a step"
    if ppo.kl_target is not None and not (ppo.kl_target > 0 and algo.kl > 0):
        yield f"algo.ppo.kl_target={ppo.kl_target}: must be more than 0, and so must algo.kl={algo.kl}, which it adapts"
    for name in INNER_STEPS:
        if name in algo.extra:
            yield f"algo.extra.{name}={algo.extra[name]}: PPO's updates are set by algo.ppo.epochs and .minibatches"
