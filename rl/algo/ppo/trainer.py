"""PPO as a Hugging Face trainer: one trainer step is one RL step, with all of its inner updates.

Sampling, rewards, reference, observer, callbacks and checkpoints are those of `rl.algo.grpo.FreeTierTrainer`. Added are

    advantages          old log-probabilities and values in one pass, GAE, whitening
    training_step       passes and minibatches, an optimizer step after each but the last, which Hugging Face makes
    _compute_loss       clipped policy loss, clipped value loss, KL penalty
    the value head      in the optimizer and in `resume/`, and not in the policy that is saved

The KL penalty is a term of the loss (Shao et al. 2024) rather than of the reward (Ziegler et al. 2019): the value
function then predicts the reward alone, whitening does not rescale the penalty, `train_on` and `kl_on` stay apart, and
a coefficient means what it means for GRPO.

Axes: B rollouts, C completion tokens.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rl.algo.advantages import tied
from rl.algo.grpo import FreeTierTrainer
from rl.algo.objective import TokenScores, completion_scores
from rl.algo.ppo import losses
from rl.algo.ppo.gae import gae, terminal_rewards, whiten
from rl.algo.ppo.value import Value, deal, load_value, save_value
from rl.errors import ConfigError

PARTS = (
    "prompt_ids", "prompt_mask", "completion_ids", "completion_mask", "advantages", "old_per_token_logps",
    "old_values", "returns", "kept", "kl_mask", "ref_per_token_logps", "drawn_logps",
)  # fmt: skip
"""What an update is given of a step's rollouts, row by row."""


class PpoTrainer(FreeTierTrainer):
    """PPO on free-tier prompts; arguments as for `FreeTierTrainer`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.accelerator.num_processes > 1:
            raise ConfigError(["algo=ppo: runs in one process; nothing adds up the value head's gradients"])
        assert self.args.ppo is not None
        self.ppo, self._inner = self.args.ppo, 0
        self.value = Value(self.sampler.model.get_output_embeddings().weight.shape[1]).to(self.accelerator.device)
        self.kl_weight = float(self.beta)

    def create_optimizer(self, model: Any = None) -> Any:
        """One optimizer for policy and value head."""
        if self.optimizer is None:
            made = super().create_optimizer(model)
            rate = self.ppo.value_learning_rate
            made.add_param_group({"params": list(self.value.parameters()), "lr": rate, "weight_decay": 0.0})
        return self.optimizer

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        save_value(Path(output_dir), self.value, self.kl_weight)
        super()._save_optimizer_and_scheduler(output_dir)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None:
            self.kl_weight = load_value(Path(checkpoint), self.value)

    def scores(self, model: Any, batch: dict[str, Any]) -> TokenScores:
        """Log-probabilities, entropies and values of a batch's completion tokens."""
        ids_BT = torch.cat([batch["prompt_ids"], batch["completion_ids"]], 1)
        real_BT = torch.cat([batch["prompt_mask"], batch["completion_mask"]], 1)
        with self.accelerator.autocast():
            width = batch["completion_ids"].shape[1]
            return completion_scores(model, ids_BT, real_BT, width, self.temperature, self.value)

    def advantages(self, batch: dict[str, Any]) -> Tensor:
        """Whitened advantages of tokens, (B, C), from values before the update; what the losses need is put in."""
        real_BC = batch["completion_mask"].bool()
        with torch.no_grad():
            scores = self.scores(self.model, batch)
        assert scores.value_BC is not None
        self.refuse_off_policy(scores.logp_BC, batch)
        reward_B = self.rewards().to(scores.value_BC)
        kept_BC = real_BC & ~reward_B.isnan()[:, None]
        reward_BC = terminal_rewards(reward_B.nan_to_num(nan=0.0), kept_BC)
        adv_BC = gae(reward_BC, scores.value_BC, kept_BC, self.ppo.discount, self.ppo.gae_lambda)
        returns_BC = adv_BC + scores.value_BC
        batch |= {"old_per_token_logps": scores.logp_BC, "old_values": scores.value_BC}
        batch |= {"returns": returns_BC, "kept": kept_BC}
        self._note("ppo/explained_variance", losses.explained_variance(scores.value_BC, returns_BC, kept_BC))
        self._penalise(batch, real_BC)
        if tied(reward_B, len(reward_B)).all():
            # Only values differ, and whitening would make steps of their noise.
            return torch.zeros_like(adv_BC)
        return whiten(adv_BC, kept_BC & self.segment(self.args.train_on, batch))

    def _penalise(self, batch: dict[str, Any], real_BC: Tensor) -> None:
        """Log the KL and adapt its coefficient, before the step's first update."""
        if not self.beta:
            return
        logp_BC = batch["old_per_token_logps"]
        on_BC = batch.get("kl_mask", real_BC)
        kl_BC = losses.kl_loss(logp_BC, logp_BC, batch["ref_per_token_logps"])
        self._note("kl", float((kl_BC * on_BC).sum() / real_BC.sum().clamp(min=1)))
        self._note("ppo/kl_weight", self.kl_weight)
        if self.ppo.kl_target is not None:
            kl = float(losses.mean_over(kl_BC, on_BC))
            self.kl_weight = losses.adapt_weight(self.kl_weight, kl, self.ppo.kl_target)

    def _prepare_inputs(self, generation_batch: Any) -> dict[str, Any]:
        """A step's rollouts, made from its prompts; what is one update's part of them already stays as it is."""
        if isinstance(generation_batch, dict):
            return generation_batch
        return self._generate_and_score_completions(generation_batch)

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Tensor:
        """One RL step: rollouts, then all updates; the optimizer's last step is left to Hugging Face's loop.

        Returns:
            The mean loss of the updates.
        """
        model.train()
        batch = self._prepare_inputs(inputs)
        groups, made, optimizer = len(batch["completion_ids"]) // self.group_size, [], self.optimizer
        assert optimizer is not None
        for number, rows in enumerate(deal(groups, self.ppo.minibatches, self.group_size, self.ppo.epochs)):
            if number:
                self.accelerator.clip_grad_norm_(model.parameters(), self.args.max_grad_norm)
                optimizer.step()
            optimizer.zero_grad()
            self._inner = number
            part = {name: values[rows] for name, values in batch.items() if name in PARTS}
            made.append(super().training_step(model, part, num_items_in_batch))
        return torch.stack(made).mean()

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Tensor:
        scores, kept_BC, real_BC = self.scores(model, inputs), inputs["kept"], inputs["completion_mask"].bool()
        assert scores.value_BC is not None
        if self._inner == 0:
            self.refuse_off_policy(scores.logp_BC, inputs)
        old_BC, adv_BC, clip = inputs["old_per_token_logps"], inputs["advantages"], self.ppo.clip
        policy = losses.mean_over(losses.policy_loss(scores.logp_BC, old_BC, adv_BC, clip), kept_BC)
        value_BC = losses.value_loss(scores.value_BC, inputs["old_values"], inputs["returns"], self.ppo.value_clip)
        value = losses.mean_over(value_BC, kept_BC)
        off_BC = ((scores.logp_BC - old_BC).exp() - 1).abs() > clip
        self._note("entropy", float(losses.mean_over(scores.entropy_BC, real_BC)))
        self._note("ppo/value_loss", float(value.detach()))
        self._note("ppo/outside_clip", float(losses.mean_over(off_BC.float(), kept_BC)))
        if not self.beta:
            return policy + value
        kl_BC = losses.kl_loss(scores.logp_BC, old_BC, inputs["ref_per_token_logps"])
        kl = torch.where(inputs.get("kl_mask", real_BC), kl_BC, 0.0).sum() / real_BC.sum().clamp(min=1)
        return policy + value + self.kl_weight * kl

    def _note(self, name: str, figure: float) -> None:
        self._metrics["train"][name].append(figure)
