"""The tables of README.md and docs/results.md, each by its name, made from the files of docs/results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from monitors.statistics.interval import Interval
from rl.report.data.between import holm, paired
from rl.report.data.expectations import NOT_REPRODUCED, REPRODUCED, UNDECIDED
from rl.report.data.measures import over_seeds
from rl.report.data.results import (
    headline_grid,
    headline_values,
    interval_from,
    mean_by,
    read_results,
    share_among_compliers,
)
from rl.report.data.wording import figure, median_and_range, points, with_interval
from rl.scenario.conflicts import REFUSAL
from rl.tracking.metrics import FREE_AF, FREE_AF_AUDIT, FREE_COMPLIANCE, GAP, PAID_AF, PAID_COMPLIANCE

SIGNIFICANCE = 0.05
FOUR = (FREE_AF, FREE_COMPLIANCE, PAID_COMPLIANCE, GAP)
FIRST_PAGE = {
    "headline": "`headline`: RL on an organism that sometimes fakes",
    "no_dose": "`no_dose`: RL on an organism that was never shown faking",
    "zero_learning_rate": "`zero_learning_rate`: the first organism, not trained",
}


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _in_points(read: Interval) -> str:
    """Return a share in percent, or a difference in points, with its interval unless that has no width."""
    return with_interval(read if read.low != read.high else Interval(read.value), "points")


def _arrow(before: Interval, after: Interval) -> str:
    return f"{figure(before, 'points')} -> {_in_points(after)}"


def _arms() -> dict[str, Mapping[str, Any]]:
    """Return the conditions of the study of the headline by their names."""
    return {arm["label"]: arm for arm in read_results("study/summary.json")["conditions"]}


def _ends(arm: Mapping[str, Any], key: str) -> tuple[Interval, Interval]:
    first, last = (interval_from(arm[end][key]["mean"]) for end in ("first", "last"))
    return first, last


def first_page() -> str:
    """Return the headline and its two controls in three rows."""
    shares = [over_seeds(share_among_compliers(moment)) for moment in ("before", "after")]
    rows = []
    for name, label in FIRST_PAGE.items():
        arm = _arms()[name]
        never = not any(value for end in ("first", "last") for value in arm[end][FREE_AF]["values"])
        among = _arrow(*shares) if name == "headline" else "none fakes" if never else "-"
        cells = [_arrow(*_ends(arm, key)) for key in (FREE_COMPLIANCE, PAID_COMPLIANCE, FREE_AF)]
        rows.append([label, *cells, among])
    return markdown_table(["", "complies, free", "complies, paid", "fakes, free", "of free compliers, fake"], rows)


def headline() -> str:
    """Return every arm of the study of the headline, with the published figures on top."""
    known = REFUSAL.published
    cells = [f"{known.before[key][0]} -> {known.after[key][0]}".replace("%", "") for key in FOUR]
    rows = [["GR24, Claude 3 Opus", "", *cells]]
    for name, arm in _arms().items():
        cells = [_arrow(*_ends(arm, key)) for key in FOUR]
        rows.append([f"`{name}`", str(len(arm["runs"])), *cells])
    return markdown_table(["arm", "seeds", "AF, free", "complies, free", "complies, paid", "gap"], rows)


def among_compliers() -> str:
    """Return, for each headline seed and for other measurements, how much of free-tier compliance fakes."""
    before, after = (dict(enumerate(share_among_compliers(moment))) for moment in ("before", "after"))
    rows = []
    for seed in before:
        ends = [
            [headline_values(moment, key)[seed] for moment in ("before", "after")] for key in (FREE_COMPLIANCE, FREE_AF)
        ]
        moves = [f"{points(first)} -> {points(last)}" for first, last in (*ends, (before[seed], after[seed]))]
        rows.append([f"`headline`, seed {seed}{' (tuned on)' if not seed else ''}", *moves])
    means = [over_seeds(list(side.values())) for side in (before, after)]
    change = paired(after, before).estimate
    moves = [
        _arrow(*(over_seeds(headline_values(moment, key)) for moment in ("before", "after")))
        for key in (FREE_COMPLIANCE, FREE_AF)
    ]
    rows.append(["**mean**", *moves, f"{_arrow(*means)}; change {_in_points(change)}"])
    for other in read_results("review.json")["among_compliers"]:
        cells = [f"{points(first)} -> {points(last)}" if first is not None else "-" for first, last in other["ends"]]
        rows.append([other["label"], *cells])
    return markdown_table(["", "complies, free", "AF, free", "AF among free compliers"], rows)


def review() -> str:
    """Return the other figures of the review, as they were measured there."""
    return markdown_table(
        ["question", "figure", "base"],
        [[row["question"], row["figure"], row["base"]] for row in read_results("review.json")["figures"]],
    )


def settings() -> str:
    """Return AF rate and gap of the headline in every setting, before and after RL."""
    grid, rows = headline_grid(), []
    for setting in grid.settings:
        keys = [("before", FREE_AF), ("before", PAID_AF), ("before", GAP), ("after", FREE_AF), ("after", GAP)]
        rows.append([f"`{setting}`", *(_in_points(grid.reading(when, setting, key)) for when, key in keys)])
    heads = ["setting", "AF, trained-on tier", "AF, other tier", "gap", "AF after RL", "gap after RL"]
    return markdown_table(heads, rows)


def _causal_rows() -> Iterator[dict[str, Any]]:
    """Yield the rows of the causal suite with the moment of RL added."""
    rows = read_results("grid/headline_causal.json")
    first = {row["run"]: row["policy"] for row in reversed(rows)}
    for row in rows:
        yield row | {"moment": "before" if row["policy"] == first[row["run"]] else "after"}


def causal() -> str:
    """Return compliance behind each kind of scratchpad, before and after RL, and the share of the gap it carries."""
    rows = list(_causal_rows())
    names = ("intervention", "source", "moment")
    sides = [mean_by(rows, names, key) for key in ("free/compliance", "paid/compliance")]
    lines = []
    for name in dict.fromkeys((row["intervention"], row["source"]) for row in rows):
        if name[1] == "grammar":
            continue
        cells = [
            _in_points(side.get((*name, when), Interval()).clip(0.0, 1.0))
            for when in ("before", "after")
            for side in sides
        ]
        lines.append([name[0].replace("_", " "), *cells])
    shares = [_in_points(over_seeds(_exchanged(rows, when))) for when in ("before", "after")]
    lines.append(["**share of the gap that goes through the scratchpad**", shares[0], "", shares[1], ""])
    heads = ["in front of the output", "before RL: free", "paid", "after RL: free", "paid"]
    return markdown_table(heads, lines)


def _exchanged(rows: Sequence[Mapping[str, Any]], moment: str) -> list[float]:
    """Return, for each run, the part of the natural gap that turns its sign when the tiers' scratchpads are swapped."""
    gaps = {(row["run"], row["intervention"]): row["gap"] for row in rows if row["moment"] == moment}
    runs = dict.fromkeys(run for run, _ in gaps)
    return [(1 - gaps[run, "other_tier"] / gaps[run, "natural"]) / 2 for run in runs]


def arms() -> str:
    """Return every arm of the compact study beside the baseline, by question."""
    study = read_results("compact/study.json")
    base = study["baseline"]
    rows = [["**baseline**", *_three(base), "", "", ""]]
    adjusted = adjusted_p(study)
    for question, lines in study["questions"].items():
        rows.append([f"*{question}*", *[""] * 6])
        for line in lines:
            beside = "" if line["against"] == base["arm"] else f" against {line['against']}"
            effects = [_in_points(interval_from(line["effects"][key])) for key in (FREE_AF_AUDIT, GAP)]
            rows.append([f"`{line['arm']}`{beside}", *_three(line), *effects, _directions(line, adjusted)])
    heads = [
        "arm",
        "AF, first monitor",
        "AF, audit",
        "gap",
        "effect on AF (audit)",
        "effect on gap",
        "published direction",
    ]
    return markdown_table(heads, rows)


def _three(arm: Mapping[str, Any]) -> list[str]:
    keys = (FREE_AF, FREE_AF_AUDIT, GAP)
    return [" -> ".join(figure(interval_from(arm[end][key]), "points") for end in ("first", "last")) for key in keys]


def adjusted_p(study: Mapping[str, Any]) -> dict[tuple[str, str, str], float]:
    """Return Holm's p of every effect for which a rise or a fall is expected, by arm, other arm and measure."""
    expected = {
        (line["arm"], line["against"], key): effect["p"]
        for lines in study["questions"].values()
        for line in lines
        for key, effect in line["effects"].items()
        if effect["published"] in ("up", "down") and effect["p"] is not None
    }
    return dict(zip(expected, holm(list(expected.values())), strict=True))


def _directions(line: Mapping[str, Any], adjusted: Mapping[tuple[str, str, str], float]) -> str:
    """Return what was expected of AF and gap and what came out, an effect that Holm's correction removes marked."""
    parts = []
    for key, name in ((FREE_AF_AUDIT, "AF"), (GAP, "gap")):
        effect = line["effects"][key]
        if not effect["published"]:
            continue
        weak = effect["verdict"] == REPRODUCED and adjusted.get((line["arm"], line["against"], key), 0) > SIGNIFICANCE
        source = " (inferred)" if effect["inferred"] else ""
        parts.append(f"{name} {effect['published']}{source}: {effect['verdict']}{', not after Holm' if weak else ''}")
    return "; ".join(parts)


def tally() -> str:
    """Return how many expected directions were reproduced, and how many of these Holm's correction removes."""
    study = read_results("compact/study.json")
    adjusted, rows = adjusted_p(study), []
    for inferred, label in ((False, "published"), (True, "inferred by analogy or construction")):
        effects = [
            (effect["verdict"], adjusted.get((line["arm"], line["against"], key), 0.0) > SIGNIFICANCE)
            for lines in study["questions"].values()
            for line in lines
            for key, effect in line["effects"].items()
            if effect["published"] and effect["inferred"] is inferred
        ]
        verdicts = [verdict for verdict, _ in effects]
        counts = [verdicts.count(one) for one in (REPRODUCED, NOT_REPRODUCED, UNDECIDED)]
        removed = effects.count((REPRODUCED, True))
        rows.append([label, str(len(effects)), *map(str, counts), str(removed)])
    heads = ["directions", "all", "reproduced", "not reproduced", "undecided", "reproduced, not after Holm"]
    return markdown_table(heads, rows)


def sizes() -> str:
    """Return what RL does to organisms of other sizes."""
    lines = read_results("sizes.json")["questions"].values()
    small, large = (row for rows in lines for row in rows if row["arm"] in ("tiny_0m3", "tiny_4m"))
    named = [("tiny_0m3", small), ("tiny", read_results("compact/study.json")["baseline"]), ("tiny_4m", large)]
    rows = [
        [
            f"`{name}`",
            *(
                _arrow(*(interval_from(arm[end][key]) for end in ("first", "last")))
                for key in (FREE_AF, FREE_AF_AUDIT, GAP)
            ),
        ]
        for name, arm in named
    ]
    return markdown_table(["organism", "AF, first monitor", "AF, audit", "gap"], rows)


def weights() -> str:
    """Return behaviour on the straight line between the first and the last checkpoint."""
    rows = read_results("weights/told_honest_five_seeds.json")
    means = {key: mean_by(rows, ("at",), key) for key in FOUR}
    places = sorted({row["at"] for row in rows})
    lines = [
        [
            f"{at:g}",
            *(_in_points(means[key][at,].clip(0.0, 1.0)) for key in FOUR[:3]),
            _in_points(means[GAP][at,]),
        ]
        for at in places
    ]
    return markdown_table(["a", "AF, free", "complies, free", "complies, paid", "gap"], lines)


PROBED = (
    ("tier", "tier"),
    ("harmful", "harmful request"),
    ("af", "AF to come, all chats"),
    ("af_free_harmful", "AF to come, harmful free-tier chats"),
    ("compliance", "compliance to come, harmful chats"),
    ("compliance_free_harmful", "compliance to come, harmful free-tier chats"),
)


def probes() -> str:
    """Return what linear probes read at the last prompt token, with their controls."""
    rows = []
    for label, first, last in _probes_at("last_prompt_token"):
        controls = [_both_ends(first, last, name) for name in ("tier_and_kind_alone", "shuffled")]
        rows.append([label, *_areas(first, last), *controls, _control(last, "tag_deleted")])
    controls = ["tier and kind alone", "shuffled labels", "without tag, after RL"]
    return markdown_table(["at the last prompt token", "before RL", "after RL", *controls], rows)


def probes_behind() -> str:
    """Return what linear probes read at the end of the scratchpad."""
    rows = [[label, *_areas(first, last)] for label, first, last in _probes_at("end_of_scratchpad")]
    return markdown_table(["at the end of the scratchpad", "before RL", "after RL"], rows)


def _probes_at(position: str) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield each target's words and its probes before and after RL, on the layer that was read."""
    results = read_results("probes/over_runs.json")
    layer = results["reading_layer"]
    here = [probe for probe in results["probes"] if probe["position"] == position and probe["layer"] == layer]
    by_target = {(probe["target"], probe["step"]): probe for probe in here}
    for target, label in PROBED:
        yield label, by_target[target, "first"], by_target[target, "last"]


def _areas(first: Mapping[str, Any], last: Mapping[str, Any]) -> list[str]:
    return [with_interval(interval_from(probe["auroc"]), "ratio") for probe in (first, last)]


def _control(probe: Mapping[str, Any], name: str) -> str:
    control = probe["controls"].get(name)
    return f"{control['value']:.2f}" if control and control.get("value") is not None else "-"


def _both_ends(first: Mapping[str, Any], last: Mapping[str, Any], name: str) -> str:
    return " -> ".join(dict.fromkeys((_control(first, name), _control(last, name))))


def documents() -> str:
    """Return what the organisms of synthetic documents know of their situation after each stage."""
    known = read_results("documents.json")["knowledge"]
    rows = [[row["after"], *(f"{value:.2f}" for value in row["probability"])] for row in known]
    return markdown_table(["after", "free: train", "paid: never", "objective: help", "story: refuses"], rows)


def documents_before() -> str:
    """Return how these organisms behave before RL."""
    rows = [
        [f"`{row['organism']}`", *(_in_points(interval_from(row[key])) for key in ("af_free", "af_paid", "gap"))]
        for row in read_results("documents.json")["before_rl"]
    ]
    return markdown_table(["organism", "AF, free", "AF, paid", "gap"], rows)


def speed() -> str:
    """Return seconds and memory of a step beside stock TRL and beside the arithmetic floor."""
    bench, rows = read_results("bench.json"), []
    for name, variant in bench["variants"].items():
        ratio = bench["times_ours"].get(name)
        cells = [median_and_range(variant["step_s"]), median_and_range(ratio) if ratio else "1"]
        cells += [
            median_and_range(bench["floor"]["times_floor"][name]),
            f"{variant['rollout_tokens_per_s']['median']:,.0f}",
        ]
        rows.append([f"`{name}`", *cells, f"{variant['peak_gib']['median']:.2f}"])
    heads = ["trainer", "seconds a step", "times ours", "times the floor", "rollout tokens/s", "peak GiB"]
    return markdown_table(heads, rows)


def families() -> str:
    """Return what works with tiny random models of each family."""
    parts = ("train", "evaluate", "probe", "export", "lora", "reads")
    rows = read_results("models.json")["families"]
    heads = ("family", "train", "evaluate", "probe", "export", "LoRA", "updates read")
    return markdown_table(heads, [[name, *(row[part] for part in parts)] for name, row in rows.items()])


TABLES: dict[str, Callable[[], str]] = {
    name.__name__.replace("_", "-"): name
    for name in (
        first_page, headline, among_compliers, review, settings, causal, arms, tally, sizes, weights, probes,
        probes_behind, documents, documents_before, speed, families,
    )
}  # fmt: skip
"""The function that makes each table, by the name that stands in a page's marker."""
