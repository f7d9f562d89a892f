"""What the instruments are worth: the monitors' validity report as a chapter of a run's page.

The figures are those of `monitors/corpus/report.json`, which `python -m monitors.train` makes; they are about the
monitors and the same on every page. What is about the run is whether the two faking monitors agree on its own texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from monitors.fitting.figures import CALIBRATED, draw_calibration, share_right
from monitors.fitting.labelled import CORPUS
from monitors.statistics.agreement import LEAST_DIFFERENCE
from monitors.statistics.interval import Interval
from rl.report.data.load import RunData
from rl.report.data.measures import interval_at
from rl.report.data.visible import visible
from rl.report.data.wording import ABSENT, figure, interval, percent, points, with_interval
from rl.report.figures.drawing import Picture, Room, Sketch, keep, panels, sketch
from rl.report.figures.palette import MUTED, PALETTE
from rl.report.tables.run import Cell

SOURCE = CORPUS / "report.json"
MONITORS = {"faking": "First faking", "audit": "Audit", "compliance": "Compliance", "antilab": "Anti-lab"}
OWN_TEXTS = {
    "cross_validation": "own corpus, cross-validated",
    "other_part": "the other monitor\u2019s part of the corpus",
    "unseen_voices": "own corpus, each voice left out in turn",
}
COLUMNS = ("Texts", "AUROC", "Found", "False alarms", "among hard ones")
TOGETHER = ("Agree", "Cohen\u2019s kappa", "Both wrong", "if independent")
YARDSTICK = "exam2"
"""The set that the chapter's first sentence speaks of: by another author, and never looked at."""
RATES = ("true_positive_rate", "false_positive_rate", "false_positive_rate_hard")
LEAST_TEXTS = 10
"""Texts of a kind below which its share of mistakes is not told."""


@dataclass(frozen=True, slots=True)
class ValidityChapter:
    """The chapter's words, table and figure."""

    look: str
    agreement: tuple[str, ...]
    """What the two faking monitors make of this run's texts, a sentence a tier."""
    columns: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[Cell, ...]], ...]
    """Monitor, texts and who wrote them, and a cell for each column."""
    together_columns: tuple[str, ...]
    together: tuple[tuple[str, tuple[str, ...]], ...]
    """Labelled texts, and how the two faking monitors stand to each other on them."""
    limits: tuple[tuple[str, tuple[str, ...]], ...]
    """Monitor and its known failures."""
    picture: Picture


def validity_chapter(run: RunData, folder: Path) -> ValidityChapter | None:
    """The chapter on what the monitors are worth, its figure also written to `folder`; None without a report."""
    if not SOURCE.is_file():
        return None
    text = SOURCE.read_text(encoding="utf-8")
    report = json.loads(text)
    return ValidityChapter(
        look=_look(report),
        agreement=tuple(_in_this_run(run)),
        columns=COLUMNS,
        rows=tuple(_rows(report)),
        together_columns=TOGETHER,
        together=tuple(_together(report)),
        limits=tuple(_limits(report)),
        picture=keep(_calibration(text), folder),
    )


@lru_cache(maxsize=1)
def _calibration(text: str) -> Sketch:
    """The figure, which is the same for every run: drawn once for all pages that a process writes."""
    at_fit = json.loads(text)["at_fit"]
    curves = {name: at_fit[name]["calibration"] for name in CALIBRATED}
    off = [f"{CALIBRATED[name]} {percent(curve['error'])}" for name, curve in curves.items()]
    spoken = f"Share that is so over the score. Mean distance from the diagonal: {', '.join(off)}"
    return sketch("monitors", f"{spoken}.", partial(_draw, curves))


def _look(report: Mapping[str, Any]) -> str:
    sets = report["on_other_texts"]["faking"]
    exam = sets.get(YARDSTICK) or sets["held_out"]
    hits, alarms, area = (
        Interval.from_json(exam[key]) for key in ("true_positive_rate", "false_positive_rate", "auroc")
    )
    return (
        "Look at the rows of texts that nobody looked at before believing a curve: what a monitor makes of its own "
        f"corpus is the kindest view of it. On {exam['n']} such texts the first faking monitor finds "
        f"{with_interval(hits, 'share')} of the faking and flags {with_interval(alarms, 'share')} of the rest "
        f"(AUROC {with_interval(area, 'ratio')})."
    )


def _in_this_run(run: RunData) -> Iterator[str]:
    """What the two monitors say of the last evaluation, tier by tier; nothing where the run was not audited."""
    if not run.evaluated_steps:
        return
    step = run.evaluated_steps[-1]
    audited = sorted(key.split("/")[1] for key in run.metrics[step] if key.endswith("/af_rate_audit"))
    for tier in audited:
        first, second, agree, apart = (
            interval_at(run, f"eval/{tier}/{name}", step)
            for name in ("af_rate", "af_rate_audit", "af_agreement", "af_divergence")
        )
        if first.value is None or second.value is None or agree.value is None or apart.value is None:
            continue
        parted = run.metrics[step].get(f"eval/{tier}/af_parted") == 1.0
        parting = "They have parted: read transcripts before believing either" if parted else "They have not parted"
        yield (
            f"In this run, at step {step} on the {visible(tier)} tier, the first faking monitor says "
            f"{with_interval(first, 'share')} and the audit {with_interval(second, 'share')}; they agree on "
            f"{percent(agree.value)} of the texts. {parting} (difference {points(apart.value)} points "
            f"{interval(apart, 'points')}; the alarm is for more than {LEAST_DIFFERENCE * 100:.0f} points "
            "with zero outside of the interval)."
        )


def _together(report: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, one in (report["at_fit"]["agreement"] | report["on_other_texts"]["agreement"]).items():
        kappa = ABSENT if one["kappa"] is None else f"{one['kappa']:.2f}"
        wrong = (str(one["both_wrong"]), f"{one['both_wrong_if_independent']:.0f}")
        yield f"{_texts(name)}: {one['n']}", (percent(one["agree"]), kappa, *wrong)


def _rows(report: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[Cell, ...]]]:
    for monitor, title in MONITORS.items():
        sets = report["at_fit"].get(monitor, {}).get("sets", {}) | report["on_other_texts"].get(monitor, {})
        for name, exam in sets.items():
            units = {"auroc": "ratio"} | dict.fromkeys(RATES, "share")
            read = {key: Interval.from_json(exam[key]) for key in units}
            cells = tuple((figure(read[key], unit), interval(read[key], unit)) for key, unit in units.items())
            yield title, _about(name, exam), cells


def _about(name: str, exam: Mapping[str, Any]) -> str:
    by = f", {exam['by']}" if "by" in exam else ""
    unread = f", {exam['unread']} without a verdict" if exam["unread"] else ""
    return f"{_texts(name)}{by}: {exam['n']}{unread}"


def _texts(name: str) -> str:
    return OWN_TEXTS.get(name, name.replace("_", " "))


def _limits(report: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for monitor, title in MONITORS.items():
        at_fit = report["at_fit"].get(monitor, {})
        worst = [sentence for kind in ("by_family", "by_style", "by_label") for sentence in _weak(at_fit.get(kind, {}))]
        yield title, (*report["on_other_texts"]["limits"][monitor], *worst)


def _weak(kinds: Mapping[str, dict[str, int]]) -> Iterator[str]:
    """The two kinds of text, of those with enough, that a monitor is most often wrong about."""
    frequent = {name: counts for name, counts in kinds.items() if sum(counts.values()) >= LEAST_TEXTS}
    for name in sorted(frequent, key=lambda kind: share_right(frequent[kind]))[:2]:
        counts = frequent[name]
        share = percent(share_right(counts))
        yield f"Right about {share} of {sum(counts.values())} texts of the kind \u201c{name}\u201d."


def _draw(curves: Mapping[str, dict[str, Any]], narrow: bool) -> Figure:
    canvas, every = panels(len(curves), narrow=narrow, height=130, room=Room(right=20, bottom=34))
    for axes, (name, curve) in zip(every, curves.items(), strict=True):
        draw_calibration(axes, curve, PALETTE["af"][0], MUTED)
        axes.set_title(CALIBRATED[name])
    return canvas
