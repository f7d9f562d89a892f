"""A mirror of the record for TensorBoard, in `run_dir/tensorboard`."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rl.errors import MissingPackage
from rl.files.json_lines import json_lines, jsonable
from rl.files.secrets import redact
from rl.tracking.record import Sink

SHOWN = ("tier", "kind", "request", "scratchpad", "output", "complied", "af", "af_score", "reward")
"""Fields of a transcript that are shown; the others are in `transcripts/`."""
MOST_SHOWN = 64
"""Transcripts of an evaluation that are shown: TensorBoard draws all of them at once."""


class TensorboardSink(Sink):
    """Curves over the run's own step, the configuration, transcripts and figures as TensorBoard event files.

    A resumed run writes into the same folder, and what an earlier part wrote after the step it is resumed from is
    struck out, so that each curve has one value a step.

    Args:
        run_dir: the run directory, its `metrics.jsonl` taken back to the step that the run goes on from.
        config: the resolved config; what looks like a secret is blotted out before it is written.

    Raises:
        MissingPackage: tensorboard is not installed.
    """

    def __init__(self, run_dir: Path, config: Mapping[str, Any]) -> None:
        writer = event_writer()
        rows = json_lines(run_dir / "metrics.jsonl")[0]
        self._step = max((int(row["step"]) for row in rows), default=0)
        self._writer = writer(str(run_dir / "tensorboard"), purge_step=self._step + 1 if rows else 0)
        if not rows:
            self._writer.add_text("config", _preformatted(json.dumps(jsonable(redact(config)), indent=1)), 0)

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Write one point of each curve, as a 32-bit float; what is not finite is left out."""
        self._step = step
        for key, value in values.items():
            if (clean := jsonable(value)) is not None:
                self._writer.add_scalar(key, float(clean), step)
        self._writer.flush()

    def log_transcripts(self, step: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the first of an evaluation as text, escaped: TensorBoard renders text as markup."""
        shown = [{name: jsonable(row[name]) for name in SHOWN} for row in rows[:MOST_SHOWN]]
        text = "\n\n".join("\n".join(f"{name}: {value}" for name, value in row.items()) for row in shown)
        self._writer.add_text("transcripts", _preformatted(text), step)

    def log_figures(self, paths: Sequence[Path]) -> None:
        """Write PNG files as images named after them, at the last step."""
        for path in paths:
            with Image.open(path) as picture:
                pixels_HWC = np.asarray(picture.convert("RGB"))
            self._writer.add_image(f"figures/{path.stem}", pixels_HWC, self._step, dataformats="HWC")

    def close(self, status: str) -> None:
        """Write the status and end the event file."""
        self._writer.add_text("status", status, self._step)
        self._writer.close()


def event_writer() -> Any:
    """PyTorch's writer of event files.

    Raises:
        MissingPackage: the package that holds TensorBoard's file format is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingPackage("tracking=tensorboard needs tensorboard: pip install 'goalguard[tensorboard]'") from error
    return SummaryWriter


def _preformatted(text: str) -> str:
    return f"<pre>{html.escape(text)}</pre>"
