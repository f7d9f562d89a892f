"""Takes out of what is exported whatever tells whose machine it came from, and what looks like a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rl.files.secrets import redact

LOCAL = "[local]"
"""Stands for the folders above a file of the machine that the run was made on."""

_BEGINS_A_PATH = re.compile(r"(?:file://)?(?:~[\w.-]*[\\/]|[A-Za-z]:[\\/]|[\\/])")
_NAME = r"[^\s/\\'\",;:()\[\]{}<>|]+"
_PATH_WITHIN = re.compile(
    rf"(?:file://|(?<![\w.:/~<\\]))(?:~[\w.-]*(?:/{_NAME})+|(?:/{_NAME}){{2,}}|[A-Za-z]:(?:[\\/]{_NAME})+)/?"
)


def scrubbed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a configuration or manifest without secrets and without absolute paths.

    What looks like a secret by its key or its shape becomes `[redacted]`. Of an absolute path at most the last name
    stays, as in `[local]/my-model`, also where it stands inside a text; relative paths stay as they are.
    """
    return {key: _without_paths(value) for key, value in redact(record).items()}


def without_own_paths(record: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a file of a checkpoint: texts that are a path as a whole, and nothing else.

    Its other texts are chat templates and pieces of a tokenizer, which must stay as they are.
    """
    return {key: _without_paths(value, whole_only=True) for key, value in record.items()}


def _without_paths(value: Any, *, whole_only: bool = False) -> Any:
    if isinstance(value, Mapping):
        return {_without_paths(key): _without_paths(item, whole_only=whole_only) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_paths(item, whole_only=whole_only) for item in value]
    if not isinstance(value, str):
        return value
    if _BEGINS_A_PATH.match(value) and len(_names(value)) > 1:
        return _last_name(value)
    return value if whole_only else _PATH_WITHIN.sub(lambda found: _last_name(found[0]), value)


def _last_name(path: str) -> str:
    """The last name of a path, unless it may be that of a home folder."""
    names = _names(path)
    return f"{LOCAL}/{names[-1]}" if len(names) > 2 else LOCAL


def _names(path: str) -> list[str]:
    return [name for name in re.split(r"[\\/]+", path.removeprefix("file://")) if name]
