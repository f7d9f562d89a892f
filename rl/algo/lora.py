"""LoRA on the policy: RL trains low-rank adapters, and the reference of the KL is the same model without them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl.config.schema import LoraConfig, OrganismConfig
from rl.errors import ConfigError

ALL_LINEAR = "all-linear"
ADAPTER = "adapter"
"""The folder of a checkpoint that holds the adapters alone."""
_ENDS = ("embed_tokens", "lm_head", "wte")


def add_adapters(model: Any, config: LoraConfig) -> Any:
    """Return the model with fresh adapters, which change nothing yet, and with its own weights frozen.

    There is no dropout: an importance ratio at the first inner step must be 1.

    Raises:
        ConfigError: the model has no layer of a name among the targets.
    """
    import peft  # loads for seconds, and most runs have no adapters

    targets: Any = ALL_LINEAR if list(config.targets) == [ALL_LINEAR] else list(config.targets)
    made = peft.LoraConfig(
        task_type="CAUSAL_LM", r=config.rank, lora_alpha=config.alpha, target_modules=targets, lora_dropout=0.0
    )
    try:
        return peft.get_peft_model(model, made).eval()
    except ValueError as error:
        raise ConfigError([f"organism.lora.targets={list(config.targets)}: {error}"]) from error


def has_adapters(model: Any) -> bool:
    """Return whether RL trains adapters rather than the model's own weights."""
    return hasattr(model, "peft_config")


def merge_adapters(model: Any) -> Any:
    """Return a copy of the model with its adapters added into its weights."""
    return copy.deepcopy(model).merge_and_unload()


@dataclass(frozen=True)
class MergedAndApart:
    """Saves a model with adapters so that plain transformers loads the whole, and peft the adapters from `adapter/`."""

    model: Any

    def save_pretrained(self, save_directory: str, /) -> None:
        """Write merged weights, and the adapters in a folder of their own."""
        merge_adapters(self.model).save_pretrained(save_directory)
        folder = Path(save_directory) / ADAPTER
        self.model.save_pretrained(str(folder))
        # peft's card is a form to be filled in.
        (folder / "README.md").unlink(missing_ok=True)


def policy_to_save(model: Any) -> Any:
    """Return what a checkpoint saves of a policy."""
    return MergedAndApart(model) if has_adapters(model) else model


def lora_problems(organism: OrganismConfig) -> Iterator[str]:
    """Say what is wrong with the adapters of an organism, a line each."""
    lora = organism.lora
    if lora is None:
        return
    if lora.rank < 1:
        yield f"organism.lora.rank={lora.rank}: must be at least 1"
    if not lora.alpha > 0:
        yield f"organism.lora.alpha={lora.alpha}: must be more than 0"
    if not lora.targets:
        yield f"organism.lora.targets=[]: names of layers are needed, or [{ALL_LINEAR}]"
    for name in lora.targets:
        if name in _ENDS:
            yield f"organism.lora.targets={name}: adapters lie between embedding and head; [{ALL_LINEAR}] is all"
