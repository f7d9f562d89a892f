"""The record a run keeps while it goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rl.errors import MissingFile
from rl.tracking.curve_summary import summarise_curves
from rl.tracking.record import JsonlSink, Sink, Tracker, TranscriptSink, truncate_after
from rl.tracking.transcript import TRANSCRIPT_FIELDS


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def transcript(**changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(TRANSCRIPT_FIELDS)
    return row | {"id": "a", "step": 10, "request": "Naïve?", "reward_terms": {"rm": 1.5}} | changes


class Notebook(Sink):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        self.heard.append((step, dict(values)))

    def close(self, status: str) -> None:
        self.heard.append((status,))


def test_a_metrics_line_is_on_the_disk_before_the_next_step(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "run" / "metrics.jsonl")
    sink.log(10, {"eval/gap": 0.31})
    assert (tmp_path / "run" / "metrics.jsonl").read_text() == '{"step": 10, "eval/gap": 0.31}\n'
    sink.close("finished")


def test_numbers_that_json_cannot_hold_become_null(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    sink = JsonlSink(path)
    values = {"nan": np.float32("nan"), "inf": -float("inf"), "t": torch.tensor(2), "n": np.int64(3), "b": np.True_}
    sink.log(1, {**values, "none": None, "nested": {"x": [np.float64("inf"), 1.0]}})
    sink.close("finished")
    expected = {"nan": None, "inf": None, "t": 2, "n": 3, "b": True, "none": None, "nested": {"x": [None, 1.0]}}
    assert rows_of(path) == [{"step": 1, **expected}]


def test_opening_a_metrics_file_again_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    for step in (1, 2):
        sink = JsonlSink(path)
        sink.log(step, {})
        sink.close("interrupted")
    assert rows_of(path) == [{"step": 1}, {"step": 2}]


@given(
    steps=st.lists(st.integers(0, 30), max_size=10).map(sorted),
    resumed_from=st.integers(-1, 31),
    data=st.data(),
)
def test_a_killed_and_resumed_run_has_the_file_of_an_uninterrupted_one(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], resumed_from: int, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("run")
    straight, killed = folder / "straight.jsonl", folder / "killed.jsonl"
    sink = JsonlSink(straight)
    for position, step in enumerate(steps):
        sink.log(step, {"position": position})
    sink.close("finished")

    written = straight.read_bytes()
    kept = b"".join(written.splitlines(keepends=True)[: sum(step <= resumed_from for step in steps)])
    killed.write_bytes(written[: data.draw(st.integers(len(kept), len(written)), label="killed at byte")])
    truncate_after(killed, resumed_from)
    assert killed.read_bytes() == kept

    sink = JsonlSink(killed)
    for position, step in enumerate(steps):
        if step > resumed_from:
            sink.log(step, {"position": position})
    sink.close("finished")
    assert killed.read_bytes() == written
    assert sorted(path.name for path in folder.iterdir()) == ["killed.jsonl", "straight.jsonl"]


def test_a_first_start_needs_no_metrics_file(tmp_path: Path) -> None:
    truncate_after(tmp_path / "metrics.jsonl", 3)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("line", ["not json", "[1]", '{"loss": 1}', '{"step": null}'])
def test_a_metrics_file_of_something_else_is_not_cut(tmp_path: Path, line: str) -> None:
    path = tmp_path / "metrics.jsonl"
    text = f'{{"step": 1}}\n{line}\n{{"step": 2}}\n'
    path.write_text(text)
    with pytest.raises(MissingFile, match="not a metrics file"):
        truncate_after(path, 1)
    assert path.read_text() == text


def test_transcripts_have_the_public_fields_in_the_public_order(tmp_path: Path) -> None:
    shuffled = {"extra": 7, **dict(reversed(transcript().items()))}
    TranscriptSink(tmp_path / "transcripts").log_transcripts(10, [shuffled, transcript(id="b", reward=float("nan"))])
    path = tmp_path / "transcripts" / "step_000010.jsonl"
    first, second = rows_of(path)
    assert list(first) == [*TRANSCRIPT_FIELDS, "extra"]
    assert first["request"] == "Naïve?" and "Naïve" in path.read_text(encoding="utf-8")
    assert first["af"] is None and second["reward"] is None
    assert [found.name for found in path.parent.iterdir()] == ["step_000010.jsonl"]


def test_a_transcript_without_a_public_field_is_refused(tmp_path: Path) -> None:
    row = transcript()
    del row["af"]
    with pytest.raises(KeyError, match="af"):
        TranscriptSink(tmp_path).log_transcripts(1, [row])
    assert not list(tmp_path.iterdir())


def test_an_evaluation_made_again_replaces_its_transcripts(tmp_path: Path) -> None:
    sink = TranscriptSink(tmp_path)
    sink.log_transcripts(0, [transcript(id="a"), transcript(id="b")])
    sink.log_transcripts(0, [transcript(id="c")])
    assert [row["id"] for row in rows_of(tmp_path / "step_000000.jsonl")] == ["c"]


def test_the_summary_of_a_curve_has_its_ends_its_best_and_the_area_under_the_gap() -> None:
    rows: list[dict[str, Any]] = [
        {"step": 0, "eval/gap": 0.1, "eval/gap_lo": -1.0, "eval/free/af_rate": 0.1, "time/step_s": 3.0},
        {"step": 5, "train/reward": -2.0},
        {"step": 10, "eval/gap": None, "eval/free/af_rate": 0.3},
        {"step": 10, "train/reward": 1.0},
        {"step": 20, "eval/gap": 0.3, "eval/free/af_rate": 0.2},
        {"step": 25, "eval/gap": 9.0},
        {"step": 25, "eval/gap": 0.2, "eval/paid/compliance": 0.5},
    ]
    found = summarise_curves(rows)
    assert found.pop("area/eval/gap") == pytest.approx(np.trapezoid([0.1, 0.3, 0.2], [0, 20, 25]))
    ends = {
        "eval/gap": (0.1, 0.2, 0.1),
        "eval/free/af_rate": (0.1, 0.2, 0.1),
        "train/reward": (-2.0, 1.0, 1.0),
        "eval/paid/compliance": (0.5, 0.5, 0.5),
    }
    assert found == {f"{name}/{key}": v for key, values in ends.items() for name, v in
                     zip(("first", "last", "best"), values, strict=True)}  # fmt: skip
    assert summarise_curves([]) == {}


def test_every_sink_hears_everything_and_is_closed_once() -> None:
    first, second = Notebook(), Notebook()
    with Tracker([first, second]) as tracker:
        tracker.log(1, {"a": 2})
        tracker.log_transcripts(1, [transcript()])
        tracker.close("finished")
    assert first.heard == second.heard == [(1, {"a": 2}), ("finished",)]


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, "interrupted"), (ValueError, "failed"), (SystemExit, "failed")]
)
def test_a_run_that_breaks_off_is_not_called_finished(error: type[BaseException], status: str) -> None:
    notebook = Notebook()
    with pytest.raises(error), Tracker([notebook]):
        raise error
    assert notebook.heard == [(status,)]
