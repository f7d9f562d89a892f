"""Removes keys, tokens, passwords and the home folder from everything that is written."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REDACTED, HOME = "[redacted]", "~"
_SECRET_KEY = re.compile(
    r"(^|_)(key|token|secret|credentials?)$|passw(or)?d$|(api|access|auth)[_-]?(key|token)$", re.IGNORECASE
)
_PIECE_OF_TOKENIZER = re.compile(r"(bos|eos|pad|unk|sep|cls|mask)_token$")
_SECRET_SHAPE = re.compile(
    r"(?<![\w-])(?:(?:sk-|hf_|ghp_|gho_|github_pat_|glpat-|xox[abp]-|AKIA|AIza|eyJ[\w-]+\.eyJ)[\w.-]+|Bearer \S+)"
    r"|(?<=://)[^/\s@]+(?=@)"
)
_LONG_ENOUGH = 12
"""Characters of a secret in the environment; a shorter value could be anybody's word."""


def redact(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a config without secrets and without the home folder.

    A text is `[redacted]` if its key says that it is a secret, or if it holds something of a secret's shape or the
    value of a secret in the environment (`WANDB_API_KEY`). The home folder becomes `~`. Names of environment variables
    (`api_key_env`), counts (`max_tokens`) and tokenizer pieces (`eos_token`) stay.
    """
    return {str(key): _redacted(str(key), value) for key, value in config.items()}


def _redacted(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return redact(value)
    if isinstance(value, list | tuple):
        return [_redacted(key, item) for item in value]
    if not isinstance(value, str) or not value:
        return value
    named = _says_secret(key) and not _PIECE_OF_TOKENIZER.search(key)
    clean = redact_text(value)
    return REDACTED if named or (REDACTED in clean and REDACTED not in value) else clean


def redact_text(text: str) -> str:
    """Return a text with what is secret in it as `[redacted]`, and the home folder as `~`."""
    for secret in _of_the_environment():
        text = text.replace(secret, REDACTED)
    return _without_home(_SECRET_SHAPE.sub(REDACTED, text))


def _says_secret(key: str) -> bool:
    return bool(_SECRET_KEY.search(key))


def _of_the_environment() -> list[str]:
    found = [value.strip() for name, value in os.environ.items() if _says_secret(name)]
    return sorted((value for value in found if len(value) >= _LONG_ENOUGH), key=len, reverse=True)


def _without_home(text: str) -> str:
    home = os.path.expanduser("~").rstrip("/\\")
    if len(Path(home).parts) < 2:
        return text
    return re.sub(rf"(?<![\w.~-]){re.escape(home)}(?![\w.-])", HOME, text)
