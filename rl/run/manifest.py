"""`manifest.json`: what a run was made with, how long each stage took, and how it ended."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rl.command.ranks import count
from rl.files.atomic import replace_text
from rl.files.checkpoint import sha256
from rl.files.json_lines import json_object
from rl.tracking.record import name_status

MANIFEST = "manifest.json"
PACKAGES = (
    "goalguard",
    "torch",
    "transformers",
    "trl",
    "accelerate",
    "datasets",
    "peft",
    "tokenizers",
    "safetensors",
    "numpy",
    "scipy",
    "scikit-learn",
    "hydra-core",
    "wandb",
)


class Manifest:
    """The manifest of one run, rewritten whole at every change; as a context manager it keeps the run's status.

    Inside the block the status is `running`. It becomes `finished`, `interrupted` (KeyboardInterrupt) or `failed` when
    the block ends; a manifest that still says `running` without a process belongs to a run that was killed. A resumed
    run adds its seconds to those that the file already holds.

    Args:
        run_dir: the run directory; the file is `run_dir/manifest.json`.
        seeds: every seed by its role, as in `{"run": 3, "data": 0}`.
    """

    def __init__(self, run_dir: Path, seeds: Mapping[str, int]) -> None:
        self._path = run_dir / MANIFEST
        self._wall_s: dict[str, float] = read_stage_seconds(run_dir)
        self._status = "running"
        self._facts: dict[str, Any] = {
            "git_revision": read_git_revision(Path(__file__)),
            "versions": versions(),
            "seeds": dict(seeds),
            "hardware": hardware(),
            "parent_organism": None,
        }

    def set_parent(self, organism_hash: str) -> None:
        """Name the organism that the run starts from, once it is found."""
        self._facts["parent_organism"] = organism_hash
        self._write()

    def set_requests(self, path: str | None) -> None:
        """Name the requests by the hash of their file; nothing is said of those of the project."""
        if path is not None:
            self._facts["requests_sha256"] = sha256(Path(path))
            self._write()

    def conclude(self) -> None:
        """Training is over and on disk: from here on, and in the report, the run counts as finished."""
        self._status = "finished"
        self._write()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the wall seconds of the block to stage `name`, also when the block ends in an error."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._wall_s[name] = self._wall_s.get(name, 0.0) + time.perf_counter() - start
            self._write()

    def _write(self) -> None:
        wall_s = {name: round(seconds, 3) for name, seconds in self._wall_s.items()}
        text = json.dumps({"status": self._status, **self._facts, "wall_s": wall_s}, indent=2)
        replace_text(self._path, text + "\n")

    def __enter__(self) -> Self:
        self._write()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._status = name_status(kind)
        self._write()


def status_in(run_dir: Path) -> str | None:
    """Return the status a run directory's manifest states; None where there is no manifest, or a damaged one."""
    status = json_object(run_dir / MANIFEST).get("status")
    return None if status is None else str(status)


def read_stage_seconds(run_dir: Path) -> dict[str, float]:
    """Return wall seconds of each stage that a run directory's manifest states; nothing where `status_in` is None."""
    return dict(json_object(run_dir / MANIFEST).get("wall_s") or {})


def read_git_revision(file: Path) -> str | None:
    """Return the commit that `file` is part of, with `-dirty` when the tree differs; None outside of git.

    The file must be tracked: code installed into an environment inside somebody's repository has no revision there.
    """
    git = ["git", "-C", str(file.parent)]
    try:
        subprocess.run([*git, "ls-files", "--error-unmatch", file.name], capture_output=True, check=True)
        describe = [*git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        return subprocess.run(describe, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def versions() -> dict[str, str | None]:
    """Return versions of Python and of the packages that decide a run's figures; None for one that is not installed."""
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def hardware() -> dict[str, Any]:
    """Return what decides the machine's speed and figures; nothing that identifies its owner."""
    import torch

    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_model(),
        "cores": _usable_cores(),
        "torch_threads": torch.get_num_threads(),
        "processes": count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def _usable_cores() -> int | None:
    """Return the number of cores this process may run on; a container or a batch job has fewer than the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
