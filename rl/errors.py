"""Errors for the people who use the tool: one message, exit code 2, no traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GoalguardError(Exception):
    """Base of every error that is the user's to mend."""


class ConfigError(GoalguardError, ValueError):
    """One or more settings are wrong; `problems` holds a line for each, all found at once."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        head = f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''} in the configuration:"
        super().__init__("\n".join([head, *(f"  - {problem}" for problem in self.problems)]))


class MissingFile(GoalguardError, FileNotFoundError):
    """A file or folder that a command was pointed at is not there, or is not what it should be."""


class MissingPackage(GoalguardError, ImportError):
    """An optional package is needed; the message says how to install it."""


class TrainingDiverged(GoalguardError, FloatingPointError):
    """The loss became NaN or infinite; the last good checkpoint is kept."""


def nearest(word: str, allowed: Iterable[str]) -> str:
    """` (did you mean X?)` for the closest allowed word, or an empty string."""
    close = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.5)
    return f" (did you mean {close[0]}?)" if close else ""
