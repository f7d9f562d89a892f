"""Reads files of JSON objects as far as they are whole, while they are being written too."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def json_lines(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the objects of a JSON-lines file and how many lines were none; a missing file has no lines."""
    if not path.is_file():
        return [], 0
    rows: list[dict[str, Any]] = []
    unreadable = 0
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if isinstance(row, dict):
                rows.append(row)
            else:
                unreadable += 1
    return rows, unreadable


def json_object(path: Path) -> dict[str, Any]:
    """Return the one object of a JSON file; an empty one where there is none that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def jsonable(value: Any) -> Any:
    """`value` as JSON can hold it: NaN and infinities as None, numpy and torch scalars as Python's own."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
