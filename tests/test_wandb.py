"""The wandb mirror: whole without network, key or login, and never the reason a run stops."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
import wandb
import yaml
from PIL import Image

from rl.command.entry import composed
from rl.files.secrets import redact
from rl.run.run import run
from rl.tracking.curve_summary import summarise_curves
from rl.tracking.record import JsonlSink, Tracker, truncate_after
from rl.tracking.transcript import TRANSCRIPT_FIELDS
from rl.tracking.wandb_sink import WandbSettings, WandbSink

CONFIG = {"seed": 3, "judge": {"api_key": "sk-live-123", "max_tokens": 64}}


@pytest.fixture(autouse=True)
def nobody_is_logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_IDENTITY_TOKEN_FILE", "WANDB_DIR"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NETRC", str(home / ".netrc"))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")


def settings(mode: str = "offline") -> WandbSettings:
    return WandbSettings(
        mode, project="goalguard", group="five seeds", job_type="train", tags=("tiny",), artifacts=False
    )


def offline_runs(run_dir: Path) -> list[Path]:
    return sorted((run_dir / "wandb").glob("offline-run-*"))


@cache
def read_back(run: Path) -> dict[str, list[dict[str, Any]]]:
    """The records of an offline run by type, read with wandb's own inspector."""
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(run)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    records: dict[str, list[dict[str, Any]]] = {}
    for record in map(json.loads, lines):
        records.setdefault(record["type"], []).append(record)
    return records


def history_of(run: Path) -> list[dict[str, Any]]:
    """The rows of a run in order, what wandb adds to them left out."""
    rows = [record["history"]["item"] for record in read_back(run)["history"]]
    return [{key: value for key, value in row.items() if key[0] != "_"} for row in rows]


def by_step(rows: Iterable[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Every number of the rows by step and key; null, tables and pictures left out."""
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        for key, value in row.items():
            if key != "step" and value is not None and not key.startswith(("transcripts/", "figures/")):
                found.setdefault(row["step"], {})[key] = value
    return found


def record_of(run_dir: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def mirrored(small: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run of two steps, mirrored offline with its checkpoints."""
    run_dir = tmp_path_factory.mktemp("mirrored") / "run"
    words = ["algo.steps=2", "tracking.mode=offline", "tracking.artifacts=true", "tracking.tags=[a,b]"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(run_dir.parent / "home"))
        run(composed([*small, *words, "name=smoke", "tracking.group=seeds"]), run_dir)
    return run_dir


def as_text(records: list[dict[str, Any]]) -> str:
    return json.dumps(records)


def test_an_offline_run_holds_config_group_curves_tables_and_figures(tmp_path: Path) -> None:
    run_dir = tmp_path / "headline" / "2026-11-22_10-00-00"
    run_dir.mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(run_dir / "gap.png")
    sink = WandbSink(run_dir, settings(), CONFIG)
    sink.log(10, {"eval/gap": 0.3125, "train/kl": float("nan")})
    row = dict.fromkeys(TRANSCRIPT_FIELDS) | {"id": "a", "reward_terms": {"rm": 1.0}}
    sink.log_transcripts(10, [row, row | {"af": True, "reward": 0.5}])
    sink.log_figures([run_dir / "gap.png"])
    sink.close("finished")

    (mirror,) = offline_runs(run_dir)
    records = read_back(mirror)
    start = as_text(records["run"])
    assert all(word in start for word in ("five seeds", "train", "tiny", "max_tokens", "2026-11-22_10-00-00"))
    history = as_text(records["history"])
    assert "eval/gap" in history and "0.3125" in history and "train/kl" not in history
    assert '"step' in as_text(records["metric"])
    assert len(list(mirror.glob("files/media/table/transcripts/step_000010*.json"))) == 1
    assert len(list(mirror.glob("files/media/images/figures/gap*.png"))) == 1
    assert not [path for path in run_dir.rglob("*") if path.is_file() and b"sk-live-123" in path.read_bytes()]


def test_every_number_of_the_record_is_in_the_offline_run_at_its_own_step(mirrored: Path) -> None:
    (mirror,) = offline_runs(mirrored)
    history, record = history_of(mirror), by_step(record_of(mirrored))
    assert all("step" in row for row in history)
    assert by_step(history) == record
    assert set(record) == {0, 1, 2} and {"train/reward", "eval/gap", "reinforce/refuse/share"} <= set(record[2])
    # One pattern draws every key over `step`, and no other pattern takes a key away from it.
    drawn = [record["metric"] for record in read_back(mirror)["metric"]]
    assert [(one.get("name"), one.get("glob_name"), one.get("step_metric")) for one in drawn] == [
        ("step", None, None), (None, "*", "step")
    ]  # fmt: skip


def test_a_run_has_its_group_tags_config_and_the_summary_of_its_curves(mirrored: Path) -> None:
    records = read_back(offline_runs(mirrored)[0])
    start = records["run"][0]["run"]
    assert (start["run_group"], start["job_type"], start["tags"]) == ("seeds", "train", ["a", "b"])
    told = start["config"]["update"]
    # Its copy of the rest says `~` for the home folder.
    assert told["algo"] == yaml.safe_load((mirrored / "config.yaml").read_text())["algo"] and told["seed"] == 0
    summary: dict[str, Any] = {}
    for record in records["summary"]:
        summary |= record["summary"]["update"]
    expected = summarise_curves(record_of(mirrored)) | {"status": "finished"}
    assert {key: summary.get(key) for key in expected} == expected and "area/eval/gap" in expected


def test_every_transcript_figure_and_checkpoint_is_in_the_offline_run(mirrored: Path) -> None:
    (mirror,) = offline_runs(mirrored)
    for path in sorted((mirrored / "transcripts").glob("step_*.jsonl")):
        (table,) = mirror.glob(f"files/media/table/transcripts/{path.stem}*.json")
        shown = json.loads(table.read_text())
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert shown["columns"] == list(TRANSCRIPT_FIELDS) and len(rows) == len(shown["data"]) > 0
        at = [shown["columns"].index(name) for name in ("id", "scratchpad", "af", "reward")]
        assert [[cells[i] for i in at] for cells in shown["data"]] == [
            [row[name] for name in ("id", "scratchpad", "af", "reward")] for row in rows
        ]
    drawn = {path.stem for path in (mirrored / "figures").glob("*.png")}
    kept = [path.name for path in mirror.glob("files/media/images/figures/*.png")]
    assert drawn and all(any(name.startswith(f"{stem}_") for name in kept) for stem in drawn)
    artifacts = [record["artifact"] for record in read_back(mirror)["artifact"]]
    artifacts = [one for one in artifacts if one["type"] == "model"]
    named = [set(one["aliases"]) for one in artifacts]
    assert named == [{"latest", "step_000000"}, {"latest", "step_000001"}, {"latest", "step_000002"}]
    for one, folder in zip(artifacts, sorted((mirrored / "checkpoints").iterdir()), strict=True):
        files = {item["path"]: item["digest"] for item in one["manifest"]["contents"]}
        assert files == {path.name: b64encode(md5(path.read_bytes()).digest()).decode() for path in folder.iterdir()}
    assert not [path for path in (mirrored.parent / "home").rglob("*") if path.suffix == ".safetensors"]


def test_two_runs_in_one_process_do_not_run_into_one(tmp_path: Path) -> None:
    for number in ("0", "1"):
        sink = WandbSink(tmp_path / number, settings(), CONFIG)
        sink.log(1, {f"only_{number}": 1.0})
        sink.close("failed")
        assert wandb.run is None
    (second,) = offline_runs(tmp_path / "1")
    history = as_text(read_back(second)["history"])
    assert "only_1" in history and "only_0" not in history


def test_a_resumed_run_is_the_same_wandb_run(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.jsonl"
    for steps in (range(0, 4), range(2, 6)):
        truncate_after(metrics, steps[0] - 1)
        with Tracker([JsonlSink(metrics), WandbSink(tmp_path, settings(), CONFIG)]) as curves:
            for step in steps:
                curves.log(step, {"eval/gap": step / 10})
        time.sleep(1.1)  # wandb names the folder of each part by the second
    parts = [history_of(part) for part in offline_runs(tmp_path)]
    assert by_step(row for part in parts for row in part) == by_step(record_of(tmp_path))
    assert '"first/eval/gap": 0' in as_text(read_back(offline_runs(tmp_path)[1])["summary"])
    ids = {run.name.rsplit("-", 1)[1] for run in offline_runs(tmp_path)}
    assert len(offline_runs(tmp_path)) == 2 and ids == {(tmp_path / "wandb" / "run_id").read_text()}


@pytest.mark.parametrize(("key", "silent"), [(None, False), ("0" * 40, False), ("0" * 40, True)])
def test_online_without_key_or_network_goes_on_offline_with_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, key: str | None, silent: bool
) -> None:
    if key:
        monkeypatch.setenv("WANDB_API_KEY", key)
    # A server that takes the connection and never answers, as some firewalls do; nothing shortens wandb's own waits.
    listener = socket.create_server(("127.0.0.1", 0))
    if silent:
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
    wandb.teardown()  # it reads the address once
    start = time.monotonic()
    with caplog.at_level(logging.WARNING, logger="rl.tracking.wandb_sink"):
        sink = WandbSink(tmp_path, settings("online"), CONFIG)
    assert time.monotonic() - start < 10
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warned) == 1 and "kept offline" in warned[0]
    sink.log(5, {"eval/gap": 0.5})
    sink.close("finished")
    listener.close()
    assert by_step(history_of(offline_runs(tmp_path)[0])) == {5: {"eval/gap": 0.5}}


def test_disabled_leaves_no_run_behind(tmp_path: Path) -> None:
    sink = WandbSink(tmp_path, settings("disabled"), CONFIG)
    sink.log(1, {"a": 1.0})
    sink.close("finished")
    assert not list(tmp_path.rglob("*.wandb"))


def test_a_wandb_that_breaks_midway_only_warns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sink = WandbSink(tmp_path, settings(), CONFIG)
    wandb.finish()
    with caplog.at_level(logging.WARNING, logger="rl.tracking.wandb_sink"):
        sink.log(1, {"a": 1.0})
        sink.log_transcripts(1, [{"id": "no other field"}])
        sink.log_figures([tmp_path / "absent.png"])
        sink.close("finished")
    assert len(caplog.records) >= 3


def test_a_wandb_that_cannot_start_only_warns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "wandb").write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING, logger="rl.tracking.wandb_sink"):
        sink = WandbSink(tmp_path, settings(), CONFIG)
        sink.log(1, {"a": 1.0})
        sink.close("finished")
    assert "could not start" in caplog.text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("api_key", "abc"),
        ("hf_token", "abc"),
        ("password", "abc"),
        ("openaiApiKey", "abc"),
        ("endpoint", "https://me:pw@example.org/v1"),
        ("note", "sk-abc"),
        ("headers", ["Bearer abc"]),
    ],
)
def test_what_looks_like_a_secret_is_blotted_out(key: str, value: Any) -> None:
    assert "abc" not in str(redact({"judge": {key: value}})) and "pw" not in str(redact({"judge": {key: value}}))


def test_settings_that_only_sound_like_secrets_stay() -> None:
    config = {
        "max_tokens": 64,
        "eos_token": "<end>",
        "api_key_env": "OPENAI_API_KEY",
        "tokenizer": "bpe",
        "endpoint": "https://example.org/v1",
        "key": None,
        "secret": "",
        "monitors": [{"path": "x@y"}],
    }
    assert redact(config) == config


def test_a_run_where_an_agent_was_at_work_is_a_run_of_its_own_and_needs_nothing_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    others = {"WANDB_SWEEP_ID": "abcd1234", "WANDB_RUN_ID": "efgh5678", "WANDB_RESUME": "must"}
    for name, value in others.items():
        monkeypatch.setenv(name, value)
    for number in (0, 1):
        run_dir = tmp_path / str(number)
        sink = WandbSink(run_dir, settings(), CONFIG)
        sink.log_transcripts(0, [dict.fromkeys(TRANSCRIPT_FIELDS, "x")])
        sink.close("finished")
        (folder,) = offline_runs(run_dir)
        assert folder.name.endswith((run_dir / "wandb" / "run_id").read_text()) and "efgh5678" not in folder.name
        assert list(folder.rglob("*.table.json")), "the table was kept"
    assert list((tmp_path / "home").rglob("*")) == []
    assert {name: os.environ[name] for name in others} == others and "WANDB_DATA_DIR" not in os.environ
