"""Files that are either the old version or the new one, whatever moment the machine stops at."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


def sync(path: Path) -> None:
    """Ask the disk to keep what was written to a file, or the names in a folder.

    Many disks cannot do that for a folder, each with an error of its own. They are passed over, as the files in it are
    synced by themselves.
    """
    if path.is_dir():
        with suppress(OSError):
            _sync(path)
    else:
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with name_file_in_errors(path):
            sync_open(descriptor)
    finally:
        os.close(descriptor)


def sync_open(descriptor: int) -> None:
    """Ask the disk to keep what was written to an open file; a disk that knows no such request is passed over."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def replace_text(path: Path, text: str) -> None:
    """Replace a file by a text, whole or not at all; see `replace_bytes`."""
    replace_bytes(path, text.encode("utf-8"))


def replace_bytes(path: Path, content: bytes) -> None:
    """Write `content` to a hidden neighbour of `path`, sync it and rename it over `path`; makes the folder if needed.

    The neighbour is this process's own: two that write one file at a time leave what either wrote, and never a mixture.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with name_file_in_errors(path):
            partial.write_bytes(content)
        sync(partial)
        partial.replace(path)
    finally:
        # It is still there only after an error, and on a full disk it would be in the way.
        partial.unlink(missing_ok=True)
    sync(path.parent)


@contextmanager
def name_file_in_errors(path: Path) -> Iterator[None]:
    """Add the file's name to the block's disk errors; the system does not name a file that is open."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
