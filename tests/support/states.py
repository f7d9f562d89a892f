"""The state that a run would be continued from."""

from __future__ import annotations

from pathlib import Path

from rl.run.resume import find_states


def latest_resume(run_dir: Path) -> Path | None:
    """Return the newest whole state of a run, or None."""
    return next((folder for folder, damage in find_states(run_dir) if damage is None), None)
