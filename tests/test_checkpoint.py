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

from rl.checkpoint import config_hash, latest_resume, save_checkpoint, sha256, verify_checkpoint
from rl.errors import MissingFile

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
    assert not (saved.parent / "step_000020").exists()


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


def test_weights_with_one_changed_bit_are_refused(saved: Path) -> None:
    weights = saved / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(MissingFile, match=r"model\.safetensors is not the file that was saved"):
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
    """The folder of a real trainer that saved at steps 9, 10 and 11."""
    folder = tmp_path_factory.mktemp("resume")
    rows = [{"input_ids": [2, 3, 1], "labels": [2, 3, 1]}] * 4
    arguments = TrainingArguments(
        output_dir=str(folder), max_steps=11, save_steps=1, save_total_limit=3, per_device_train_batch_size=1,
        report_to=[], use_cpu=True, disable_tqdm=True, logging_steps=100,
    )  # fmt: skip
    Trainer(model=tiny_model(), args=arguments, train_dataset=rows).train()
    return folder


@pytest.fixture
def resume(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "resume"))


def test_the_newest_checkpoint_is_found_by_number_not_by_name(resume: Path) -> None:
    assert sorted(path.name for path in resume.iterdir()) == ["checkpoint-10", "checkpoint-11", "checkpoint-9"]
    assert latest_resume(resume) == resume / "checkpoint-11"
    shutil.rmtree(resume / "checkpoint-11")
    assert latest_resume(resume) == resume / "checkpoint-10"


@pytest.mark.parametrize(
    "name", ["model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"]
)
@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99, None])
def test_a_checkpoint_cut_off_while_being_written_is_passed_over(resume: Path, name: str, keep: float | None) -> None:
    file = resume / "checkpoint-11" / name
    data = file.read_bytes()
    file.unlink()
    if keep is not None:
        file.write_bytes(data[: int(keep * len(data))])
    assert latest_resume(resume) == resume / "checkpoint-10"


def test_a_folder_renamed_to_a_later_step_is_passed_over(resume: Path) -> None:
    (resume / "checkpoint-11").rename(resume / "checkpoint-12")
    assert latest_resume(resume) == resume / "checkpoint-10"


def test_no_complete_checkpoint_means_none(tmp_path: Path) -> None:
    assert latest_resume(tmp_path / "resume") is None
    for name in ("checkpoint-1", "checkpoint-final", "checkpoint-2.tmp"):
        (tmp_path / name).mkdir()
    assert latest_resume(tmp_path) is None
