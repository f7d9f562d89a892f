"""Twenty kills at moments of chance, over as many runs as it takes: `make soak`. Not part of `make test`."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from support.killing import SIGNALS, Kill, differences, finished, killed

from rl.command.entry import composed
from rl.run.run import run

KILLS = 20
WHILE_WRITING = 0.4
"""Share of the kills that wait for the next checkpoint to be half written."""
STEPS = ["algo.steps=12", "algo.learning_rate=1e-3"]


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_runs_killed_twenty_times_end_as_one_that_nobody_killed(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(10**6))
    chance, words, whole = random.Random(seed), [*small, *STEPS], tmp_path / "whole"
    started = time.monotonic()
    run(composed(words), whole)
    longest = time.monotonic() - started
    with capsys.disabled():
        print(f"\nsoak: seed {seed}; SOAK_SEED={seed} make soak repeats it. A run takes {longest:.1f} s undisturbed")
        number, kills = 0, 0
        while kills < KILLS:
            place = tmp_path / str(number)
            delay = None if chance.random() < WHILE_WRITING else chance.uniform(0, longest)
            left = killed(words, place, Kill(chance.choice(SIGNALS), delay))
            if left.code != 0:
                kills += 1
                print(f"{kills:>3}/{KILLS}  run {number}  {left}", flush=True)
                continue
            _compare(place, whole)
            number += 1
        place = tmp_path / str(number)
        finished(words, place)
        _compare(place, whole)


def _compare(place: Path, whole: Path) -> None:
    found = differences(place, whole)
    print(f"        run {place.name}  ended {'bit-identical' if not found else 'DIFFERENT: ' + ', '.join(found)}")
    assert not found
