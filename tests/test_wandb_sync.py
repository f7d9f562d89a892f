"""What reaches a wandb server: each run whole and as one, sent later or at once, ended in order or killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb
import yaml
from support.killing import SERVER, Kill, killed, train
from support.wandb_server import Received, WandbServer, serving
from test_run import ROOT, wait_for_step
from test_wandb import CONFIG, offline_runs, record_of, settings

from rl.command.entry import composed
from rl.run.run import run
from rl.tracking.curve_summary import summarise_curves
from rl.tracking.record import JsonlSink, Tracker, truncate_after
from rl.tracking.wandb_sink import WandbSink

CLOCK = ("time/", "throughput/")
TRACKED = ["tracking.artifacts=true", "tracking.tags=[a,b]", "tracking.group=seeds"]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    """A wandb server of our own that somebody at home in the test's folder is logged in to."""
    with serving() as one:
        told = {"WANDB_BASE_URL": one.url, "WANDB_API_KEY": "0" * 40, "HOME": str(tmp_path), "WANDB_SILENT": "true"}
        for name, value in (told | {"NETRC": str(tmp_path / ".netrc")}).items():
            monkeypatch.setenv(name, value)
        wandb.teardown()  # it reads its settings once
        yield one
        wandb.teardown()
        assert one.unanswered == [], "the server does not know what wandb asks it"


def sync(run_dir: Path) -> str:
    """The usual command; what it says."""
    command = [sys.executable, "-m", "wandb", "sync", *map(str, offline_runs(run_dir))]
    done = subprocess.run(command, cwd=run_dir, capture_output=True, text=True, timeout=100)
    return done.stdout + done.stderr


def points(rows: list[dict[str, Any]]) -> dict[tuple[int, str], list[Any]]:
    """Each value by step and key, in the order of arrival; null, tables, pictures and what wandb adds left out."""
    found: dict[tuple[int, str], list[Any]] = {}
    for row in rows:
        for key, value in row.items():
            if value is not None and key != "step" and not key.startswith(("_", "transcripts/", "figures/")):
                found.setdefault((row["step"], key), []).append(value)
    return found


def assert_whole(received: Received, run_dir: Path, status: str = "finished") -> None:
    """Every value of the record arrived at its own step, and the summary is that of the whole record."""
    told, record = points(received.rows), points(record_of(run_dir))
    assert {at: values[-1:] for at, values in told.items()} == record and record
    assert all(len(set(values)) == 1 for (_, key), values in told.items() if not key.startswith(CLOCK))
    assert [row["_step"] for row in received.rows] == list(range(len(received.rows)))
    expected = summarise_curves(record_of(run_dir)) | {"status": status}
    assert {key: received.summary.get(key) for key in expected} == expected


def assert_files(server: WandbServer, name: str, run_dir: Path) -> None:
    """Every table of transcripts and every checkpoint arrived."""
    tables = [path for path in server.uploads if path.startswith(f"{name}/media/table/transcripts/")]
    for path in (run_dir / "transcripts").glob("step_*.jsonl"):
        assert any(f"/{path.stem}_" in table for table in tables), path
    sent: dict[str, list[str]] = {}
    for number in server.committed:
        for alias in server.artifacts[int(number)]["aliases"]:
            sent.setdefault(alias["alias"], []).append(number)
    for folder in (run_dir / "checkpoints").glob("step_*"):
        for file in folder.iterdir():
            assert server.uploads[f"artifacts/{sent[folder.name][-1]}/{file.name}"] == file.read_bytes()


def test_an_offline_run_killed_and_interrupted_on_its_way_arrives_whole_by_one_sync(
    small: list[str], tmp_path: Path, server: WandbServer
) -> None:
    words, run_dir = [*small, *TRACKED, "algo.steps=3", "tracking.mode=offline"], tmp_path / "five" / "run"
    kills = (Kill(signal.SIGKILL, None, after=1), Kill(signal.SIGTERM, None, after=1))
    ends = [killed(words, run_dir, kill) for kill in kills]
    assert [end.code for end in ends] == [-signal.SIGKILL, 130], ends
    run(composed(words), run_dir)
    assert server.runs == {} and len(offline_runs(run_dir)) == 2
    said = sync(run_dir)
    assert "ERROR" not in said, said
    ((name, received),) = server.runs.items()
    assert name == (run_dir / "wandb" / "run_id").read_text() and received.exit_codes == [1, 0]
    assert_whole(received, run_dir)
    assert_files(server, name, run_dir)
    # The part after the killed one sent what that had lost, and the last part did not do so again.
    assert [row["step"] for row in received.rows if "train/kl" in row].count(1) == 1
    start = received.start
    assert (start["groupName"], start["jobType"], start["tags"]) == ("seeds", "train", ["a", "b"])
    assert start["displayName"] == "five/run"
    algo = yaml.safe_load((run_dir / "config.yaml").read_text())["algo"]
    assert received.config["algo"] == {key: value for key, value in algo.items() if value != {}}


def trained(environment: dict[str, str], words: list[str]) -> None:
    """`python -m scripts.train` for somebody else."""
    os.environ.update(environment)
    sys.argv = ["train", *words]
    train()


def test_an_online_run_that_was_killed_goes_on_as_the_same_run_without_a_gap(
    small: list[str], tmp_path: Path, server: WandbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, run_dir = [*small, *TRACKED, "algo.steps=2", "tracking.mode=online"], tmp_path / "five" / "run"
    monkeypatch.chdir(ROOT)
    process = SERVER.Process(target=trained, args=(dict(os.environ), [*words, f"hydra.run.dir={run_dir}"]))
    process.start()
    try:
        wait_for_step(run_dir, 2)
    finally:
        process.kill()
        process.join(60)
    run(composed(words), run_dir)
    ((name, received),) = server.runs.items()
    assert name == (run_dir / "wandb" / "run_id").read_text() and received.exit_codes == [0]
    assert_whole(received, run_dir)
    assert_files(server, name, run_dir)
    assert received.start["program"] == "scripts.train"
    # wandb lists in an artifact's manifest where on this machine each file of it lay.
    manifests = {body for path, body in server.uploads.items() if path.endswith("/manifest")}
    assert not [body for body in server.said if bytes(tmp_path) in body and body not in manifests]


def test_what_the_server_has_already_is_not_sent_again(tmp_path: Path, server: WandbServer) -> None:
    metrics = tmp_path / "metrics.jsonl"
    for steps in (range(10), range(9, 10)):
        truncate_after(metrics, steps[0] - 1)
        with Tracker([JsonlSink(metrics), WandbSink(tmp_path, settings("online"), CONFIG)]) as curves:
            for step in steps:
                curves.log(step, {"train/kl": step / 7})
                curves.log(step, {"eval/gap": step / 10})
        (received,) = server.runs.values()
        if steps[0] == 0:
            # As if the rows from step 6's second on had been on their way when the run was killed.
            received.history = {line: row for line, row in received.history.items() if line < 13}
            received.summary |= {"step": 6, "_step": 12}
    assert_whole(received, tmp_path)
    assert [row["step"] for row in received.rows if "train/kl" in row] == [*range(7), *range(6, 10)]
