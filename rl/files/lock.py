"""One process at a time in a directory. The system frees the lock of a process that dies, in whatever way."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from rl.errors import GoalguardError
from rl.files.atomic import naming

LOCK = ".lock"


class InUse(GoalguardError):
    """Another process is at work in a directory."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep a directory to this process for as long as the block lasts; it is made if it is not there.

    Raises:
        InUse: Another process has it; the message names the directory and the process.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise InUse(f"{folder} is in use by {_holder(path)}; nothing was changed there") from None
    try:
        with naming(path):
            path.write_text(json.dumps({"pid": os.getpid(), "host": platform.node(), "since": _now()}) + "\n")
        yield
    finally:
        lock.release()


def _now() -> str:
    return datetime.now().isoformat(sep=" ", timespec="seconds")


def _holder(path: Path) -> str:
    """The process that holds a lock, in words; it may not have said yet who it is."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return f"process {said['pid']} on {said['host']} since {said['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
