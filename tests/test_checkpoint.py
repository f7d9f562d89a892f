"""A checkpoint is whole or it is not there, and a damaged one is never taken for a good one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.states import latest_resume
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
)

from rl.errors import MissingFile
from rl.files.checkpoint import config_hash, restate, save_checkpoint, sha256, verify_checkpoint
from rl.run.resume import Sealer, rewind

WORDS = {"<pad>": 0, "<end>": 1, "yes": 2, "no": 3}
INFO = {"step": 10, "config_hash": "abc", "metrics": {"eval/gap": 0.3, "eval/gap_p": float("nan")}}


def tiny_model(seed: int = 0) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(WORDS), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    return LlamaForCausalLM(config)


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(WordLevel(WORDS, unk_token="<pad>"))
    words.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="<end>")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoints" / "step_000010"
    save_checkpoint(folder, tiny_model(), tiny_tokenizer(), INFO)
    return folder


def test_a_checkpoint_loads_with_transformers_alone(saved: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(saved)
    tokenizer = AutoTokenizer.from_pretrained(saved)
    expected = tiny_model().state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())
    assert tokenizer("yes no")["input_ids"] == [2, 3]


def test_a_checkpoint_says_what_it_is(saved: Path) -> None:
    info = verify_checkpoint(saved)
    assert info == json.loads((saved / "goalguard.json").read_text())
    assert info["step"] == 10 and info["config_hash"] == "abc"
    assert info["metrics"] == {"eval/gap": 0.3, "eval/gap_p": None}
    assert info["sha256"] == {"model.safetensors": sha256(saved / "model.safetensors")}


def test_nothing_half_written_stays_beside_a_checkpoint(saved: Path) -> None:
    (saved.parent / ".step_000010.partial").mkdir()
    (saved.parent / ".step_000010.partial" / "stale.bin").write_text("of a killed process")
    save_checkpoint(saved, tiny_model(seed=1), tiny_tokenizer(), INFO | {"step": 11})
    assert [path.name for path in saved.parent.iterdir()] == ["step_000010"]
    assert verify_checkpoint(saved)["step"] == 11 and not (saved / "stale.bin").exists()


def test_a_save_that_breaks_off_leaves_the_old_checkpoint_and_no_new_one(saved: Path) -> None:
    class BreaksOff:
        def save_pretrained(self, save_directory: str, /) -> None:
            Path(save_directory, "tokenizer.json").write_text("{")
            raise OSError("no space left on device")

    before = sha256(saved / "model.safetensors")
    for folder in (saved, saved.parent / "step_000020"):
        with pytest.raises(OSError, match="no space"):
            save_checkpoint(folder, tiny_model(seed=1), BreaksOff(), INFO)
    assert sha256(saved / "model.safetensors") == before and verify_checkpoint(saved)["step"] == 10
    assert [path.name for path in saved.parent.iterdir()] == ["step_000010"], "a full disk keeps what was half written"


@pytest.mark.parametrize(
    "name", ["config.json", "goalguard.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
)
def test_a_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(MissingFile, match=name):
        verify_checkpoint(saved)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="nowhere"):
        verify_checkpoint(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"])
def test_a_file_with_one_changed_bit_is_named_and_refused(saved: Path, name: str) -> None:
    flip_a_bit(saved / name)
    with pytest.raises(MissingFile, match=f"{name} is not the file that was saved"):
        verify_checkpoint(saved)


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_a_copy_says_anew_what_its_files_are_but_never_its_weights(saved: Path) -> None:
    before = (saved / "goalguard.json").read_bytes()
    restate(saved)
    assert (saved / "goalguard.json").read_bytes() == before, "nothing was changed"
    (saved / "config.json").write_text((saved / "config.json").read_text() + "\n")
    restate(saved)
    verify_checkpoint(saved)
    flip_a_bit(saved / "model.safetensors")
    restate(saved)
    with pytest.raises(MissingFile, match="model"):
        verify_checkpoint(saved)


@pytest.mark.parametrize("text", ["{", "[]", '{"step": 10}', '{"sha256": {}}'])
def test_an_unreadable_description_is_refused(saved: Path, text: str) -> None:
    (saved / "goalguard.json").write_text(text)
    with pytest.raises(MissingFile, match=r"goalguard\.json"):
        verify_checkpoint(saved)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(config=st.dictionaries(st.text(), JSON, max_size=5))
def test_the_config_hash_does_not_depend_on_the_order_of_keys(config: dict[str, Any]) -> None:
    assert config_hash(config) == config_hash(dict(reversed(config.items())))
    assert config_hash(config) != config_hash({**config, "one more key": 1})


def test_the_config_hash_is_the_same_in_every_release_and_tells_values_apart() -> None:
    # printf '{"a":[1,2.5],"b":{"c":"d"}}' | sha256sum
    assert config_hash({"b": {"c": "d"}, "a": [1, 2.5]}) == "75c0b24e3f4626f3"
    assert len({config_hash({"a": value}) for value in (1, "1", True, None, [1])}) == 5


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of a real trainer that saved at steps 9, 10 and 11."""
    run_dir = tmp_path_factory.mktemp("run")
    (run_dir / "metrics.jsonl").write_text("".join(json.dumps({"step": step}) + "\n" for step in range(10)))
    (run_dir / "transcripts").mkdir()
    (run_dir / "transcripts" / "step_000009.jsonl").write_text('{"id": 0}\n')
    rows = [{"input_ids": [2, 3, 1], "labels": [2, 3, 1]}] * 4
    arguments = TrainingArguments(
        output_dir=str(run_dir / "resume"), max_steps=11, save_steps=1, save_total_limit=3,
        per_device_train_batch_size=1,
        report_to=[], use_cpu=True, disable_tqdm=True, logging_steps=100,
    )  # fmt: skip
    Trainer(model=tiny_model(), args=arguments, train_dataset=rows, callbacks=[Sealer(run_dir)]).train()
    return run_dir


@pytest.fixture
def stopped(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


def test_the_newest_state_is_found_by_number_not_by_name(stopped: Path) -> None:
    resume = stopped / "resume"
    assert sorted(path.name for path in resume.iterdir()) == ["checkpoint-10", "checkpoint-11", "checkpoint-9"]
    assert latest_resume(stopped) == resume / "checkpoint-11"
    shutil.rmtree(resume / "checkpoint-11")
    assert latest_resume(stopped) == resume / "checkpoint-10"


STATE = ["model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json", "goalguard.json"]


@pytest.mark.parametrize("name", STATE)
@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99, None])
def test_a_state_that_was_cut_off_is_passed_over(stopped: Path, name: str, keep: float | None) -> None:
    file = stopped / "resume" / "checkpoint-11" / name
    data = file.read_bytes()
    file.unlink()
    if keep is not None:
        file.write_bytes(data[: int(keep * len(data))])
    assert latest_resume(stopped) == stopped / "resume" / "checkpoint-10"


def test_a_flipped_bit_in_the_newest_state_is_named_and_the_one_before_is_taken(
    stopped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flip_a_bit(stopped / "resume" / "checkpoint-11" / "optimizer.pt")
    assert rewind(stopped) == stopped / "resume" / "checkpoint-10"
    told = capsys.readouterr().err
    assert "checkpoint-11: optimizer.pt is not the file that was saved" in told and "from step 10" in told
    assert not (stopped / "resume" / "checkpoint-11").exists(), "the trainer would count it among those it keeps"


def test_a_run_whose_states_are_all_damaged_is_refused_and_loses_nothing(stopped: Path) -> None:
    for step in (9, 10, 11):
        flip_a_bit(stopped / "resume" / f"checkpoint-{step}" / "model.safetensors")
    before = {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file()}
    with pytest.raises(MissingFile, match=r"checkpoint-11: model\.safetensors is not .*checkpoint-9"):
        rewind(stopped)
    assert {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file()} == before


def test_figures_that_are_missing_from_the_record_are_not_continued_over_a_hole(stopped: Path) -> None:
    metrics = stopped / "metrics.jsonl"
    whole = metrics.read_bytes()
    metrics.write_bytes(whole + b'{"step": 12, "tra')
    assert latest_resume(stopped) == stopped / "resume" / "checkpoint-11", "what comes later does no harm"
    for damaged in (whole[:-5], whole.replace(b"4", b"5"), None):
        metrics.unlink()
        if damaged is not None:
            metrics.write_bytes(damaged)
        with pytest.raises(MissingFile, match=r"metrics\.jsonl is not as it was at step 11"):
            rewind(stopped)


def test_a_transcript_that_was_cut_is_named_and_the_run_goes_on(
    stopped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (stopped / "transcripts" / "step_000009.jsonl").write_text('{"id"')
    assert rewind(stopped) == stopped / "resume" / "checkpoint-11"
    assert "step_000009.jsonl is not the file that was saved" in capsys.readouterr().err


def test_a_folder_renamed_to_a_later_step_is_passed_over(stopped: Path) -> None:
    (stopped / "resume" / "checkpoint-11").rename(stopped / "resume" / "checkpoint-12")
    assert latest_resume(stopped) == stopped / "resume" / "checkpoint-10"


def test_no_whole_state_means_none(tmp_path: Path) -> None:
    assert latest_resume(tmp_path) is None
    for name in ("checkpoint-1", "checkpoint-final", "checkpoint-2.tmp"):
        (tmp_path / "resume" / name).mkdir(parents=True)
    assert latest_resume(tmp_path) is None
