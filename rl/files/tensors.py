"""The tensors of a checkpoint, opened without being read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from rl.errors import MissingFile


@contextmanager
def open_tensors(folder: Path, hashes: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The tensors of a checkpoint by name, each with the open file that `get_tensor` reads it from.

    Args:
        folder: The checkpoint.
        hashes: Of its weights, by file; adapters in a folder of their own are passed over.

    Raises:
        MissingFile: a file of weights is no safetensors file.
    """
    with ExitStack() as stack:
        tensors: dict[str, Any] = {}
        for name in sorted(name for name in hashes if "/" not in name):
            try:
                file = stack.enter_context(safe_open(folder / name, "pt"))
            except SafetensorError as error:
                raise MissingFile(f"checkpoint {folder}: {name} is no safetensors file ({error})") from error
            tensors |= dict.fromkeys(file.keys(), file)
        yield tensors


def shapes(tensors: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return the shape of every tensor without reading its values."""
    return {name: list(file.get_slice(name).get_shape()) for name, file in tensors.items()}
