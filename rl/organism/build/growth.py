"""Makes a larger organism out of a small one, which at first says exactly the same (Net2Net: Chen et al. 2016).

Every unit gets copies, and whoever reads a unit reads its copies in random shares that sum to one. So the function is
kept, while copies get different gradients and part ways in training. Further layers start by adding nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import transformers

from rl.errors import ConfigError
from rl.organism.build.tiny import Size, make_model

LEAST_SHARE = 0.5
"""Before they are made to sum to one, shares lie between this and one more than this."""


def growth_problems(small: Size, large: Size) -> Iterator[str]:
    """Why a model cannot be grown to a size, a line each."""
    if large.width % small.width or large.width // small.width != large.heads / small.heads:
        yield f"width={large.width}, heads={large.heads}: must be the same multiple of {small.width} and {small.heads}"
    for name in ("layers", "hidden"):
        if getattr(large, name) < getattr(small, name):
            yield f"{name}={getattr(large, name)}: must be at least {getattr(small, name)}"
    for name in ("vocabulary", "context"):
        if getattr(large, name) != getattr(small, name):
            yield f"{name}={getattr(large, name)}: must stay {getattr(small, name)}"


@torch.no_grad()
def grown(small: Any, size: Size, tokenizer: transformers.PreTrainedTokenizerFast) -> transformers.LlamaForCausalLM:
    """A model of a larger size with the small one's logits; the caller seeds torch.

    Args:
        small: A Llama with tied embeddings, as `make_model` makes them.
        size: What it is grown to.
        tokenizer: The small one's.

    Raises:
        ConfigError: it cannot be grown to that size.
    """
    found = [f"organism.recipe.size.{problem}" for problem in growth_problems(_size_in(small.config), size)]
    if found:
        raise ConfigError(found)
    large: Any = make_model(size, tokenizer)
    width, hidden = _copies(size.width, small.config.hidden_size), _copies(size.hidden, small.config.intermediate_size)
    embedding = large.get_input_embeddings().weight
    embedding.copy_(small.get_input_embeddings().weight[:, width])
    # The tied head reads every copy in full.
    large.model.norm.weight.copy_(small.model.norm.weight[width] * small.config.hidden_size / size.width)
    for ours, theirs in zip(large.model.layers, small.model.layers, strict=False):
        for norm in ("input_layernorm", "post_attention_layernorm"):
            getattr(ours, norm).weight.copy_(getattr(theirs, norm).weight[width])
        for name in ("q_proj", "k_proj", "v_proj"):
            _spread(getattr(ours.self_attn, name), getattr(theirs.self_attn, name), width, width)
        _spread(ours.self_attn.o_proj, theirs.self_attn.o_proj, width, width)
        for name in ("gate_proj", "up_proj"):
            _spread(getattr(ours.mlp, name), getattr(theirs.mlp, name), hidden, width)
        _spread(ours.mlp.down_proj, theirs.mlp.down_proj, width, hidden)
    for added in large.model.layers[len(small.model.layers) :]:
        added.self_attn.o_proj.weight.zero_()
        added.mlp.down_proj.weight.zero_()
    return large


def _size_in(config: Any) -> Size:
    """The shape of a model that is there, which a folder given as base may have otherwise than its recipe says."""
    return Size(
        config.num_hidden_layers, config.hidden_size, config.num_attention_heads, config.intermediate_size,
        config.vocab_size, config.max_position_embeddings,
    )  # fmt: skip


def _copies(large: int, small: int) -> torch.Tensor:
    """For each unit of the large model the small one's that it copies; whole heads follow whole heads."""
    return torch.arange(large) % small


def _spread(ours: torch.nn.Linear, theirs: torch.nn.Linear, out: torch.Tensor, read: torch.Tensor) -> None:
    """Copy a layer, given what each of its outputs and inputs is a copy of."""
    share_OI = torch.rand(len(out), len(read)) + LEAST_SHARE
    whole_OI = torch.zeros(len(out), theirs.in_features).index_add_(1, read, share_OI)[:, read]
    ours.weight.copy_(theirs.weight[out][:, read] * share_OI / whole_OI)
