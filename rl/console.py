"""Where tables are printed."""

from __future__ import annotations

from rich.console import Console


def table_console(file_width: int) -> Console:
    """Standard output as wide as the terminal, or `file_width` columns where it is a file or a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=file_width)
