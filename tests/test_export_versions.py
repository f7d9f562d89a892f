"""An export is read right by transformers 4 and 5, or says that it needs 5 and refuses in 4.

Two versions cannot be installed together. Name the Python of an environment with transformers 4.57 in TRANSFORMERS_4
and the last test compares both on every family; what came out stands in docs/export.md.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support import two_versions
from transformers import AutoModelForCausalLM, AutoTokenizer

from rl.command.entry import composed
from rl.export.model import generation_config, write_model
from rl.export.versions import CLASS_OF_BOTH, NEEDS, version_check, version_words
from rl.files.checkpoint import save_checkpoint, verify_checkpoint

TINY = Path(__file__).resolve().parent.parent / "rl" / "organism" / "weights" / "tiny"
GEMMA_ROPE = {"full_attention": {"rope_type": "default", "rope_theta": 1e6},
              "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}  # fmt: skip


def export_of(config: Any, folder: Path) -> Path:
    """Save a random model with the shipped organism's tokenizer and two more special tokens, and export it.

    One of them is the token that transformers 5 adds to a tokenizer of Qwen2 without it (findings/)."""
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(TINY)
    tokenizer.add_special_tokens({"extra_special_tokens": ["<|more|>", "<|endoftext|>"]})
    model = AutoModelForCausalLM.from_config(config).float()
    save_checkpoint(folder / "checkpoint", model, tokenizer, {"step": 0})
    (folder / "out").mkdir()
    write_model(folder / "checkpoint", folder / "out", composed([]).algo)
    return folder / "out"


def test_an_export_holds_the_keys_that_transformers_4_reads(tmp_path: Path) -> None:
    out = export_of(two_versions.configs()["llama yarn"], tmp_path)
    config, tokenizer = (json.loads((out / name).read_text()) for name in ("config.json", "tokenizer_config.json"))
    assert config["rope_theta"] == config["rope_parameters"]["rope_theta"] == 500.0
    assert config["rope_scaling"] == {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
    assert config[NEEDS] == ">=4.57" and tokenizer["tokenizer_class"] == CLASS_OF_BOTH
    assert verify_checkpoint(out)["step"] == 0
    here, there = (two_versions.read(folder) for folder in (tmp_path / "checkpoint", out))
    for key in ("ids", "chat", "special"):
        assert here[key] == there[key]
    np.testing.assert_array_equal(here["logits"], there["logits"])


@pytest.mark.parametrize(
    ("config", "words"),
    [({"model_type": "llama", "rope_parameters": {"rope_type": "default", "rope_theta": 5e2}}, "4.57 or newer"),
     ({"model_type": "llama", "rope_parameters": {"rope_type": "longrope"}}, "transformers 5 or newer"),
     ({"model_type": "mistral", "rope_parameters": GEMMA_ROPE}, "transformers 5 or newer"),
     ({"model_type": "lfm2"}, "transformers 5 or newer"), ({"model_type": "gpt2"}, "4.57 or newer")],
)  # fmt: skip
def test_what_transformers_4_would_read_wrong_says_that_it_needs_5(config: dict[str, Any], words: str) -> None:
    assert words in version_words(config)


@pytest.mark.parametrize(
    ("family", "version", "refuses"),
    [("llama", "4.57.6", False), ("llama", "5.23.0", False), ("llama", "4.56.1", True), ("lfm2", "4.57.6", True),
     ("lfm2", "5.0.0rc1", False), ("lfm2", "5.23.0", False)],
)  # fmt: skip
def test_the_cards_program_refuses_a_version_that_reads_the_model_wrong(
    family: str, version: str, refuses: bool
) -> None:
    program = "\n".join(version_check({"model_type": family}))

    class Installed:
        __version__ = version

    if refuses:
        with pytest.raises(SystemExit, match=f"needs transformers .* or newer; this is {version}"):
            exec(program, {"transformers": Installed})
    else:
        exec(program, {"transformers": Installed})


def test_every_end_token_of_the_model_is_in_the_generation_config(tmp_path: Path) -> None:
    out = export_of(two_versions.configs()["llama"], tmp_path)
    checkpoint = tmp_path / "checkpoint"
    assert json.loads((out / "generation_config.json").read_text())["eos_token_id"] == 1
    for name, ends in (("generation_config.json", [7, 1]), ("config.json", [9])):
        path = checkpoint / name
        path.write_text(json.dumps(json.loads(path.read_text()) | {"eos_token_id": ends}))
    assert sorted(generation_config(checkpoint, composed([]).algo).eos_token_id) == [1, 7, 9]


@pytest.mark.skipif("TRANSFORMERS_4" not in os.environ, reason="TRANSFORMERS_4 names no Python with transformers 4")
@pytest.mark.parametrize("family", two_versions.configs())
def test_transformers_4_and_5_read_the_same(family: str, tmp_path: Path) -> None:
    out, found = export_of(two_versions.configs()[family], tmp_path), tmp_path / "found.json"
    command = [os.environ["TRANSFORMERS_4"], two_versions.__file__, str(out), str(found)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    ours, theirs = two_versions.read(out), json.loads(found.read_text())
    assert theirs["version"].startswith("4.57.") and ours["version"].startswith("5.")
    np.testing.assert_allclose(ours["logits"], theirs["logits"], atol=1e-4)
    for key in ("ids", "chat", "special", "ends"):
        assert ours[key] == theirs[key], key
