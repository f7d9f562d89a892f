"""One process at a time in a directory, also on a disk that has no locks."""

from __future__ import annotations

import errno
import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from itertools import count
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from rl.errors import GoalguardError
from rl.files.atomic import name_file_in_errors

LOCK = ".lock"
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)
_SECONDS_FOR_A_MARKER = 1.0
"""The first look removes the marker of a dead process of this host, and the second one takes its place."""
_SECONDS_FOR_A_TURN = 60.0


class InUse(GoalguardError):
    """Another process is at work in a directory."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Lock a directory for this process until the block ends; make it if it is missing.

    The system frees the lock of a process that dies. On a disk without locks a marker file stands in, which says who
    holds it: that of a dead process of this host does not block.

    Raises:
        InUse: Another process has it; the message names the directory and the process.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    try:
        lock = _acquire(path, 0.0)
    except Timeout as error:
        gone = f"; if that process is gone, remove {error.lock_file}" if error.lock_file != str(path) else ""
        raise InUse(f"{folder} is in use by {_holder(path)}; nothing was changed there{gone}") from None
    try:
        with name_file_in_errors(path):
            path.write_text(json.dumps({"pid": os.getpid(), "host": platform.node(), "since": _now()}) + "\n")
        yield
    finally:
        lock.release()


@contextmanager
def wait_for_turn(path: Path) -> Iterator[None]:
    """Wait until no other process is in such a block for the same file, and keep the others out of it."""
    lock = _acquire(path, _SECONDS_FOR_A_TURN)
    try:
        yield
    finally:
        lock.release()


def claim_folder(fresh: Path) -> Path:
    """Return `fresh`, or the first of `fresh-2`, `fresh-3`, ... that no other process has claimed."""
    for number in count(1):
        folder = fresh if number == 1 else fresh.with_name(f"{fresh.name}-{number}")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            (folder / LOCK).touch(exist_ok=False)
        except FileExistsError:
            continue
        return folder
    raise AssertionError("numbers do not end")


def _acquire(path: Path, seconds: float) -> BaseFileLock:
    """Return a lock that is held; raise Timeout where another process holds it for so long."""
    lock: BaseFileLock = FileLock(path, fallback_to_soft=False)
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        raise
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        _tell_no_locks(os.strerror(error.errno))
        lock = SoftFileLock(path.with_name(f".{path.name.removeprefix('.')}.held"))
        lock.acquire(timeout=max(seconds, _SECONDS_FOR_A_MARKER))
    return lock


@cache
def _tell_no_locks(reason: str) -> None:
    print(f"this disk has no locks ({reason}): marker files stand in for them", file=sys.stderr)


def _now() -> str:
    return datetime.now().isoformat(sep=" ", timespec="seconds")


def _holder(path: Path) -> str:
    """Return the process that holds a lock, in words; it may not have said yet who it is."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return f"process {said['pid']} on {said['host']} since {said['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
