"""One measurement in a process of its own, so that its peak memory is its own: `python -m rl.bench.worker JOB RESULT`.

Both are JSON files: a `Job` to read, and a record of figures to write.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from rl.bench.flops import Shape, floor_seconds, rated_products, step_flops
from rl.bench.matmul import SQUARE, rate
from rl.bench.variants import FullLength, Ingredients, Stopwatch, make
from rl.bench.workload import StandIns, training_prompts, work_of
from rl.command.entry import composed
from rl.command.quiet import quiet
from rl.config.schema import Config
from rl.instruments.rater import reward_from
from rl.organism.load import load_organism
from rl.rollout.sampler import Sampling

FLOOR = "floor"
WARM_UP = 1
"""Steps before the first timed one: memory is touched and caches are filled."""


@dataclass(frozen=True)
class Job:
    """What a worker measures."""

    variant: str
    """`floor`, or one that `rl.bench.variants.make` knows."""
    steps: int
    """Timed steps."""
    threads: int
    overrides: list[str]
    """Of the configuration that the work is taken from."""


def measure(job: Job) -> dict[str, Any]:
    """The figures of a job.

    Returns:
        For a trainer `steps` (seconds by stage, a record per timed step) and `peak_bytes`; for the floor `work`,
        `flops` and `rates` by phase, `square_rate` and `seconds`.
    """
    quiet()
    torch.set_num_threads(job.threads)
    config = composed([*job.overrides, f"algo.steps={WARM_UP + job.steps}", f"threads={job.threads}"])
    organism = load_organism(config.organism)
    sampling = Sampling(config.algo.max_completion_tokens, config.algo.temperature)
    sampler = FullLength(organism.model, organism.tokenizer, sampling)
    return floor(config, sampler) if job.variant == FLOOR else train(job.variant, config, sampler)


def floor(config: Config, sampler: FullLength) -> dict[str, Any]:
    """What the arithmetic of one step takes on this machine."""
    shape, work = Shape.of(sampler.model.config), work_of(config, sampler, training_prompts(config))
    flops = step_flops(shape, work)
    rates = {name: rate(products) for name, products in rated_products(shape, work).items()}
    inputs = {"shape": asdict(shape), "work": asdict(work), "flops": flops, "rates": rates}
    return {**inputs, "square_rate": rate([SQUARE]), "seconds": floor_seconds(flops, rates)}


def train(variant: str, config: Config, sampler: FullLength) -> dict[str, Any]:
    """Seconds of every timed step, and the peak memory of this process."""
    score = StandIns(config.seed).score_with(reward_from(config.reward).score)
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        given = Ingredients(config, sampler, training_prompts(config), score, Path(folder))
        make(variant, given, watch).train()
    return {"steps": watch.steps[WARM_UP:], "peak_bytes": peak_bytes()}


def peak_bytes() -> int:
    """The most memory this process ever held; the unit of the system's figure differs between systems."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    job_file, result_file = map(Path, sys.argv[1:])
    result_file.write_text(json.dumps(measure(Job(**json.loads(job_file.read_text())))))
