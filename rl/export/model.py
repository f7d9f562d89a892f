"""The files of a checkpoint as they leave the run: what plain transformers needs, and nothing of this machine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from rl.algo.lora import ADAPTER
from rl.config.schema import AlgoConfig
from rl.export.scrub import without_own_paths
from rl.export.versions import complete_config, complete_tokenizer
from rl.files.checkpoint import INFO_FILE, hashes_of, restate, verify_checkpoint
from rl.rollout.text import GENERATION, ends_in

MERGED, SEPARATE = "merged", "separate"
_MAY_NAME_PATHS = ("config.json", "tokenizer_config.json", "adapter_config.json")


def write_model(checkpoint: Path, folder: Path, algo: AlgoConfig) -> None:
    """Copy a checkpoint and say how its completions were drawn.

    Weights are the same to the byte. `goalguard.json` has the hashes of the files as they are in the copy.
    """
    for path in _own_files(checkpoint):
        _copy(path, folder / path.relative_to(checkpoint))
    _complete(checkpoint, folder, algo)
    restate(folder)


def write_adapters(checkpoint: Path, folder: Path, algo: AlgoConfig) -> None:
    """Copy the adapters of a checkpoint, which peft loads onto the organism, and the tokenizer.

    `goalguard.json` names the adapters under `sha256` in place of the merged weights.
    """
    for path in _own_files(checkpoint):
        name = path.relative_to(checkpoint)
        if name.parts[0] == ADAPTER:
            _copy(path, folder / path.name)
        elif path.suffix != ".safetensors" and not path.name.endswith(".safetensors.index.json"):
            _copy(path, folder / name)
    _complete(checkpoint, folder, algo)
    info = json.loads((folder / INFO_FILE).read_text(encoding="utf-8"))
    hashes = {name: value for name, value in hashes_of(folder).items() if name not in (INFO_FILE, GENERATION)}
    info["sha256"] = {name: value for name, value in hashes.items() if name.endswith(".safetensors")}
    info["files"] = {name: value for name, value in hashes.items() if name not in info["sha256"]}
    (folder / INFO_FILE).write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")


def _complete(checkpoint: Path, folder: Path, algo: AlgoConfig) -> None:
    """Write what says how to draw, and what other versions of transformers read."""
    generation_config(checkpoint, algo).save_pretrained(folder)
    complete_config(folder)
    complete_tokenizer(folder)


def _own_files(checkpoint: Path) -> Iterator[Path]:
    """Yield the files that the checkpoint was saved with; anything else that lies there stays there."""
    info = verify_checkpoint(checkpoint)
    yield from (checkpoint / name for name in sorted([*info["sha256"], *info["files"], INFO_FILE]))


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.name in _MAY_NAME_PATHS:
        _copy_without_paths(path, target)
    else:
        shutil.copyfile(path, target)


def _copy_without_paths(path: Path, target: Path) -> None:
    text = path.read_text(encoding="utf-8")
    record = json.loads(text)
    clean = without_own_paths(record)
    target.write_text(text if clean == record else json.dumps(clean, indent=2) + "\n", encoding="utf-8")


def generation_config(checkpoint: Path, algo: AlgoConfig) -> GenerationConfig:
    """Return how the run drew: from the whole distribution at its temperature, up to its limit."""
    tokenizer, config = AutoTokenizer.from_pretrained(checkpoint), AutoConfig.from_pretrained(checkpoint)
    ends = ends_in(checkpoint, tokenizer, config)
    return GenerationConfig(
        do_sample=True,
        temperature=algo.temperature,
        top_k=0,
        top_p=1.0,
        max_new_tokens=algo.max_completion_tokens,
        eos_token_id=list(ends) if len(ends) > 1 else ends[0],
        pad_token_id=tokenizer.pad_token_id,
    )
