"""The configuration that the trainer gets; it is made without the trainer, which takes seconds to load."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from trl import GRPOConfig

from rl.command import ranks
from rl.config.schema import AlgoConfig, PpoConfig


@dataclass
class Arguments(GRPOConfig):
    """TRL's configuration, and what it has no word for; see `rl.config.schema.AlgoConfig`."""

    baseline: str = field(kw_only=True)
    train_on: str = field(kw_only=True)
    kl_on: str = field(kw_only=True)
    ppo: PpoConfig | None = field(kw_only=True)


def trainer_config(algo: AlgoConfig, seed: int, folder: Path, save_every: int) -> Arguments:
    """The trainer's configuration; it raises TypeError or ValueError on fields that TRL does not accept."""
    return Arguments(
        baseline=algo.baseline,
        train_on=algo.train_on,
        kl_on=algo.kl_on,
        ppo=None if algo.ppo is None else PpoConfig(**dict(algo.ppo)),  # type: ignore[call-overload]
        output_dir=str(folder),
        max_steps=algo.steps,
        per_device_train_batch_size=algo.batch_size // ranks.count(),
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
        **{"router_aux_loss_coef": 0.0, **algo.extra},
    )
