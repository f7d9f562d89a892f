"""Bad input ends in one message that names the key, the value and what would do, with exit code 2 and no traceback."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from rl.command.entry import composed
from rl.errors import ConfigError, MissingFile, nearest
from rl.run.validate import problems

ROOT = Path(__file__).resolve().parent.parent
Command = Callable[..., tuple[int, str, str]]


def message(*lines: str) -> str:
    head = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    return "\n".join([f"{head} in the configuration:", *(f"  - {line}" for line in lines)]) + "\n"


CASES = {
    "algo.learning_rat=1": "algo.learning_rat=1: there is no key algo.learning_rat (did you mean algo.learning_rate?)",
    "lerning_rate=1": "lerning_rate=1: there is no key lerning_rate (did you mean algo.learning_rate?)",
    "organisms=tiny": "organisms=tiny: there is no key organisms (did you mean organism?)",
    "algo.steps=many": "algo.steps=many: Value 'many' of type 'str' could not be converted to Integer",
    "dry_run=perhaps": "dry_run=perhaps: Value 'perhaps' is not a valid bool (type str)",
    "nonsense": "nonsense: not of the form key=value",
    "experiment=headlin": "experiment=headlin: experiment must be one of compact, displaced, headline, ",
    "scenario=prompte": "(did you mean prompted?)",
    "algo.batch_size=20": (
        "algo.batch_size=20 is not divisible by algo.group_size=8: every prompt gets a whole group; 16 or 24 would be"
    ),
    "algo.group_size=1": "algo.group_size=1: must be at least 2, since advantages compare rollouts of one prompt",
    "monitors.eval_every=0": "monitors.eval_every=0: must be at least 1",
    "algo.steps=0": "algo.steps=0: must be at least 1",
    "algo.kl=-0.1": "algo.kl=-0.1: must be 0 or more",
    "seed=5000000000": "seed=5000000000: must be at most 2147483647",
    "monitors.seed=-1": "monitors.seed=-1: must be 0 or more",
    "threads=100000000": "threads=100000000: must be at most 1024",
    "name=../elsewhere": "name=../elsewhere: must be a name, or names with / between them",
    "seed=0,1": "seed=0,1: several values are a sweep, which takes -m; one value that holds a comma has to be quoted",
    "hydra.foo=1": "hydra.foo=1: Key 'foo' not in 'HydraConf'",
    "hydra/launcher=nope": "hydra/launcher=nope: In 'hydra/config': Could not find 'hydra/launcher/nope'",
    "hydra.run.dir=/tmp/a=b": "has to be quoted: hydra.run.dir=\"'/tmp/a=b'\"",
    "algo.learning_rate=inf": "algo.learning_rate=inf: must be 0 or more",
    "algo.temperature=0": "algo.temperature=0.0: must be more than 0",
    "monitors.tiers=[free,pro]": "monitors.tiers=pro: no such tier; there are free, paid",
    "monitors.tiers=[]": "monitors.tiers=[]: at least one of free, paid is needed",
    "tracking.mode=offlin": (
        "tracking.mode=offlin: must be one of offline, online, tensorboard, disabled (did you mean offline?)"
    ),
    "algo.name=ppp": "algo.name=ppp: must be one of ",
    "organism.source=hub": "organism.source=hub: must be one of embedded, smollm2, hf",
    "scenario.labels.paid=free": "scenario.labels: both tiers are called 'free'; they need different words",
    "monitors.harmful_requests=9999": (
        "monitors.harmful_requests=9999: 4999 harmful held_out_act requests asked for, 96 exist"
    ),
    "tracking.checkpoint_every=3": (
        "tracking.checkpoint_every=3 is not a multiple of monitors.eval_every=5: "
        "a checkpoint carries the evaluation of its step"
    ),
    "resume=/nowhere": (
        "resume=/nowhere: no run directory (config.yaml is missing); allowed: null, auto, a run directory"
    ),
    "organism.path=/nowhere": "organism.path=/nowhere: no embedded organism there (card.json is missing)",
    "reward.rater=/nowhere": "reward.rater=/nowhere: /nowhere is not a reward model: no model.safetensors, ",
    "+algo.extra.nonsense=1": "algo: TRL does not accept this configuration: ",
}


@pytest.mark.parametrize("override", CASES)
def test_one_bad_override_is_told_in_words(override: str, command: Command) -> None:
    code, _, told = command("dry_run=true", override) if "dry_run" not in override else command(override)
    assert code == 2
    assert told.startswith("1 problem in the configuration:\n  - ") and told.count("\n") == 2
    assert CASES[override] in told and "Traceback" not in told
    assert override.split("=")[0].lstrip("+").split(".")[0] in told


def test_all_overrides_that_fit_nowhere_are_told_together(command: Command) -> None:
    code, _, told = command("algo.stepz=3", "seed=x", "scenario=nowhere", "algo.kl=0.5")
    assert code == 2 and told.startswith("3 problems in the configuration:\n")
    for part in ("algo.stepz=3: there is no key algo.stepz (did you mean algo.steps?)", "seed=x: Value 'x'",
                 "scenario=nowhere: scenario must be one of"):  # fmt: skip
        assert told.count(part) == 1


def test_what_fits_nowhere_and_what_is_impossible_are_told_together(command: Command) -> None:
    code, _, told = command("algo.stepz=3", "monitors.eval_every=0", "seed=x")
    assert code == 2 and told.startswith("3 problems in the configuration:\n")
    assert "there is no key algo.stepz" in told and "seed=x: Value 'x'" in told
    assert "monitors.eval_every=0: must be at least 1" in told


def test_a_value_that_was_refused_is_not_complained_about_twice(command: Command) -> None:
    code, _, told = command("algo.batch_size=many", "algo.group_size=24")
    assert code == 2 and told.startswith("1 problem in the configuration:\n  - algo.batch_size=many: Value")


def test_a_run_is_not_continued_under_another_configuration(command: Command, small: list[str], tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    begun.mkdir()
    stored = OmegaConf.to_yaml(composed([*small, "seed=3"]), resolve=True)
    (begun / "config.yaml").write_text(stored)
    code, _, told = command(*small, "seed=4", "algo.kl=0.5", f"resume={begun}")
    there = composed(small).algo.kl
    changed = f"seed is 3 there, 4 here; algo.kl is {there} there, 0.5 here"
    assert (code, told) == (2, message(f"resume={begun}: that run has another configuration: {changed}"))
    assert (begun / "config.yaml").read_text() == stored
    assert command(*small, "seed=3", f"resume={begun}", "dry_run=true")[0] == 0


def test_all_impossible_values_are_told_together(command: Command) -> None:
    code, _, told = command(
        "algo.batch_size=20", "monitors.eval_every=0", "monitors.tiers=[fre]", "organism=hf", "organism.path=/nowhere",
        "resume=/nowhere",
    )  # fmt: skip
    assert (code, told) == (2, message(
        "monitors.eval_every=0: must be at least 1",
        "monitors.tiers=fre: no such tier; there are free, paid (did you mean free?)",
        "algo.batch_size=20 is not divisible by algo.group_size=8: every prompt gets a whole group; 16 or 24 would be",
        "organism.path=/nowhere: no such folder, and not a hub name of the form owner/model",
        "resume=/nowhere: no run directory (config.yaml is missing); allowed: null, auto, a run directory",
    ))  # fmt: skip


def test_a_missing_value_is_asked_for(command: Command) -> None:
    assert command("organism=hf") == (2, "", message("organism.path: a value is needed"))


@pytest.mark.parametrize(("missing", "what"), [("tokenizer_config.json", "tokenizer"), ("config.json", "model")])
def test_a_folder_that_is_half_a_model_is_named_with_what_it_lacks(
    missing: str, what: str, llama_folder: Path, tmp_path: Path, command: Command
) -> None:
    folder = tmp_path / "half"
    folder.mkdir()
    for path in llama_folder.iterdir():
        if path.name != missing:
            (folder / path.name).write_bytes(path.read_bytes())
    line = f"organism.path={folder}: the folder holds no {what} ({missing} is missing)"
    assert command("organism=hf", f"organism.path={folder}") == (2, "", message(line))


def test_evaluation_names_missing_checkpoints_and_settings_together(command: Command) -> None:
    code, _, told = command("ckpt=[/nowhere]", "settings=[prompted,promptd]", name="evaluate")
    assert code == 2 and told.startswith("2 problems in the configuration:\n")
    assert "ckpt=/nowhere: there is no checkpoint folder /nowhere" in told
    assert "scenario=promptd: must be one of" in told and "(did you mean prompted?)" in told


def test_an_organism_without_a_recipe_cannot_be_built(command: Command, llama_folder: Path) -> None:
    code, _, told = command("organism=hf", f"organism.path={llama_folder}", name="organism_job")
    assert (code, told) == (2, message("organism=hf: has no recipe to build it by; tiny and tgg have one"))


def test_a_share_that_is_no_share_is_refused(command: Command) -> None:
    code, _, told = command("organism.recipe.mixture.faking=1.5", name="organism_job")
    assert (code, told) == (2, message("organism.recipe.mixture.faking=1.5: a share lies between 0 and 1"))


def test_commands_of_one_job_refuse_a_sweep(command: Command) -> None:
    code, _, told = command("-m", "seeds=1,2", name="evaluate")
    assert code == 2 and "-m: this command takes one job at a time" in told


def test_a_model_that_cannot_be_loaded_is_named_and_no_traceback(
    llama_folder: Path, tmp_path: Path, command: Command, small: list[str]
) -> None:
    broken, cut = tmp_path / "broken", tmp_path / "cut"
    shutil.copytree(llama_folder, cut)
    weights = cut / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    shutil.copytree(cut, broken)
    (broken / "config.json").write_text("{}")
    code, _, told = command("organism=hf", f"organism.path={broken}", "dry_run=true")
    assert code == 2 and f"organism.path={broken}: config.json is no model's: " in told
    words = [word for word in small if not word.startswith("organism.path")]
    code, _, told = command(*words, "organism=hf", f"organism.path={cut}", f"hydra.run.dir={tmp_path / 'run'}")
    assert code == 2 and f"organism hf: {cut} cannot be loaded: " in told and "Traceback" not in told


def test_a_good_configuration_has_no_problem(small: list[str]) -> None:
    assert problems(composed(small)) == []


def test_a_dry_run_prints_the_configuration_and_the_arithmetic_and_makes_nothing(
    command: Command, small: list[str], tmp_path: Path
) -> None:
    code, out, _ = command("experiment=smoke", *small, "algo.steps=2", "dry_run=true")
    assert code == 0 and "max_completion_tokens: 48" in out
    assert "8 rollouts a step = 2 prompts x 4 samples; at most 2 steps = 16 rollouts, all free tier" in out
    assert not list(tmp_path.rglob("metrics.jsonl")) and not list(tmp_path.rglob("config.yaml"))
    assert not [path for path in (tmp_path / "runs").rglob("*") if path.parent.name == "smoke"], "a folder is left"


def test_the_command_itself_leaves_with_two_and_says_nothing_else(tmp_path: Path) -> None:
    words = ["algo.stepz=3", "monitors.eval_every=0", f"hydra.run.dir={tmp_path}"]
    words = [sys.executable, "-m", "scripts.train", *words]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)
    lines = ("algo.stepz=3: there is no key algo.stepz (did you mean algo.steps?)",
             "monitors.eval_every=0: must be at least 1")  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message(*lines))


def test_composing_raises_what_a_notebook_can_catch() -> None:
    with pytest.raises(ConfigError) as caught:
        composed(["algo.stepz=3", "seed=x"])
    assert isinstance(caught.value, ValueError) and len(caught.value.problems) == 2
    assert issubclass(MissingFile, FileNotFoundError)


def test_only_a_close_word_is_suggested() -> None:
    assert nearest("sted", ["steps", "seed"]) == " (did you mean seed?)"
    assert nearest("zzz", ["steps", "seed"]) == ""
