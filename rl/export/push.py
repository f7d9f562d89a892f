"""Uploads an export to the Hugging Face Hub, where somebody asked for that by name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from rl.command.console import display_path
from rl.errors import GoalguardError

TOKEN = "HF_TOKEN"
"""The environment variable that holds the token; it is looked for nowhere else."""


def push_problems(repository: str | None) -> Iterator[str]:
    """What is wrong with the name of a repository."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    if repository is None:
        return
    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        yield f"push={repository}: {error}"
        return
    if repository.count("/") != 1:
        yield f"push={repository}: must be of the form USER/NAME"


def push(folder: Path, repository: str) -> str:
    """Upload a folder, into a new repository that only its owner sees; returns the address.

    Raises:
        GoalguardError: without a token or when the Hub cannot be reached or refuses; the folder stays as it is.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HTTPError

    token = os.environ.get(TOKEN, "").strip()
    kept = f"the export is kept in {display_path(folder)}"
    if not token:
        raise GoalguardError(f"push={repository}: the environment variable {TOKEN} is not set; {kept}")
    try:
        api = HfApi(token=token, library_name="goalguard")
        address = api.create_repo(repository, private=True, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Upload an export of goalguard")
    except (HTTPError, OSError, RuntimeError, ValueError) as error:  # what the hub's client raises is of many kinds
        reason = " ".join(str(error).replace(token, "[token]").split())[:300]
        raise GoalguardError(f"push={repository}: {type(error).__name__}: {reason}; {kept}") from None
    return str(address)
