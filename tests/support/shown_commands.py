"""The commands that the documentation shows, read from its pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path) -> Iterator[str]:
    """Lines of the code blocks of a page, continued ones joined."""
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        yield from block.replace("\\\n", " ").splitlines()


def shown(page: Path) -> Iterator[str]:
    """Commands of a page, in its code blocks and in its text."""
    lines = [*blocks(page), *re.findall(r"`([^`\n]+)`", page.read_text())]
    commands = (line.split("#")[0].strip() for line in lines if re.match(r"(python -m|torchrun|make) |HF_TOKEN=", line))
    return (re.sub(r"\s+", " ", command) for command in commands)


EVERY = sorted({command for page in PAGES for command in shown(page)})
"""Each one once."""
