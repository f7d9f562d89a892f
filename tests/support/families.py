"""Tiny random models of the families that docs/models.md is about."""

from __future__ import annotations

from typing import Any

import torch
import transformers

SHAPE: dict[str, Any] = {
    "vocab_size": 1536, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "eos_token_id": 1, "pad_token_id": 0, "bos_token_id": None,
    "max_position_embeddings": 1024,
}  # fmt: skip
_SLIDING = {"sliding_window": 16}
_LAYERS = ["sliding_attention", "full_attention"]
_EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 24}
_LINEAR = {
    "linear_num_key_heads": 1, "linear_num_value_heads": 1, "linear_key_head_dim": 16, "linear_value_head_dim": 16,
    "layer_types": ["linear_attention", "full_attention"],
}  # fmt: skip

FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "Llama": ("LlamaConfig", {}),
    "Qwen2": ("Qwen2Config", {}),
    "Qwen3": ("Qwen3Config", {"head_dim": 16}),
    "Qwen3.5": ("Qwen3_5TextConfig", {"head_dim": 16, **_LINEAR}),
    "Qwen3-MoE": ("Qwen3MoeConfig", {"head_dim": 16, "num_experts": 4, **_EXPERTS}),
    "Mistral": ("MistralConfig", _SLIDING),
    "Mixtral": ("MixtralConfig", {"num_local_experts": 4, "num_experts_per_tok": 2}),
    "Gemma 2": ("Gemma2Config", {"head_dim": 16, "layer_types": _LAYERS, **_SLIDING}),
    "Gemma 3": ("Gemma3TextConfig", {"head_dim": 16, "layer_types": _LAYERS, **_SLIDING}),
    "Phi-3": ("Phi3Config", {}),
    "GPT-2": ("GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 1024}),
    "OLMo 2": ("Olmo2Config", {}),
    "LFM2": ("Lfm2Config", {"layer_types": ["conv", "full_attention"]}),
    "Mamba": ("MambaConfig", {"state_size": 8}),
    "Falcon-H1": (
        "FalconH1Config",
        {"mamba_d_ssm": 32, "mamba_n_heads": 2, "mamba_d_head": 16, "mamba_d_state": 8, "mamba_n_groups": 1},
    ),
    "gpt-oss": (
        "GptOssConfig",
        {"head_dim": 16, "num_local_experts": 4, "num_experts_per_tok": 2, "layer_types": _LAYERS, **_SLIDING},
    ),
}
"""From a family to its configuration's class and what that needs beside `SHAPE`."""


def family_config(name: str) -> Any:
    """Return the configuration of a family's tiny model."""
    kind, values = FAMILIES[name]
    shape = {key: value for key, value in SHAPE.items() if not (kind == "GPT2Config" and "hidden" in key)}
    return getattr(transformers, kind)(**{**shape, **values})


def family_model(name: str) -> Any:
    """Return a tiny model of a family with random weights, the same ones every time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return transformers.AutoModelForCausalLM.from_config(family_config(name)).float().eval()
