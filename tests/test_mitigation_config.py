"""Choosing mitigations: what composes, what a run of it is, and what is refused."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from conftest import Command
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from rl.command.entry import CONF, composed
from rl.config.commands import register
from rl.config.schema import Config
from rl.errors import ConfigError
from rl.mitigation.assembly import mitigation_problems
from rl.mitigation.lookup import find_class, list_chosen
from rl.run.identity import identity_of
from rl.run.validate import problems
from rl.sweep.plan import plan_of

OTHERS = {"none", "kl_output_only"}
NAMES = sorted(path.stem for path in (CONF / "mitigation").glob("*.yaml") if path.stem not in OTHERS)


@cache
def made(*overrides: str) -> Config:
    return composed(overrides)


def test_nothing_is_on_unless_it_is_asked_for() -> None:
    for config in (made(), made("mitigation=none"), made("experiment=headline")):
        assert list_chosen(config.mitigation) == []
        assert not OmegaConf.to_container(config.mitigation)


@pytest.mark.parametrize("name", NAMES)
def test_an_option_turns_on_the_mitigation_of_its_name_and_nothing_else(name: str) -> None:
    config = made(f"mitigation={name}")
    assert list_chosen(config.mitigation) == [name]
    plain, other = (OmegaConf.to_container(c, resolve=True) for c in (made(), config))
    assert isinstance(plain, dict) and isinstance(other, dict)
    assert {key for key in other if plain[key] != other[key]} == {"mitigation"}


def test_kl_on_outputs_alone_is_the_algorithms_own_setting() -> None:
    config = made("mitigation=[kl_output_only,length_hinge]")
    assert made().algo.kl_on == "all" and config.algo == made("algo.kl_on=output").algo
    assert list_chosen(config.mitigation) == ["length_hinge"]


def test_several_are_combined_and_each_keeps_its_values() -> None:
    chosen = composed(["mitigation=[length_hinge,af_penalty]", "mitigation.af_penalty.strength=2"]).mitigation
    alone = made("mitigation=length_hinge").mitigation
    assert sorted(list_chosen(chosen)) == ["af_penalty", "length_hinge"]
    assert chosen["length_hinge"] == alone["length_hinge"]
    assert chosen["af_penalty"].strength == 2


def test_runs_with_different_mitigations_have_different_identities() -> None:
    combined = "mitigation=[af_penalty,length_hinge]"
    changed = [[f"mitigation={name}"] for name in [*OTHERS, *NAMES]]
    changed += [
        [combined],
        [combined, "mitigation.af_penalty.clip=0.01"],
        [combined, "mitigation.af_penalty.strength=2"],
    ]
    assert len({identity_of(made(*overrides)) for overrides in changed}) == len(changed)


def test_all_that_is_wrong_is_named_at_once_with_exit_code_two(command: Command) -> None:
    code, out, told = command(
        "scenario=no_scratchpad",
        "mitigation=[af_penalty,af_bonus,length_hinge,random_penalty,honesty_prompt,inoculation,interrogation]",
        "mitigation.af_penalty.strength=-1",
        "mitigation.af_penalty.clip=0",
        "mitigation.af_bonus.strength=nan",
        "mitigation.length_hinge.per_word=-0.1",
        "mitigation.random_penalty.rate=1.5",
        "mitigation.honesty_prompt.clause='{lab}'",
        "mitigation.inoculation.clause=' '",
        "mitigation.interrogation.variant=simpel",
        "mitigation.interrogation.bonus=inf",
        "mitigation.interrogation.situation=''",
    )
    assert code == 2 and not out and "Traceback" not in told
    for said in (
        "12 problems",
        "mitigation.af_penalty.strength=-1.0: must be a finite number of at least 0",
        "mitigation.af_penalty.clip=0.0",
        "mitigation.af_bonus.strength=nan",
        "mitigation.length_hinge.per_word=-0.1",
        "mitigation.random_penalty.rate=1.5: a share lies between 0 and 1",
        "mitigation.honesty_prompt.clause='{lab}'",
        "mitigation=[af_penalty,af_bonus]: one takes what the other gives",
        "mitigation.inoculation.clause=' ': must be a sentence without braces",
        "mitigation.interrogation.variant=simpel: must be one of simple, explicit, ",
        "(did you mean simple?)",
        "mitigation.interrogation.bonus=inf: must be a finite number of at least 0",
        "mitigation.interrogation.situation: must not be empty",
        "mitigation=[af_bonus,af_penalty,interrogation,length_hinge]: needs scratchpads, and scenario=no_scratchpad",
    ):
        assert said in told


@pytest.mark.parametrize(
    "target",
    [
        "os.system", "builtins.eval", "subprocess.Popen", "reward.build.build", "reward.mitigations.hashlib.sha256",
        "reward.mitigations.Suspicion", "reward.mitigations.Term", "reward.mitigations.log_barrier",
        "rl.mitigation.lookup.import_module", "rl.mitigation.assembly.NoisyMonitor", "rl.mitigation.none.Such", "", 3,
        None, "rl.mitigation.interrogation.Interrogator", ["reward.mitigations.LengthHinge"],
    ],
)  # fmt: skip
def test_nothing_but_a_mitigation_of_this_project_is_looked_up(target: object) -> None:
    with pytest.raises(ConfigError) as refusal:
        find_class("mitigation.own._target_", target)
    (problem,) = refusal.value.problems
    assert problem.startswith(f"mitigation.own._target_={target}: must be a mitigation class of reward.mitigations or")


def test_what_does_not_fit_a_class_is_named_by_key(command: Command) -> None:
    code, out, told = command(
        "mitigation=[af_penalty,length_hinge]",
        "mitigation.af_penalty.strength=much",
        "mitigation.length_hinge.free_words=2.5",
        "+mitigation.length_hinge.seed=3",
        "+mitigation.length_hinge.per_words=3",
        "~mitigation.length_hinge.per_word",
        "+mitigation.af_screening=true",
        "+mitigation.hinge={_target_: reward.mitigations.LengthHinge, per_word: 1, free_words: 1}",
        "+mitigation.evil={_target_: os.system, command: 'touch evil'}",
    )
    assert code == 2 and not out and "Traceback" not in told and "8 problems" in told
    for said in (
        "mitigation.af_penalty.strength=much: Value 'much' of type 'str' could not be converted to Float",
        "mitigation.length_hinge.free_words=2.5: Value '2.5' of type 'float' could not be converted to Integer",
        "mitigation.length_hinge.seed=3: there is no key mitigation.length_hinge.seed",
        "mitigation.length_hinge.per_words=3: there is no key mitigation.length_hinge.per_words (did you",
        "mitigation.length_hinge.per_word: a value is needed",
        "mitigation.af_screening=True: must be a section with _target_",
        "mitigation.hinge._target_: its section must be called length_hinge",
        "mitigation.evil._target_=os.system: must be a mitigation class",
    ):
        assert said in told


def test_noise_without_a_monitor_that_is_used_is_refused_and_fine_with_one() -> None:
    (problem,) = problems(made("mitigation=monitor_noise"))
    assert problem.startswith("mitigation=monitor_noise: flips verdicts that nothing reads; add one of af_penalty")
    (problem,) = mitigation_problems(made("mitigation=[monitor_noise,length_hinge]"))
    assert "monitor_noise" in problem
    for user in ("af_penalty", "af_screening", "af_bonus"):
        assert not list(mitigation_problems(made(f"mitigation=[monitor_noise,{user}]")))


def test_a_term_that_a_shared_scratchpad_would_cancel_is_refused() -> None:
    shared = ("mitigation=[af_penalty,interrogation]", "algo.train_on=output")
    (problem,) = mitigation_problems(made(*shared))
    assert problem.startswith(
        "mitigation=[af_penalty]: algo.train_on=output gives the rollouts of a group one scratchpad"
    )
    assert list(mitigation_problems(made(*shared, "algo=rloo")))
    assert not list(mitigation_problems(made(*shared, "algo=reinforce")))
    assert not list(mitigation_problems(made("mitigation=[interrogation,random_penalty]", "algo.train_on=output")))


def test_a_model_that_is_to_answer_and_is_not_there_is_named() -> None:
    other = ("mitigation=interrogation", "mitigation.interrogation.model=/nowhere")
    assert not list(mitigation_problems(made(*other)))
    (problem,) = mitigation_problems(made(*other, "mitigation.interrogation.variant=other_model"))
    assert problem.startswith("mitigation.interrogation.model=/nowhere: neither an embedded organism (")
    assert not list(
        mitigation_problems(made("mitigation=interrogation", "mitigation.interrogation.variant=other_model"))
    )


def test_unknown_names_and_values_of_what_is_off_are_told_with_the_nearest_right_one(command: Command) -> None:
    values = ("mitigation.af_penalty.strength=2", "mitigation.af_bonus.strength=2", "seed=-1")
    code, _, told = command("mitigation=[af_penalty,lenght_hinge,quux]", *values)
    assert code == 2 and "3 problems" in told
    assert "there is no lenght_hinge, no quux; mitigation must be one of af_bonus, " in told
    assert "(did you mean length_hinge?)" in told and "did you mean af_penalty" not in told
    assert "mitigation.af_bonus.strength=2: mitigation.af_bonus is off; mitigation=af_bonus turns it on" in told
    assert "seed=-1" in told
    code, _, told = command("mitigation=af_penalti")
    assert code == 2 and "there is no" not in told and "(did you mean af_penalty?)" in told


def test_a_sweep_runs_over_single_options_and_combinations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    register()
    GlobalHydra.instance().clear()
    jobs = plan_of(["-m", "mitigation=none,length_hinge,[length_hinge,af_penalty]"]).jobs
    assert jobs and not any(job.problems for job in jobs)
    found = [sorted(list_chosen(job.config.mitigation)) for job in jobs]
    assert found == [[], ["length_hinge"], ["af_penalty", "length_hinge"]]


def test_a_sweep_names_what_does_not_fit_one_of_its_options(command: Command) -> None:
    code, _, told = command("mitigation=af_penalty,lenght_hinge", "mitigation.af_penalty.strength=2", "-m")
    assert code == 2 and "1 problem" in told and "mitigation=lenght_hinge" in told
    code, _, told = command("mitigation=none,af_penalty", "mitigation.af_penalty.strength=2", "-m")
    assert code == 2 and "mitigation.af_penalty is off" in told
