"""Where a run's numbers and transcripts go while it runs: files of our own first, then mirrors such as wandb.

`metrics.jsonl` and `transcripts/` are the record; figures and reports are made from them alone. A sink that writes
the record lets its errors out, since a run that cannot keep its record should stop.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rl.errors import MissingFile
from rl.files.atomic import name_file_in_errors, replace_bytes, replace_text, sync_open
from rl.files.json_lines import jsonable
from rl.tracking.transcript import order_fields


class Sink:
    """Something that takes a run's record as it is made; what a sink does not override it ignores."""

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Take the metrics of one step; a step may be logged in several calls."""

    def log_transcripts(self, step: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take the judged rollouts of one evaluation."""

    def log_rollouts(self, step: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take the training rollouts of one step."""

    def log_checkpoint(self, step: int, folder: Path) -> None:
        """Take a checkpoint that was saved whole and will not change."""

    def log_figures(self, paths: Sequence[Path]) -> None:
        """Take pictures made at the end of the run."""

    def close(self, status: str) -> None:
        """End with `finished`, `failed` or `interrupted`."""


class JsonlSink(Sink):
    """Append-only metrics, one JSON object a line, `{"step": 10, "eval/gap": 0.31}`, on the disk when `log` returns.

    Args:
        path: the file; rows already there stay.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("a", encoding="utf-8")

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Append one line, `step` first. NaN and infinities become null; numpy and torch scalars become numbers."""
        row = {"step": int(step), **{key: jsonable(value) for key, value in values.items() if key != "step"}}
        with name_file_in_errors(self._path):
            self._file.write(json.dumps(row, allow_nan=False) + "\n")
            self._file.flush()
            sync_open(self._file.fileno())

    def close(self, status: str) -> None:
        """Close the file; the status is the manifest's to keep."""
        self._file.close()


class TranscriptSink(Sink):
    """One `step_000010.jsonl` per evaluation, there whole or not at all; a step written again is replaced.

    Args:
        folder: made when the first evaluation is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def log_transcripts(self, step: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the rows with their public fields in the public order."""
        lines = [json.dumps(jsonable(order_fields(row)), ensure_ascii=False, allow_nan=False) for row in rows]
        replace_text(self._folder / f"step_{step:06d}.jsonl", "".join(line + "\n" for line in lines))


class RolloutSink(Sink):
    """One compressed `step_000010.jsonl.gz` per training step, there whole or not at all.

    Args:
        folder: made when the first step is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def log_rollouts(self, step: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the rows; the same rows give the same bytes."""
        lines = "".join(json.dumps(jsonable(row), ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
        packed = gzip.compress(lines.encode("utf-8"), mtime=0)
        replace_bytes(self._folder / f"step_{step:06d}.jsonl.gz", packed)


class Tracker:
    """Hands everything to each sink in turn; as a context manager it closes them with the status the block ended in.

    Args:
        sinks: in the order they are served; those that keep the record come before mirrors.
    """

    def __init__(self, sinks: Iterable[Sink]) -> None:
        self._sinks = list(sinks)

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Hand on the metrics of one step."""
        for sink in self._sinks:
            sink.log(step, values)

    def log_transcripts(self, step: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Hand on the judged rollouts of one evaluation."""
        for sink in self._sinks:
            sink.log_transcripts(step, rows)

    def log_rollouts(self, step: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Hand on the training rollouts of one step."""
        for sink in self._sinks:
            sink.log_rollouts(step, rows)

    def log_checkpoint(self, step: int, folder: Path) -> None:
        """Hand on a checkpoint that was saved."""
        for sink in self._sinks:
            sink.log_checkpoint(step, folder)

    def log_figures(self, paths: Sequence[Path]) -> None:
        """Hand on pictures made at the end of the run."""
        for sink in self._sinks:
            sink.log_figures(paths)

    def close(self, status: str) -> None:
        """Close every sink once; a second call does nothing."""
        while self._sinks:
            self._sinks.pop(0).close(status)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close(name_status(kind))


def name_status(error: type[BaseException] | None) -> str:
    """Return the status of a run that ended with this error: `finished`, `interrupted` or `failed`."""
    if error is None:
        return "finished"
    return "interrupted" if issubclass(error, KeyboardInterrupt) else "failed"


def truncate_after(path: Path, step: int) -> None:
    """Drop the rows of a metrics file later than `step`, and a last line that was cut off while being written.

    Called before a run is resumed from `step`, so that the file ends as an uninterrupted run's. The file is replaced
    in one move; a file that is not there yet stays so.

    Raises:
        MissingFile: a line other than the last is not a JSON object with a step.
    """
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    whole = text[: text.rfind("\n") + 1].splitlines(keepends=True)
    replace_text(path, "".join(line for line in whole if _step_of(line, path) <= step))


def _step_of(line: str, path: Path) -> int:
    try:
        return int(json.loads(line)["step"])
    except (KeyError, TypeError, ValueError) as error:
        raise MissingFile(f"{path} is not a metrics file: it holds the line {line.strip()[:80]!r}") from error
