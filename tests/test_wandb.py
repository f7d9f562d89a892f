"""The wandb mirror: whole without network, key or login, and never the reason a run stops."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import wandb
from PIL import Image

from rl.tracking import TRANSCRIPT_FIELDS
from rl.wandb_sink import WandbSettings, WandbSink, redact

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
    return WandbSettings(mode=mode, project="goalguard", group="five seeds", job_type="train", tags=("tiny", "grpo"))


def offline_runs(run_dir: Path) -> list[Path]:
    return sorted((run_dir / "wandb").glob("offline-run-*"))


def read_back(run: Path) -> dict[str, list[dict[str, Any]]]:
    """The records of an offline run by type, read with wandb's own inspector."""
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(run)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    records: dict[str, list[dict[str, Any]]] = {}
    for record in map(json.loads, lines):
        records.setdefault(record["type"], []).append(record)
    return records


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

    (run,) = offline_runs(run_dir)
    records = read_back(run)
    start = as_text(records["run"])
    assert all(word in start for word in ("five seeds", "train", "tiny", "grpo", "max_tokens", "2026-11-22_10-00-00"))
    history = as_text(records["history"])
    assert "eval/gap" in history and "0.3125" in history and "train/kl" not in history
    assert '"step' in as_text(records["metric"])
    assert len(list(run.glob("files/media/table/transcripts/step_000010*.json"))) == 1
    assert len(list(run.glob("files/media/images/figures/gap*.png"))) == 1
    assert not [path for path in run_dir.rglob("*") if path.is_file() and b"sk-live-123" in path.read_bytes()]


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
    for _ in range(2):
        WandbSink(tmp_path, settings(), CONFIG).close("interrupted")
        time.sleep(1.1)  # wandb names the folder of each part by the second
    ids = {run.name.rsplit("-", 1)[1] for run in offline_runs(tmp_path)}
    assert len(offline_runs(tmp_path)) == 2 and ids == {(tmp_path / "wandb" / "run_id").read_text()}


@pytest.mark.parametrize("key", [None, "0" * 40])
def test_online_without_key_or_network_goes_on_offline_with_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, key: str | None
) -> None:
    if key:
        monkeypatch.setenv("WANDB_API_KEY", key)
    monkeypatch.setenv("WANDB_HTTP_TIMEOUT", "1")
    start = time.monotonic()
    with caplog.at_level(logging.WARNING, logger="rl.wandb_sink"):
        sink = WandbSink(tmp_path, settings("online"), CONFIG)
    assert time.monotonic() - start < 10
    assert len(caplog.records) == 1 and "kept offline" in caplog.text
    sink.log(5, {"eval/gap": 0.5})
    sink.close("finished")
    (run,) = offline_runs(tmp_path)
    assert "eval/gap" in as_text(read_back(run)["history"])


def test_disabled_leaves_no_run_behind(tmp_path: Path) -> None:
    sink = WandbSink(tmp_path, settings("disabled"), CONFIG)
    sink.log(1, {"a": 1.0})
    sink.close("finished")
    assert not list(tmp_path.rglob("*.wandb"))


def test_a_wandb_that_breaks_midway_only_warns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sink = WandbSink(tmp_path, settings(), CONFIG)
    wandb.finish()
    with caplog.at_level(logging.WARNING, logger="rl.wandb_sink"):
        sink.log(1, {"a": 1.0})
        sink.log_transcripts(1, [{"id": "no other field"}])
        sink.log_figures([tmp_path / "absent.png"])
        sink.close("finished")
    assert len(caplog.records) >= 3


def test_a_wandb_that_cannot_start_only_warns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "wandb").write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING, logger="rl.wandb_sink"):
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
