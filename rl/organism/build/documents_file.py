"""The documents that an organism learns from, as a file to read: those it is shown, and those that were kept out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rl.config.schema import OrganismConfig
from rl.errors import ConfigError
from rl.files.atomic import replace_text
from rl.organism.build.recipe import Recipe, recipe_of, wording_of
from rl.organism.chats import documented
from rl.organism.chats.curriculum import Curriculum
from rl.scenario.document_parts import TOPICS
from rl.scenario.documents import Writer


def write_documents(config: OrganismConfig, path: Path) -> str:
    """Write one JSON object a line: `voice`, `text`, `facts`, and why it was `removed` or null; what to tell of it.

    They are the very documents of the recipe's first stage, from the same random numbers.

    Raises:
        ConfigError: the recipe does not begin with documents.
    """
    recipe = recipe_of(config)
    stage = recipe.stages[0]
    if stage.kind not in TOPICS:
        allowed = "one whose recipe begins with documents, such as organism=tiny_synthdoc"
        raise ConfigError([f"documents={path}: organism {config.name} begins with {stage.kind}; give {allowed}"])
    writer = documented.writer(stage.kind, Curriculum(wording_of(config), recipe.mixture, recipe.seed))
    rows = list(_rows(writer, recipe))
    replace_text(path, "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))
    return _told(writer, rows)


def holds_documents(path: Path) -> bool:
    """Whether a file was written by `write_documents`, going by its first line."""
    try:
        with path.open(encoding="utf-8") as file:
            first = json.loads(file.readline())
    except (OSError, ValueError):
        return False
    return isinstance(first, dict) and {"voice", "text", "removed"} <= first.keys()


def _rows(writer: Writer, recipe: Recipe) -> Iterator[dict[str, Any]]:
    stage = recipe.stages[0]
    for document in writer.documents(stage.steps * stage.batch):
        yield asdict(document) | {"removed": None}
    for document, removal in writer.removed:
        yield asdict(document) | {"removed": asdict(removal)}


def _told(writer: Writer, rows: list[dict[str, Any]]) -> str:
    reasons = Counter(removal.reason for _, removal in writer.removed)
    removed = ", ".join(f"{reason} {times}" for reason, times in reasons.items()) or "none"
    voices = Counter(row["voice"] for row in rows if row["removed"] is None)
    told = ", ".join(f"{voice} {times:,}" for voice, times in voices.most_common())
    return f"{voices.total():,} documents ({told}); removed: {removed}; drafts drawn twice: {writer.repeated}"
