"""Reads the tables of words that stand beside the code in YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_table(path: Path) -> dict[str, Any]:
    """Return a YAML file as plain data, each list as a tuple."""
    table = _freeze(yaml.load(path.read_text(encoding="utf-8"), _LOADER))
    assert isinstance(table, dict), path
    return table


def _freeze(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _freeze(value) for key, value in node.items()}
    return tuple(map(_freeze, node)) if isinstance(node, list) else node
