"""Two processes under torchrun train one policy: gloo on the CPU, the same command on GPUs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file
from test_grpo import assert_same_gradient

from rl.command.entry import composed
from rl.command.ranks import rank_problems
from rl.run.validate import problems

ROOT = Path(__file__).resolve().parent.parent


def torchrun(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Two processes with one thread each."""
    started = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", *words]
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
        "HF_HUB_OFFLINE": "1",
    }
    return subprocess.run(started, cwd=folder, env=environment, capture_output=True, text=True, timeout=240)


def test_two_processes_take_the_step_that_one_would_take_on_the_rollouts_of_both(
    small: list[str], tmp_path: Path
) -> None:
    (tmp_path / "overrides.json").write_text(json.dumps(small))
    done = torchrun(tmp_path, str(ROOT / "tests" / "support" / "two_processes.py"), "overrides.json", str(tmp_path))
    assert done.returncode == 0, done.stderr
    facts = [json.loads((tmp_path / f"facts_{rank}.json").read_text()) for rank in (0, 1)]
    assert [fact["world"] for fact in facts] == [2, 2] and {fact["said"] for fact in facts} == {"by 0"}
    assert facts[0]["own"] != facts[1]["own"] and facts[0]["all"] == facts[0]["own"] + facts[1]["own"]
    assert len(facts[0]["scored"]) == 8 and any(facts[0]["kept"])
    ours, plain, weights = (
        [load_file(tmp_path / f"{what}_{rank}.safetensors") for rank in (0, 1)] for what in ("ours", "plain", "weights")
    )
    for rank in (0, 1):
        assert_same_gradient(ours[rank], plain[rank])
    assert all((tensor == weights[1][name]).all() for name, tensor in weights[0].items())


def test_a_run_in_two_processes_leaves_one_record_and_says_how_many_they_were(small: list[str], tmp_path: Path) -> None:
    words = [*small, "name=two", "algo.steps=2", "algo.stop_when.noncompliance_below=1.0", "algo.stop_when.window=1"]
    done = torchrun(tmp_path, "-m", "scripts.train", *words)
    assert done.returncode == 0, done.stderr
    (run_dir,) = (tmp_path / "runs" / "two").iterdir()
    manifest = json.loads((run_dir / "manifest.json").read_text())
    assert manifest["status"] == "finished" and manifest["hardware"]["processes"] == 2
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "train/reward" in row] == [1], "the first process ended the run for both"
    assert done.stdout.count("report  ") == 1
    assert {path.name for path in (run_dir / "resume" / "checkpoint-1").glob("rng_state*")} == {
        "rng_state_0.pth", "rng_state_1.pth"
    }  # fmt: skip


def test_what_several_processes_cannot_do_is_named_before_anything_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    config = composed(["algo=reinforce", "algo.batch_size=24", "algo.group_size=8"])
    assert list(rank_problems(config)) == []
    monkeypatch.setenv("WORLD_SIZE", "2")
    found = problems(config)
    assert any("algo.batch_size=24: 2 processes" in line and "multiple of 16" in line for line in found)
    assert any("algo=reinforce: runs in one process alone" in line for line in found)
