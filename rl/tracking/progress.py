"""The line a person watches while a run goes on: stage, step, seconds left, AF rate and gap as they move."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from rl.files.json_lines import jsonable
from rl.tracking.metrics import FREE_AF, GAP, TRAIN_AF

_SECONDS_BETWEEN_LINES = 2.0


class Progress:
    """A bar that is redrawn in place on a terminal; elsewhere plain lines.

    A plain line is written after each evaluation and at the last step, and otherwise when a step is done or a stage is
    entered for the first time, unless the line before is less than two seconds old.

    Args:
        last_step: the step that ends the run.
        stream: where to write; standard error unless given, so that standard output holds the run's result.
        clock: seconds; gives the pace and the time between lines.
    """

    def __init__(
        self, last_step: int, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._last_step, self._step = last_step, 0
        self._stage, self._stages_seen = "start", {"start"}
        self._metrics: dict[str, float] = {}
        self._anchor: tuple[int, float] | None = None
        self._printed_at = -math.inf
        self._bar = _bar(self._stream, last_step)

    def stage(self, name: str) -> None:
        """Say what the run is doing now."""
        self._stage = name
        new = name not in self._stages_seen
        self._stages_seen.add(name)
        if new or self._bar:
            self._show(urgent=False)

    def step(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Say that `step` is done; the AF rates and the gap in its metrics are shown until newer ones come."""
        self._step = step
        self._anchor = self._anchor or (step, self._clock())
        clean = {key: jsonable(metrics[key]) for key in (FREE_AF, TRAIN_AF, GAP) if key in metrics}
        self._metrics |= {key: value for key, value in clean.items() if value is not None}
        evaluated = any(key.startswith("eval/") for key in metrics)
        self._show(urgent=evaluated or step == self._last_step)

    def warn(self, text: str) -> None:
        """A line that stays: above the bar on a terminal, at once elsewhere."""
        if self._bar:
            self._bar.console.print(f"warning: {text}", markup=False, highlight=False)
        else:
            print(f"warning: {text}", file=self._stream, flush=True)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()

    def _show(self, *, urgent: bool) -> None:
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=self._step, description=self._line())
        elif urgent or self._clock() - self._printed_at >= _SECONDS_BETWEEN_LINES:
            self._printed_at = self._clock()
            print(self._line(), file=self._stream, flush=True)

    def _line(self) -> str:
        parts = [f"{self._stage:<10}", f"step {self._step}/{self._last_step}", self._left(), *self._numbers()]
        return "  ".join(part for part in parts if part)

    def _left(self) -> str:
        """Seconds left at the pace since the first step that was reported; empty until there is a pace."""
        if self._anchor is None or self._step <= self._anchor[0]:
            return ""
        seconds_a_step = (self._clock() - self._anchor[1]) / (self._step - self._anchor[0])
        return f"{seconds_a_step * max(0, self._last_step - self._step):.0f} s left"

    def _numbers(self) -> list[str]:
        shown = {FREE_AF: "AF {:.1%}", TRAIN_AF: "AF in training {:.1%}"}
        texts = [text.format(self._metrics[key]) for key, text in shown.items() if key in self._metrics]
        gap = self._metrics.get(GAP)
        return texts if gap is None else [*texts, f"gap {100 * gap:+.1f} pp"]


def _bar(stream: TextIO, last_step: int) -> Bar | None:
    console = Console(file=stream)
    if not console.is_terminal:
        return None
    bar = Bar(BarColumn(bar_width=24), TextColumn("{task.description}"), console=console, refresh_per_second=4)
    bar.add_task("", total=last_step)
    return bar
