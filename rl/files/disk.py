"""Turns the errors of a full or read-only disk into one message with exit code 2."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors import SafetensorError

from rl.errors import GoalguardError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EIO)
_OF_THE_SYSTEM = re.compile(r"os error (\d+)")
_TORCH_WRITER = re.compile(r"PytorchStreamWriter|inline_container\.cc")


class DiskFailed(GoalguardError, OSError):
    """The disk is full, or does not take what is to be written."""


def refuse_unwritable(folder: Path) -> None:
    """Raise unless a folder can be made, or written to if it is there; nothing stays behind.

    Raises:
        DiskFailed: It cannot; the message says why.
    """
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    try:
        TemporaryDirectory(dir=there).cleanup()
    except OSError as error:
        reason = os.strerror(error.errno or errno.EIO)
        raise DiskFailed(f"{folder} cannot be written: {reason} ({there}); choose another folder") from error


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Raise DiskFailed, with the file and what to do, in place of the block's disk errors.

    Args:
        folder: What is being written; named where the error does not say which file it was.

    Raises:
        DiskFailed: In place of an error of the disk, with the file and what to do.
    """
    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as error:
        found = _first_cause(error)
        if found is None:
            raise
        number, file = found
        told = f"{file or folder}: {os.strerror(number)}. What was written before is whole and kept"
        again = "make room" if number in _FULL else "make it writable or choose another folder"
        raise DiskFailed(f"{told}; {again}, and resume=auto continues the run") from error


def _first_cause(error: BaseException) -> tuple[int, str | None] | None:
    """Number and file of the disk's first error among those that led to one another; None if there is none."""
    if _of_the_disk(error) is None:
        return None
    chain: list[BaseException] = [error]
    while (earlier := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(earlier)
    return next((found for one in reversed(chain) if (found := _of_the_disk(one))), None)


def _of_the_disk(error: BaseException) -> tuple[int, str | None] | None:
    if isinstance(error, OSError) and error.errno in (*_FULL, *_CLOSED):
        return error.errno, None if error.filename is None else str(error.filename)
    if isinstance(error, SafetensorError | OSError) and (said := _OF_THE_SYSTEM.search(str(error))):
        return int(said[1]), None
    if isinstance(error, RuntimeError) and _TORCH_WRITER.search(str(error)):
        # torch does not say what the system answered to its writer; a disk that takes no more is what makes it fail.
        return errno.ENOSPC, None
    return None
