"""Checkpoints that are whole or absent, and a look at whether one still is what was saved."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from rl.errors import MissingFile
from rl.files.atomic import replace_text, sync
from rl.files.json_lines import jsonable

INFO_FILE = "goalguard.json"
_NOT_OURS = ("generation_config.json", INFO_FILE)
"""Not hashed: how to draw is the run's to say, and an export says it anew."""


class Saveable(Protocol):
    """A model or a tokenizer of transformers or peft."""

    def save_pretrained(self, save_directory: str, /) -> Any:
        """Write everything that `from_pretrained` needs into a folder."""


def save_checkpoint(folder: Path, model: Saveable, tokenizer: Saveable, info: Mapping[str, Any]) -> None:
    """Write model, tokenizer and `goalguard.json` so that `folder` appears complete or not at all.

    Everything is written and synced in a hidden neighbour first, then renamed; a checkpoint of the same name is
    replaced. What an error leaves behind is removed at once, and what a killed process left by the next save of that
    name.

    Args:
        folder: for instance `checkpoints/step_000010`.
        model: weights are saved as safetensors.
        tokenizer: saved beside them.
        info: what `goalguard.json` shall say (step, config_hash, metrics). It is written last, and the sha256 of every
            file is added: weights under `sha256`, the others under `files`.
    """
    partial, old = (folder.with_name(f".{folder.name}.{state}") for state in ("partial", "old"))
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write(partial, model, tokenizer, info)
        if folder.exists():
            folder.rename(old)
        partial.rename(folder)
    finally:
        # It is still there only after an error, and on a full disk it would be in the way.
        shutil.rmtree(partial, ignore_errors=True)
    sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _write(folder: Path, model: Saveable, tokenizer: Saveable, info: Mapping[str, Any]) -> None:
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    hashes = hashes_of(folder)
    weights = {name: value for name, value in hashes.items() if _is_weights(name)}
    files = {name: value for name, value in hashes.items() if not _is_weights(name) and name not in _NOT_OURS}
    _write_info(folder, {**info, "sha256": weights, "files": files})
    sync_tree(folder)


def _is_weights(name: str) -> bool:
    return name.endswith(".safetensors")


def _write_info(folder: Path, info: Mapping[str, Any]) -> None:
    replace_text(folder / INFO_FILE, json.dumps(jsonable(info), indent=2, allow_nan=False) + "\n")


def sync_tree(folder: Path) -> None:
    """Ask the disk to keep a folder and everything in it."""
    for path in [*folder.rglob("*"), folder]:
        sync(path)


def hashes_of(folder: Path) -> dict[str, str]:
    """The sha256 of every file in a folder, by its name there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def sha256(path: Path) -> str:
    """The sha256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def changed_file(folder: Path, hashes: Mapping[str, str]) -> str | None:
    """What is wrong with the first file that is missing or not what it was; None where all are the same."""
    for name, expected in hashes.items():
        if not (folder / name).is_file():
            return f"has no {name}"
        if sha256(folder / name) != expected:
            return f"{name} is not the file that was saved (its sha256 differs)"
    return None


def verify_checkpoint(folder: Path) -> dict[str, Any]:
    """Check that a checkpoint is complete and its files are those that were saved.

    Returns:
        What its `goalguard.json` says.

    Raises:
        MissingFile: the folder or a file is missing, `goalguard.json` cannot be read, or a file has another hash.
    """
    info = _read_info(folder)
    wrong = changed_file(folder, {**info["sha256"], **info["files"]})
    if wrong:
        raise MissingFile(f"checkpoint {folder}: {wrong}")
    return info


def restate(folder: Path) -> None:
    """Have the `goalguard.json` of a copy name the files beside the weights as they are there; weights stay checked."""
    info = _read_info(folder)
    files = {name: sha256(folder / name) for name in info["files"]}
    if files != info["files"]:
        _write_info(folder, {**info, "files": files})


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
    for key, what in (("sha256", "weights"), ("files", "files beside the weights")):
        if not (isinstance(info, dict) and isinstance(info.get(key), dict) and info[key]):
            raise MissingFile(f"checkpoint {folder}: {INFO_FILE} names no {what} under {key}")
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
