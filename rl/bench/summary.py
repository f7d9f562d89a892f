"""From the rounds' raw figures to medians, intervals and ratios, and to tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import mean, median
from typing import Any

from rich.console import Console
from rich.table import Table

from rl.report.data.wording import median_and_range

Round = Mapping[str, Mapping[str, Any]]
"""Results of one round by variant, and the floor's."""
Figure = dict[str, float]
STAGES = ("generation", "scoring", "monitoring", "reference", "update")
OURS, FLOOR = "ours", "floor"
GIB = 2**30


def estimate(values: Sequence[float]) -> Figure:
    """Median, smallest and largest of some rounds' values.

    From smallest to largest is a confidence interval of the median, whatever the distribution, that holds it with
    probability 1 - 2^(1 - n) for n independent rounds: only all on one side of it can miss it.
    """
    return {"median": median(values), "low": min(values), "high": max(values)}


def coverage(rounds: int) -> float:
    """Probability with which `estimate`'s interval holds the median."""
    return 1 - 2.0 ** (1 - rounds)


def seconds(result: Mapping[str, Any], stage: str) -> float:
    """Seconds of a stage in one round: the mean of its steps, so that the stages of a step add up to it."""
    return mean(step[stage] for step in result["steps"])


def variants_in(rounds: Sequence[Round]) -> list[str]:
    """The trainers that were measured."""
    return [name for name in rounds[0] if name != FLOOR]


def summarise(rounds: Sequence[Round]) -> dict[str, Any]:
    """Every figure of the benchmark; ratios are taken within a round, where the machine was the same."""
    names = variants_in(rounds)
    work = rounds[0][FLOOR]["work"]
    tokens = work["prompts"] * work["repeats"] * work["completion_tokens"]
    return {
        "rounds": len(rounds),
        "coverage": coverage(len(rounds)),
        "work": work,
        "variants": {name: _variant([results[name] for results in rounds], tokens) for name in names},
        "times_ours": {
            name: estimate([seconds(results[name], "step") / seconds(results[OURS], "step") for results in rounds])
            for name in names
            if name != OURS
        },
        "floor": _floor(rounds),
    }


def _variant(results: Sequence[Mapping[str, Any]], tokens: int) -> dict[str, Any]:
    return {
        "step_s": estimate([seconds(result, "step") for result in results]),
        "rollout_tokens_per_s": estimate([tokens / seconds(result, "generation") for result in results]),
        "stages_s": {stage: estimate([seconds(result, stage) for result in results]) for stage in STAGES},
        "peak_gib": estimate([result["peak_bytes"] / GIB for result in results]),
    }


def _floor(rounds: Sequence[Round]) -> dict[str, Any]:
    floors = [results[FLOOR] for results in rounds]
    return {
        "flops": floors[0]["flops"],
        "gflops_per_s": {
            name: estimate([floor["rates"][name] / 1e9 for floor in floors]) for name in floors[0]["rates"]
        },
        "square_gflops_per_s": estimate([floor["square_rate"] / 1e9 for floor in floors]),
        "step_s": estimate([floor["seconds"] for floor in floors]),
        "times_floor": {
            name: estimate([seconds(results[name], "step") / results[FLOOR]["seconds"] for results in rounds])
            for name in variants_in(rounds)
        },
    }


def print_tables(record: Mapping[str, Any], console: Console) -> None:
    """The figures for people; `found` is the whole record that the command writes."""
    work, hardware = record["work"], record["hardware"]
    console.print(
        f"{hardware['cpu']}, {hardware['torch_threads']} threads. A step: {work['prompts']} prompts of "
        f"{work['prompt_tokens']} tokens, {work['repeats']} completions of {work['completion_tokens']} tokens each. "
        f"Medians of {record['rounds']} rounds, and the range of all, which holds the true median with probability "
        f"{record['coverage']:.0%}."
    )
    console.print(_steps_table(record))
    console.print(_stages_table(record))
    for line in _floor_lines(record):
        console.print(line, highlight=False)
    for name, figure in record["startup_s"].items():
        console.print(
            f"{name}: {median_and_range(figure)} s" if figure else f"{name}: it did not succeed on this machine"
        )


def _steps_table(record: Mapping[str, Any]) -> Table:
    table = Table("", "s per step", "times ours", "times the floor", "rollout tokens/s", "peak GiB", title="GRPO step")
    for name, variant in record["variants"].items():
        times = median_and_range(record["times_ours"][name]) if name in record["times_ours"] else "1"
        floor, tokens = record["floor"]["times_floor"][name], variant["rollout_tokens_per_s"]
        table.add_row(
            name,
            median_and_range(variant["step_s"]),
            times,
            median_and_range(floor),
            median_and_range(tokens, 0),
            median_and_range(variant["peak_gib"]),
        )
    return table


def _stages_table(record: Mapping[str, Any]) -> Table:
    table = Table("", *STAGES, title="Seconds by stage")
    for name, variant in record["variants"].items():
        table.add_row(name, *(median_and_range(variant["stages_s"][stage]) for stage in STAGES))
    return table


def _floor_lines(record: Mapping[str, Any]) -> Iterator[str]:
    floor = record["floor"]
    phases = ", ".join(f"{phase} {count / 1e9:.1f}" for phase, count in floor["flops"].items())
    rates = {**floor["gflops_per_s"], "1024 x 1024 x 1024": floor["square_gflops_per_s"]}
    yield f"arithmetic floor: {median_and_range(floor['step_s'])} s per step"
    yield f"  GFLOP: {phases}"
    yield f"  GFLOP/s measured: {'; '.join(f'{name} {median_and_range(rate, 0)}' for name, rate in rates.items())}"
