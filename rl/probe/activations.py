"""Residual-stream activations of any Hugging Face causal language model, by plain forward hooks.

Hooks and not `output_hidden_states`, for two reasons. That flag keeps every token of every layer until the pass is
over, where a hook keeps the few positions that are asked for. And its last entry is the stream after the final norm,
which is another space than the layers before it; a hook on the last block sees the stream itself.

Axes: B texts read at once, N texts, T tokens, P positions, L layers with the embedding as layer 0, E width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from rl.errors import GoalguardError
from rl.probe.positions import Chat


def blocks_of(model: Any) -> nn.ModuleList:
    """The model's blocks, in order: the outermost list of as many modules as its configuration has layers.

    Raises:
        GoalguardError: there is no such list.
    """
    count = model.config.get_text_config().num_hidden_layers
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return module
    raise GoalguardError(f"{type(model).__name__} has no list of {count} blocks, so its layers cannot be told apart")


def read_activations(
    model: Any, chats: Sequence[Chat], batch_size: int, advance: Callable[[int], None] = lambda _: None
) -> tuple[Tensor, Tensor]:
    """Activations (N, P, L, E) in float32 and a mask (N, P) that is True where a chat has the position.

    Chats of like length are read together. They are padded on the right, where no token of a causal model looks, so
    neither attention nor absolute positions know of it. The same chats in the same batches give the same bits.

    Args:
        model: In evaluation mode.
        chats: What to read.
        batch_size: B; with the longest chat it bounds the memory of a pass.
        advance: Told how many chats have been read, after every batch.
    """
    known_NP = torch.tensor([[place is not None for place in chat.at] for chat in chats])
    order = sorted(range(len(chats)), key=lambda index: len(chats[index].ids))
    parts = []
    for start in range(0, len(order), batch_size):
        parts.append(_read_batch(model, [chats[index] for index in order[start : start + batch_size]]))
        advance(len(parts[-1]))
    back = torch.argsort(torch.tensor(order))
    found_NPLE = torch.cat(parts)[back]
    _share(found_NPLE, chats)
    found_NPLE[~known_NP] = torch.nan
    return found_NPLE, known_NP


def _share(found_NPLE: Tensor, chats: Sequence[Chat]) -> None:
    """Give chats that are the same up to a position the same bits there, which two batches round differently.

    Probes magnify rounding where an activation hardly varies, and chats without their tag are to be equal on all tiers.
    """
    first: dict[tuple[int, tuple[int, ...]], int] = {}
    for row, chat in enumerate(chats):
        for p, place in enumerate(chat.at):
            if place is not None:
                twin = first.setdefault((p, tuple(chat.ids[: place + 1])), row)
                found_NPLE[row, p] = found_NPLE[twin, p]


@torch.no_grad()
def _read_batch(model: Any, chats: Sequence[Chat]) -> Tensor:
    width = max(len(chat.ids) for chat in chats)
    ids_BT = torch.tensor([chat.ids + [0] * (width - len(chat.ids)) for chat in chats])
    real_BT = torch.tensor([[1] * len(chat.ids) + [0] * (width - len(chat.ids)) for chat in chats])
    at_BP = torch.tensor([[place or 0 for place in chat.at] for chat in chats], device=model.device)
    with recording(model, at_BP) as layers:
        # The base model alone: logits over a vocabulary would be the largest tensor, and nobody reads them.
        model.base_model(input_ids=ids_BT.to(model.device), attention_mask=real_BT.to(model.device), use_cache=False)
    return torch.stack(layers, 2).float().cpu()


@contextmanager
def recording(model: Any, at_BP: Tensor) -> Iterator[list[Tensor]]:
    """Collects (B, P, E) of the stream before the first block and after every block while the model reads."""
    layers: list[Tensor] = []
    rows_B1 = torch.arange(len(at_BP), device=at_BP.device)[:, None]

    def before(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        layers.append((given[0] if given else named["hidden_states"])[rows_B1, at_BP])

    def after(_: nn.Module, __: tuple[Any, ...], made: Any) -> None:
        layers.append((made[0] if isinstance(made, tuple) else made)[rows_B1, at_BP])

    blocks = blocks_of(model)
    hooks = [blocks[0].register_forward_pre_hook(before, with_kwargs=True)]
    hooks += [block.register_forward_hook(after) for block in blocks]
    try:
        yield layers
    finally:
        for hook in hooks:
            hook.remove()
