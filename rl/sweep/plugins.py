"""Hydra's launchers and sweepers as a sweep uses them: which are there, and where we depart from their defaults."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from rl.command.entry import HYDRA_WORDS
from rl.errors import ConfigError, GoalguardError, MissingPackage, nearest

_PLUGGED = ("hydra/launcher", "hydra/sweeper")
EXTRAS = {
    "hydra/launcher=joblib": "sweep",
    "hydra/launcher=submitit_local": "slurm",
    "hydra/launcher=submitit_slurm": "slurm",
    "hydra/launcher=ray": "ray",
    "hydra/sweeper=optuna": "optuna",
}
"""The extra that brings an option of Hydra's."""
SUBMITTED = ".submitit"
"""Where submitit keeps its jobs, in a sweep's directory."""
_SUBMITIT = (f"hydra.launcher.submitit_folder=${{hydra.sweep.dir}}/{SUBMITTED}", "hydra.launcher.timeout_min=1440")
OWN_DEFAULTS = {
    # Without a limit of its own a worker takes several short jobs at once and leaves another one idle.
    "hydra/launcher=joblib": ("hydra.launcher.batch_size=1",),
    "hydra/launcher=submitit_local": _SUBMITIT,
    # A job that runs out of time is queued again, and continues its run.
    "hydra/launcher=submitit_slurm": (
        *_SUBMITIT, "hydra.launcher.cpus_per_task=${threads}", "hydra.launcher.max_num_timeout=5",
    ),
    "hydra/launcher=ray": (
        "++hydra.launcher.ray.init.include_dashboard=false", "++hydra.launcher.ray.init.log_to_driver=false",
        "++hydra.launcher.ray.remote.num_cpus=${threads}",
    ),
    # Seeded, the same command asks for the same trials, and finished ones need not run again.
    "hydra/sweeper=optuna": (
        "hydra.sweeper.sampler.seed=0", "hydra.sweeper.max_failure_rate=1.0", "hydra.sweeper.n_jobs=1",
    ),
}  # fmt: skip
"""Where a sweep departs from a plugin's defaults, unless the command line says otherwise."""


def compose_master(words: Sequence[str], task: Sequence[str]) -> DictConfig:
    """Return the configuration with the `hydra` node that the sweep is launched with; swept keys have their defaults.

    Raises:
        MissingPackage: The launcher or the sweeper is a plugin that is not installed; the message says how to get it.
        ConfigError: Hydra cannot place something.
    """
    try:
        return compose("config", [*filter(_is_hydras, words), *select_unswept(task)], return_hydra_config=True)
    except (HydraException, OmegaConfBaseException) as error:
        text = " ".join(str(error).split())
        for group in _PLUGGED:
            choice = re.search(rf"Could not find '{group}/(\w+)'", text)
            if choice:
                raise _no_plugin(group, choice[1]) from error
        raise ConfigError([text]) from error


def select_unswept(overrides: Sequence[str]) -> list[str]:
    """Return the overrides that have one value."""
    parser = OverridesParser.create()
    return [word for word in overrides if not parser.parse_override(word).is_sweep_override()]


def _is_hydras(word: str) -> bool:
    return word.startswith(HYDRA_WORDS)


def _no_plugin(group: str, choice: str) -> GoalguardError:
    """Return the error for a launcher or a sweeper that Hydra does not know."""
    extra = EXTRAS.get(f"{group}={choice}")
    if extra:
        return MissingPackage(f"{group}={choice} needs a plugin of Hydra: pip install 'goalguard[{extra}]'")
    there = GlobalHydra.instance().config_loader().get_group_options(group)
    options = sorted({*there, *(key.split("=")[1] for key in EXTRAS if key.startswith(f"{group}="))})
    return ConfigError([f"{group}={choice}: must be one of {', '.join(options)}{nearest(choice, options)}"])


def choose_defaults(master: DictConfig, words: Sequence[str]) -> list[str]:
    """Return our defaults for the launcher and the sweeper that a sweep has."""
    choices = master.hydra.runtime.choices
    found = [word for group in _PLUGGED for word in OWN_DEFAULTS.get(f"{group}={choices[group]}", ())]
    unseeded = choices.get("hydra/sweeper/sampler") == "grid"
    return [word for word in found if not (unseeded and "sampler.seed" in word)]


def drop_given(some: Sequence[str], others: Sequence[str]) -> list[str]:
    """Return the overrides whose key none of the others has."""
    given = {parse_key(word) for word in others}
    return [word for word in some if parse_key(word) not in given]


def parse_key(word: str) -> str:
    """Return the key that an override sets."""
    return word.split("=")[0].lstrip("+")


def limit_jobs(hydra: DictConfig, jobs: int) -> list[str]:
    """Return overrides that keep a launcher from starting more jobs at a time than there are cores, or jobs."""
    from joblib import cpu_count, effective_n_jobs

    launcher, searching = hydra.runtime.choices["hydra/launcher"], hydra.runtime.choices["hydra/sweeper"] != "basic"
    if launcher == "joblib" and not searching:
        return [f"hydra.launcher.n_jobs={min(effective_n_jobs(hydra.launcher.n_jobs), jobs)}"]
    if launcher == "submitit_local" and not searching:
        return [f"hydra.sweeper.max_batch_size={min(hydra.sweeper.max_batch_size or cpu_count(), jobs)}"]
    return []
