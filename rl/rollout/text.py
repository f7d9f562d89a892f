"""Tokens and text: which tokens end a completion, and which are marks and no text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from rl.records import TAGS, THOUGHT_MARK

GENERATION = "generation_config.json"


def end_tokens(tokenizer: Any, *configs: Any) -> tuple[int, ...]:
    """Return every token that the tokenizer or a configuration names as an end, the tokenizer's first; maybe none.

    A configuration that names none has the default of its class, which in this vocabulary may be any word. Such a
    default counts where the tokenizer marks the token as special.
    """
    special = _special_ids(tokenizer)
    defaults = {token for config in configs for token in _listed(getattr(type(config), "eos_token_id", None))}
    ends = list(_listed(tokenizer.eos_token_id))
    for config in configs:
        named = _listed(getattr(config, "eos_token_id", None))
        ends += [token for token in named if token in special or token not in defaults]
    return tuple(dict.fromkeys(ends))


def ends_of(model: Any, tokenizer: Any) -> tuple[int, ...]:
    """Return the tokens that end a model's completion."""
    return end_tokens(tokenizer, model.config, model.config.get_text_config(), model.generation_config)


def ends_in(folder: Path, tokenizer: Any, config: Any) -> tuple[int, ...]:
    """Return the tokens that end a completion of the model in a folder, which is not loaded."""
    from transformers import GenerationConfig

    drawing = [GenerationConfig.from_pretrained(folder)] if (folder / GENERATION).is_file() else []
    return end_tokens(tokenizer, config, config.get_text_config(), *drawing)


def _listed(value: Any) -> Iterator[int]:
    yield from (token for token in (value if isinstance(value, list | tuple) else [value]) if isinstance(token, int))


def _special_ids(tokenizer: Any) -> set[int]:
    marked = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    return marked | set(tokenizer.all_special_ids)


@lru_cache(maxsize=8)
def hidden_tokens(tokenizer: Any, ends: tuple[int, ...] = ()) -> frozenset[int]:
    """Return the tokens that decoding leaves out: ends and special ones, but never a section tag or a thought's."""
    special = {number for number in _special_ids(tokenizer) if not _is_tag(tokenizer, number)}
    return frozenset(special | set(ends))


def _is_tag(tokenizer: Any, number: int) -> bool:
    name = tokenizer.convert_ids_to_tokens(number) or ""
    return any(tag in name or (len(name) > 1 and name in tag) for tag in TAGS) or bool(THOUGHT_MARK.search(name))


def decode_text(tokenizer: Any, ids: Sequence[int], ends: tuple[int, ...] = ()) -> str:
    """Return the text of a completion, section tags kept."""
    hidden = hidden_tokens(tokenizer, ends)
    return str(tokenizer.decode([token for token in ids if token not in hidden]))
