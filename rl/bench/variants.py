"""Our trainer and stock TRL's with a stopwatch on their stages. Knows the same methods of TRL 1.16 as `rl.algo.grpo`.

Equal for all: model, prompts and their order, batch, group size, reward, KL penalty (so that each pays for the
reference pass), temperature, precision, and the length of completions. Stock keeps TRL's defaults in all else.

For equal lengths the end token does not end anything: our sampler is given an end token that does not exist, and TRL's
`generate` gets `min_new_tokens`, which bans it. Completions that never end are not masked in either.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from monitors.panel import Panel
from rl.algo.grpo import FreeTierTrainer, StepStats, free_tier_dataset
from rl.algo.trainer_config import trainer_config
from rl.bench.workload import Score
from rl.config.schema import Config
from rl.records import Prompt
from rl.rollout.decoder import LlamaDecoder
from rl.rollout.sampler import Sampler, left_pad
from rl.run.watch import step_figures

STAGES = ("generation", "scoring", "monitoring", "reference")
"""Stages with a stopwatch; `update` is the rest of a step: log-probabilities, backward pass, optimizer, bookkeeping."""
NO_TOKEN = -1


class Stopwatch(TrainerCallback):
    """Seconds of every step, in all and by stage."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []
        self._started, self._stages = 0.0, dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the block's seconds to a stage."""
        started = time.perf_counter()
        yield
        self._stages[name] += time.perf_counter() - started

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start a step."""
        self._started, self._stages = time.perf_counter(), dict.fromkeys(STAGES, 0.0)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """End a step."""
        total = time.perf_counter() - self._started
        self.steps.append({**self._stages, "update": total - sum(self._stages.values()), "step": total})


class Timed(GRPOTrainer):
    """TRL's trainer, unchanged but for the stopwatch."""

    watch: Stopwatch

    def _generate(self, prompts: list[Any]) -> Any:
        with self.watch.stage("generation"):
            return super()._generate(prompts)

    def _calculate_rewards(self, *args: Any) -> Any:
        with self.watch.stage("scoring"):
            return super()._calculate_rewards(*args)

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        if torch.is_grad_enabled():
            return super()._get_per_token_logps_and_entropies(*args, **kwargs)
        with self.watch.stage("reference"):
            return super()._get_per_token_logps_and_entropies(*args, **kwargs)


class TimedOurs(Timed, FreeTierTrainer):
    """Our trainer with the stopwatch."""


class FullLength(Sampler):
    """Our sampler, whose completions all run to the limit."""

    @torch.no_grad()
    def sample_ids(self, prompt_ids: Sequence[list[int]], repeats: int, generator: torch.Generator) -> list[list[int]]:
        """Completion ids of equal length, `repeats` for each prompt in order."""
        padded_GP, real_GP = left_pad(prompt_ids, self.tokenizer.pad_token_id)
        drawn_BC = LlamaDecoder(self.model).sample(padded_GP, real_GP, repeats, self.sampling, [NO_TOKEN], generator)
        rows: list[list[int]] = drawn_BC.tolist()
        return rows


@dataclass(frozen=True)
class Ingredients:
    """What every variant is made from."""

    config: Config
    sampler: FullLength
    prompts: list[Prompt]
    score: Score
    folder: Path


def ours(given: Ingredients, watch: Stopwatch) -> Timed:
    """Our trainer, monitors included."""
    panel = Panel()

    def observe(stats: StepStats) -> None:
        with watch.stage("monitoring"):
            step_figures(stats, panel.judge([scored.rollout for scored in stats.scored]))

    args = trainer_config(given.config.algo, given.config.seed, given.folder, save_every=10**9)
    args.mask_truncated_completions, args.save_strategy = False, "no"
    trainer = TimedOurs(given.sampler, given.prompts, given.score, observe, args, [watch])
    trainer.watch = watch
    return trainer


def stock(given: Ingredients, watch: Stopwatch, **changed: Any) -> Timed:
    """TRL's trainer; `changed` are fields of GRPOConfig that leave their defaults."""
    sampler, prompts = given.sampler, given.prompts

    def reward(completion_ids: list[list[int]], index: list[int], **_: Any) -> list[float | None]:
        rollouts = sampler.decode([prompts[i] for i in index], completion_ids)
        return [scored.reward for scored in given.score(rollouts)]

    parts: dict[str, Any] = {"processing_class": sampler.tokenizer, "callbacks": [watch]}
    trainer = Timed(sampler.model, reward, stock_config(given, **changed), free_tier_dataset(prompts), **parts)
    trainer.watch = watch
    return trainer


def stock_config(given: Ingredients, **changed: Any) -> GRPOConfig:
    """TRL's defaults, apart from what must be equal and from what only concerns logs and files."""
    algo = given.config.algo
    return GRPOConfig(
        output_dir=str(given.folder),
        max_steps=algo.steps,
        per_device_train_batch_size=algo.batch_size,
        num_generations=algo.group_size,
        learning_rate=algo.learning_rate,
        beta=algo.kl,
        temperature=algo.temperature,
        max_completion_length=algo.max_completion_tokens,
        generation_kwargs={"min_new_tokens": algo.max_completion_tokens},
        bf16=algo.bf16,
        use_cpu=not torch.cuda.is_available(),
        seed=given.config.seed,
        data_seed=given.config.seed,
        save_strategy="no",
        disable_tqdm=True,
        **changed,
    )


def make(name: str, given: Ingredients, watch: Stopwatch) -> Timed:
    """The variant of a name."""
    if name == "ours":
        return ours(given, watch)
    return stock(given, watch, **({"gradient_checkpointing": False} if name == "stock_no_checkpointing" else {}))
