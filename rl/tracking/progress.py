"""The line a person watches while a run goes on: stage, step, seconds left, AF rate and gap as they move."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TextIO

from rl.command.progress import Progress
from rl.files.json_lines import jsonable
from rl.tracking.metrics import FREE_AF, GAP, TRAIN_AF


class RunProgress:
    """The progress of a run.

    Off a terminal a line is written after each evaluation and at the last step, and otherwise when a step is done or a
    stage is entered for the first time, unless the line before is less than two seconds old.

    Args:
        last_step: The step that ends the run.
        stream: Where to write; standard error unless given.
        clock: Seconds.
    """

    def __init__(
        self, last_step: int, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._progress = Progress(last_step, stream=stream, clock=clock)
        self._last_step, self._step, self._begun = last_step, 0, False
        self._stage, self._stages_seen = "start", set[str]()
        self._metrics: dict[str, float] = {}

    def stage(self, name: str) -> None:
        """Say what the run is doing now."""
        self._stage, first = name, not self._stages_seen
        self._tell()
        if name not in self._stages_seen:
            self._stages_seen.add(name)
            self._progress.show(urgent=first)

    def step(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Say that `step` is done; the AF rates and the gap in its metrics are shown until newer ones come."""
        self._step = step
        if not self._begun:
            self._progress.begin_at(step)
            self._begun = True
        clean = {key: jsonable(metrics[key]) for key in (FREE_AF, TRAIN_AF, GAP) if key in metrics}
        self._metrics |= {key: value for key, value in clean.items() if value is not None}
        evaluated = any(key.startswith("eval/") for key in metrics)
        self._tell()
        self._progress.show(urgent=evaluated or step == self._last_step)

    def warn(self, text: str) -> None:
        """Write a warning that stays."""
        self._progress.say(f"warning: {text}")

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.__exit__(kind, error, at)

    def _tell(self) -> None:
        step = f"{self._stage:<10}  step {self._step}/{self._last_step}"
        self._progress.update(self._step, step, "  ".join(self._numbers()))

    def _numbers(self) -> list[str]:
        shown = {FREE_AF: "AF {:.1%}", TRAIN_AF: "AF in training {:.1%}"}
        texts = [text.format(self._metrics[key]) for key, text in shown.items() if key in self._metrics]
        gap = self._metrics.get(GAP)
        return texts if gap is None else [*texts, f"gap {100 * gap:+.1f} pp"]
