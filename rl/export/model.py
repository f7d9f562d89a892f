"""The files of a checkpoint as they leave the run: what plain transformers needs, and nothing of this machine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from transformers import AutoTokenizer, GenerationConfig

from rl.export.scrub import without_own_paths
from rl.schema import AlgoConfig

SUFFIXES = (".safetensors", ".json", ".jinja", ".txt", ".model")
"""What a model or a tokenizer saves; anything else that lies in a checkpoint stays there."""
GENERATION = "generation_config.json"
_MAY_NAME_PATHS = ("config.json", "tokenizer_config.json")


def write_model(checkpoint: Path, folder: Path, algo: AlgoConfig) -> None:
    """Copy a checkpoint and say how its completions were drawn.

    Weights and `goalguard.json` are the same to the byte, so the hashes that the latter holds stay true.
    """
    for path in sorted(checkpoint.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.suffix not in SUFFIXES or path.name == GENERATION:
            continue
        target = folder / path.relative_to(checkpoint)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.name in _MAY_NAME_PATHS:
            _copy_without_paths(path, target)
        else:
            shutil.copyfile(path, target)
    generation_config(checkpoint, algo).save_pretrained(folder)


def _copy_without_paths(path: Path, target: Path) -> None:
    text = path.read_text(encoding="utf-8")
    record = json.loads(text)
    clean = without_own_paths(record)
    target.write_text(text if clean == record else json.dumps(clean, indent=2) + "\n", encoding="utf-8")


def generation_config(checkpoint: Path, algo: AlgoConfig) -> GenerationConfig:
    """How the run drew its completions: from the whole distribution at the run's temperature, up to its limit."""
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    return GenerationConfig(
        do_sample=True,
        temperature=algo.temperature,
        top_k=0,
        top_p=1.0,
        max_new_tokens=algo.max_completion_tokens,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
