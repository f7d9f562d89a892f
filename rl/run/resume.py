"""States that a run can be continued from: sealed when they are whole, checked to the last bit before they are used.

The trainer writes `resume/checkpoint-N` file by file, so a process can be killed in the middle of one. Only when all of
it is on the disk does the state get its seal, `goalguard.json`, with the sha256 of every file and of the run's record
up to step N. A folder without a seal was not finished; one whose files differ from its seal is damaged.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from rl.command import ranks
from rl.errors import MissingFile
from rl.files.atomic import replace_text
from rl.files.checkpoint import INFO_FILE, changed_file, hashes_of, sync_tree
from rl.run.manifest import status_in
from rl.tracking.record import truncate_after

RESUME, METRICS, TRANSCRIPTS = "resume", "metrics.jsonl", "transcripts"
_BY_STEP = ("transcripts/step_*.jsonl", "rollouts/step_*.jsonl.gz")
_NUMBERED = re.compile(r"checkpoint-(\d+)").fullmatch


class Sealer(TrainerCallback):
    """Seals each state once every process has written its part of it.

    Args:
        run_dir: The run directory; states lie in its `resume/`.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the trainer after it has written a state."""
        ranks.of_all([None])
        if ranks.first():
            seal_state(self._run_dir, state.global_step)


def seal_state(run_dir: Path, step: int) -> None:
    """Put `goalguard.json` into the state of a step, after everything else in it is on the disk."""
    folder = run_dir / RESUME / f"checkpoint-{step}"
    (folder / INFO_FILE).unlink(missing_ok=True)
    # A pickle that nothing reads again and that holds the paths of this machine.
    (folder / "training_args.bin").unlink(missing_ok=True)
    sync_tree(folder)
    metrics = run_dir / METRICS
    record = {
        "step": step,
        "sha256": hashes_of(folder),
        "metrics": {"bytes": metrics.stat().st_size, "sha256": _begins_as(metrics, metrics.stat().st_size)},
        "transcripts": hashes_of(run_dir / TRANSCRIPTS),
    }
    replace_text(folder / INFO_FILE, json.dumps(record, indent=2) + "\n")


def step_of(state: Path | None) -> int:
    """Return the step of a state; 0 where there is none."""
    return 0 if state is None else int(state.name.rsplit("-", 1)[1])


def rewind(run_dir: Path) -> Path | None:
    """Take the record back to the newest whole state, and return that state; None where the run begins anew.

    What is passed over is named on standard error. Of a transcript that is not what was written it is only said so, as
    nothing later depends on it.

    Raises:
        MissingFile: There are states, and every one that was finished is damaged, or fits no longer to `metrics.jsonl`;
            or there is none, and the run is finished.
    """
    passed: list[tuple[Path, str]] = []
    for folder, wrong in find_states(run_dir):
        if wrong is None:
            return _rewound(run_dir, folder, passed)
        passed.append((folder, wrong))
    damaged = [wrong for folder, wrong in passed if (folder / INFO_FILE).exists()]
    if damaged:
        raise MissingFile(
            f"{run_dir} cannot be continued: {'; '.join(damaged)}. Nothing was changed. Put the files back, or remove "
            f"{run_dir / RESUME} to run it again from the beginning"
        )
    if status_in(run_dir) == "finished":
        raise MissingFile(
            f"{run_dir} holds a finished run, whose {RESUME}/ is gone. Nothing was changed: choose another folder, or "
            "remove this one to run it again"
        )
    (run_dir / METRICS).unlink(missing_ok=True)
    # What was written without a state to go on from would be taken for the new beginning's.
    _remove_after(run_dir, -1)
    for folder in (run_dir / "checkpoints").glob("step_*"):
        shutil.rmtree(folder)
    return None


def _rewound(run_dir: Path, folder: Path, passed: list[tuple[Path, str]]) -> Path:
    for newer, wrong in passed:
        print(f"passed over: {wrong}", file=sys.stderr)
        shutil.rmtree(newer)
    step = step_of(folder)
    truncate_after(run_dir / METRICS, step)
    _remove_after(run_dir, step)
    for name, expected in _read_seal(folder)["transcripts"].items():
        wrong_transcript = changed_file(run_dir / TRANSCRIPTS, {name: expected})
        if wrong_transcript:
            print(f"{run_dir / TRANSCRIPTS}: {wrong_transcript}; the run goes on", file=sys.stderr)
    if passed:
        print(f"continuing from step {step}", file=sys.stderr)
    return folder


def _remove_after(run_dir: Path, step: int) -> None:
    """Remove transcripts and rollouts of later steps."""
    for path in (path for pattern in _BY_STEP for path in run_dir.glob(pattern)):
        if int(path.name.partition(".")[0].removeprefix("step_")) > step:
            path.unlink()


def find_states(run_dir: Path) -> Iterator[tuple[Path, str | None]]:
    """Yield every state, newest first, with what is wrong with it, else None; each is read when it is asked for."""
    folders = (run_dir / RESUME).glob("checkpoint-*")
    numbered = [(int(match[1]), folder) for folder in folders if (match := _NUMBERED(folder.name))]
    for step, folder in sorted(numbered, reverse=True):
        yield folder, _damage(run_dir, folder, step)


def _damage(run_dir: Path, folder: Path, step: int) -> str | None:
    try:
        record = _read_seal(folder)
        told, hashes, metrics = record["step"], dict(record["sha256"]), record["metrics"]
        length, expected = int(metrics["bytes"]), metrics["sha256"]
        dict(record["transcripts"])
    except FileNotFoundError:
        return f"{folder} was not finished when the run ended"
    except (ValueError, KeyError, TypeError):
        return f"{folder}: {INFO_FILE} cannot be read"
    if told != step:
        return f"{folder} holds the state of step {told}"
    wrong = changed_file(folder, hashes)
    if wrong:
        return f"{folder}: {wrong}"
    if _begins_as(run_dir / METRICS, length) != expected:
        return f"{run_dir / METRICS} is not as it was at step {step} (cut off or changed), and {folder} continues it"
    return None


def _read_seal(folder: Path) -> dict[str, Any]:
    record = json.loads((folder / INFO_FILE).read_text(encoding="utf-8"))
    if not isinstance(record, dict):
        raise ValueError("no object")
    return record


def _begins_as(path: Path, length: int) -> str | None:
    """Return the sha256 of a file's first bytes; None where there are fewer."""
    start = path.read_bytes()[:length] if path.exists() else b""
    return hashlib.sha256(start).hexdigest() if len(start) == length else None
