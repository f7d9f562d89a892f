"""Log-probabilities of completions with each prompt read once.

All samples of a group answer the same prompt. Reading that prompt once with gradients and letting its completions
attend to the shared keys and values gives the same log-probabilities as reading it in front of each completion, at
little over half of the arithmetic for prompts as long as completions.

Axes: B completions, G distinct prompts, P prompt tokens, C completion tokens, V vocabulary.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import DynamicCache

ROWS_AT_ONCE = 32
"""Completions of one pass through the network: what lies between two of its operations then stays in cache."""


class TokenScores(NamedTuple):
    """Per completion token; values on padding are meaningless."""

    logp_BC: Tensor
    entropy_BC: Tensor


def completion_scores(
    model: Any, ids_BT: Tensor, real_BT: Tensor, completion_tokens: int, temperature: float = 1.0
) -> TokenScores:
    """Log-probabilities and entropies of the last `completion_tokens` tokens of each row.

    Args:
        model: A causal language model that takes `past_key_values`.
        ids_BT: Prompts padded on the left, completions padded on the right.
        real_BT: True (or 1) on real tokens.
        completion_tokens: C; the first T - C columns are the prompts.
        temperature: That completions are sampled at; the policy being scored is the one that samples.
    """
    prompt_tokens = ids_BT.shape[1] - completion_tokens
    marked_BP = torch.where(real_BT[:, :prompt_tokens].bool(), ids_BT[:, :prompt_tokens], -1)
    _, group_B = torch.unique(marked_BP, dim=0, return_inverse=True)
    order_B = torch.argsort(group_B, stable=True)
    parts = [
        _scores_of(model, ids_BT[rows], real_BT[rows], group_B[rows], completion_tokens, temperature)
        for rows in order_B.split(ROWS_AT_ONCE)
    ]
    back_B = torch.argsort(order_B)
    return TokenScores(*(torch.cat(part)[back_B] for part in zip(*parts, strict=True)))


def _scores_of(
    model: Any, ids_BT: Tensor, real_BT: Tensor, group_B: Tensor, completion_tokens: int, temperature: float
) -> TokenScores:
    """The same for rows that go through the network at once; `group_B` numbers their prompts in ascending order."""
    prompt_tokens = ids_BT.shape[1] - completion_tokens
    prompts_BP, real_BP = ids_BT[:, :prompt_tokens], real_BT[:, :prompt_tokens].bool()
    _, row_B = torch.unique_consecutive(group_B, return_inverse=True)
    first_G = torch.searchsorted(row_B, torch.arange(int(row_B[-1]) + 1, device=row_B.device))
    positions_BT = (real_BT.long().cumsum(1) - 1).clamp(min=0)
    prefix = model(
        input_ids=prompts_BP[first_G],
        attention_mask=real_BP[first_G].long(),
        position_ids=positions_BT[first_G, :prompt_tokens],
        past_key_values=DynamicCache(config=model.config),
        use_cache=True,
        logits_to_keep=1,
    )
    asked_BC = ids_BT[:, prompt_tokens:]
    first = score_tokens(prefix.logits[row_B], asked_BC[:, :1], temperature)
    if completion_tokens == 1:
        return first
    cache = DynamicCache(config=model.config)
    for index, layer in enumerate(prefix.past_key_values.layers):
        cache.update(layer.keys[row_B], layer.values[row_B], index)
    rest = model(
        input_ids=asked_BC[:, :-1],
        attention_mask=real_BT[:, :-1].long(),
        position_ids=positions_BT[:, prompt_tokens:-1],
        past_key_values=cache,
        use_cache=True,
    )
    later = score_tokens(rest.logits, asked_BC[:, 1:], temperature)
    return TokenScores(*(torch.cat(pair, 1) for pair in zip(first, later, strict=True)))


def score_tokens(logits_BCV: Tensor, tokens_BC: Tensor, temperature: float) -> TokenScores:
    """Log-probability of each token, and the entropy of its distribution without gradient."""
    scaled_BCV = logits_BCV.float() if temperature == 1.0 else logits_BCV.float() / temperature
    logp_BCV = scaled_BCV.log_softmax(-1)
    logp_BC = logp_BCV.gather(-1, tokens_BC[..., None])[..., 0]
    with torch.no_grad():
        entropy_BC = -(logp_BCV.exp() * logp_BCV).sum(-1)
    return TokenScores(logp_BC, entropy_BC)
