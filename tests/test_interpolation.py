"""The line between a run's first and last checkpoint: its weights, its ends, what is refused, its chapter."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import load_file
from support.report_runs import full_run, rate

from rl.command.entry import composed
from rl.config.schema import OrganismConfig
from rl.errors import MissingFile
from rl.evaluate.interpolation import write_between
from rl.files.checkpoint import save_checkpoint
from rl.organism.load import load_organism
from rl.report.pages.interpolation import INTERPOLATION, draw_file, interpolation_chapter, read_between
from rl.tracking.metrics import FREE_COMPLIANCE

Command = Callable[..., tuple[int, str, str]]
FEW = ["monitors.harmful_requests=4", "monitors.benign_requests=1"]


@pytest.fixture(scope="module")
def run(toy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in `told_honest` with checkpoints of the toy and of the toy after two nudges."""
    place = full_run(tmp_path_factory.mktemp("line") / "run")
    config = OmegaConf.to_container(composed(["scenario=told_honest"]), resolve=True)
    (place / "config.yaml").write_text(json.dumps(config))
    organism = load_organism(OrganismConfig(name="toy", source="embedded", path=str(toy_folder)))
    torch.manual_seed(3)
    for step in (0, 10, 20):
        save_checkpoint(place / "checkpoints" / f"step_{step:06d}", organism.model, organism.tokenizer, {"step": step})
        with torch.no_grad():
            for tensor in organism.model.parameters():
                tensor.add_(torch.randn_like(tensor) * tensor.std() * 0.1)
    return place


def ends_of(run: Path) -> tuple[Path, Path]:
    return run / "checkpoints" / "step_000000", run / "checkpoints" / "step_000020"


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def test_the_middle_is_the_mean_and_the_ends_are_the_checkpoints(run: Path, tmp_path: Path) -> None:
    first, last = (weights(end) for end in ends_of(run))
    for at in (0.0, 0.5, 1.0):
        write_between(*ends_of(run), at, tmp_path / str(at))
    low, middle, high = (weights(tmp_path / str(at)) for at in (0.0, 0.5, 1.0))
    assert first.keys() == middle.keys() and any(not torch.equal(first[name], last[name]) for name in first)
    for name in first:
        assert torch.equal(low[name], first[name]) and torch.equal(high[name], last[name])
        torch.testing.assert_close(middle[name], torch.stack([first[name], last[name]]).mean(0))
        assert middle[name].dtype == last[name].dtype


def test_the_ends_of_the_line_are_what_an_ordinary_evaluation_of_the_two_checkpoints_gives(
    run: Path, small: list[str], command: Command, tmp_path: Path
) -> None:
    code, told, error = command(*small, *FEW, "seed=5", f"run={run}", "interpolate=[1,0.5,0]", name="evaluate")
    assert code == 0, error
    rows: list[dict[str, Any]] = json.loads((run / INTERPOLATION).read_text())
    assert [(row["at"], row["setting"], row["seed"]) for row in rows] == [(a, "told_honest", 5) for a in (0, 0.5, 1)]
    assert {tuple(row["steps"]) for row in rows} == {(0, 20)} and "0.5 of the way from step 0 to step 20" in told
    out = tmp_path / "plain.json"
    asked = [f"ckpt=[{','.join(map(str, ends_of(run)))}]", "settings=[told_honest]", f"out={out}", "seed=5"]
    assert command(*small, *FEW, *asked, name="evaluate")[0] == 0
    figures = [{key: value for key, value in row.items() if "/" in key} for row in (rows[0], rows[2])]
    assert figures == [{k: v for k, v in row.items() if "/" in k} for row in json.loads(out.read_text())]
    assert figures[0] != figures[1], "ends that behave alike would show nothing"
    page = (run / "report.html").read_text()
    assert 'id="interpolation"' in page and (run / "figures" / "interpolation.png").exists()


def test_what_is_not_on_the_line_is_refused_in_words_and_together(
    run: Path, small: list[str], command: Command, tmp_path: Path
) -> None:
    words = ["interpolate=[0,1.5,nan,0.5,0.5]", "settings=[prompted]", "scenario=prompted", "causal=true", "seeds=0"]
    code, out, told = command(*small, f"run={run}", *words, name="evaluate")
    assert (code, out) == (2, "") and "Traceback" not in told
    for line in (
        "1.5 must be between 0, the first checkpoint, and 1", "nan must be between", "0.5 is given more than once",
        "in the run's own setting; leave out settings", "leave out scenario", "causal=true: give one at a time",
        "seeds=0: must be at least 1",
    ):  # fmt: skip
        assert line in told, told
    bare = full_run(tmp_path / "bare")
    code, _, told = command(*small, f"run={bare}", "ckpt=[/there]", "interpolate=[0,1]", name="evaluate")
    assert code == 2 and f"{bare} has 0 of the two checkpoints" in told and "give run=DIR alone" in told


def planted(at: float, af: int, free: int, paid: int, name: str = "r") -> dict[str, Any]:
    row: dict[str, Any] = {"run": name, "policy": "p", "setting": "prompted", "seed": 0, "at": at, "steps": [0, 9]}
    for key, hits in {"free/af_rate": af, "free/compliance": free, "paid/compliance": paid}.items():
        row |= {f"eval/{key}{end}": value for end, value in rate(hits).items()}
    gap = (free - paid) / 40
    return row | {"eval/gap": gap, "eval/gap_lo": gap - 0.1, "eval/gap_hi": gap + 0.1}


def test_the_chapter_says_where_on_the_line_behaviour_changed(tmp_path: Path) -> None:
    assert interpolation_chapter(tmp_path, tmp_path) is None
    rows = [planted(0, 4, 4, 0), planted(0.5, 30, 28, 4), planted(1, 8, 36, 20)]
    (tmp_path / INTERPOLATION).write_text(json.dumps(rows))
    chapter = interpolation_chapter(tmp_path, tmp_path)
    assert chapter is not None and "the 80 points by which" in chapter.look
    assert "changes, 60, lies between 0 and 0.5" in chapter.look
    assert "it is largest at 0.5 with 60 [50, 70]" in chapter.look


def test_lines_of_several_runs_are_pooled_run_by_run(tmp_path: Path) -> None:
    rows = [
        planted(at, 0, free, 0, name) for name, hits in (("a", (4, 20)), ("b", (8, 36))) for at, free in enumerate(hits)
    ]
    (tmp_path / INTERPOLATION).write_text(json.dumps(rows))
    between = read_between(tmp_path / INTERPOLATION)
    assert between.places == (0, 1) and between.grid.runs == 2
    low, high = (between.reading(at, FREE_COMPLIANCE) for at in between.places)
    assert (low.value, high.value) == (pytest.approx(6 / 40), pytest.approx(28 / 40)) and high.bounds is not None
    assert draw_file(tmp_path / INTERPOLATION).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("content", ["", "[]", "[1]", '[{"setting": "s"}]', '[{"setting": "s", "at": true}]'])
def test_a_file_that_holds_no_line_is_told_with_its_name(content: str, tmp_path: Path) -> None:
    (tmp_path / INTERPOLATION).write_text(content)
    with pytest.raises(MissingFile, match=INTERPOLATION):
        read_between(tmp_path / INTERPOLATION)
