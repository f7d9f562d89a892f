"""The line a person watches while a file is judged."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 2.0


class LinesProgress:
    """A bar that is redrawn in place on a terminal; elsewhere a plain line every two seconds.

    Args:
        size: Bytes of the file; how many lines it has is known when they are read.
        stream: Where to write; standard error unless given, so that standard output holds the result.
        clock: Seconds.
    """

    def __init__(self, size: int, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._size, self._clock = max(1, size), clock
        self._stream = stream or sys.stderr
        self._started = self._printed_at = clock()
        console = Console(file=self._stream)
        self._bar = _bar(console) if console.is_terminal else None
        self._task = self._bar.add_task("judging", total=self._size) if self._bar else None

    def advance(self, judged: int, position: int) -> None:
        """Say how many transcripts are judged, and how many bytes are read."""
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=position, description=f"{judged} judged")
            return
        now = self._clock()
        if now - self._printed_at >= SECONDS_BETWEEN_LINES:
            self._printed_at = now
            left = (now - self._started) * (self._size - position) / max(1, position)
            self.say(f"{judged} judged  {position / self._size:.0%}  {left:.0f} s left")

    def say(self, text: str) -> None:
        """Write a line of its own."""
        if self._bar:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, file=self._stream, flush=True)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()


def _bar(console: Console) -> Progress:
    columns = (TaskProgressColumn(), BarColumn(bar_width=24), TextColumn("{task.description}"))
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, refresh_per_second=4)
