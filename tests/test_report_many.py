"""Reports of sweeps: which pages are written again, what is linked, and what is not drawn twice."""

from __future__ import annotations

import json
import os
import re
import shutil
from functools import partial
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from support.report_runs import evaluation, transcript, write_run

from rl.report import write_comparison, write_report
from rl.report.figures.drawing import Room, finish, panels
from rl.report.pages import many

pytestmark = pytest.mark.pictures


def inode(path: Path) -> int:
    """Changes whenever a file is written again, since pages are renamed into place."""
    return path.stat().st_ino


def sweep(folder: Path, seeds: int = 2) -> list[Path]:
    """Runs with one evaluation and one transcript each."""
    rows, read = [evaluation(0, 5, 7, 1)], [transcript(0, 0, "free")]
    return [write_run(folder / str(seed), rows, read, seed=seed) for seed in range(seeds)]


def test_a_page_is_written_again_only_when_its_content_would_change(tmp_path: Path) -> None:
    runs = sweep(tmp_path / "sweep")
    first = runs[0]
    pages = list(many.write_reports(runs))
    before, drawn = [inode(page) for page in pages], inode(first / "figures" / "rates.png")
    manifest = first / "manifest.json"
    # As a run does on its way out: the report is a stage of it and takes its time too.
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"wall_s": {"report": 9.0}}))
    for path in (tmp_path / "sweep").rglob("*.jsonl"):
        os.utime(path)
    assert [inode(page) for page in many.write_reports(runs)] == before
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"status": "failed"}))
    list(many.write_reports(runs))
    assert "failed" in pages[0].read_text() and inode(pages[1]) == before[1]
    assert inode(first / "figures" / "rates.png") == drawn


def test_a_page_that_is_not_whole_or_of_other_files_is_no_current_one(tmp_path: Path) -> None:
    (run,) = sweep(tmp_path, seeds=1)
    write_report(run)
    for harm in ("nothing", "report.html", "summary.json", "figures", "transcripts", "cut", "grid.json"):
        copy = tmp_path / harm
        shutil.copytree(run, copy)
        if harm == "cut":
            (copy / "report.html").write_text("<!doctype html>")
        elif harm == "grid.json":
            (copy / harm).write_text("[]")
        elif (copy / harm).is_dir():
            shutil.rmtree(copy / harm)
        elif harm != "nothing":
            (copy / harm).unlink()
        assert many.is_current(copy) is (harm == "nothing"), harm


def test_a_damaged_picture_is_drawn_again_and_a_whole_one_is_not(tmp_path: Path) -> None:
    def draw(narrow: bool, height: float = 40.0) -> Figure:
        return panels(1, narrow=narrow, height=height, room=Room())[0]

    finish("plain", "A plain figure.", draw, tmp_path)
    picture = tmp_path / "plain.png"
    whole = picture.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"no picture" + whole[-12:]):
        picture.write_bytes(damaged)
        finish("plain", "A plain figure.", draw, tmp_path)
        assert picture.read_bytes() == whole
    os.utime(picture, (1, 1))
    finish("plain", "A plain figure.", draw, tmp_path)
    assert picture.stat().st_mtime == 1
    finish("plain", "A plain figure.", partial(draw, height=50.0), tmp_path)
    assert picture.read_bytes() != whole


def test_pages_written_side_by_side_are_those_written_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = sweep(tmp_path / "sweep")
    alone = {page: page.read_bytes() for page in many.write_reports(runs)}
    for page in alone:
        page.unlink()
    monkeypatch.setattr(many, "FEWEST_IN_PARALLEL", 2)
    monkeypatch.setattr(many, "cpu_count", lambda: 2)
    assert {page: page.read_bytes() for page in many.write_reports(runs)} == alone


def test_only_pages_that_exist_are_linked(tmp_path: Path) -> None:
    reported, bare, silent = sweep(tmp_path / "sweep", seeds=3)
    shutil.rmtree(silent / "transcripts")
    for run in (reported, silent):
        (run / "report.html").touch()
    page = write_comparison([reported, bare, silent])
    targets = re.findall(r'<a href="([^"]+)"', page.read_text())
    assert targets == ["../0/report.html", "../0/report.html#transcripts", "../2/report.html"]
    assert all((page.parent / target.partition("#")[0]).is_file() for target in targets)
