"""Which run directory a job of a sweep has: the one that its configuration was begun in, or a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra.conf import HydraConf

from rl.config.plain import config_to_dict
from rl.config.schema import Config
from rl.files.checkpoint import config_hash
from rl.files.secrets import redact
from rl.run.identity import START_KEYS, hash_requests, read_config_if_whole, stored

_DIGITS = 8


def compute_job_key(config: Config) -> str:
    """Return the hash of what a job computes; threads are left out, because the launcher decides them."""
    return _key(config_to_dict(config))


def _key(config: dict[str, Any]) -> str:
    what = {key: value for key, value in config.items() if key not in (*START_KEYS, "threads")}
    return config_hash(redact(hash_requests(what)))


def find_run_dirs(sweep_dir: Path) -> dict[str, Path]:
    """Return the run directories of a sweep by the key of their configuration."""
    there = ((read_config_if_whole(path), path.parent) for path in sorted(sweep_dir.glob("*/config.yaml")))
    return {_key(config): place for config, place in there if config is not None}


def remove_command(sweep_dir: Path) -> None:
    """Remove the file in which Hydra keeps the command line as it was given, secrets and all."""
    (sweep_dir / "multirun.yaml").unlink(missing_ok=True)


def find_job_dir(config: Config, sweep_dir: Path, fresh: Path) -> Path:
    """Return the job's run directory: an existing one with this config, else `fresh`, else `fresh-<hash>`.

    No two jobs of a sweep get the same new directory, whatever moment they ask at: `fresh` is named after the job's
    number, and its neighbour after the configuration as well.
    """
    key, file = compute_job_key(config), fresh / "config.yaml"
    if file.exists() and _key(stored(file)) == key:
        return fresh
    return find_run_dirs(sweep_dir).get(
        key, fresh.with_name(f"{fresh.name}-{key[:_DIGITS]}") if file.exists() else fresh
    )


def choose_threads(config: Config, place: Path, hydra: HydraConf) -> int:
    """Return the CPU threads of a job: those its run was begun with, or at most its share of the cores.

    A run that is continued keeps its number of threads, so that it ends as it would have, to the last bit.
    """
    file = place / "config.yaml"
    if file.exists():
        return int(stored(file)["threads"])
    from joblib import cpu_count

    together = count_jobs_at_once(hydra)
    return config.threads if together is None else min(config.threads, max(1, cpu_count() // together))


def count_jobs_at_once(hydra: HydraConf) -> int | None:
    """Return how many jobs share this machine's cores; None if one job has them or a scheduler decides.

    Args:
        hydra: The `hydra` node of the configuration that the sweep is launched with.
    """
    from joblib import cpu_count, effective_n_jobs

    launcher, sweeper = hydra.runtime.choices["hydra/launcher"], hydra.runtime.choices["hydra/sweeper"]
    asked = hydra.sweeper.n_jobs if sweeper == "optuna" else None
    if launcher == "joblib":
        together = effective_n_jobs(hydra.launcher.n_jobs)
        return min(together, asked or together)
    if launcher == "submitit_local":
        return int(asked or hydra.sweeper.max_batch_size or cpu_count())
    return None
