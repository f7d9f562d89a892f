"""What a person watches while work of a known size goes on: how far it is, seconds left, and a line of one's own."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self, TextIO, TypeVar

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

SECONDS_BETWEEN_LINES = 2.0
Item = TypeVar("Item")


class Progress:
    """A bar that is redrawn in place on a terminal; elsewhere a plain line every two seconds.

    Args:
        total: Size of the work, in any unit.
        name: Begins each line.
        stream: Where to write; standard error unless given, so that standard output holds the result.
        clock: Seconds; gives the pace and the time between lines.
    """

    def __init__(
        self, total: float, name: str = "", stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total, self._name, self._clock = total, name, clock
        self._stream = stream or sys.stderr
        self._done, self._text, self._figures = 0.0, "", ""
        self._printed_at = clock()
        self._began = 0.0, self._printed_at
        self._bar = _bar(self._stream, total)

    def begin_at(self, done: float) -> None:
        """Take the pace from here on: this much was done before, or at another pace."""
        self._done, self._began = done, (done, self._clock())

    def advance(self, amount: float = 1) -> None:
        """Say that more of the work is done."""
        self._done += amount
        self.show()

    def update(self, done: float, text: str, figures: str = "") -> None:
        """Say how much of the work is done, and what stands before and behind the seconds left from now on."""
        self._done, self._text, self._figures = done, text, figures
        if self._bar:
            self.show()

    def show(self, *, urgent: bool = False) -> None:
        """Draw the bar; elsewhere write a line if one is due, or if it is urgent."""
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=self._done, description=self._line())
        elif urgent or self._clock() - self._printed_at >= SECONDS_BETWEEN_LINES:
            self._printed_at = self._clock()
            print(self._line(), file=self._stream, flush=True)

    def track(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield items, one unit of work each."""
        for item in items:
            yield item
            self.advance()

    def say(self, text: str) -> None:
        """Write a line that stays: above the bar on a terminal, at once elsewhere."""
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

    def _line(self) -> str:
        text = self._text or f"{self._done / max(self._total, 1):.0%}"
        return "  ".join(part for part in (self._name, text, self._left(), self._figures) if part)

    def _left(self) -> str:
        """Return the seconds left at the pace so far; an empty text until there is a pace."""
        at, since = self._began
        if self._done <= at:
            return ""
        return f"{(self._clock() - since) / (self._done - at) * max(0.0, self._total - self._done):.0f} s left"


def _bar(stream: TextIO, total: float) -> Bar | None:
    console = Console(file=stream)
    if not console.is_terminal:
        return None
    columns = BarColumn(bar_width=24), TextColumn("{task.description}", markup=False)
    bar = Bar(*columns, console=console, refresh_per_second=4)
    bar.add_task("", total=total)
    return bar
