"""Which versions of transformers read an export, and the keys that version 4 needs in files that version 5 wrote.

Version 5 keeps the base of rotary positions under `rope_parameters`. Version 4 looks for `rope_theta` at the top, and
without it takes 10000 and says nothing. The tokenizer's class of version 5 does not exist in version 4.
`tests/test_export_versions.py` compares both versions on every family that is named here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CHECKED = ("4.57.6", "5.23.0")
"""Both gave the same logits and tokens for an export of each of `FAMILIES`."""
FAMILIES = ("gpt2", "llama", "mistral", "mixtral", "olmo2", "phi3", "qwen2", "qwen3")
ROPE_TYPES = ("default", "linear", "yarn", "llama3")
OLDEST_OF_4, OLDEST_OF_5 = (4, 57), (5, 0)
CLASS_OF_5, CLASS_OF_BOTH = "TokenizersBackend", "PreTrainedTokenizerFast"
NEEDS = "needs_transformers"
"""The key of config.json that names the versions."""


def oldest_version(config: Mapping[str, Any]) -> tuple[int, int]:
    """Return the oldest transformers that reads a model of this configuration right."""
    rope = config.get("rope_parameters") or {}
    known = config.get("model_type") in FAMILIES and rope.get("rope_type", "default") in ROPE_TYPES
    # Layers with rotary positions of their own have a mapping each, which version 4 knows under other names.
    return OLDEST_OF_4 if known and not any(isinstance(value, dict) for value in rope.values()) else OLDEST_OF_5


def version_words(config: Mapping[str, Any]) -> str:
    """Return the versions in words, for the card."""
    if oldest_version(config) == OLDEST_OF_4:
        return f"transformers 4.57 or newer; transformers {' and '.join(CHECKED)} were checked on models of this family"
    return "transformers 5 or newer; transformers 4 reads this configuration wrong or not at all"


def version_check(config: Mapping[str, Any]) -> list[str]:
    """Return the lines of the card's program that refuse an older transformers."""
    oldest = oldest_version(config)
    words = ".".join(map(str, oldest)) if oldest == OLDEST_OF_4 else "5"
    return [
        f'if tuple(int(part) for part in transformers.__version__.split(".")[:2]) < {oldest}:',
        f'    raise SystemExit("needs transformers {words} or newer; this is " + transformers.__version__)',
    ]


def complete_config(folder: Path) -> None:
    """Add to the config.json of an export what transformers 4 reads, and the versions that may read it."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    oldest = oldest_version(config)
    rope = config.get("rope_parameters") or {}
    if oldest == OLDEST_OF_4 and "rope_theta" in rope:
        config["rope_theta"] = rope["rope_theta"]
        if rope.get("rope_type", "default") != "default":
            config["rope_scaling"] = {key: value for key, value in rope.items() if key != "rope_theta"}
    _write(path, config | {NEEDS: f">={'.'.join(map(str, oldest))}"})


def complete_tokenizer(folder: Path) -> None:
    """Name the tokenizer's class and further special tokens in tokenizer_config.json as both versions read them."""
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    if config.get("tokenizer_class") == CLASS_OF_5:
        config["tokenizer_class"] = CLASS_OF_BOTH
    extra = config.get("extra_special_tokens")
    if isinstance(extra, list):  # version 4 takes names alone
        config["extra_special_tokens"] = {f"extra_{number}": token for number, token in enumerate(extra)}
    _write(path, config)


def _write(path: Path, record: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
