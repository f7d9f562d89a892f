"""The benchmark as a command: rounds of one process per variant, start-up times, and the record of it all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from rl.bench.summary import FLOOR, OURS, Round, estimate, print_tables, seconds, summarise
from rl.bench.workload import organism_overrides
from rl.command.entry import composed
from rl.command.quiet import quiet
from rl.errors import GoalguardError
from rl.files.atomic import replace_text
from rl.files.json_lines import json_object
from rl.files.outputs import file_problems
from rl.report.data.wording import median_and_range
from rl.run.manifest import hardware, versions

ROOT = Path(__file__).resolve().parent.parent.parent
VARIANTS = (OURS, "stock", "stock_no_checkpointing")
STARTUP = {
    "import": ["-c", "import rl.run.run"],
    "dry_run": ["-m", "scripts.train", "dry_run=true"],
}
STARTUP_TRIES = 3
BUSY = 0.5
"""Load of the machine before the start above which figures are not to be quoted."""
Say = Callable[[str], None]


class BenchFailed(GoalguardError, RuntimeError):
    """A measurement's process ended in an error, which the message holds."""


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    steps: int
    """Timed steps of each variant in a round."""
    rounds: int
    threads: int
    overrides: list[str]
    """Of the configuration that the work is taken from."""


def bench(plan: Plan, say: Say) -> dict[str, Any]:
    """Measure everything, telling `say` how far it is.

    Every round runs each variant and the floor once, in turn, each in a process of its own.

    Raises:
        BenchFailed: if a measurement's process fails.
    """
    quiet()
    load = os.getloadavg()[0]
    if load > BUSY:
        say(f"the machine is busy (load {load:.1f}): absolute figures will be too slow, ratios less so")
    rounds = _rounds(plan, say)
    startup = {name: _startup(name, arguments, say) for name, arguments in STARTUP.items()}
    machine = {**hardware(), "torch_threads": plan.threads, "load_before": load}
    facts = {"hardware": machine, "versions": versions(), "steps": plan.steps}
    return {**facts, **summarise(rounds), "startup_s": startup, "raw": rounds}


def _rounds(plan: Plan, say: Say) -> list[Round]:
    with tempfile.TemporaryDirectory() as scratch:
        overrides = [*plan.overrides, *organism_overrides(composed(plan.overrides), Path(scratch) / "organism")]
        rounds: list[Round] = []
        for number in range(1, plan.rounds + 1):
            results = {}
            for variant in (*VARIANTS, FLOOR):
                job = {"variant": variant, "steps": plan.steps, "threads": plan.threads, "overrides": overrides}
                results[variant] = _run_worker(job, Path(scratch))
                took = results[variant]["seconds"] if variant == FLOOR else seconds(results[variant], "step")
                say(f"round {number}/{plan.rounds}  {variant:<22} {took:6.2f} s per step")
            rounds.append(results)
    return rounds


def _run_worker(job: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """One job's figures, from a process of its own."""
    job_file, result_file = scratch / "job.json", scratch / "result.json"
    job_file.write_text(json.dumps(job))
    done = _python(["-m", "rl.bench.worker", str(job_file), str(result_file)], job["threads"])
    if done.returncode:
        raise BenchFailed(f"measuring {job['variant']} failed:\n{done.stderr.strip()[-2000:]}")
    result: dict[str, Any] = json.loads(result_file.read_text())
    return result


def _python(arguments: Sequence[str], threads: int | None = None) -> subprocess.CompletedProcess[str]:
    limits = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **limits}, capture_output=True, text=True)


def _startup(name: str, arguments: Sequence[str], say: Say) -> dict[str, float] | None:
    """Seconds of a whole process; None where it fails, with its words told to `say`."""
    taken = []
    for _ in range(STARTUP_TRIES):
        started = time.perf_counter()
        done = _python(arguments)
        if done.returncode:
            say(f"{name} failed: {done.stderr.strip()}")
            return None
        taken.append(time.perf_counter() - started)
    say(f"{name}  {median_and_range(estimate(taken))} s")
    return estimate(taken)


def report(plan: Plan, file: Path | None) -> None:
    """Run the benchmark, print its tables, and write its record to `file`.

    Raises:
        BenchFailed: nothing can be written to `file`, or something else than a record lies there; or measuring failed.
    """
    wrong = (
        list(file_problems(f"--json {file}", file, lambda path: bool(json_object(path)), "such a record"))
        if file
        else []
    )
    if wrong:
        raise BenchFailed("\n".join(wrong))
    record = bench(plan, lambda line: print(line, file=sys.stderr, flush=True))
    print_tables(record, Console())
    if file:
        replace_text(file, json.dumps(record, indent=1) + "\n")
