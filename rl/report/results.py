"""`python -m rl.report.results`: fill the tables of README.md, results.md and models.md, and draw their pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rl.errors import ConfigError
from rl.report.data.results import RESULTS, ROOT
from rl.report.figures.grid import draw_file as draw_grid
from rl.report.figures.proportion import draw_proportion
from rl.report.pages.interpolation import draw_file as draw_line
from rl.report.tables.results import TABLES

PAGES = (ROOT / "README.md", ROOT / "docs" / "results.md", ROOT / "docs" / "models.md")
_BLOCK = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill_tables(page: str) -> str:
    """Return a page with the table of every marker made anew.

    Raises:
        ConfigError: a marker names a table that does not exist.
    """
    names = [match[2] for match in _BLOCK.finditer(page)]
    if unknown := [name for name in names if name not in TABLES]:
        raise ConfigError([f"table: {name}: no such table; there are {', '.join(TABLES)}" for name in unknown])
    return _BLOCK.sub(lambda match: f"{match[1]}{TABLES[match[2]]()}\n{match[3]}", page)


def remove_tables(page: str) -> str:
    """Return what is left of a page without its made tables and its code blocks."""
    return re.sub(r"^```.*?^```", "", _BLOCK.sub("", page), flags=re.DOTALL | re.MULTILINE)


def write_results() -> Iterator[Path]:
    """Write the pages whose tables have changed, and the pictures; yield each path."""
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        if (after := fill_tables(before)) != before:
            page.write_text(after, encoding="utf-8")
        yield page
    draw_proportion(RESULTS / "study" / "figures")
    yield RESULTS / "study" / "figures" / "proportion.png"
    yield draw_grid(RESULTS / "grid" / "headline.json")
    yield draw_line(RESULTS / "weights" / "told_honest_five_seeds.json")


if __name__ == "__main__":
    for path in write_results():
        print(path.relative_to(ROOT))
