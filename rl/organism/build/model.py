"""A policy before RL, and how it is opened from its folder."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError

from rl.algo.lora import add_adapters
from rl.config.schema import OrganismConfig
from rl.errors import ConfigError, MissingFile
from rl.rollout.chat import argument_problems, set_arguments
from rl.rollout.text import ends_of

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

    Every token that the model or its tokenizer names as an end is written into its generation config, so that whoever
    samples from it stops there.

    Args:
        config: Says what it is and which adapters it gets.
        where: A folder, a .gguf file, or a name on the hub.

    Raises:
        MissingFile: It cannot be loaded, has no chat template, or names no token that ends a completion.
        ConfigError: Its template does not know an argument of `organism.template`.
    """
    gguf = {"gguf_file": where.name} if isinstance(where, Path) and where.suffix == ".gguf" else {}
    options: dict[str, Any] = gguf or {"use_safetensors": True}
    source = where.parent if gguf and isinstance(where, Path) else where
    with one_line_errors(f"organism {config.name}: {source} cannot be loaded"):
        model = transformers.AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, **options)
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, **gguf)
    base, weights = _plain(model).eval(), digest(model)
    prepare_tokenizer(config, tokenizer, ends_of(base, tokenizer))
    if len(ends := ends_of(base, tokenizer)) > 1:
        base.generation_config.eos_token_id = list(ends)
    return Organism(config.name, add_adapters(base, config.lora) if config.lora else base, tokenizer, weights)


def prepare_tokenizer(config: OrganismConfig, tokenizer: Any, ends: Sequence[int]) -> None:
    """Have a tokenizer pad on the left, know an end and use the arguments of `organism.template`.

    Raises:
        MissingFile: It has no chat template, or there is no token that ends a completion.
        ConfigError: Its template does not know an argument.
    """
    if tokenizer.chat_template is None:
        raise MissingFile(f"organism {config.name}: its tokenizer has no chat template")
    if not ends:
        raise MissingFile(
            f"organism {config.name}: no token ends a completion; eos_token_id in its generation_config.json or "
            "config.json names one or several, and so does eos_token in its tokenizer_config.json"
        )
    if config.template is not None:
        if wrong := argument_problems(tokenizer.chat_template, config.template):
            raise ConfigError(wrong)
        tokenizer.chat_template = set_arguments(tokenizer.chat_template, config.template)
    tokenizer.padding_side = "left"
    if tokenizer.eos_token_id is None:
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(ends[0])
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token


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
    fresh.generation_config = model.generation_config
    return fresh


def digest(model: Any) -> str:
    """SHA-256 over the weights, by name."""
    total = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        total.update(name.encode())
        total.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return total.hexdigest()
