"""Checkpoints that are whole or absent, and a look at whether one still is what was saved."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from safetensors import SafetensorError, safe_open

from rl.atomic import sync
from rl.errors import MissingFile
from rl.tracking import jsonable

INFO_FILE = "goalguard.json"
_NEEDED = ("config.json", "tokenizer_config.json", "tokenizer.json")


class Saveable(Protocol):
    """A model or a tokenizer of transformers or peft."""

    def save_pretrained(self, save_directory: str, /) -> Any:
        """Write everything that `from_pretrained` needs into a folder."""


def save_checkpoint(folder: Path, model: Saveable, tokenizer: Saveable, info: Mapping[str, Any]) -> None:
    """Write model, tokenizer and `goalguard.json` so that `folder` appears complete or not at all.

    Everything is written and synced in a hidden neighbour first, then renamed; a checkpoint of the same name is
    replaced. What a process killed halfway left behind is removed by the next save of that name.

    Args:
        folder: for instance `checkpoints/step_000010`.
        model: weights are saved as safetensors.
        tokenizer: saved beside them.
        info: what `goalguard.json` shall say (step, config_hash, metrics); the sha256 of every weights file is added.
    """
    partial, old = (folder.with_name(f".{folder.name}.{state}") for state in ("partial", "old"))
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir(parents=True)
    model.save_pretrained(str(partial))
    tokenizer.save_pretrained(str(partial))
    hashes = {path.name: sha256(path) for path in sorted(partial.glob("*.safetensors"))}
    text = json.dumps(jsonable({**info, "sha256": hashes}), indent=2, allow_nan=False)
    (partial / INFO_FILE).write_text(text + "\n", encoding="utf-8")
    _sync_tree(partial)
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _sync_tree(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        sync(path)


def sha256(path: Path) -> str:
    """The sha256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify_checkpoint(folder: Path) -> dict[str, Any]:
    """Check that a checkpoint is complete and its weights are those that were saved.

    Returns:
        What its `goalguard.json` says.

    Raises:
        MissingFile: the folder or a file is missing, `goalguard.json` cannot be read, or weights have another hash.
    """
    info = _read_info(folder)
    hashes = info["sha256"]
    for name in (*_NEEDED, *hashes):
        if not (folder / name).is_file():
            raise MissingFile(f"checkpoint {folder} has no {name}")
    for name, expected in hashes.items():
        if sha256(folder / name) != expected:
            raise MissingFile(f"checkpoint {folder}: {name} is not the file that was saved (its sha256 differs)")
    return info


def _read_info(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise MissingFile(f"there is no checkpoint folder {folder}")
    path = folder / INFO_FILE
    if not path.is_file():
        raise MissingFile(f"checkpoint {folder} has no {INFO_FILE}")
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise MissingFile(f"checkpoint {folder}: {INFO_FILE} is not JSON ({error})") from error
    if not (isinstance(info, dict) and isinstance(info.get("sha256"), dict) and info["sha256"]):
        raise MissingFile(f"checkpoint {folder}: {INFO_FILE} names no weights under sha256")
    return info


def saved_checkpoints(run_dir: Path) -> dict[int, Path]:
    """The checkpoints of a run that are there under their name, from step to folder, steps ascending."""
    found = {folder.name.removeprefix("step_"): folder for folder in run_dir.glob("checkpoints/step_*")}
    return dict(sorted((int(step), folder) for step, folder in found.items() if step.isdecimal()))


def config_hash(config: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits that stay the same for equal configs, whatever the order of their keys.

    Args:
        config: a resolved config of plain JSON values; anything else raises TypeError, NaN raises ValueError.
    """
    text = json.dumps(config, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def latest_resume(folder: Path) -> Path | None:
    """The newest complete trainer checkpoint `checkpoint-N` in `folder`, or None.

    A process can be killed while transformers writes or removes one, so each must hold a readable `trainer_state.json`
    of step N, readable weights, optimizer and scheduler archives and at least one RNG state; others are passed over.
    """
    numbered = [(int(match[1]), path) for path in folder.glob("checkpoint-*") if (match := _NUMBERED(path.name))]
    complete = (path for step, path in sorted(numbered, reverse=True) if _is_complete(path, step))
    return next(complete, None)


_NUMBERED = re.compile(r"checkpoint-(\d+)").fullmatch


def _is_complete(folder: Path, step: int) -> bool:
    rng_states = list(folder.glob("rng_state*.pth"))
    archives = [folder / "optimizer.pt", folder / "scheduler.pt", *rng_states]
    return (
        bool(rng_states)
        and all(zipfile.is_zipfile(path) for path in archives)
        and _is_safetensors(folder / "model.safetensors")
        and _trainer_step(folder / "trainer_state.json") == step
    )


def _is_safetensors(path: Path) -> bool:
    """Whether the file is there and as long as its header says; a write that was cut off is not."""
    try:
        with safe_open(path, framework="numpy"):
            return True
    except (OSError, SafetensorError):
        return False


def _trainer_step(path: Path) -> int | None:
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["global_step"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
