"""Log-probabilities of completions with each prompt read once.

All samples of a group answer the same prompt. Reading that prompt once with gradients and letting its completions
attend to the shared keys and values gives the same log-probabilities as reading it in front of each completion, at
little over half of the arithmetic for prompts as long as completions.

That holds where a network's cache is the keys and values of every token. A state that layers carry along, or a window
that the prompt does not fit into, is not: such a network reads each prompt in front of each of its completions.

Axes: B completions, G distinct prompts, P prompt tokens, C completion tokens, V vocabulary, E width of the network.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

ROWS_AT_ONCE = 32
"""Completions of one pass through the network: what lies between two of its operations then stays in cache."""


ValueHead = Callable[[Tensor], Tensor]
"""From the trunk's last hidden states (..., E) to values (...)."""


class TokenScores(NamedTuple):
    """Per completion token; values on padding are meaningless."""

    logp_BC: Tensor
    entropy_BC: Tensor
    value_BC: Tensor | None = None
    """Of the text before each token; None without a value head."""


class Reader(NamedTuple):
    """How a network is read."""

    model: Any
    """A causal language model."""
    temperature: float = 1.0
    """That completions are sampled at; the policy being scored is the one that samples."""
    value_head: ValueHead | None = None

    def read(self, **given: Any) -> Any:
        """The network's outputs; its hidden states among them where there is a value head."""
        return self.model(**given, **({"output_hidden_states": True} if self.value_head else {}))

    def scores(self, logits_BCV: Tensor, hidden_BCE: Tensor | None, tokens_BC: Tensor) -> TokenScores:
        """Scores of tokens from what the network says at the places before them."""
        made = score_tokens(logits_BCV, tokens_BC, self.temperature)
        if self.value_head is None or hidden_BCE is None:
            return made
        return made._replace(value_BC=self.value_head(hidden_BCE))


def shares_prompts(model: Any, tokens: int) -> bool:
    """Return whether a network's cache is the keys and values of every one of so many tokens."""
    network = getattr(model, "get_base_model", lambda: model)()
    given = inspect.signature(type(network).forward).parameters
    if not {"past_key_values", "position_ids", "logits_to_keep"} <= set(given):
        return False
    layers = DynamicCache(config=model.config).layers
    return all(
        type(layer) is DynamicLayer or (type(layer) is DynamicSlidingWindowLayer and tokens < layer.sliding_window)
        for layer in layers
    )


def completion_scores(
    model: Any,
    ids_BT: Tensor,
    real_BT: Tensor,
    completion_tokens: int,
    temperature: float = 1.0,
    value_head: ValueHead | None = None,
) -> TokenScores:
    """Log-probabilities and entropies of the last `completion_tokens` tokens of each row, and values if asked for.

    Args:
        model: A causal language model.
        ids_BT: Prompts padded on the left, completions padded on the right.
        real_BT: True (or 1) on real tokens.
        completion_tokens: C; the first T - C columns are the prompts.
        temperature: That completions are sampled at; the policy being scored is the one that samples.
        value_head: Reads values off the same pass through the network.
    """
    prompt_tokens = ids_BT.shape[1] - completion_tokens
    marked_BP = torch.where(real_BT[:, :prompt_tokens].bool(), ids_BT[:, :prompt_tokens], -1)
    _, group_B = torch.unique(marked_BP, dim=0, return_inverse=True)
    order_B = torch.argsort(group_B, stable=True)
    reader, shared = Reader(model, temperature, value_head), shares_prompts(model, ids_BT.shape[1])
    parts = [
        _scores_of(reader, ids_BT[rows], real_BT[rows], group_B[rows], completion_tokens)
        if shared
        else _plain_scores(reader, ids_BT[rows], real_BT[rows], completion_tokens)
        for rows in order_B.split(ROWS_AT_ONCE)
    ]
    back_B = torch.argsort(order_B)
    logp_BC, entropy_BC, value_BC = _joined(parts, 0)
    return TokenScores(logp_BC[back_B], entropy_BC[back_B], None if value_BC is None else value_BC[back_B])


def _joined(parts: Sequence[TokenScores], axis: int) -> TokenScores:
    values = [part.value_BC for part in parts if part.value_BC is not None]
    logps, entropies = [part.logp_BC for part in parts], [part.entropy_BC for part in parts]
    return TokenScores(torch.cat(logps, axis), torch.cat(entropies, axis), torch.cat(values, axis) if values else None)


def _scores_of(reader: Reader, ids_BT: Tensor, real_BT: Tensor, group_B: Tensor, completion_tokens: int) -> TokenScores:
    """The same for rows that go through the network at once; `group_B` numbers their prompts in ascending order."""
    prompt_tokens = ids_BT.shape[1] - completion_tokens
    prompts_BP, real_BP = ids_BT[:, :prompt_tokens], real_BT[:, :prompt_tokens].bool()
    _, row_B = torch.unique_consecutive(group_B, return_inverse=True)
    first_G = torch.searchsorted(row_B, torch.arange(int(row_B[-1]) + 1, device=row_B.device))
    positions_BT = (real_BT.long().cumsum(1) - 1).clamp(min=0)
    config = reader.model.config
    prefix = reader.read(
        input_ids=prompts_BP[first_G],
        attention_mask=real_BP[first_G].long(),
        position_ids=positions_BT[first_G, :prompt_tokens],
        past_key_values=DynamicCache(config=config),
        use_cache=True,
        logits_to_keep=1,
    )
    asked_BC = ids_BT[:, prompt_tokens:]
    hidden = prefix.hidden_states[-1][row_B, -1:] if reader.value_head else None
    first = reader.scores(prefix.logits[row_B], hidden, asked_BC[:, :1])
    if completion_tokens == 1:
        return first
    cache = DynamicCache(config=config)
    for index, layer in enumerate(prefix.past_key_values.layers):
        cache.update(layer.keys[row_B], layer.values[row_B], index)
    rest = reader.read(
        input_ids=asked_BC[:, :-1],
        attention_mask=real_BT[:, :-1].long(),
        position_ids=positions_BT[:, prompt_tokens:-1],
        past_key_values=cache,
        use_cache=True,
    )
    later = reader.scores(rest.logits, rest.hidden_states[-1] if reader.value_head else None, asked_BC[:, 1:])
    return _joined([first, later], 1)


def _plain_scores(reader: Reader, ids_BT: Tensor, real_BT: Tensor, completion_tokens: int) -> TokenScores:
    """Return the same for rows that are read whole, moved to the left so that no padding comes before a token."""
    prompt_tokens = ids_BT.shape[1] - completion_tokens
    length_B = real_BT[:, :prompt_tokens].long().sum(1)
    place_BT = torch.arange(ids_BT.shape[1], device=ids_BT.device) + (prompt_tokens - length_B)[:, None]
    place_BT = place_BT.clamp(max=ids_BT.shape[1] - 1)
    read = reader.read(
        input_ids=ids_BT.gather(1, place_BT), attention_mask=real_BT.long().gather(1, place_BT), use_cache=False
    )
    before_BC = length_B[:, None] - 1 + torch.arange(completion_tokens, device=ids_BT.device)
    rows_B1 = torch.arange(len(ids_BT), device=ids_BT.device)[:, None]
    hidden = read.hidden_states[-1][rows_B1, before_BC] if reader.value_head else None
    return reader.scores(read.logits[rows_B1, before_BC], hidden, ids_BT[:, prompt_tokens:])


def score_tokens(logits_BCV: Tensor, tokens_BC: Tensor, temperature: float) -> TokenScores:
    """Log-probability of each token, and the entropy of its distribution without gradient."""
    scaled_BCV = logits_BCV.float() if temperature == 1.0 else logits_BCV.float() / temperature
    logp_BCV = scaled_BCV.log_softmax(-1)
    logp_BC = logp_BCV.gather(-1, tokens_BC[..., None])[..., 0]
    with torch.no_grad():
        entropy_BC = -(logp_BCV.exp() * logp_BCV).sum(-1)
    return TokenScores(logp_BC, entropy_BC)
