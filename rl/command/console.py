"""The console that tables are printed to, and paths as they are printed."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console


def table_console(file_width: int) -> Console:
    """Standard output as wide as the terminal, or `file_width` columns where it is a file or a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=file_width)


def display_path(path: Path) -> str:
    """Return the path as a person would type it: relative to the working directory if it lies below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
