"""Makes a folder once for all workers of a session: training the same small model in each would cost as often."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def share_folder(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return the folder that `make` has filled, by this worker or by another one.

    Each worker gets its own copy, so that what a test does to it stays with the worker.
    """
    mine = factory.mktemp(name) / name
    if "PYTEST_XDIST_WORKER" not in os.environ:
        mine.mkdir()
        make(mine)
        return mine
    common = factory.getbasetemp().parent / f"shared-{name}"
    with FileLock(common.with_suffix(".lock")):
        if not common.exists():
            partial = common.with_suffix(".partial")
            partial.mkdir()
            make(partial)
            partial.rename(common)
    return Path(shutil.copytree(common, mine))
