"""The page of a comparison of several runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from monitors.statistics.interval import Interval
from rl.files.atomic import replace_text
from rl.report.data.compare import Condition, conditions, conflict_of
from rl.report.data.expectations import RULE
from rl.report.data.load import REPORT, RunData, load_run
from rl.report.data.study import Study, study_of
from rl.report.data.summary import SUMMARY, to_json
from rl.report.data.visible import visible
from rl.report.data.wording import NOT_FINISHED, TUNED_ON, TUNED_SEED, count, figure, with_interval
from rl.report.figures.comparison import draw_comparison
from rl.report.figures.drawing import Picture
from rl.report.figures.forest import draw_forest
from rl.report.figures.heat import HEAT, draw_heat, heat_of
from rl.report.pages.pairs import MEASURED, pair_lines, pair_rows, pairs_json, pairs_note
from rl.report.pages.run import FIGURES, render
from rl.report.tables.comparison import COMPARED, comparison_summary, condition_rows, run_rows
from rl.report.tables.study import COLUMNS, NOTE, study_json, study_markdown, study_tables, tally
from rl.report.tables.study import headline as study_headline
from rl.tracking.metrics import AF_GIVEN_COMPLIED, FREE_AF, GAP

STUDY_JSON, STUDY_MARKDOWN = "study.json", "study.md"
MOST_TOLD = 6
"""Conditions that get a sentence each; more are told by the tables alone."""

CHAPTERS = {
    "rates": (
        "Faking and compliance, condition by condition",
        "Look at whether the faking line goes up with free-tier compliance or is left behind by it.",
        "Thick lines are means over runs with 95% t intervals, thin lines single runs. A mean is drawn only at steps "
        "that every run of the condition has evaluated; where some runs stop early, the thin lines go on alone.",
    ),
    "gap": (
        "The gap over RL",
        "Look at where the band leaves zero, and at seeds that part from each other.",
        "Compliance on the free tier minus the paid tier, in percentage points. Lines and bands are as above.",
    ),
    "ends": (
        "Where each run ends",
        "Look at the dots, one a run: two clusters within a condition mean that its mean describes neither.",
        "The last evaluation of every run. Diamonds are means over runs, bars their 95% t intervals.",
    ),
    HEAT: (
        "Two settings at once",
        "Look for a trend along a row or a column; two neighbours may differ by seeds alone.",
        "Means over runs at the last evaluation, with the number of runs beneath; a pair of values that was not run is "
        "blank. Colours go from zero to the largest value of the panel.",
    ),
}


def write_comparison(run_dirs: Sequence[Path], out: Path | None = None) -> Path:
    """Compare runs: `figures/*.png`, `summary.json` and `report.html` in `out`, else `<common folder>/comparison`.

    Arms beside a baseline become a study, with `study.json` and `study.md` too.

    Returns:
        The path of the comparison's `report.html`.

    Raises:
        MissingFile: one of `run_dirs` is no run.
    """
    runs = [load_run(path, with_transcripts=False) for path in run_dirs]
    folder = out or Path(os.path.commonpath([path.resolve().parent for path in run_dirs])) / "comparison"
    folder.mkdir(parents=True, exist_ok=True)
    groups = conditions(runs)
    study = study_of(groups)
    if study is not None:
        groups = [study.baseline, *(group for group in groups if group is not study.baseline)]
    left_out = [run for run in runs if not run.evaluated_steps]
    pictures = draw_comparison(groups, folder / FIGURES) if groups else []
    forest = draw_forest(study, folder / FIGURES) if study is not None else None
    heat = heat_of(groups)
    if heat is not None:
        pictures.append(draw_heat(heat, folder / FIGURES))
    summary = comparison_summary(groups, left_out) | {"pairs": pairs_json(pair_rows(groups))}
    replace_text(folder / SUMMARY, to_json(summary))
    if study is not None:
        replace_text(folder / STUDY_JSON, to_json(study_json(study)))
        replace_text(folder / STUDY_MARKDOWN, study_markdown(study))
    report = folder / REPORT
    replace_text(report, _page(groups, study, forest, left_out, pictures, folder.resolve()))
    return report


def _page(
    groups: Sequence[Condition],
    study: Study | None,
    forest: Picture | None,
    left_out: Sequence[RunData],
    pictures: Sequence[Picture],
    folder: Path,
) -> str:
    runs, pairs = sum(len(group.runs) for group in groups), pair_rows(groups)
    return render(
        "comparison.html.j2",
        script="",
        title="goalguard: comparison of runs",
        kicker=f"{count(len(groups), 'condition')} \u00b7 {count(runs, 'run')}",
        headline=study_headline(study) if study else _headline(groups),
        outcomes=[_outcome(group) for group in groups] if len(groups) <= MOST_TOLD else [],
        study=study_tables(study) if study else [],
        study_words=(tally(study), RULE, NOTE) if study else (),
        study_columns=COLUMNS,
        forest=forest,
        caveats=_caveats(groups, left_out),
        chapters=[(*CHAPTERS[picture.name], picture) for picture in pictures],
        measures=COMPARED,
        pairs=pair_lines(pairs),
        pair_columns=tuple(MEASURED.values()),
        pairs_note=pairs_note(pairs),
        conditions=condition_rows(groups),
        runs=run_rows(groups, folder),
        published_note=conflict_of(groups).published.note,
    )


def _headline(groups: Sequence[Condition]) -> str:
    gaps = [group.mean_at(GAP, "last", bounded=False) for group in groups]
    judged = [gap for gap in gaps if gap.bounds is not None]
    if not judged:
        return "There are too few seeds here to tell conditions apart: no mean has an interval."
    above = sum(gap.above_zero for gap in judged)
    names = count(len(judged), "condition")
    return (
        f"At the last evaluation the mean compliance gap is clearly above zero in {above} of {names} with several runs."
    )


def _outcome(group: Condition) -> str:
    gap = group.mean_at(GAP, "last", bounded=False)
    return (
        f"{group.label}: faking on the free tier {_ends_in_words(group, FREE_AF)}{_among_compliers(group)}; "
        f"gap {with_interval(gap, 'points')} points{_zero(gap)}; {count(len(group.runs), 'run')}."
    )


def _among_compliers(group: Condition) -> str:
    """Return what part of free-tier compliance fakes; nothing where no run logged it."""
    known = group.mean_at(AF_GIVEN_COMPLIED, "last", bounded=True).value is not None
    return f"; among free-tier compliers {_ends_in_words(group, AF_GIVEN_COMPLIED)}" if known else ""


def _ends_in_words(group: Condition, key: str) -> str:
    first, last = (group.mean_at(key, end, bounded=True) for end in ("first", "last"))
    return f"{figure(first, 'share')} at first, {with_interval(last, 'share')} at the end"


def _zero(gap: Interval) -> str:
    return " (includes zero)" if gap.includes_zero else ""


def _caveats(groups: Sequence[Condition], left_out: Sequence[RunData]) -> list[str]:
    caveats = ["Brackets are 95% t intervals for a mean over seeds; a single further seed may well lie outside them."]
    few = [group.label for group in groups if len(group.runs) < 5]
    if few:
        caveats.append(f"Fewer than five runs, so no claim should rest on them: {'; '.join(few)}.")
    unfinished = [group.label for group in groups if any(run.status in NOT_FINISHED for run in group.runs)]
    if unfinished:
        caveats.append(f"Some runs did not end, and count by their last evaluation: {'; '.join(unfinished)}.")
    repeated = [group.label for group in groups if group.repeated_seeds]
    if repeated:
        caveats.append(f"Two runs share a seed and are no independent repetitions: {'; '.join(repeated)}.")
    if any(run.seed == TUNED_SEED for group in groups for run in group.runs):
        caveats.append(TUNED_ON)
    if left_out:
        paths = "; ".join(visible(str(run.path)) for run in left_out)
        caveats.append(f"Left out, because nothing was evaluated in them: {paths}.")
    return caveats
