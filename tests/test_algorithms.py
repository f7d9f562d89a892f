"""Every algorithm runs from its name alone, and settings that do not go together are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.toy_training import changed

from rl.algo.advantages import BASELINES
from rl.algo.settings import algorithm_problems
from rl.command.entry import CONF, composed
from rl.run.run import run
from rl.run.validate import problems

ALGORITHMS = sorted(path.stem for path in (CONF / "algo").glob("*.yaml"))


def test_there_is_an_option_for_every_algorithm() -> None:
    assert set(ALGORITHMS) - {"grpo_vllm"} == set(BASELINES)
    for name in BASELINES:
        algo = composed([f"algo={name}"]).algo
        assert algo.name == name and algo.baseline == BASELINES[name][0] and (algo.ppo is not None) == (name == "ppo")


@pytest.mark.parametrize(("algo", "train_on"), [("rloo", "scratchpad"), ("reinforce", "output"), ("ppo", "all")])
def test_every_algorithm_runs_a_step(algo: str, train_on: str, small: list[str], tmp_path: Path) -> None:
    whole = ["algo.ppo.minibatches=2"] if algo == "ppo" else []
    config = changed([f"algo={algo}", *small, *whole, f"algo.train_on={train_on}", "algo.kl_on=output"])
    assert problems(config) == []
    run(config, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    (step,) = [row for row in rows if "train/reward" in row]
    assert step["step"] == 1 and step["train/kl"] == pytest.approx(0.0, abs=1e-6)
    assert ("train/ppo/value_loss" in step) == (algo == "ppo")
    assert json.loads((tmp_path / "manifest.json").read_text())["status"] == "finished"


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["algo=rloo", "algo.baseline=batch"], "algo.baseline=batch: for algo.name=rloo it is one of others"),
        (["algo=rloo", "algo.scale_rewards=group"], "algo.scale_rewards=group: algo.name=rloo divides by nothing"),
        (["algo.train_on=outputs"], "algo.train_on=outputs: must be one of all, scratchpad, output (did you mean"),
        (
            ["algo.train_on=output", "scenario=no_scratchpad"],
            "algo.train_on=output: scenario=no_scratchpad has no scratchpad to tell from an output",
        ),
        (["algo.name=ppo", "algo.baseline=value", "algo.scale_rewards=none"], "algo.ppo: algo.name=ppo needs these"),
        (["algo=ppo", "algo.ppo.minibatches=3"], "algo.ppo.minibatches=3: does not divide the 16 prompts of a step"),
        (["algo=ppo", "algo.ppo.clip=0"], "algo.ppo.clip=0.0: must be more than 0"),
        (["algo=ppo", "algo.ppo.gae_lambda=2"], "algo.ppo.gae_lambda=2.0: must lie between 0 and 1"),
        (["algo=ppo", "algo.ppo.epochs=0"], "algo.ppo.epochs=0: must be at least 1"),
        (["algo=ppo", "algo.ppo.kl_target=0.1", "algo.kl=0"], "algo.ppo.kl_target=0.1: must be more than 0, and so"),
        (["algo=ppo", "+algo.extra.num_iterations=2"], "algo.extra.num_iterations=2: PPO's updates are set by"),
    ],
)
def test_settings_that_do_not_go_together_are_told_before_training(overrides: list[str], told: str) -> None:
    (problem,) = algorithm_problems(changed(overrides))
    assert problem.startswith(told)


def test_they_are_told_with_everything_else_that_is_wrong() -> None:
    found = problems(changed(["algo=ppo", "algo.ppo.clip=0", "algo.steps=0"]))
    assert found == ["algo.steps=0: must be at least 1", "algo.ppo.clip=0.0: must be more than 0"]
