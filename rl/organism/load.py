"""Loads the model that RL starts from; an embedded organism is built at its first use, once for all processes."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock, Timeout

from rl.command import ranks
from rl.config.schema import OrganismConfig
from rl.errors import GoalguardError, MissingFile
from rl.files.folder import new_folder
from rl.organism.build.measure import initial_metrics
from rl.organism.build.model import Organism, open_organism
from rl.organism.build.place import damage, described, in_cache, locate, place_of
from rl.organism.build.recipe import parent_of, recipe_of, wording_of

Say = Callable[[str], None]


def tell(line: str) -> None:
    """A line for whoever waits."""
    print(line, file=sys.stderr, flush=True)


def load_organism(config: OrganismConfig) -> Organism:
    """Load the policy; an embedded organism that is neither in the package nor in the cache is built first.

    Raises:
        MissingFile: It cannot be loaded, or has no chat template.
    """
    return open_organism(config, ready(config) if config.source == "embedded" else locate(config))


def ready(config: OrganismConfig, say: Say = tell) -> Path:
    """The folder of an embedded organism, whole and checked; built where the cache does not have it, or has it damaged.

    Raises:
        MissingFile: an organism outside the cache is not what its card says.
        GoalguardError: it would have to be built by several processes of one run.
    """
    folder = place_of(config)
    wrong = damage(folder)
    if wrong is None:
        return folder
    if not in_cache(folder):
        raise MissingFile(f"organism {config.name}, {folder}: {wrong}")
    if ranks.count() > 1:
        raise GoalguardError(f"{described(config)}; build it first, in one process: python -m scripts.organism")
    with _alone(folder, say), _randomness_kept():
        # Whoever held the lock before may have built it.
        if damage(folder) is not None:
            build_in(config, folder, say)
    return folder


def build_in(config: OrganismConfig, folder: Path, say: Say) -> None:
    """Build an organism and measure it; `folder` appears, or is replaced, when all of it is there."""
    if in_cache(folder):
        say(described(config) or f"organism {config.name}: it is built anew in {folder}")
    parent = parent_of(config)
    with new_folder(folder) as partial:
        start = load_organism(parent) if parent else None
        from rl.organism.build.stages import build, write_card  # loads TRL, and a built organism needs none of it

        card = build(recipe_of(config), wording_of(config), start, partial, say)
        write_card(partial, card | {"initial": initial_metrics(config, partial)})
    say(f"organism {config.name}: built in {folder}")


@contextmanager
def _alone(folder: Path, say: Say) -> Iterator[None]:
    """One process at a time; the system frees the lock of one that dies."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        say(f"waiting for another process, which is building {folder}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _randomness_kept() -> Iterator[None]:
    """Leave the random streams as they were: a run must not depend on whether it had to build its organism."""
    python, arrays = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)
