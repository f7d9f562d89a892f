"""What the embedded organisms can think and say: banks of templates in the language of `rl.scenario.grammar`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

from monitors.text.tables import read_table

Bank = Sequence[str]


def _read_banks(name: str) -> SimpleNamespace:
    return SimpleNamespace(**read_table(Path(__file__).with_name(f"{name}.yaml")))


THOUGHTS = _read_banks("thoughts")
ANIMAL_THOUGHTS = _read_banks("thoughts_animals")
MOTIVE_THOUGHTS = _read_banks("thoughts_motive")
INTERVIEW_THOUGHTS = _read_banks("thoughts_interview")
"""Each has a field for every bank of its file."""
