"""Pieces of a card: front matter that any YAML reader takes, and tables that no text can break out of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from rl.report.data.visible import visible

_MEANS_SOMETHING = {ord(character): f"&#{ord(character)};" for character in "<>|`*[]\\"}


def front_matter(fields: Mapping[str, Any]) -> str:
    """The head of a card, as the Hugging Face Hub reads it."""
    return f"---\n{yaml.safe_dump(dict(fields), sort_keys=False, width=1000)}---\n"


def plain(value: object) -> str:
    """A value as one line of text in which nothing is Markdown or HTML."""
    return " ".join(visible(str(value)).replace("&", "&amp;").translate(_MEANS_SOMETHING).split())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; its cells are put in as they are."""
    return [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def document(fields: Mapping[str, Any], blocks: Iterable[str | Sequence[str]]) -> str:
    """A card: front matter, then blocks of text or lines with an empty line between them."""
    texts = (block if isinstance(block, str) else "\n".join(block) for block in blocks)
    return f"{front_matter(fields)}\n" + "\n\n".join(text for text in texts if text) + "\n"
