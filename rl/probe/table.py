"""The short table that ends `scripts.probe`: the first and the last step, at one layer that was fixed beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from rl.probe.positions import END_OF_SCRATCHPAD, FIRST_OUTPUT, LAST_PROMPT
from rl.probe.records import only
from rl.report.data.visible import visible

CONTROLS = {
    "shuffled": "shuffled labels",
    "random_direction": "random direction",
    "tier_and_kind_alone": "tier and kind alone",
    "tag_deleted": "tag deleted",
}


def probe_tables(title: str, found: Mapping[str, Any]) -> list[Table]:
    """What the probes read at the first and the last step; and, where these differ, whether the directions persist."""
    made = [_reading(title, found)]
    return [*made, _persistence(found)] if len(found["steps"]) > 1 else made


def _reading(title: str, found: Mapping[str, Any]) -> Table:
    """AUROC with intervals at the last prompt token with its controls, then at the later positions."""
    made = Table(title=escape(visible(title)), title_justify="left", caption=_caption(found), caption_justify="left")
    for head in (
        "target",
        "step",
        "+ / -",
        "last prompt token",
        *CONTROLS.values(),
        "end of scratchpad",
        "first output",
    ):
        made.add_column(head, justify="left" if head == "target" else "right")
    ends = sorted({found["steps"][0], found["steps"][-1]})
    for target in found["targets"]:
        for step in ends:
            cells = {position: cell_of(found, target, step, position) for position in found["positions"]}
            count = cells[LAST_PROMPT]["n"]
            made.add_row(
                target.replace("_", " ") if step == ends[0] else "",
                str(step),
                f"{count['positive']['texts']} / {count['negative']['texts']}",
                _told(cells[LAST_PROMPT]["auroc"]),
                *(_told(cells[LAST_PROMPT]["controls"].get(name)) for name in CONTROLS),
                *(_told(cells[position]["auroc"]) for position in (END_OF_SCRATCHPAD, FIRST_OUTPUT)),
                end_section=step == ends[-1],
            )
    return made


def _persistence(found: Mapping[str, Any]) -> Table:
    """The first step's probe on the last one's chats and back, and the cosine of the directions."""
    first, last = found["steps"][0], found["steps"][-1]
    made = Table(title="Does the direction persist? Last prompt token", title_justify="left")
    for head in ("target", f"{first} on {first}", f"{first} on {last}", f"{last} on {last}", f"{last} on {first}"):
        made.add_column(head, justify="left" if head == "target" else "right")
    for head in (f"cosine of {first} and {last}", f"of halves of {first}", f"of halves of {last}"):
        made.add_column(head, justify="right")
    for target in found["targets"]:
        own = [_told(cell_of(found, target, step, LAST_PROMPT)["auroc"]) for step in (first, last)]
        there, back = (
            _told(_record(found["transfers"], target, found["reading_layer"], trained=step)["auroc"])
            for step in (first, last)
        )
        place = _record(found["directions"], target, found["reading_layer"])
        cosines = (place["cosine"][0][-1], place["split_half"][0], place["split_half"][-1])
        told = ["-" if value is None else f"{value:.2f}" for value in cosines]
        made.add_row(target.replace("_", " "), own[0], there, own[1], back, *told)
    return made


def _record(records: Sequence[Mapping[str, Any]], target: str, layer: int, **more: object) -> Mapping[str, Any]:
    return only(records, {"target": target, "position": LAST_PROMPT, "layer": layer} | more)


def cell_of(found: Mapping[str, Any], target: str, step: int, position: str) -> Mapping[str, Any]:
    """The record of a probe at the reading layer."""
    wanted = {"target": target, "step": step, "position": position, "layer": found["reading_layer"]}
    return only(found["probes"], wanted)


def _told(figure: Mapping[str, float | None] | None) -> str:
    if figure is None or figure["value"] is None:
        return "-"
    if figure["low"] is None or figure["high"] is None:
        return f"{figure['value']:.2f}"
    return escape(f"{figure['value']:.2f} [{figure['low']:.2f}, {figure['high']:.2f}]")


def _caption(found: Mapping[str, Any]) -> str:
    """What the figures are; several runs are listed, one is named."""
    if isinstance(found["run"], list):
        return escape(
            f"Mean AUROC over {len(found['run'])} runs at layer {found['reading_layer']} of {found['layers'] - 1}, "
            "with 95% t-intervals over runs; runs in which a class has too few texts are left out."
        )
    return escape(
        f"AUROC at layer {found['reading_layer']} of {found['layers'] - 1} (0 is the embedding), about acts that the "
        "probe has not seen, with 95% bootstrap over acts; for shuffles and random directions the middle 95% of draws. "
        "- where a class has too few texts. docs/probing.md reads it."
    )
