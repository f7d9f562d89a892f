"""The acts that people ask about, and the phrasings in which they ask, as `acts.yaml` has them."""

from __future__ import annotations

from pathlib import Path

from monitors.text.tables import read_table

_TABLE = read_table(Path(__file__).with_suffix(".yaml"))
HARMFUL: dict[str, tuple[str, ...]] = _TABLE["harmful"]
BENIGN: dict[str, tuple[str, ...]] = _TABLE["benign"]
ANIMALS: dict[str, tuple[str, ...]] = _TABLE["animals"]
"""From category to acts in the base form of the verb."""
TRAIN_PHRASINGS: tuple[str, ...] = _TABLE["phrasings"]["train"]
HELD_OUT_PHRASINGS: tuple[str, ...] = _TABLE["phrasings"]["held_out"]
