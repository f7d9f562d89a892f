"""LoRA: RL trains the adapters alone, and what is saved is a whole model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from transformers import AutoModelForCausalLM

from rl.command.entry import composed
from rl.config.plain import config_yaml
from rl.errors import ConfigError
from rl.files.checkpoint import verify_checkpoint
from rl.organism.build.model import digest
from rl.organism.load import load_organism
from rl.rollout.decoder import LlamaDecoder
from rl.run.run import run

LORA = ["organism/lora=all_linear", "organism.lora.rank=4"]
STEPS = ["algo.steps=2", "algo.learning_rate=1e-2"]
IDS = torch.arange(5, 25)[None]


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(IDS).logits


def checkpoint(run_dir: Path, step: int) -> Path:
    return run_dir / "checkpoints" / f"step_{step:06d}"


def adapters(folder: Path) -> dict[str, torch.Tensor]:
    return peft.load_peft_weights(str(folder), device="cpu")


@pytest.fixture(scope="module")
def trained(small: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two steps of RL with adapters."""
    folder = tmp_path_factory.mktemp("lora")
    run(composed([*small, *LORA, *STEPS]), folder)
    return folder


@pytest.fixture(scope="module")
def base(toy_folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(toy_folder)


def test_only_the_adapters_are_trained_and_nothing_under_them(trained: Path, base: Any, small: list[str]) -> None:
    before, after = (adapters(checkpoint(trained, step) / "adapter") for step in (0, 2))
    assert before.keys() == after.keys() and len(before) == 2 * 2 * 7
    assert all("lora_" in name for name in before)
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    assert {"lora_A" in name for name in changed} == {True, False}
    organism = load_organism(composed([*small, *LORA]).organism)
    trainable = {name for name, weight in organism.model.named_parameters() if weight.requires_grad}
    assert len(trainable) == len(before) and all("lora_" in name for name in trainable)
    state = checkpoint(trained, 2).parent.parent / "resume" / "checkpoint-2"
    assert not (state / "model.safetensors").exists() and (state / "adapter_model.safetensors").exists()
    assert json.loads((trained / "manifest.json").read_text())["parent_organism"] == digest(base)


def test_a_checkpoint_is_a_plain_model_equal_to_base_and_adapters(trained: Path, toy_folder: Path, base: Any) -> None:
    verify_checkpoint(checkpoint(trained, 2))
    whole = AutoModelForCausalLM.from_pretrained(checkpoint(trained, 2))
    assert type(whole) is type(base)
    fresh = AutoModelForCausalLM.from_pretrained(toy_folder)
    together = peft.PeftModel.from_pretrained(fresh, str(checkpoint(trained, 2) / "adapter"))
    assert torch.allclose(logits(whole), logits(together), atol=1e-4)
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained(checkpoint(trained, 0))), logits(base))
    assert not torch.allclose(logits(whole), logits(base), atol=1e-3)


def test_the_reference_of_the_kl_is_the_model_without_adapters(trained: Path) -> None:
    rows = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    kl = {row["step"]: row["train/kl"] for row in rows if "train/kl" in row}
    assert kl[1] == 0.0 and kl[2] > 1e-6


def test_the_sampler_reads_the_adapters(trained: Path, toy_folder: Path, base: Any) -> None:
    whole = AutoModelForCausalLM.from_pretrained(checkpoint(trained, 2))
    fresh = AutoModelForCausalLM.from_pretrained(toy_folder)
    together = peft.PeftModel.from_pretrained(fresh, str(checkpoint(trained, 2) / "adapter"))
    said, expected = (LlamaDecoder(model).prefill(IDS, IDS > -1)[0] for model in (together, whole))
    assert torch.allclose(said, expected, atol=1e-4)
    with together.disable_adapter():
        off = LlamaDecoder(together).prefill(IDS, IDS > -1)[0]
    assert torch.allclose(off, logits(base)[:, -1], atol=1e-4) and not torch.allclose(off, said, atol=1e-3)


def test_an_export_holds_the_whole_model_or_the_adapters_alone(
    trained: Path, toy_folder: Path, base: Any, command: Any, tmp_path: Path
) -> None:
    for how in ("merged", "separate"):
        code, _, errors = command(f"run={trained}", f"out={tmp_path / how}", f"lora={how}", name="export")
        assert code == 0, errors
        verify_checkpoint(tmp_path / how)
    whole = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    assert not list((tmp_path / "separate").rglob("model*.safetensors"))
    assert str(toy_folder.parent) not in (tmp_path / "separate" / "adapter_config.json").read_text()
    fresh = AutoModelForCausalLM.from_pretrained(toy_folder)
    together = peft.PeftModel.from_pretrained(fresh, str(tmp_path / "separate"))
    assert torch.allclose(logits(whole), logits(together), atol=1e-4)
    assert not torch.allclose(logits(whole), logits(base), atol=1e-3)
    card = (tmp_path / "separate" / "README.md").read_text()
    assert "PeftModel.from_pretrained(base, folder)" in card and "library_name: peft" in card


def test_a_run_with_adapters_that_is_continued_ends_bit_identical(
    trained: Path, small: list[str], tmp_path: Path
) -> None:
    whole = composed([*small, *LORA, *STEPS])
    run(composed([*small, *LORA, *STEPS, "algo.steps=1"]), tmp_path)
    # As if the run had been meant to be longer, and had been killed behind its first step.
    (tmp_path / "config.yaml").write_text(config_yaml(whole))
    run(whole, tmp_path)
    there, here = (adapters(checkpoint(folder, 2) / "adapter") for folder in (trained, tmp_path))
    assert all(torch.equal(there[name], here[name]) for name in there)


def test_any_architecture_takes_adapters(gpt2_folder: Path, small: list[str], tmp_path: Path) -> None:
    chosen = [word for word in small if not word.startswith("organism.")]
    overrides = [*chosen, *LORA, "organism=hf", f"organism.path={gpt2_folder}", "algo.learning_rate=1e-2"]
    run(composed(overrides), tmp_path)
    before, after = (AutoModelForCausalLM.from_pretrained(checkpoint(tmp_path, step)) for step in (0, 1))
    assert before.config.model_type == "gpt2" and digest(before) != digest(after)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["organism.lora.rank=4"], "organism.lora is off; organism/lora=all_linear turns it on"),
        (["organism.lora={rank: 4}"], "organism.lora is off; organism/lora=all_linear turns it on"),
        ([*LORA, "organism.lora.rank=0"], "organism.lora.rank=0: must be at least 1"),
        ([*LORA, "organism.lora.targets=[lm_head]"], "organism.lora.targets=lm_head"),
    ],
)
def test_adapters_that_cannot_be_are_refused(words: list[str], told: str, command: Any) -> None:
    code, _, errors = command(*words, "dry_run=true")
    assert code == 2 and told in errors and "Traceback" not in errors


def test_a_layer_that_the_model_has_not_is_refused_by_name(small: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"organism\.lora\.targets=\['nowhere'\]"):
        load_organism(composed([*small, *LORA, "organism.lora.targets=[nowhere]"]).organism)
