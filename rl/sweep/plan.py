"""The plan of a sweep before it starts: its jobs, its directory, and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rl.command.entry import HYDRA_WORDS, quote_value, refuse_bad_overrides
from rl.command.help import CONF
from rl.config.schema import Config
from rl.errors import ConfigError
from rl.files.atomic import replace_text
from rl.files.checkpoint import config_hash
from rl.files.json_lines import json_object
from rl.files.lock import claim_folder
from rl.run.manifest import status_in
from rl.run.objective import objective_problems
from rl.run.validate import problems
from rl.sweep.place import compute_job_key, find_run_dirs
from rl.sweep.plugins import choose_defaults, compose_master, drop_given, limit_jobs, parse_key, select_unswept
from rl.sweep.rows import redact_overrides

SWEEP_FILE = "sweep.json"


@dataclass(frozen=True)
class Job:
    """One job whose configuration is known before the sweep starts."""

    overrides: tuple[str, ...]
    config: Config
    problems: tuple[str, ...]


@dataclass(frozen=True)
class SweepPlan:
    """A sweep before it is launched."""

    words: tuple[str, ...]
    """The command line that Hydra gets."""
    identity: str
    """Hash by which the same sweep is found again."""
    directory: Path
    known: bool
    """Whether a sweep of these jobs, or the directory that was asked for, is there already."""
    fixed: tuple[str, ...]
    """The overrides that all jobs share."""
    jobs: tuple[Job, ...] | None
    """In the order of their numbers; None where a sweeper thinks of them as it goes."""
    finished: int
    """Jobs that need not run any more."""
    dry: bool


def plan_of(words: Sequence[str]) -> SweepPlan:
    """Read a command line with `-m`.

    Raises:
        ConfigError: What cannot be placed in any job, or is wrong with every job; nothing has run then.
        MissingPackage: The launcher or the sweeper is a plugin that is not installed.
    """
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        task = [word for word in words if not word.startswith(("-", *HYDRA_WORDS))]
        own = drop_given(["hydra.job.name=train", *choose_defaults(compose_master(words, task), words)], words)
        whole = compose_master([*own, *words], task)
        hydra = whole.hydra
        arguments = [*(f"{key}={value}" for key, value in (hydra.sweeper.get("params") or {}).items()), *task]
        jobs = _jobs(arguments) if hydra.runtime.choices["hydra/sweeper"] == "basic" else None
        if jobs is None:
            _check_search(arguments)
        identity = _identity(jobs, words)
        directory = _directory(hydra, identity, words)
        if directory is None:
            fresh = Path(OmegaConf.select(hydra, "sweep.dir")).absolute()
            directory = fresh if whole.dry_run else claim_folder(fresh)
        own += [f"hydra.sweep.dir={quote_value(str(directory))}", *limit_jobs(hydra, len(jobs or ()))]
    there = find_run_dirs(directory)
    finished = [job for job in jobs or () if status_in(there.get(compute_job_key(job.config), directory)) == "finished"]
    # Hydra's command line takes no overrides behind a -m that has some before it, and the sweep's own come last.
    launched = (*sorted(drop_given(words, own), key=lambda word: word not in ("-m", "--multirun")), *own)
    fixed = find_shared_overrides([job.overrides for job in jobs] if jobs else [select_unswept(arguments)])
    return SweepPlan(launched, identity, directory, bool(there), fixed, jobs, len(finished), bool(whole.dry_run))


def _directory(hydra: DictConfig, identity: str, words: Sequence[str]) -> Path | None:
    """Return the sweep's directory: the one that is asked for, else the newest of the same sweep, else None."""
    fresh = Path(OmegaConf.select(hydra, "sweep.dir")).absolute()
    if any(parse_key(word) == "hydra.sweep.dir" for word in words):
        return fresh
    files = sorted(fresh.parent.glob(f"*/{SWEEP_FILE}"), reverse=True)
    same = (path.parent for path in files if json_object(path).get("identity") == identity)
    return next(same, None)


def write_plan(plan: SweepPlan) -> None:
    """Write the sweep's identity and command into its directory, so that the same command finds it again."""
    told = {"identity": plan.identity, "command": redact_overrides(plan.words)}
    replace_text(plan.directory / SWEEP_FILE, json.dumps(told) + "\n")


def _jobs(arguments: Sequence[str]) -> tuple[Job, ...]:
    """Return the jobs of Hydra's basic sweeper: the product of what is swept.

    Raises:
        ConfigError: Overrides that fit nowhere, problems that leave no job to run, or jobs that are one run.
    """
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    try:
        each = BasicSweeper.split_arguments(parser.parse_overrides(list(arguments)), None)[0]
    except HydraException as error:
        raise ConfigError([" ".join(str(error).split())]) from error
    jobs = tuple(_job(overrides) for overrides in each)
    if all(job.problems for job in jobs):
        raise ConfigError(list_problems(jobs))
    _refuse_doubles(jobs)
    return jobs


def _job(overrides: Sequence[str]) -> Job:
    try:
        config = cast(Config, compose("config", list(overrides)))
        OmegaConf.to_container(cast(Any, config), resolve=True)
    except (HydraException, OmegaConfBaseException):
        refuse_bad_overrides(overrides, "config", problems)
        raise
    return Job(tuple(overrides), config, (*problems(config), *_resume_problem(config)))


def _resume_problem(config: Config) -> tuple[str, ...]:
    if config.resume in (None, "auto"):
        return ()
    return (f"resume={config.resume}: each job of a sweep finds its own unfinished run; name hydra.sweep.dir instead",)


def list_problems(jobs: Sequence[Job]) -> list[str]:
    """Return each problem once, after the job's overrides unless all jobs have it."""
    fixed = find_shared_overrides([job.overrides for job in jobs])
    common = [problem for problem in (jobs[0].problems if jobs else ()) if all(problem in job.problems for job in jobs)]
    own = [
        f"{label_job(job.overrides, fixed)}: {problem}"
        for job in jobs
        for problem in job.problems
        if problem not in common
    ]
    return [*dict.fromkeys(common), *own]


def _refuse_doubles(jobs: Sequence[Job]) -> None:
    first: dict[str, int] = {}
    fixed = find_shared_overrides([job.overrides for job in jobs])
    doubles = [
        f"jobs {earlier} and {number} are the same run: {label_job(job.overrides, fixed)}"
        for number, job in enumerate(jobs)
        if (earlier := first.setdefault(compute_job_key(job.config), number)) != number
    ]
    if doubles:
        raise ConfigError(doubles)


def _check_search(arguments: Sequence[str]) -> None:
    """Look at a searching sweeper's corner of the space, for what is wrong with every point of it.

    Raises:
        ConfigError: Overrides that fit nowhere, or problems that name no key that is searched.
    """
    parsed = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader()).parse_overrides(
        list(arguments)
    )
    job = _job([_corner(override) for override in parsed])
    searched = [override.get_key_element() for override in parsed if override.is_sweep_override()]
    problems_of_all = (*job.problems, *objective_problems(job.config))
    found = [problem for problem in problems_of_all if not any(key in problem for key in searched)]
    if found:
        raise ConfigError(found)


def _corner(override: Override) -> str:
    key = override.get_key_element()
    if not override.is_sweep_override():
        return f"{key}={override.get_value_element_as_str()}"
    value: Any = override.value()
    return f"{key}={value.start if override.is_interval_sweep() else next(iter(override.sweep_string_iterator()))}"


def _identity(jobs: Sequence[Job] | None, words: Sequence[str]) -> str:
    """Return the sweep's hash: of its jobs in any order, or of the command where jobs are not known."""
    if jobs is not None:
        return config_hash({"jobs": sorted(compute_job_key(job.config) for job in jobs)})
    passing = ("-", "hydra.sweep.", "hydra/launcher", "hydra.launcher", "hydra.job.")
    return config_hash({"words": sorted(word for word in words if not word.startswith(passing))})


def find_shared_overrides(each: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the overrides that all have."""
    return tuple(word for word in (each[0] if each else ()) if all(word in overrides for overrides in each))


def label_job(overrides: Sequence[str], fixed: Sequence[str]) -> str:
    """Return the overrides that differ between this job and the others."""
    return " ".join(word for word in overrides if word not in fixed)
