"""A policy before RL, and how it is opened from its folder."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError

from rl.algo.lora import add_adapters
from rl.config.schema import OrganismConfig
from rl.errors import MissingFile

LONGEST_REASON = 300


@dataclass(frozen=True)
class Organism:
    """A policy before RL."""

    name: str
    model: Any
    tokenizer: Any
    digest: str
    """Hash of the weights without adapters, kept as the parent in the run's manifest."""


def open_organism(config: OrganismConfig, where: Path | str) -> Organism:
    """Open a policy in float32, in evaluation mode, with a left-padding tokenizer that has a chat template.

    Args:
        config: Says what it is and which adapters it gets.
        where: A folder, a .gguf file, or a name on the hub.

    Raises:
        MissingFile: It cannot be loaded, or has no chat template.
    """
    gguf = {"gguf_file": where.name} if isinstance(where, Path) and where.suffix == ".gguf" else {}
    options: dict[str, Any] = gguf or {"use_safetensors": True}
    source = where.parent if gguf and isinstance(where, Path) else where
    with one_line_errors(f"organism {config.name}: {source} cannot be loaded"):
        model = transformers.AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, **options)
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, **gguf)
    if tokenizer.chat_template is None:
        raise MissingFile(f"organism {config.name}: its tokenizer has no chat template")
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    base, weights = _plain(model).eval(), digest(model)
    return Organism(config.name, add_adapters(base, config.lora) if config.lora else base, tokenizer, weights)


@contextmanager
def one_line_errors(what: str) -> Iterator[None]:
    """Put what transformers raises for somebody's model into one line, as a missing file."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = textwrap.shorten(str(error), LONGEST_REASON, placeholder=" ...")
        raise MissingFile(f"{what}: {reason}") from error


def _plain(model: Any) -> Any:
    """The same weights in a freshly made model, so that nothing of the loading format stays attached to it."""
    if not hasattr(model.config, "quantization_config"):
        return model
    config = type(model.config).from_dict(
        {k: v for k, v in model.config.to_dict().items() if k != "quantization_config"}
    )
    fresh = type(model)(config)
    fresh.load_state_dict(model.state_dict())
    return fresh


def digest(model: Any) -> str:
    """SHA-256 over the weights, by name."""
    total = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        total.update(name.encode())
        total.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return total.hexdigest()
