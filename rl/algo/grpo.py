"""TRL's GRPOTrainer with our rollouts, reward and log-probabilities; GRPO, RLOO and REINFORCE.

Four methods of TRL 1.16 are replaced (a test names the version):

    rollout_func                          our sampler, each prompt read once for its whole group
    _get_per_token_logps_and_entropies    the same values with each prompt read once (`rl.algo.objective`)
    _generate_and_score_completions       other baselines than GRPO's, segments, and an observer of the advantages
    _compute_loss                         unchanged, but it refuses what is off-policy

Between scoring and the loss there is one seam. `reward` says what each rollout earned, None for one that is dropped;
`advantages` makes of it what enters the loss. Whatever changes or drops rewards comes before the seam; baselines,
segments (`train_on`) and PPO's value function (`rl.ppo`) come after it.

A truncated completion is dropped, as in GA25: its reward is None, so TRL leaves it out of its group's
baseline and gives it no advantage, and `mask_truncated_completions` keeps it out of the loss and the KL. The KL is
taken to a copy of the model as it was handed in, or with LoRA to the model without its adapters.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from torch import Tensor
from transformers import PrinterCallback, TrainerCallback
from trl import GRPOTrainer
from trl.trainer.utils import disable_dropout_in_model

from rl.algo.advantages import advantages, of_rollouts, tied
from rl.algo.lora import has_adapters
from rl.algo.objective import completion_scores
from rl.algo.onpolicy import TOLERANCE, TOLERANCE_BF16, check_ratio, check_reading, place_row, score_alone
from rl.algo.trainer_config import Arguments
from rl.command import ranks
from rl.records import Prompt, Rollout, Scored
from rl.rollout.sampler import Sampler
from rl.rollout.segments import sample_outputs, scratchpad_tokens, segment_mask

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


def free_tier_dataset(prompts: Sequence[Prompt]) -> Dataset:
    """Return the trainer's prompts.

    Raises:
        ValueError: if a prompt of any other tier is among them; paid-tier chats never reach the optimizer.
    """
    strangers = {prompt.tier for prompt in prompts} - {TRAINED_TIER}
    if strangers:
        raise ValueError(f"only {TRAINED_TIER}-tier prompts may be trained on, found {sorted(strangers)}")
    return Dataset.from_dict({"prompt": [prompt.messages() for prompt in prompts], "index": list(range(len(prompts)))})


def _gather(stats: StepStats) -> StepStats:
    """Return the step of all processes together."""
    if ranks.count() == 1:
        return stats
    scored, advantages_B, kept_B = (
        ranks.of_all(list(part)) for part in (stats.scored, stats.advantages_B, stats.kept_B)
    )
    return StepStats(scored, np.array(advantages_B), np.array(kept_B), stats.seconds)


def skip_without_gradient(optimizer: torch.optim.Optimizer) -> Callable[..., None]:
    """Return a hook that drops gradients which are 0 in every weight, so that the optimizer leaves these weights alone.

    AdamW would move them all the same, by the momentum of earlier steps and by weight decay.

    Args:
        optimizer: Its weights of now; what is added later is not looked at.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]

    def drop(*_: Any) -> None:
        if not any(weight.grad is not None and weight.grad.any() for weight in weights):
            for weight in weights:
                weight.grad = None

    return drop


class StopTogether(TrainerCallback):
    """Lets the first process, which keeps the record, end training in all of them; the last of the callbacks."""

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Take over the first process's decision."""
        if "loss" in kwargs["logs"]:
            control.should_training_stop = ranks.agreed(bool(control.should_training_stop))


class FreeTierTrainer(GRPOTrainer):
    """GRPO, RLOO or REINFORCE on free-tier prompts.

    Args:
        sampler: Draws rollouts from the model that is trained.
        prompts: Free-tier prompts to draw from.
        score: Rewards for rollouts, in order.
        observer: Told of every step's rewards and advantages.
        args: From `trainer_config`.
        callbacks: Of the Hugging Face trainer.
    """

    args: Arguments

    def __init__(
        self,
        sampler: Sampler,
        prompts: Sequence[Prompt],
        score: Callable[[Sequence[Rollout]], list[Scored]],
        observer: Observer,
        args: Arguments,
        callbacks: list[TrainerCallback],
    ) -> None:
        self.sampler, self.prompts, self.score, self.observer = sampler, list(prompts), score, observer
        self.group_size = int(args.num_generations or 0)
        # TRL would read the reference from the path in the model's config; what was loaded from a GGUF file has none.
        # With adapters the reference is the model itself while they are off, which TRL sees to.
        copied = bool(args.beta) and not has_adapters(sampler.model)
        beta, reference = args.beta, copy.deepcopy(sampler.model) if copied else None
        args.beta = 0.0
        self._scored: list[Scored] = []
        self._rewards: list[float | None] = []
        self._scratchpad_tokens: list[int] = []
        self._drawn: tuple[int, Tensor | None] = 0, None
        self._losing: dict[str, Any] = {}
        self._read_once = False
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
        if ranks.count() > 1:
            self.add_callback(StopTogether())

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """Write none: what is in `resume/` is nobody's model, and `goalguard.json` describes a checkpoint."""

    def rollout(self, prompts: list[Any], _: GRPOTrainer) -> dict[str, Any]:
        """Return completions for prompts that come repeated, group by group."""
        started = time.perf_counter()
        ids = [self.sampler.encode(messages) for messages in prompts]
        made, logps = self._sample_by_vllm(ids) if self.use_vllm else (self._sample(ids), None)
        self._seconds["rollout"] = time.perf_counter() - started
        if not self._read_once and not self.use_vllm:
            check_reading(self.sampler, ids, made, self.tolerance)
            self._read_once = True
        finished = [row for row, completion in enumerate(made) if self.sampler.is_finished(completion)]
        # What vLLM says of its own samples differs from what the update scores; TRL corrects for that.
        if finished and not self.use_vllm:
            row = finished[0]
            self._drawn = row, score_alone(self.sampler, ids[row], made[row])
        else:
            self._drawn = 0, None
        return {"prompt_ids": ids, "completion_ids": made, "logprobs": logps}

    def _sample(self, ids: list[list[int]]) -> list[list[int]]:
        draw = partial(sample_outputs, self.sampler) if self.args.train_on == "output" else self.sampler.sample_ids
        return draw(ids[:: self.group_size], self.group_size, torch.default_generator)

    def _sample_by_vllm(self, ids: list[list[int]]) -> tuple[list[list[int]], list[list[float | None]]]:
        _, made, logps, _ = self.vllm_generation.generate(prompts=ids, images=None, num_generations=self.group_size)
        return made, [[token[0] for token in completion] for completion in logps]

    def reward(self, completion_ids: list[list[int]], index: list[int], **_: Any) -> list[float | None]:
        """Return rewards in order; None for a truncated or screened completion, which TRL gives no advantage."""
        started = time.perf_counter()
        rollouts = self.sampler.decode([self.prompts[i] for i in index], completion_ids)
        self._scored = self.score(rollouts)
        self._seconds["reward"] = time.perf_counter() - started
        self._rewards = [None if one.rollout.truncated or one.screened else one.reward for one in self._scored]
        if {self.args.train_on, self.args.kl_on} != {"all"}:
            self._scratchpad_tokens = [scratchpad_tokens(self.sampler.tokenizer, ids) for ids in completion_ids]
        return self._rewards

    def rewards(self) -> Tensor:
        """Return the reward of each rollout of the step, (B,); NaN where it was dropped."""
        return torch.tensor([math.nan if reward is None else reward for reward in self._rewards])

    def segment(self, name: str, batch: dict[str, Any]) -> Tensor:
        """Return True on the real tokens of a segment of `rl.rollout.segments`, (B, C); truncated rows are False."""
        real_BC: Tensor = batch["completion_mask"].bool()
        if name == "all":
            return real_BC
        return real_BC & segment_mask(name, self._scratchpad_tokens, real_BC.shape[1]).to(real_BC.device)

    def advantages(self, batch: dict[str, Any]) -> Tensor:
        """Return what enters the loss: the advantage of each rollout (B,) or of each token (B, C)."""
        given_B, reward_B = batch["advantages"], self.rewards()
        if self.args.baseline == "group":
            given_B = given_B.masked_fill(tied(reward_B, self.group_size).to(given_B.device), 0.0)
        else:
            given_B = advantages(self.args.baseline, reward_B, self.group_size).to(given_B)
        return given_B if self.args.train_on == "all" else given_B[:, None] * self.segment(self.args.train_on, batch)

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        batch: dict[str, Any] = super()._generate_and_score_completions(inputs)
        shape = tuple(batch["completion_ids"].shape)
        row, drawn_C = self._drawn
        batch["drawn_logps"] = place_row(drawn_C, row, shape).to(batch["completion_ids"].device)
        if self.args.kl_on != "all":
            batch["kl_mask"] = self.segment(self.args.kl_on, batch)
        batch["advantages"] = self.advantages(batch)
        tied_B = tied(self.rewards(), self.group_size).float().to(batch["completion_ids"].device)
        self._metrics["train"]["frac_reward_zero_std"][-1] = self.accelerator.gather(tied_B).mean().item()
        advantages_B = of_rollouts(batch["advantages"], self.segment(self.args.train_on, batch))
        kept_B = np.array([not scored.rollout.truncated for scored in self._scored])
        seen_B = advantages_B.detach().float().cpu().numpy()
        self.observer(_gather(StepStats(self._scored, seen_B, kept_B, dict(self._seconds))))
        return batch

    def create_optimizer(self, model: Any = None) -> Any:
        """Return the optimizer, which makes no step where the policy has no gradient."""
        if self.optimizer is None:
            optimizer = super().create_optimizer(model)
            optimizer.register_step_pre_hook(skip_without_gradient(optimizer))
        return self.optimizer

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        """TRL's step; among several processes gradients are averaged here, since the loss bypasses DDP's forward."""
        loss: Tensor = super().training_step(*args, **kwargs)
        if ranks.count() > 1 and self.accelerator.sync_gradients:
            ranks.average_gradients(self.sampler.model.parameters())
        return loss

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Any:
        self._losing = inputs
        try:
            return super()._compute_loss(model, inputs)
        finally:
            self._losing = {}

    def _get_per_token_logps_and_entropies(
        self, model: Any, input_ids: Any, attention_mask: Any, logits_to_keep: int, **_: Any
    ) -> tuple[Any, Any, None]:
        with self.accelerator.autocast():
            scores = completion_scores(
                self.accelerator.unwrap_model(model), input_ids, attention_mask, logits_to_keep, self.temperature
            )
        if self._losing:
            self._in_the_loss(scores.logp_BC.detach())
        return scores.logp_BC, scores.entropy_BC, None

    def _in_the_loss(self, logp_BC: Tensor) -> None:
        """Check that the first inner step is on-policy, and take what the KL leaves out of TRL's KL."""
        inputs = self._losing
        if self._step % ((self.args.steps_per_generation or 1) * self.num_iterations) == 0:
            self.refuse_off_policy(logp_BC, inputs)
        if "kl_mask" in inputs and self.beta:
            # A reference that says the same as the policy: TRL's estimate is 0 there, and so is its gradient.
            inputs["ref_per_token_logps"] = torch.where(inputs["kl_mask"], inputs["ref_per_token_logps"], logp_BC)

    @property
    def tolerance(self) -> float:
        """Return how far log-probabilities of one policy may differ, by the numbers that it is read in."""
        exact = not self.args.bf16 and self.sampler.model.dtype == torch.float32
        return TOLERANCE if exact else TOLERANCE_BF16

    def refuse_off_policy(self, logp_BC: Tensor, inputs: dict[str, Any]) -> None:
        """Compare what the update scores with what was drawn, and with the scores kept for later inner steps.

        Raises:
            OffPolicy: if an importance ratio is not 1.
        """
        tolerance, step = self.tolerance, self.state.global_step + 1
        check_ratio(logp_BC, inputs["drawn_logps"], tolerance, step)
        if (old_BC := inputs.get("old_per_token_logps")) is not None:
            real_BC = inputs["completion_mask"].bool()
            check_ratio(logp_BC, old_BC.masked_fill(~real_BC, math.nan), tolerance, step)
