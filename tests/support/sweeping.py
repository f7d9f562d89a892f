"""What the tests of sweeps share: a command line with `-m` in this process, and a look at what it left."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rl.command.entry import hydra_app
from rl.run.train import train
from rl.run.validate import problems
from rl.sweep.command import sweep

Sweeping = Callable[..., int]


def sweeping_in(folder: Path, *words: str) -> int:
    """The exit code of `scripts.train -m WORDS` with `folder` as the working directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["train", "-m", *words])
        with pytest.raises(SystemExit) as left:
            hydra_app(train, "config", problems, sweep)
    return int(left.value.code or 0)


def summary_rows(sweep_dir: Path) -> list[dict[str, Any]]:
    """The lines of a sweep's `summary.jsonl`."""
    return [json.loads(line) for line in (sweep_dir / "summary.jsonl").read_text().splitlines()]
