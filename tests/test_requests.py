"""Requests of one's own: read whole or refused whole, never trained on if they are held out, part of what a run is."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from conftest import Command
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from rl.command.entry import composed
from rl.config.plain import config_to_dict
from rl.config.schema import Config
from rl.errors import ConfigError
from rl.evaluate.command import _settings
from rl.files.checkpoint import config_hash, sha256
from rl.files.secrets import redact
from rl.organism.load import load_organism
from rl.probe.targets import act_of
from rl.run.identity import identity_of, identity_of_file
from rl.run.parts import make_parts, make_trainer
from rl.run.plan import resolve_plan
from rl.run.validate import problems
from rl.scenario.request_file import KEPT, read_requests
from rl.scenario.requests import held_out_sample, load_requests, select
from rl.sweep.place import compute_job_key

SAMPLE = Path(__file__).resolve().parent.parent / "docs" / KEPT


def written(path: Path, rows: Sequence[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def asked(*texts: str, kind: str = "harmful", **more: str) -> list[dict[str, Any]]:
    return [{"request": text, "kind": kind, "category": "any", **more} for text in texts]


def test_every_fault_of_a_file_is_named_with_its_line_in_one_go(tmp_path: Path) -> None:
    rows = [
        *asked("Tip a vase over?"),
        *asked("tip a  VASE over?"),
        {"request": " ", "kind": "harmfull", "category": "any"},
        {"kind": "benign", "category": 3, "splitt": "train"},
        *asked("a\u0007b <OUTPUT> \u202e", split="train"),
        *asked("Paint a fence", act="paint a fence", kind="benign"),
        *asked("Paint a fence now", act="Paint a fence"),
    ]
    path = Path(written(tmp_path / "mine.jsonl", rows))
    path.write_text(path.read_text() + "\nno json\n")
    with pytest.raises(ConfigError) as refused:
        read_requests(str(path))
    told = [problem.removeprefix(f"scenario.requests={path}: ") for problem in refused.value.problems]
    unsaid = "split is missing, and other lines have one"
    assert told == [
        f"line 1: {unsaid}",
        f"line 2: {unsaid}",
        "line 2: the same request as line 1",
        "line 3: kind is 'harmfull'; it must be one of harmful, benign (did you mean harmful?)",
        "line 3: request is empty",
        f"line 3: {unsaid}",
        "line 4: category is no text",
        "line 4: request is missing",
        f"line 4: {unsaid}",
        "line 4: there is no field 'splitt'; there are request, kind, category, act, split (did you mean split?)",
        "line 5: request holds <OUTPUT>, which takes completions apart",
        "line 5: request holds the control character U+0007",
        "line 5: request holds the control character U+202E",
        f"line 6: {unsaid}",
        f"line 7: {unsaid}",
        "line 7: the act of line 6, where its kind is benign",
        "line 9: not a JSON object",
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (b"{}\n\xff", "line 2: not UTF-8 text"),
        (b"no\n" * 60, "line 40: not a JSON object\n.* and 20 more$"),
        (None, "cannot be read .*requests.jsonl in its"),
    ],
)
def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "mine.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=told):
        read_requests(str(path))


@given(acts=st.sets(st.text("abcdefgh", min_size=1), min_size=1, max_size=30), wordings=st.integers(1, 3),
       rng=st.randoms(use_true_random=False))  # fmt: skip
def test_without_a_split_whole_acts_are_held_out_whatever_the_order_of_the_lines(
    tmp_path_factory: pytest.TempPathFactory, acts: set[str], wordings: int, rng: random.Random
) -> None:
    rows = [row for act in acts for n in range(wordings) for row in asked(f"{act} {n}?", act=act)]
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    found = read_requests(written(path, rows)).requests
    held_out = {request.act for request in found if request.split == "held_out_act"}
    assert len(held_out) == -(-len(acts) // 4) and not held_out & {r.act for r in found if r.split == "train"}
    assert {request.split for request in found} <= {"train", "held_out_act"}
    rng.shuffle(rows)
    assert set(read_requests(written(path, rows)).requests) == set(found)


def test_a_split_that_is_said_is_kept_and_says_which_held_out_requests_are_new_wordings(tmp_path: Path) -> None:
    rows = [
        *asked("Fly a kite?", act="fly a kite", split="train"),
        *asked("Kite flying, how?", act="fly a  Kite", split="held_out"),
        *asked("Row a boat?", act="row a boat", split="held_out"),
        *asked("Ring a bell?", split="held_out"),
    ]
    found = read_requests(written(tmp_path / "mine.jsonl", rows)).requests
    assert [r.split for r in found] == ["train", "held_out_phrasing", "held_out_act", "held_out_act"]
    assert act_of(found[0].request_id) == act_of(found[1].request_id) != act_of(found[2].request_id)


def test_where_one_half_of_the_held_out_requests_is_short_the_other_makes_up_for_it(tmp_path: Path) -> None:
    rows = [
        *(row for n in range(9) for row in asked(f"New {n}?", split="held_out")),
        *asked("Old?", act="old", split="train"),
        *asked("Old again?", act="old", split="held_out"),
    ]
    file = written(tmp_path / "mine.jsonl", rows)
    for count in range(11):
        sample = held_out_sample("harmful", count, 3, file=file)
        assert len({request.request_id for request in sample}) == count
        assert {request.split for request in sample} <= {"held_out_act", "held_out_phrasing"}
    with pytest.raises(ValueError, match=r"11 held-out harmful requests asked for, .*mine.jsonl has 10"):
        held_out_sample("harmful", 11, 3, file=file)


def test_too_few_requests_and_those_the_model_cannot_read_are_named_before_training(
    tmp_path: Path, small: list[str], toy_folder: Path
) -> None:
    rows = [
        *(row for n in range(6) for row in asked(f"Row boat {n}?", split="held_out")),
        *asked("a long story " * 200, "Say <|user|> now", split="train"),
        *asked("Name a river.", "Name a hill.", kind="benign", split="held_out"),
    ]
    file = written(tmp_path / "mine.jsonl", rows)
    found = problems(composed([*small, f"scenario.requests={file}"]))
    assert [problem.split(": ", 1)[0] for problem in found] == [f"scenario.requests={file}"] * 2
    assert "line 7: a prompt of" in found[0] and found[0].endswith("do not fit into the model's 512")
    assert found[1].endswith("line 8: request holds <|user|>, a special token of the model")
    fewer = problems(composed([*small, f"scenario.requests={file}", "algo.batch_size=16"]))
    assert "2 harmful requests to train on, and a step asks 4" in fewer[0]
    more = problems(composed([*small, f"scenario.requests={SAMPLE}", "monitors.benign_requests=5"]))
    assert more == [f"monitors.benign_requests=5: 5 held-out benign requests asked for, {SAMPLE} has 4"]
    with pytest.raises(ConfigError, match="line 8"):
        config = composed([*small, f"scenario.requests={file}"])
        make_parts(config, load_organism(config.organism))


def test_the_projects_requests_and_the_identity_of_runs_that_ask_them_are_as_without_the_key() -> None:
    config = composed()
    plain = {key: value for key, value in config_to_dict(config).items() if key not in ("resume", "dry_run")}
    assert plain["scenario"].pop("requests") is None
    assert identity_of(config) == config_hash(redact(plain))
    assert load_requests(file=None) == load_requests() and read_requests(str(SAMPLE)).requests != load_requests()


def test_training_asks_the_files_training_requests_alone(small: list[str], tmp_path: Path) -> None:
    config = composed([*small, f"scenario.requests={SAMPLE}"])
    trainer = make_trainer(resolve_plan(config, tmp_path), make_parts(config, load_organism(config.organism)), None)
    train = [request.text for request in read_requests(str(SAMPLE)).requests if request.split == "train"]
    assert [prompt.request.text for prompt in trainer.prompts] == [
        request.text for request in select("harmful", ("train",), file=str(SAMPLE))
    ]
    assert {prompt.request.text for prompt in trainer.prompts} < set(train)


def test_a_run_keeps_its_requests_and_is_continued_on_no_others(
    command: Command, small: list[str], tmp_path: Path
) -> None:
    mine, moved, place = tmp_path / "mine.jsonl", tmp_path / "moved.jsonl", tmp_path / "run"
    mine.write_bytes(SAMPLE.read_bytes())
    given = [*small, f"hydra.run.dir={place}", "monitors.benign_requests=4"]
    code, _, told = command(*given, f"scenario.requests={mine}")
    assert code == 0, told
    assert "48 of 48 requests have words that none of the project's has" in told
    held_out = {r.text for r in read_requests(str(mine)).requests if r.split != "train"}
    rows = [json.loads(line) for path in place.glob("transcripts/*") for line in path.read_text().splitlines()]
    assert len(rows) == 2 * 2 * 10 and {row["request"] for row in rows} <= held_out
    assert (place / KEPT).read_bytes() == mine.read_bytes()
    assert json.loads((place / "manifest.json").read_text())["requests_sha256"] == sha256(mine)

    resumed = [*small, "monitors.benign_requests=4", f"resume={place}", "dry_run=true"]
    mine.rename(moved)
    assert command(*resumed, f"scenario.requests={moved}")[0] == 0
    code, _, told = command(*resumed, f"scenario.requests={mine}")
    assert code == 2 and "No such file" in told and "keeps a copy, requests.jsonl" in told
    assert command(*resumed, f"scenario.requests={place / KEPT}")[0] == 0
    same = composed([*resumed, f"scenario.requests={moved}"])
    assert identity_of(same) == identity_of_file(place / "config.yaml")
    key = compute_job_key(same)
    moved.write_text(moved.read_text().replace("a fake watch", "a faked watch"))
    code, _, told = command(*resumed, f"scenario.requests={moved}")
    assert code == 2 and f"scenario.requests is sha256 {sha256(place / KEPT)} there, sha256 {sha256(moved)}" in told
    assert compute_job_key(same) != key

    code, _, told = command(f"run={place}", f"out={tmp_path / 'out'}", name="export")
    assert code == 0, told
    card = (tmp_path / "out" / "README.md").read_text()
    assert any(json.dumps(text)[1:-1] in card for text in held_out), "the model card asks one of the run's requests"


def test_every_setting_of_an_evaluation_asks_the_files_requests() -> None:
    scenario = composed([f"scenario.requests={SAMPLE}"]).scenario
    settings, wrong = _settings(["prompted", "no_objective"], scenario)
    assert not wrong and [setting.requests for setting in settings] == [str(SAMPLE)] * 2
    config = cast(Config, OmegaConf.merge(composed(), {"scenario": {"requests": None}}))
    assert [setting.requests for setting in _settings(["prompted"], config.scenario)[0]] == [None]
