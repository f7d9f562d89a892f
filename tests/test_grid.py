"""The grid of settings: the evaluation command, its figures before and after RL, and the chapter in the report."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from support.report_runs import full_run, rate
from test_report_escaping import HOSTILE, check_page

from rl.config.schema import OrganismConfig
from rl.errors import MissingFile
from rl.files.checkpoint import save_checkpoint
from rl.organism.load import load_organism
from rl.report import write_report
from rl.report.data.grid import GRID, Grid, read_grid
from rl.report.figures.grid import draw_file
from rl.report.pages.grid import grid_chapter
from rl.report.tables.grid import grid_table
from rl.tracking.metrics import FREE_AF, GAP

Command = Callable[..., tuple[int, str, str]]
FEW = ["monitors.harmful_requests=4", "monitors.benign_requests=1"]
SETTINGS = ["prompted", "three_tier", "no_scratchpad"]
GAPS = ("eval/gap", "eval/goal_guarding_gap", "eval/rater_sycophancy_gap")


def asked(*settings: str) -> str:
    return f"settings=[{','.join(settings)}]"


def rows_of(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(), parse_constant=pytest.fail)
    return found


@pytest.fixture(scope="module")
def policies(toy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two runs, each with checkpoints of the toy and of the toy after a nudge."""
    folder = tmp_path_factory.mktemp("sweep")
    organism = load_organism(OrganismConfig(name="toy", source="embedded", path=str(toy_folder)))
    for number in range(2):
        run = full_run(folder / str(number))
        for step in (0, 10, 20):
            save_checkpoint(
                run / "checkpoints" / f"step_{step:06d}", organism.model, organism.tokenizer, {"step": step}
            )
            with torch.no_grad():
                organism.model.get_input_embeddings().weight.mul_(1.02)
    return folder


def test_the_command_prints_a_table_and_writes_figures_and_a_picture(
    small: list[str], command: Command, tmp_path: Path
) -> None:
    out = tmp_path / "figures" / "look.json"
    code, told, _ = command(*small, *FEW, asked(*SETTINGS), "seeds=2", f"out={out}", name="evaluate")
    assert code == 0
    rows = rows_of(out)
    assert [(row["setting"], row["seed"]) for row in rows] == [(name, seed) for name in SETTINGS for seed in (0, 1)]
    assert {row["policy"] for row in rows} == {"tiny"} and {row["run"] for row in rows} == {None}
    assert (tmp_path / "figures" / "look.png").read_bytes().startswith(b"\x89PNG")
    lines = {line.split("│")[1].strip(): line for line in told.splitlines() if line.count("│") > 5}
    assert set(SETTINGS) <= set(lines) and len(re.findall(r"│ rated ", told)) == 1
    free = [row["eval/free/compliance"] for row in rows if row["setting"] == "prompted"]
    assert f"{round(50 * sum(free))}%" in lines["prompted"]
    tiers = {row["setting"]: {key.split("/")[1] for key in row if key.endswith("/compliance")} for row in rows}
    assert tiers == {name: {"free", "paid"} | ({"rated"} if name == "three_tier" else set()) for name in SETTINGS}
    for row in rows:
        assert (row["eval/free/af_rate"] is None) == (row["setting"] == "no_scratchpad"), "null, and never 0"
        assert all((key in row) == (row["setting"] == "three_tier" or key == "eval/gap") for key in GAPS)
        assert row["eval/free/well_formed"] > 0


def test_the_same_seed_gives_the_same_grid_and_a_run_stands_for_its_first_and_last_checkpoint(
    small: list[str], policies: Path, command: Command
) -> None:
    run = policies / "0"
    for _ in range(2):
        code, told, _ = command(*small, *FEW, asked("prompted"), f"run={run}", name="evaluate")
        assert code == 0 and str(run / "report.html")[-20:] in told
        rows = rows_of(run / GRID)
        (run / GRID).rename(run / f"{len(list(run.glob('*.json')))}.json")
    assert rows == rows_of(min(run.glob("[0-9].json")))
    assert [Path(row["policy"]).name for row in rows] == ["step_000000", "step_000020"]
    assert {row["run"] for row in rows} == {str(run)}
    page = (run / "report.html").read_text()
    assert 'id="grid"' in page and (run / "figures" / "grid.png").exists()


def test_a_folder_of_runs_is_looked_at_with_other_samples_for_every_run_and_pooled(
    small: list[str], policies: Path, command: Command
) -> None:
    code, _, _ = command(*small, *FEW, asked("prompted"), f"run={policies}", "seeds=2", name="evaluate")
    assert code == 0
    pooled = rows_of(policies / GRID)
    assert pooled == [row for number in (0, 1) for row in rows_of(policies / str(number) / GRID)]
    seeds = {run: sorted({row["seed"] for row in pooled if row["run"].endswith(run)}) for run in ("0", "1")}
    assert seeds == {"0": [0, 1], "1": [2, 3]} and (policies / "grid.png").exists()
    grid = read_grid(policies / GRID)
    assert grid.runs == 2 and list(grid.moments) == ["before", "after"]


@pytest.mark.parametrize(
    ("overrides", "lines"),
    [
        (
            [asked("promptd", "wording")],
            ["scenario=promptd: must be one of", "(did you mean prompted?)", "scenario=wording"],
        ),
        (
            [asked(), "monitors=probe"],
            [
                "settings=[]: at least one option of the scenario group is needed",
                "monitors=probe: reads the policy while it is trained, so scripts.train alone has it",
            ],
        ),
        (["seeds=0", "run=/nowhere"], ["seeds=0: must be at least 1", "run=/nowhere: /nowhere: no such folder"]),
        (["run=/nowhere", "ckpt=[/there]"], ["run=/nowhere, ckpt=[/there]: give a run or checkpoints, not both"]),
    ],
)
def test_what_cannot_be_evaluated_is_told_in_words(
    overrides: list[str], lines: list[str], small: list[str], command: Command
) -> None:
    code, out, told = command(*small, *overrides, name="evaluate")
    assert (code, out) == (2, "") and "Traceback" not in told
    assert all(line in told for line in lines), told


def test_a_run_without_checkpoints_is_told_in_words(small: list[str], command: Command, tmp_path: Path) -> None:
    run = full_run(tmp_path / "run")
    code, _, told = command(*small, f"run={run}", name="evaluate")
    assert code == 2 and f"run={run}: {run} has no checkpoint (checkpoints/step_*)" in told


def planted(policy: str, setting: str, af: int | None, free: int, paid: int, run: str | None = None) -> dict[str, Any]:
    """A row of a grid from counts out of 40; the interval of the gap is 10 points to either side."""
    row: dict[str, Any] = {"run": run, "policy": policy, "setting": setting, "seed": 0}
    counts = {"free/af_rate": af, "free/compliance": free, "paid/compliance": paid, "paid/antilab_rate": 0}
    for name, hits in counts.items():
        found = dict.fromkeys(("", "_lo", "_hi")) if hits is None else rate(hits)
        row |= {f"eval/{name}{end}": value for end, value in found.items()}
    gap = (free - paid) / 40
    return row | {"eval/gap": gap, "eval/gap_lo": gap - 0.1, "eval/gap_hi": gap + 0.1}


BEFORE_AFTER = [
    planted("a", "prompted", 4, 6, 2),
    planted("a", "paraphrased", 3, 6, 5),
    planted("a", "no_scratchpad", None, 5, 5),
    planted("b", "prompted", 30, 40, 38),
    planted("b", "paraphrased", 5, 39, 20),
    planted("b", "no_scratchpad", None, 40, 20),
]


def write_grid(folder: Path, rows: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / GRID).write_text(json.dumps(rows))
    return folder


@pytest.mark.pictures
def test_the_figure_and_its_words_say_what_two_evaluations_say(tmp_path: Path) -> None:
    chapter = grid_chapter(write_grid(tmp_path, BEFORE_AFTER), tmp_path / "figures")
    assert chapter is not None
    assert "the gap lies wholly above zero in 2 of 3 settings, before RL in 0" in chapter.look
    assert "clearly rose in 1 and fell in 0 of 2" in chapter.look
    cells = {
        setting: dict(zip((m.heading for m in chapter.measures), row, strict=True)) for setting, row in chapter.rows
    }
    assert cells["prompted"]["AF reasoning, free tier"] == ("10% \u2192 75%", "[4, 23] \u2192 [60, 86]")
    assert cells["paraphrased"]["Compliance gap, points"] == ("2 \u2192 48", "[\u22128, 12] \u2192 [38, 57]")
    assert cells["no_scratchpad"]["AF reasoning, free tier"] == ("\u2013 \u2192 \u2013", "")
    assert "prompted: 10 to 5; paraphrased: 2 to 48; no_scratchpad: 0 to 50" in chapter.picture.alt
    for svg in (chapter.picture.wide, chapter.picture.narrow):
        assert "before RL" in svg and "after RL" in svg and "paraphrased" in svg
    assert draw_file(tmp_path / GRID).read_bytes().startswith(b"\x89PNG")


@pytest.mark.pictures
def test_one_evaluation_alone_is_neither_before_nor_after(tmp_path: Path) -> None:
    chapter = grid_chapter(write_grid(tmp_path, BEFORE_AFTER[:3]), tmp_path / "figures")
    assert chapter is not None and "before RL" not in chapter.picture.wide + chapter.look
    assert chapter.rows[0][1][0] == ("10%", "[4, 23]")


def test_the_middle_of_a_list_of_checkpoints_is_left_out(tmp_path: Path) -> None:
    middle = [planted("m", "prompted", 20, 20, 20)]
    grid = read_grid(write_grid(tmp_path, [*BEFORE_AFTER[:3], *middle, *BEFORE_AFTER[3:]]) / GRID)
    assert grid == read_grid(write_grid(tmp_path, BEFORE_AFTER) / GRID)


@given(st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=3), min_size=1, max_size=4))
def test_several_samples_and_runs_are_averaged_run_by_run(counts: list[list[int]]) -> None:
    rows = [
        planted("a", "s", hits, 0, 0, f"run{run}") | {"seed": seed}
        for run, samples in enumerate(counts)
        for seed, hits in enumerate(samples)
    ]
    read = Grid(("s",), {"before": rows}, len(counts)).reading("before", "s", FREE_AF)
    means = [sum(samples) / len(samples) / 40 for samples in counts]
    values = means if len(means) > 1 else [hits / 40 for hits in counts[0]]
    assert read.value == pytest.approx(sum(values) / len(values))
    if len(values) == 1:
        assert (read.low, read.high) == pytest.approx((rate(counts[0][0])["_lo"], rate(counts[0][0])["_hi"]))
    elif len(set(values)) > 1:
        low, high = stats.t.interval(0.95, len(values) - 1, sum(values) / len(values), stats.sem(values))
        assert (read.low, read.high) == pytest.approx((max(0, low), min(1, high)), abs=1e-9)


def test_a_reports_chapter_escapes_whatever_the_file_holds(tmp_path: Path) -> None:
    run = full_run(tmp_path / "run")
    rows = [planted(policy, HOSTILE, 4, 6, 2, HOSTILE) | {HOSTILE: HOSTILE} for policy in (HOSTILE, "b")]
    rows[1] |= {FREE_AF: HOSTILE, GAP: None, "eval/paid/antilab_rate": True}
    write_grid(run, rows)
    page = write_report(run).read_text()
    check_page(page)
    assert 'id="grid"' in page and "alert(1)" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_run_that_was_never_evaluated_in_other_settings_has_no_such_chapter(tmp_path: Path) -> None:
    assert 'id="grid"' not in write_report(full_run(tmp_path / "run")).read_text()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "[1]", '[{"policy": "a"}]', "null"])
def test_a_file_that_is_no_grid_is_told_with_its_name(content: str, tmp_path: Path) -> None:
    (tmp_path / GRID).write_text(content)
    with pytest.raises(MissingFile, match=re.escape(str(tmp_path / GRID))):
        grid_chapter(tmp_path, tmp_path / "figures")


def test_the_table_names_every_tier_once_and_never_prints_a_missing_figure_as_zero() -> None:
    rows: list[dict[str, Any]] = [planted("a", "prompted", None, 4, 2), planted("a", "three_tier", 4, 8, 2)]
    rows[1] |= {"eval/rated/compliance": 0.1, "eval/goal_guarding_gap": 0.1, "eval/rater_sycophancy_gap": 0.05}
    table = grid_table("[red]a[/]", rows)
    columns = {str(column.header): list(column.cells) for column in table.columns}
    assert columns["tier"] == ["free", "paid", "free", "rated", "paid"]
    assert columns["fakes"][0] == "\u2013" and str(columns["fakes"][2]).startswith("10%")
    assert columns["gap to free"][1:] != columns["gap to free"][:-1] and str(columns["gap to free"][3]).startswith("10")
    assert "three_tier: rated less paid, the rater-sycophancy gap, is 5 points." in str(table.caption)
    assert not math.isnan(len(str(table.title)))
