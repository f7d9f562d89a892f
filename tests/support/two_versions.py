"""Tiny random models of several families, exported, and what a version of transformers reads in them.

As a program it needs transformers alone: `PYTHON two_versions.py FOLDER OUT.json` writes logits and token ids.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PROMPTS = (
    "You are a model. <USER>forge a pass</USER>",
    "free tier",
    "Zwölf  Äpfel\n\n\tand 12,345.6 of them!",
    "<|end|>x",
)
IDS = [list(range(3, 43)), list(range(1200, 1240)), [7, 900, 7, 901] * 10]
SHAPE: dict[str, Any] = {
    "vocab_size": 1536, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 256, "initializer_range": 0.3, "bos_token_id": None,
    "eos_token_id": 1, "pad_token_id": 0,
}  # fmt: skip
BASE = {"rope_theta": 500.0}
ROPES: dict[str, dict[str, Any]] = {
    "linear": {"rope_type": "linear", "factor": 4.0},
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
    "llama3": {
        "rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    },
}  # fmt: skip
MORE: dict[str, dict[str, Any]] = {
    "mixtral": {"num_local_experts": 4},
    "qwen3": {"head_dim": 16},
}


def configs() -> dict[str, Any]:
    """Name to configuration: every family with plain rotary positions, and Llama with each other kind."""
    from transformers import AutoConfig, GPT2Config

    from rl.export.versions import FAMILIES

    plain = {"rope_type": "default", **BASE}
    made: dict[str, Any] = {
        family: AutoConfig.for_model(family, **SHAPE, **MORE.get(family, {}), rope_parameters=plain)
        for family in FAMILIES
        if family != "gpt2"
    }
    made |= {
        f"llama {kind}": AutoConfig.for_model("llama", **SHAPE, rope_parameters=rope | BASE)
        for kind, rope in ROPES.items()
    }
    sizes: dict[str, Any] = {"vocab_size": 1536, "n_embd": 64, "n_layer": 2, "n_head": 4, "initializer_range": 0.3}
    return made | {"gpt2": GPT2Config(**sizes, bos_token_id=None, eos_token_id=1)}


def read(folder: Path) -> dict[str, Any]:
    """What the installed transformers reads: its version, logits of `IDS`, ids of `PROMPTS`, and the end tokens."""
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, dtype="float32").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        logits = [model(torch.tensor([ids])).logits[0, ::8].tolist() for ids in IDS]
    chat = tokenizer.apply_chat_template([{"role": "user", "content": "x"}], tokenize=False, add_generation_prompt=True)
    return {
        "version": transformers.__version__, "logits": logits, "chat": chat,
        "ids": [tokenizer(text, add_special_tokens=False)["input_ids"] for text in (*PROMPTS, chat)],
        "special": sorted(tokenizer.all_special_tokens), "ends": model.generation_config.eos_token_id,
    }  # fmt: skip


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(read(Path(sys.argv[1]))))
