"""Finds one record among the figures of `probes.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]


def only(records: Sequence[Record], wanted: Record) -> Record:
    """The record that has the wanted fields."""
    return next(record for record in records if all(record[key] == value for key, value in wanted.items()))
