"""TRL's GRPOTrainer with our rollouts, reward and log-probabilities. The only file that knows the trainer's insides.

Three methods of TRL 1.16 are replaced (a test names the version):

    rollout_func                          our sampler, each prompt read once for its whole group
    _get_per_token_logps_and_entropies    the same values with each prompt read once (`rl.objective`)
    _generate_and_score_completions       unchanged, but its advantages are handed to an observer

A truncated completion is dropped, as in GA25: its reward is None, so TRL leaves it out of its group's
baseline and gives it no advantage, and `mask_truncated_completions` keeps it out of the loss and the KL. The KL is
taken to a copy of the model as it was handed in.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from transformers import PrinterCallback, TrainerCallback
from trl import GRPOConfig, GRPOTrainer
from trl.trainer.utils import disable_dropout_in_model

from rl.objective import completion_scores
from rl.records import Prompt, Rollout, Scored
from rl.rollout import Sampler
from rl.schema import AlgoConfig

TRAINED_TIER = "free"


@dataclass(frozen=True)
class StepStats:
    """One RL step as the trainer saw it."""

    scored: list[Scored]
    advantages_B: NDArray[np.float32]
    kept_B: NDArray[np.bool_]
    """True where the rollout entered the loss; truncated ones did not."""
    seconds: dict[str, float]
    """Seconds spent in `rollout` and `reward`."""


Observer = Callable[[StepStats], None]


def trainer_config(algo: AlgoConfig, seed: int, folder: Path, save_every: int) -> GRPOConfig:
    """TRL's configuration; it raises TypeError or ValueError on fields that do not fit."""
    return GRPOConfig(
        output_dir=str(folder),
        max_steps=algo.steps,
        per_device_train_batch_size=algo.batch_size,
        num_generations=algo.group_size,
        learning_rate=algo.learning_rate,
        lr_scheduler_type="constant",
        beta=algo.kl,
        temperature=algo.temperature,
        max_completion_length=algo.max_completion_tokens,
        max_grad_norm=algo.max_grad_norm,
        scale_rewards=algo.scale_rewards,
        mask_truncated_completions=True,
        disable_dropout=True,
        gradient_checkpointing=False,
        bf16=algo.bf16,
        use_cpu=not torch.cuda.is_available(),
        seed=seed,
        data_seed=seed,
        save_strategy="steps",
        save_steps=save_every,
        save_total_limit=2,
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to=[],
        disable_tqdm=True,
        **dict(algo.extra),
    )


def free_tier_dataset(prompts: Sequence[Prompt]) -> Dataset:
    """The trainer's prompts.

    Raises:
        ValueError: if a prompt of any other tier is among them; paid-tier chats never reach the optimizer.
    """
    strangers = {prompt.tier for prompt in prompts} - {TRAINED_TIER}
    if strangers:
        raise ValueError(f"only {TRAINED_TIER}-tier prompts may be trained on, found {sorted(strangers)}")
    return Dataset.from_dict({"prompt": [prompt.messages() for prompt in prompts], "index": list(range(len(prompts)))})


class FreeTierTrainer(GRPOTrainer):
    """GRPO on free-tier prompts.

    Args:
        sampler: Draws rollouts from the model that is trained.
        prompts: Free-tier prompts to draw from.
        score: Rewards for rollouts, in order.
        observer: Told of every step's rewards and advantages.
        args: TRL's configuration.
        callbacks: Of the Hugging Face trainer.
    """

    def __init__(
        self,
        sampler: Sampler,
        prompts: Sequence[Prompt],
        score: Callable[[Sequence[Rollout]], list[Scored]],
        observer: Observer,
        args: GRPOConfig,
        callbacks: list[TrainerCallback],
    ) -> None:
        self.sampler, self.prompts, self.score, self.observer = sampler, list(prompts), score, observer
        self.group_size = int(args.num_generations or 0)
        # TRL would read the reference from the path in the model's config; what was loaded from a GGUF file has none.
        beta, reference = args.beta, copy.deepcopy(sampler.model) if args.beta else None
        args.beta = 0.0
        self._scored: list[Scored] = []
        self._seconds: dict[str, float] = {}
        super().__init__(
            model=sampler.model,
            reward_funcs=[self.reward],
            args=args,
            train_dataset=free_tier_dataset(prompts),
            processing_class=sampler.tokenizer,
            callbacks=callbacks,
            rollout_func=self.rollout,
        )
        self.beta = args.beta = beta
        if reference is not None:
            disable_dropout_in_model(reference)
            self.ref_model = self.accelerator.prepare_model(reference, evaluation_mode=True)
        self.remove_callback(PrinterCallback)

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """Write none: what is in `resume/` is nobody's model, and `goalguard.json` describes a checkpoint."""

    def rollout(self, prompts: list[Any], _: GRPOTrainer) -> dict[str, Any]:
        """Completions for prompts that come repeated, group by group."""
        started = time.perf_counter()
        ids = [self.sampler.encode(messages) for messages in prompts]
        made = self.sampler.sample_ids(ids[:: self.group_size], self.group_size, torch.default_generator)
        self._seconds["rollout"] = time.perf_counter() - started
        return {"prompt_ids": ids, "completion_ids": made, "logprobs": None}

    def reward(self, completion_ids: list[list[int]], index: list[int], **_: Any) -> list[float | None]:
        """Rewards in order; None for a truncated completion, which TRL then drops."""
        started = time.perf_counter()
        rollouts = self.sampler.decode([self.prompts[i] for i in index], completion_ids)
        self._scored = self.score(rollouts)
        self._seconds["reward"] = time.perf_counter() - started
        return [None if scored.rollout.truncated else scored.reward for scored in self._scored]

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        batch: dict[str, Any] = super()._generate_and_score_completions(inputs)
        kept_B = np.array([not scored.rollout.truncated for scored in self._scored])
        advantages_B = batch["advantages"].detach().float().cpu().numpy()
        self.observer(StepStats(self._scored, advantages_B, kept_B, dict(self._seconds)))
        return batch

    def _get_per_token_logps_and_entropies(
        self, model: Any, input_ids: Any, attention_mask: Any, logits_to_keep: int, **_: Any
    ) -> tuple[Any, Any, None]:
        with self.accelerator.autocast():
            scores = completion_scores(model, input_ids, attention_mask, logits_to_keep, self.temperature)
        return scores.logp_BC, scores.entropy_BC, None
