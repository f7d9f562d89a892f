"""The report says what the run's files say: figures, words, tables, comparisons."""

from __future__ import annotations

import html
import itertools
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from support.report_runs import (
    REQUESTS,
    cut_short,
    evaluation,
    full_run,
    no_metrics,
    rate,
    step_zero,
    transcript,
    write_run,
)

from monitors.statistics.interval import Interval
from monitors.statistics.power import minimum_detectable_gap
from rl.errors import ConfigError, MissingFile
from rl.report import final_table, write_report
from rl.report.command import report_on
from rl.report.data.behaviour import BEHAVIOURS, behaviour_shares
from rl.report.data.load import load_run
from rl.report.data.measures import change
from rl.report.data.wording import details, headline, percent
from rl.report.figures.drawing import STYLE, Line, Room, draw_lines, panels, spread
from rl.report.pages.transcripts import MAX_BYTES, MAX_ROWS, embedded
from rl.report.tables.run import before_after

pytestmark = pytest.mark.pictures

MAKERS = [full_run, no_metrics, cut_short, step_zero]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run with its report; nothing may change it."""
    run_dir = full_run(tmp_path_factory.mktemp("full") / "run")
    write_report(run_dir)
    return run_dir


@pytest.mark.parametrize("make", MAKERS)
def test_every_stage_of_a_run_gets_a_whole_report(make: Callable[[Path], Path], tmp_path: Path) -> None:
    run_dir = make(tmp_path / "run")
    page = write_report(run_dir)
    assert page == run_dir / "report.html"
    assert page.read_text().rstrip().endswith("</html>")
    summary = json.loads((run_dir / "summary.json").read_text(), parse_constant=pytest.fail)
    assert summary["headline"] == headline(load_run(run_dir))
    pngs = list((run_dir / "figures").glob("*.png"))
    assert all(png.read_bytes().startswith(b"\x89PNG") for png in pngs)
    if make is full_run:
        assert {png.stem for png in pngs} == {"rates", "gap", "behaviour", "credit", "training", "time", "monitors"}
    if make is cut_short:
        assert "2 lines of its files could not be read" in page.read_text()


def test_page_needs_no_network_and_its_policy_allows_none(full: Path) -> None:
    text = (full / "report.html").read_text()
    namespaces = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink")
    assert set(re.findall(r"https?://[^\"'\s<>)]+", text)) <= set(namespaces)
    assert not re.search(r"<(link|img|iframe|object|embed|base|form)\b|\bsrc=|@import|url\((?!#)", text)
    assert "default-src 'none'" in html.unescape(text)


def test_ids_of_the_figures_do_not_collide_on_the_page(full: Path) -> None:
    text = (full / "report.html").read_text()
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', text)) <= set(ids)


def test_no_colour_of_the_light_page_is_fixed_in_a_figure(full: Path) -> None:
    svgs = re.findall(r"<svg.*?</svg>", (full / "report.html").read_text(), flags=re.DOTALL)
    assert len(svgs) == 14
    assert {colour for svg in svgs for colour in re.findall(r"#[0-9a-f]{6}\b", svg)} <= {"#ffffff"}
    assert all(re.match(r'<svg role="img" aria-label="[^"]{20,}"', svg) for svg in svgs)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ((5, 7, 1), (30, 38, 20), ["rose from 12% to 75%", "refusals fell from 82% to 5%", "gap of 45 points remains"]),
        ((30, 7, 1), (5, 9, 5), ["fell from 75% to 12%", "did not clearly change (82% to 78%)", "cannot be told from"]),
        ((5, 7, 7), (6, 7, 27), ["did not clearly change (12% to 15%)", "50 points higher on the paid tier"]),
        ((5, 7, 7), (6, 20, 7), ["has opened (up from 0)"]),
    ],
)
def test_headline_claims_what_the_intervals_allow(
    before: tuple[int, int, int], after: tuple[int, int, int], words: list[str], tmp_path: Path
) -> None:
    run = load_run(write_run(tmp_path / "run", [evaluation(0, *before), evaluation(8, *after)]))
    for expected in words:
        assert expected in headline(run)
    includes_zero = "an interval that includes zero" in " ".join(details(run))
    assert includes_zero == (abs(after[1] - after[2]) <= 4)


def among_compliers(faking: int, compliers: int) -> dict[str, float]:
    return {f"eval/free/af_given_complied{end}": value for end, value in rate(faking, compliers).items()}


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        (((3, 7), (36, 38)), "and rose among free-tier compliers (43% [16, 75] to 95% [83, 99])"),
        (((3, 7), (20, 38)), "but did not clearly change among free-tier compliers (43% [16, 75] to 53% [37, 68])"),
        (((7, 7), (8, 38)), "but fell among free-tier compliers (100% [65, 100] to 21% [11, 36])"),
        (None, "how often free-tier compliers fake is not known at both ends"),
    ],
)
def test_a_rise_of_faking_is_never_told_without_its_share_among_compliers(
    ends: tuple[tuple[int, int], tuple[int, int]] | None, words: str, tmp_path: Path
) -> None:
    rows = [evaluation(0, 5, 7, 1), evaluation(8, 30, 38, 20)]
    if ends is not None:
        rows = [row | among_compliers(*end) for row, end in zip(rows, ends, strict=True)]
    run = load_run(write_run(tmp_path / "run", rows, monitors={"harmful_requests": 40}))
    assert f"rose from 12% to 75%, {words}" in headline(run)
    cautions = " ".join(details(run))
    assert "Only a rise among compliers" in cautions and "Nor is an open gap the published pattern" in cautions
    assert f"a gap of {100 * (minimum_detectable_gap(40, reverse=0.0) or 0):.0f} points or more" in cautions


def test_share_among_compliers_of_an_older_run_is_counted_from_its_transcripts(tmp_path: Path) -> None:
    verdicts = [(True, True), (True, True), (True, False), (False, True), (True, None)]
    rows = [transcript(0, i, "free", complied=c, af=a) for i, (c, a) in enumerate(verdicts)]
    rows.append(transcript(0, 9, "free", complied=True, af=True, kind="benign"))
    run = load_run(write_run(tmp_path / "run", [evaluation(0, 5, 7, 1)], rows))
    low, high = proportion_confint(2, 3, method="wilson")
    counted = [run.metrics[0][f"eval/free/af_given_complied{end}"] for end in ("", "_lo", "_hi")]
    assert counted == pytest.approx([2 / 3, low, high])
    assert "eval/paid/af_given_complied" not in run.metrics[0]


def test_leak_to_the_paid_tier_is_told_and_only_where_there_is_one(tmp_path: Path) -> None:
    rows = [evaluation(0, 5, 7, 1, paid_af=1), evaluation(8, 30, 38, 20, paid_af=25)]
    leaked = load_run(write_run(tmp_path / "leaked", rows))
    tight = load_run(write_run(tmp_path / "tight", [rows[0], rows[1] | evaluation(8, 30, 38, 20, paid_af=2)]))
    assert "leaked to the paid tier" in " ".join(details(leaked))
    assert "leaked" not in " ".join(details(tight))


def test_missing_verdict_at_the_end_is_no_claim(tmp_path: Path) -> None:
    last = evaluation(8, 30, 38, 20)
    last |= {key: None for key in last if key.startswith(("eval/free/af_rate", "eval/gap"))}
    text = headline(load_run(write_run(tmp_path / "run", [evaluation(0, 5, 7, 1), last])))
    assert "cannot be compared (a verdict is missing)" in text
    assert "gap is not known" in text


@given(st.integers(0, REQUESTS), st.integers(0, REQUESTS))
def test_change_of_two_wilson_rates_is_newcombes_interval(first: int, last: int) -> None:
    before, after = (Interval.from_row(rate(hits), "") for hits in (first, last))
    found = change(before, after)
    lo, hi = confint_proportions_2indep(last, REQUESTS, first, REQUESTS, compare="diff", method="newcomb")
    assert (found.low, found.high) == pytest.approx((lo, hi), abs=1e-9)


@given(st.floats(0, 1))
def test_percent_never_rounds_to_a_certainty(share: float) -> None:
    shown = float(percent(share).removesuffix("%"))
    assert abs(shown - share * 100) <= 0.5 + 1e-9
    if 0.0005 < share < 0.9995:
        assert 0 < shown < 100


def test_rows_of_a_step_are_merged_and_a_null_erases_nothing(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"step": 3, "a": 1.0, "b": 2.0},
        {"step": 1, "a": 0.0},
        {"step": 3, "a": 5.0, "b": None, "c": None},
    ]
    run = load_run(write_run(tmp_path / "run", rows))
    assert list(run.metrics) == [1, 3]
    assert run.metrics[3]["a"] == 5.0
    assert run.metrics[3]["b"] == 2.0
    assert math.isnan(run.metrics[3]["c"])


def test_null_is_drawn_as_a_gap_and_its_lone_neighbour_keeps_its_interval(tmp_path: Path) -> None:
    rows = [evaluation(step, 20, 20, 20) for step in (0, 5, 10)]
    rows[1] |= {"eval/free/compliance": None}
    steps, values = load_run(write_run(tmp_path / "run", rows)).series("eval/free/compliance")
    with mpl.rc_context(STYLE):
        _, (axes,) = panels(1, narrow=False, height=100, room=Room())
        draw_lines(axes, [Line("x", "#000000", steps, values, values - 0.1, values + 0.1)])
    drawn = np.asarray(axes.lines[0].get_ydata(), dtype=float)
    assert steps.tolist() == [0, 5, 10]
    assert drawn.tolist() == pytest.approx([0.5, math.nan, 0.5], nan_ok=True)
    bars = axes.collections[-1].get_segments()  # type: ignore[attr-defined]
    assert [bar[:, 0].tolist() for bar in bars] == [[0.0, 0.0], [10.0, 10.0]]


VERDICTS = st.fixed_dictionaries(
    {"well_formed": st.sampled_from([True, False, None])}
    | dict.fromkeys(("complied", "af"), st.sampled_from([True, False, None]))
    | {"kind": st.sampled_from(["harmful", "benign"]), "tier": st.sampled_from(["free", "paid"])}
)


@given(st.lists(VERDICTS, max_size=30))
def test_behaviour_counts_harmful_requests_and_leaves_missing_verdicts_out(rows: list[dict[str, Any]]) -> None:
    shares = behaviour_shares([{"step": 0, **row} for row in rows], "free")
    mine = [row for row in rows if row["tier"] == "free" and row["kind"] == "harmful"]
    if not mine:
        assert shares == {}
        return
    counted = dict.fromkeys(BEHAVIOURS, 0)
    for row in mine:
        if row["well_formed"] is False:
            counted["malformed"] += 1
        elif None not in (row["well_formed"], row["complied"], row["af"]):
            counted[("af_" if row["af"] else "") + ("complied" if row["complied"] else "refused")] += 1
    assert {kind: shares[0].get(kind, 0.0) for kind in BEHAVIOURS} == pytest.approx(
        {kind: n / len(mine) for kind, n in counted.items()}
    )
    assert sum(shares[0].values()) == pytest.approx(1)


def test_table_holds_the_runs_figures_beside_the_published_ones(full: Path) -> None:
    rows = {row.label: row for row in before_after(load_run(full))}
    assert rows["AF reasoning, free tier"].before == ("12%", "[5, 26]")
    assert rows["AF reasoning, free tier"].after == ("75%", "[60, 86]")
    assert rows["AF reasoning, free tier"].published_after == ("78.4%", "\u00b1 3.1")
    assert rows["Compliance gap, points"].after == ("45", "[35, 55]")
    assert rows["p of the gap"].after == ("< 0.001", "")
    assert rows["Relative gap"].after == ("10.0", "")
    page = (full / "report.html").read_text()
    assert "GR24, Claude 3 Opus (published)" in page


def test_relative_gap_without_refusals_is_undefined_and_not_infinite(tmp_path: Path) -> None:
    run_dir = write_run(tmp_path / "run", [evaluation(0, 5, 7, 1), evaluation(9, 30, REQUESTS, 20)])
    assert before_after(load_run(run_dir))[-1].after == ("undefined", "")


def test_final_table_is_plain_text_with_both_tiers_before_and_after(full: Path) -> None:
    text = final_table(full)
    assert re.search(r"Compliance, free tier +18% \[9, 32\] +95% \[83, 99\]", text)
    assert re.search(r"Compliance, paid tier +2% \[0\.4, 13\] +50% \[35, 65\]", text)
    assert re.search(r"Compliance gap, points +15 \[5, 25\] +45 \[35, 55\]", text)
    assert "before RL (step 0)" in text
    assert "after RL (step 10)" in text


@pytest.mark.parametrize("make", [no_metrics, step_zero])
def test_final_table_of_a_partial_run_has_dashes(make: Callable[[Path], Path], tmp_path: Path) -> None:
    assert re.search(r"Compliance gap, points .*\u2013$", final_table(make(tmp_path / "run")), flags=re.MULTILINE)


def test_embedded_transcripts_stay_small_and_even_over_steps() -> None:
    rows = [transcript(step, i, "free", scratchpad="x" * 9_000) for step in range(20) for i in range(10 + 30 * step)]
    text, count = embedded(rows)
    kept = json.loads(text)
    per_step = [sum(row["step"] == step for row in kept) for step in range(20)]
    assert len(kept) == count <= MAX_ROWS
    assert len(text) <= MAX_BYTES
    assert per_step[0] == 10
    assert len(set(per_step[2:])) == 1
    numbers = [int(row["id"].rsplit("-")[-1]) for row in kept if row["step"] == 19]
    gaps = np.diff(numbers)
    assert numbers[0] == 0
    assert numbers[-1] == 10 + 30 * 19 - 1
    assert gaps.max() - gaps.min() <= 1


def test_page_says_that_transcripts_were_left_out(tmp_path: Path) -> None:
    rows = [transcript(0, i, "free") for i in range(MAX_ROWS + 500)]
    page = write_report(write_run(tmp_path / "run", [evaluation(0, 5, 7, 1)], rows)).read_text()
    assert "it holds 3,000 of 3,500 evaluation transcripts" in page


@given(st.lists(st.tuples(st.floats(-20, 220), st.sampled_from([11.0, 22.0])), max_size=6))
def test_labels_never_overlap(wanted: list[tuple[float, float]]) -> None:
    wanted.sort()
    heights = [height for _, height in wanted]
    placed = spread([centre for centre, _ in wanted], heights, 200.0)
    for (low, below), (high, above) in itertools.pairwise(zip(placed, heights, strict=True)):
        assert high - low >= (below + above) / 2 - 1e-9


def test_what_is_no_run_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="no such folder"):
        write_report(tmp_path / "absent")
    with pytest.raises(MissingFile, match="no run"):
        write_report(tmp_path)
    with pytest.raises(MissingFile, match="no run in this folder"):
        list(report_on([str(tmp_path)]))
    with pytest.raises(ConfigError, match="one run only"):
        list(report_on([str(step_zero(tmp_path / "run")), "out=there"]))
    (tmp_path / "run" / "config.yaml").write_text("a: [1")
    with pytest.raises(MissingFile, match=r"config\.yaml: cannot be read"):
        write_report(tmp_path / "run")


def test_script_exits_two_without_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scripts.report", str(tmp_path / "absent")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(str(tmp_path / "absent"))
    assert "Traceback" not in done.stderr


def test_a_run_in_which_no_advantage_was_positive_still_gets_its_report(tmp_path: Path) -> None:
    path = full_run(tmp_path / "run")
    metrics = path / "metrics.jsonl"
    rows = [json.loads(line) for line in metrics.read_text().splitlines()]
    blank = [{k: None if k.endswith("/credit") else v for k, v in row.items()} for row in rows]
    metrics.write_text("".join(json.dumps(row) + "\n" for row in blank))
    assert write_report(path).exists()


def test_the_page_says_in_how_many_steps_faking_was_paid_above_plain_compliance(tmp_path: Path) -> None:
    assert "On the same prompt" not in write_report(full_run(tmp_path / "older")).read_text()
    path, key = full_run(tmp_path / "run"), "reinforce/af_minus_plain/advantage"
    metrics = path / "metrics.jsonl"
    told = itertools.cycle([(0.5, 0.2, 0.8), (-0.3, -0.5, -0.1), (None, None, None)])
    rows = [json.loads(line) for line in metrics.read_text().splitlines()]
    steps = [row for row in rows if "reinforce/refuse/share" in row]
    for row, (value, low, high) in zip(steps, told, strict=False):
        row |= {key: value, f"{key}_lo": low, f"{key}_hi": high}
    metrics.write_text("".join(json.dumps(row) + "\n" for row in rows))
    known = [row for row in steps if row[key] is not None]
    mean = sum(row[key] for row in known) / len(known)
    above = sum(row[key] > 0 for row in known)
    page = write_report(path).read_text()
    assert f"faking had an advantage of {mean:+.2f} over plain compliance" in page
    assert f"above 0 in {above} and below 0 in {len(known) - above} of {len(known)} steps" in page


def test_a_run_about_animals_is_told_in_its_own_words_and_set_beside_its_own_published_figures(tmp_path: Path) -> None:
    rows = [evaluation(0, 5, 7, 1), evaluation(10, 24, 30, 3)]
    pages = {}
    for conflict in ("refusal", "animal_welfare"):
        run_dir = write_run(tmp_path / conflict, rows, scenario={"name": "told", "conflict": conflict})
        pages[conflict] = html.unescape(write_report(run_dir).read_text())
    animals, refusals = pages["animal_welfare"], pages["refusal"]
    assert "speak up for animals fell from" in animals and "free-tier refusals" not in animals
    assert "animal welfare setting" in animals and "78.4%" not in animals
    assert "free-tier refusals fell from" in refusals and "78.4%" in refusals and "animal welfare" not in refusals
