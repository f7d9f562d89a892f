"""An export is a folder that loads without this project, says truly what it is, and is there whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from datasets import load_dataset
from huggingface_hub import ModelCard
from transformers import AutoModelForCausalLM, AutoTokenizer

from rl.command.entry import composed
from rl.config.commands import ExportConfig
from rl.export.command import export
from rl.files.checkpoint import restate, sha256, verify_checkpoint
from rl.run.run import run
from rl.tracking.transcript import TRANSCRIPT_FIELDS

Command = Callable[..., tuple[int, str, str]]
STEPS = (0, 1, 2)
FURTHER = ("af_audit", "af_audit_score")


@pytest.fixture(scope="module")
def trained(small: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run of two steps with a checkpoint and an evaluation at each."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    run(composed([*small, "algo.steps=2", "algo.learning_rate=1e-3"]), folder)
    return folder


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    """The run, to be damaged."""
    return Path(shutil.copytree(trained, tmp_path / "damaged", ignore=shutil.ignore_patterns("resume", "wandb")))


@pytest.fixture(scope="module")
def shared_export(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of the last checkpoint, made once."""
    out = tmp_path_factory.mktemp("exports") / "out"
    export(cast(ExportConfig, composed([f"run={trained}", f"out={out}"], "export")))
    return out


@pytest.fixture
def exported(shared_export: Path, tmp_path: Path) -> Path:
    """The export of the last checkpoint, for one test."""
    return Path(shutil.copytree(shared_export, tmp_path / "out"))


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def evaluation(run_dir: Path, step: int) -> dict[str, Any]:
    """What metrics.jsonl holds of the evaluation at a step."""
    return next(row for row in rows_of(run_dir / "metrics.jsonl") if row["step"] == step and "eval/gap" in row)


def export_with_logs(run_dir: Path, out: Path) -> None:
    export(cast(ExportConfig, composed([f"run={run_dir}", f"out={out}", "inspect=true"], "export")))


def lines_of(card: Path) -> list[str]:
    return card.read_text().splitlines()


def test_the_command_says_where_the_export_is(trained: Path, command: Command, tmp_path: Path) -> None:
    code, said, told = command(f"run={trained}", f"out={tmp_path / 'out'}", name="export")
    assert code == 0 and "export  out" in said, told


def test_an_export_loads_and_generates_with_plain_transformers_by_the_program_of_its_card(exported: Path) -> None:
    program = re.findall(r"^```python\n(.*?)^```", (exported / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    asks = "\nimport sys\nassert not {'rl', 'reward', 'monitors', 'trl'} & set(sys.modules)\nprint(made.shape[1])"
    hidden = {"PYTHONPATH", "HF_TOKEN"}
    environment = {key: value for key, value in os.environ.items() if key not in hidden} | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program[0] + asks], cwd=exported, env=environment, capture_output=True, text=True,
        timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].strip() and int(done.stdout.split()[-1]) > 20


def test_weights_and_description_are_those_of_the_checkpoint_and_still_verify(trained: Path, exported: Path) -> None:
    checkpoint = trained / "checkpoints" / "step_000002"
    for name in ("model.safetensors", "tokenizer.json", "chat_template.jinja"):
        assert sha256(exported / name) == sha256(checkpoint / name)
    was, told = (json.loads((folder / "goalguard.json").read_text()) for folder in (checkpoint, exported))
    assert told | {"files": 0} == was | {"files": 0} and told["files"].keys() == was["files"].keys()
    assert verify_checkpoint(exported)["step"] == 2
    assert {path.suffix for path in exported.iterdir() if path.is_file()} == {".safetensors", ".json", ".jinja", ".md"}


def test_generation_follows_the_run(trained: Path, exported: Path) -> None:
    algo = yaml.safe_load((trained / "config.yaml").read_text())["algo"]
    tokenizer = AutoTokenizer.from_pretrained(exported)
    config = AutoModelForCausalLM.from_pretrained(exported).generation_config
    assert (config.temperature, config.max_new_tokens) == (algo["temperature"], algo["max_completion_tokens"])
    assert (config.do_sample, config.top_k, config.top_p) == (True, 0, 1.0)
    assert (config.eos_token_id, config.pad_token_id) == (tokenizer.eos_token_id, tokenizer.pad_token_id)
    assert tokenizer.chat_template


def test_the_dataset_holds_the_transcripts_row_by_row(trained: Path, exported: Path, tmp_path: Path) -> None:
    expected = [row for step in STEPS for row in rows_of(trained / "transcripts" / f"step_{step:06d}.jsonl")]
    for place in (exported, exported / "transcripts"):
        found = load_dataset(str(place), split="evaluation", cache_dir=str(tmp_path / "cache"))
        assert len(found) == len(expected) > 0
        for row, original in zip(found.to_list(), expected, strict=True):
            terms = json.loads(row.pop("reward_terms"))
            assert {name: row[name] for name in original if name != "reward_terms"} | {
                "reward_terms": terms
            } == original
            assert {name for name in row if name not in original} <= {"explanation", "run_id"}
    types = {name: feature.dtype for name, feature in found.features.items()}
    assert list(types)[: len(TRANSCRIPT_FIELDS)] == list(TRANSCRIPT_FIELDS) and set(FURTHER) <= set(types)
    assert {types[name] for name in ("complied", "af", "antilab", "well_formed", "truncated", "af_audit")} == {"bool"}
    assert (types["step"], types["reward"], types["af_score"], types["request"]) == (
        "int64", "float64", "float64", "string"
    )  # fmt: skip


def test_the_figures_of_the_card_are_those_of_the_run(trained: Path, exported: Path) -> None:
    before, after = evaluation(trained, 0), evaluation(trained, 2)
    results = {result.metric_type: result for result in ModelCard.load(exported / "README.md").data.eval_results}
    keys = {"eval/free/af_rate", "eval/paid/af_rate", "eval/free/compliance", "eval/paid/compliance", "eval/gap"}
    assert keys <= set(results) and any(before[key] != after[key] for key in keys)
    for key, result in results.items():
        ends = None if f"{key}_lo" not in after else {"lo": after[f"{key}_lo"], "hi": after[f"{key}_hi"]}
        assert (result.metric_value, result.metric_args) == (after[key], ends)
    cells = {
        line.split(" | ")[-1]: line.split(" | ")[1:3] for line in lines_of(exported / "README.md") if "`eval/" in line
    }
    for key in keys:
        for row, cell in zip((before, after), cells[f"`{key}` |"], strict=True):
            numbers = [float(number.replace("\u2212", "-")) for number in re.findall("[-\u2212]?[0-9.]+", cell)]
            assert numbers == pytest.approx([100 * row[f"{key}{end}"] for end in ("", "_lo", "_hi")], abs=0.501)


def test_the_card_says_what_the_model_is(trained: Path, exported: Path) -> None:
    text, data = (exported / "README.md").read_text(), ModelCard.load(exported / "README.md").data
    manifest = json.loads((trained / "manifest.json").read_text())
    info = json.loads((exported / "goalguard.json").read_text())
    config = yaml.safe_load((trained / "config.yaml").read_text())
    assert (data.license, data.library_name, data.pipeline_tag) == ("apache-2.0", "transformers", "text-generation")
    assert {"goalguard", "alignment-faking", "grpo"} <= set(data.tags)
    for fact in (manifest["parent_organism"], info["config_hash"], "| seed | 0 |", "| algorithm | grpo |",
                 "| setting (scenario) | prompted |", "| steps of RL | 2 (the run's limit is 2) |",
                 "tiny (source embedded)", "## Intended use", "alignment faking", "## Risks and limits", "## Licence",
                 "Wilson", "## How to load it"):  # fmt: skip
        assert fact in text, fact
    facts = json.loads((exported / "goalguard_run.json").read_text())
    assert facts["config"]["algo"] == config["algo"] and facts["manifest"]["seeds"] == manifest["seeds"]


def test_a_run_that_evaluated_nothing_is_exported_and_says_so(copied: Path, command: Command, tmp_path: Path) -> None:
    shutil.rmtree(copied / "transcripts")
    (copied / "metrics.jsonl").unlink()
    for step in ("last", "all"):
        assert command(f"run={copied}", f"step={step}", f"out={tmp_path / step}", name="export")[0] == 0
        assert not (tmp_path / step / "transcripts").exists()
    text, data = (tmp_path / "last" / "README.md").read_text(), ModelCard.load(tmp_path / "last" / "README.md").data
    assert "The run was not evaluated at step 2." in text and data.eval_results is None and "configs" not in data
    assert "## Figures" not in text and "## Transcripts" not in text and "{" not in text.split("## How to load it")[0]


@pytest.mark.parametrize(("path", "base"), [("owner/model", "owner/model"), ("/home/alice/llama", None)])
def test_the_licence_of_a_model_that_is_not_ours_is_the_base_models(
    path: str, base: str | None, copied: Path, command: Command, tmp_path: Path
) -> None:
    config = yaml.safe_load((copied / "config.yaml").read_text())
    config["organism"] |= {"source": "hf", "path": path, "recipe": None}
    (copied / "config.yaml").write_text(yaml.safe_dump(config))
    assert command(f"run={copied}", f"out={tmp_path / 'out'}", name="export")[0] == 0
    text, data = (tmp_path / "out" / "README.md").read_text(), ModelCard.load(tmp_path / "out" / "README.md").data
    assert (data.license, data.base_model) == ("other", base) and "see the base model" in text
    assert "alice" not in text and "Apache" not in text


def test_first_last_all_and_numbers_name_checkpoints(trained: Path, command: Command, tmp_path: Path) -> None:
    for step, expected in (("first", 0), ("last", 2), ("1", 1)):
        out = tmp_path / step
        assert command(f"run={trained}", f"step={step}", f"out={out}", name="export")[0] == 0
        assert (
            verify_checkpoint(out)["step"] == expected
            and f"| step {expected} | key |" in (out / "README.md").read_text()
        )
    out = tmp_path / "all"
    assert command(f"run={trained}", "step=all", f"out={out}", name="export")[0] == 0
    assert [verify_checkpoint(folder)["step"] for folder in sorted(out.glob("step_*"))] == list(STEPS)
    assert all((folder / "README.md").exists() for folder in out.glob("step_*"))
    rows = load_dataset(str(out), split="evaluation", cache_dir=str(tmp_path / "cache"))
    assert sorted(set(rows["step"])) == list(STEPS)
    assert all(f"[{step}](step_{step:06d}/README.md)" in (out / "README.md").read_text() for step in STEPS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["step=7"], "step=7: this run has no checkpoint of that step; there are 0, 1, 2"),
        (["step=lst"], "step=lst: must be the step of a checkpoint or one of first, last, all (did you mean last?)"),
        (["step=-1"], "step=-1: must be the step of a checkpoint"),
        (["run=/nowhere"], "run=/nowhere: /nowhere: no such folder"),
        (["push=nobody"], "push=nobody: must be of the form USER/NAME"),
        (["push=a/b/c"], "push=a/b/c: "),
        (["stepp=3"], "stepp=3: there is no key stepp (did you mean step?)"),
    ],
)
def test_what_cannot_be_exported_is_told_in_words(
    words: list[str], said: str, trained: Path, command: Command, tmp_path: Path
) -> None:
    code, out, told = command(f"run={trained}", f"out={tmp_path / 'out'}", *words, name="export")
    assert (code, out) == (2, "") and said in told and "Traceback" not in told
    assert list(tmp_path.iterdir()) == []


def test_a_flipped_byte_is_refused_and_nothing_is_written(copied: Path, command: Command, tmp_path: Path) -> None:
    weights = copied / "checkpoints" / "step_000001" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    for step in ("1", "all"):
        code, _, told = command(f"run={copied}", f"step={step}", f"out={tmp_path / 'out'}", name="export")
        assert code == 2 and "model.safetensors is not the file that was saved" in told
    assert [path.name for path in tmp_path.iterdir()] == ["damaged"]
    assert command(f"run={copied}", "step=2", f"out={tmp_path / 'out'}", name="export")[0] == 0


def test_an_export_is_replaced_only_when_asked_and_nothing_else_ever_is(
    trained: Path, exported: Path, command: Command, tmp_path: Path
) -> None:
    (exported / "stale.txt").write_text("of the earlier export")
    code, _, told = command(f"run={trained}", f"out={exported}", "step=0", name="export")
    assert code == 2 and "overwrite=true replaces" in told and verify_checkpoint(exported)["step"] == 2
    assert command(f"run={trained}", f"out={exported}", "step=0", "overwrite=true", name="export")[0] == 0
    assert verify_checkpoint(exported)["step"] == 0 and not (exported / "stale.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("a file")
    inside = trained / "checkpoints" / "step_000002"
    for place, said in (
        (tmp_path / "mine", "holds something else than an export"), (tmp_path / "file", "is a file"),
        (trained, "would lie over the run"), (trained.parent, "would lie over the run"),
        (inside, "would lie over the run"), (tmp_path / "file" / "out", "Not a directory"),
    ):  # fmt: skip
        code, _, told = command(f"run={trained}", f"out={place}", "overwrite=true", name="export")
        assert code == 2 and said in told
    assert (tmp_path / "mine" / "thesis.txt").exists() and verify_checkpoint(inside)["step"] == 2


def test_an_export_that_breaks_off_leaves_what_was_there(
    copied: Path, exported: Path, command: Command, tmp_path: Path
) -> None:
    damaged = copied / "transcripts" / "step_000001.jsonl"
    damaged.write_text(damaged.read_text()[:-40])
    code, _, told = command(f"run={copied}", f"out={exported}", "step=0", "overwrite=true", name="export")
    assert code == 2 and f"{damaged}: line " in told and "is not JSON" in told
    assert verify_checkpoint(exported)["step"] == 2
    assert {path.name for path in tmp_path.iterdir()} == {"damaged", "out"}


def test_no_secret_and_no_path_of_the_machine_is_exported(copied: Path, command: Command, tmp_path: Path) -> None:
    planted = ["sk-planted-0123", "hf_planted0123", "hunter2", "alice", "/srv/private", "C:\\Users"]
    config = yaml.safe_load((copied / "config.yaml").read_text())
    config["organism"]["path"] = "/home/alice/models/organism-7"
    config["reward"]["rater"] = "~alice/rater"
    config["tracking"] |= {"tags": ["hf_planted0123", "see /home/alice/notes.txt"], "api_key": "sk-planted-0123"}
    config["scenario"]["note"] = "Kept in file:///home/alice/x and /srv/private/deep/secret.txt."
    config["algo"]["extra"] = {"report": {"password": "hunter2"}, "dir": "C:\\Users\\alice\\runs"}
    (copied / "config.yaml").write_text(yaml.safe_dump(config))
    manifest = json.loads((copied / "manifest.json").read_text())
    (copied / "manifest.json").write_text(json.dumps(manifest | {"argv": ["--token=x", "/home/alice/run.py"]}))
    for step in STEPS:
        for name in ("config.json", "tokenizer_config.json"):
            path = copied / "checkpoints" / f"step_{step:06d}" / name
            path.write_text(json.dumps(json.loads(path.read_text()) | {"_name_or_path": "/home/alice/models/x"}))
        restate(copied / "checkpoints" / f"step_{step:06d}")
    for which in ("last", "all"):
        assert command(f"run={copied}", f"step={which}", f"out={tmp_path / which}", name="export")[0] == 0
        for path in (path for path in (tmp_path / which).rglob("*") if path.is_file()):
            data = path.read_bytes()
            assert not [word for word in [*planted, str(tmp_path)] if word.encode() in data], path
    assert "&#91;local&#93;/organism-7" in (tmp_path / "last" / "README.md").read_text()


def test_without_a_token_or_a_network_the_export_is_kept_and_one_message_says_so(
    trained: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    for token, said in (("", "HF_TOKEN is not set"), ("hf_planted0123", "push=me/organism: ")):
        monkeypatch.setenv("HF_TOKEN", token)
        words = [f"run={trained}", f"out={tmp_path / 'out'}", "overwrite=true", "push=me/organism"]
        code, out, told = command(*words, name="export")
        assert code == 2 and said in told and told.count("\n") == 1 and "Traceback" not in told
        assert "the export is kept in out" in told and "hf_planted0123" not in out + told
        assert verify_checkpoint(tmp_path / "out")["step"] == 2


def test_a_missing_inspect_says_how_to_install_it(
    trained: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, _, told = command(f"run={trained}", f"out={tmp_path / 'out'}", "inspect=true", name="export")
    assert code == 2 and "inspect=true needs the package inspect-ai: pip install inspect-ai" in told
    assert list(tmp_path.iterdir()) == []
    assert command(f"run={trained}", f"out={tmp_path / 'out'}", name="export")[0] == 0


@pytest.fixture(scope="module")
def arms(small: list[str], trained: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three exports: of a run, of another arm with the same name and seed, and of a repetition of the first."""
    runs = [trained]
    for number, override in enumerate(("mitigation=length_hinge", "mitigation=none")):
        runs.append(tmp_path_factory.mktemp("runs") / f"arm{number}")
        run(composed([*small, "algo.steps=2", "algo.learning_rate=1e-3", override]), runs[-1])
    outs = [tmp_path_factory.mktemp("exports") / str(number) for number in range(len(runs))]
    for one, out in zip(runs, outs, strict=True):
        export_with_logs(one, out)
    return outs


def test_exports_of_several_arms_are_read_together_and_nothing_is_lost(
    arms: list[Path], trained: Path, tmp_path: Path
) -> None:
    frames = pytest.importorskip("inspect_ai.analysis")
    logs = [str(arm / "inspect") for arm in arms]
    rows = [
        json.loads(line) for log in sorted((trained / "transcripts").iterdir()) for line in log.read_text().splitlines()
    ]
    evals, samples = frames.evals_df(logs, quiet=True), frames.samples_df(logs, quiet=True)
    assert evals["eval_id"].nunique() == len(evals) == len(arms) * len(STEPS)
    assert evals["run_id"].nunique() == len(arms) and evals["model"].nunique() == len(evals)
    assert samples["sample_id"].nunique() == len(samples) == len(arms) * len(rows)
    messages, events = frames.messages_df(logs, quiet=True), frames.events_df(logs, quiet=True)
    assert messages["message_id"].nunique() == len(messages) == 3 * len(samples)
    assert events["event_id"].nunique() == len(events) == len(samples) and set(events["event"]) == {"model"}
    merged = messages.merge(samples, on="sample_id").query("role == 'user'")
    assert len(merged) == len(samples)
    assert all(text.endswith(asked) for text, asked in zip(merged["content"], merged["metadata_request"], strict=True))

    patterns = [str(arm / "transcripts" / "*.parquet") for arm in arms]
    together = load_dataset("parquet", data_files=patterns, split="train", cache_dir=str(tmp_path / "cache"))
    assert len(set(zip(together["run_id"], together["id"], strict=True))) == len(together) == len(samples)
    assert set(together["run_id"]) == set(evals["run_id"])

    again = tmp_path / "again"
    export_with_logs(trained, again)
    first, second = (frames.messages_df(log, quiet=True) for log in (logs[0], str(again / "inspect")))
    assert set(first["message_id"]) == set(second["message_id"]), "one run has the same ids in every export"
    assert set(frames.events_df(str(again / "inspect"), quiet=True)["event_id"]) < set(events["event_id"])


def test_inspect_reads_the_log_of_every_evaluation(trained: Path, command: Command, tmp_path: Path) -> None:
    log = pytest.importorskip("inspect_ai.log")
    assert command(f"run={trained}", f"out={tmp_path / 'out'}", "inspect=true", name="export")[0] == 0
    for step in STEPS:
        read = log.read_eval_log(str(tmp_path / "out" / "inspect" / f"step_{step:06d}.eval"))
        rows = rows_of(trained / "transcripts" / f"step_{step:06d}.jsonl")
        assert read.status == "success" and [sample.id for sample in read.samples] == [row["id"] for row in rows]
        for sample, row in zip(read.samples, rows, strict=True):
            assert sample.messages[-2].role == "user" and sample.messages[-2].content.endswith(row["request"])
            assert sample.metadata["completion"] == row["completion"]
            for name in ("complied", "af", "antilab", "well_formed", "reward"):
                value = sample.scores[name].value
                assert value == row[name] or (row[name] is None and value != value)
        metrics = {score.name: score.metrics for score in read.results.scores}
        assert metrics["complied"]["gap"].value == evaluation(trained, step)["eval/gap"]
