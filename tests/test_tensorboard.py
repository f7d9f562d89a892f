"""The TensorBoard mirror, and runs that are mirrored nowhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rl.command.entry import composed
from rl.tracking.record import JsonlSink, Tracker, truncate_after
from rl.tracking.sinks import make_mirrors, tracker
from rl.tracking.tensorboard_sink import TensorboardSink
from rl.tracking.transcript import TRANSCRIPT_FIELDS

CONFIG = {"seed": 3, "judge": {"api_key": "sk-live-123"}}


def read_back(run_dir: Path) -> EventAccumulator:
    found = EventAccumulator(str(run_dir / "tensorboard"), size_guidance={"scalars": 0, "tensors": 0, "images": 0})
    return found.Reload()


def part(run_dir: Path, steps: range, status: str) -> None:
    """One part of a run, its record and its mirror."""
    mirror = TensorboardSink(run_dir, CONFIG)
    with Tracker([JsonlSink(run_dir / "metrics.jsonl"), mirror]) as curves:
        for step in steps:
            curves.log(step, {"eval/gap": step / 7, "train/kl": None, "train/reward": np.float32(-step)})
        curves.close(status)


def test_the_curves_of_a_resumed_run_are_those_of_the_record(tmp_path: Path) -> None:
    part(tmp_path, range(0, 6), "interrupted")
    truncate_after(tmp_path / "metrics.jsonl", 3)
    part(tmp_path, range(4, 9), "finished")
    found = read_back(tmp_path)
    assert found.Tags()["scalars"] == ["eval/gap", "train/reward"]
    for key, value in (("eval/gap", 1 / 7), ("train/reward", -1.0)):
        points = {event.step: event.value for event in found.Scalars(key)}
        assert len(found.Scalars(key)) == 9 and points == {s: np.float32(s * value) for s in range(9)}


def test_config_transcripts_and_figures_are_shown_and_hostile_text_is_escaped(tmp_path: Path) -> None:
    Image.new("RGB", (4, 3), (250, 0, 0)).save(tmp_path / "gap.png")
    row: dict[str, Any] = dict.fromkeys(TRANSCRIPT_FIELDS) | {"id": "a", "scratchpad": "<script>alert(1)</script>"}
    sink = TensorboardSink(tmp_path, CONFIG)
    sink.log_transcripts(5, [row])
    sink.log_figures([tmp_path / "gap.png"])
    sink.close("finished")
    found = read_back(tmp_path)
    shown = {tag: found.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in found.Tags()["tensors"]}
    assert set(shown) == {"config/text_summary", "transcripts/text_summary", "status/text_summary"}
    assert "&lt;script&gt;" in shown["transcripts/text_summary"] and "<script>" not in shown["transcripts/text_summary"]
    assert "sk-live" not in shown["config/text_summary"] and "seed" in shown["config/text_summary"]
    assert (found.Images("figures/gap")[0].width, found.Images("figures/gap")[0].height) == (4, 3)


def test_without_the_package_the_run_is_refused_with_the_line_that_installs_it(
    command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    code, _, told = command("tracking=tensorboard", "tracking.artifacts=true", "dry_run=true")
    assert code == 2 and "pip install 'goalguard[tensorboard]'" in told and "tracking.artifacts=true: " in told


def test_each_option_of_tracking_has_its_mirror_and_none_leaves_the_record_alone(tmp_path: Path) -> None:
    assert make_mirrors(composed(["tracking=none"]), tmp_path) == [] and not list(tmp_path.iterdir())
    with tracker(composed(["tracking=tensorboard"]), tmp_path / "run") as curves:
        curves.log(1, {"eval/gap": 0.5})
    assert read_back(tmp_path / "run").Scalars("eval/gap")[0].value == 0.5
    assert not (tmp_path / "run" / "wandb").exists() and (tmp_path / "run" / "metrics.jsonl").exists()
