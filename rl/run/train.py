"""The main job: validate, choose the run directory, run, print the table."""

from __future__ import annotations

import math
import sys
from contextlib import suppress
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from rl.command.console import display_path
from rl.command.quiet import keep_fonts_in, quiet
from rl.command.ranks import agreed, first
from rl.config.plain import config_yaml
from rl.config.schema import Config
from rl.errors import ConfigError
from rl.files.lock import claim_folder
from rl.organism.build.place import described
from rl.run.figures import figures
from rl.run.identity import identity_of, identity_of_file
from rl.run.manifest import status_in
from rl.run.request_checks import tell_requests
from rl.run.validate import problems


def train(config: Config) -> float | None:
    """Run one configuration, or with `dry_run=true` say what would be run.

    Returns:
        The last value of `tracking.objective`, NaN if it was undefined; None after a dry run, and where another process
        keeps the record.

    Raises:
        ConfigError: holding every problem found before anything is trained.
    """
    checked(config)
    if config.dry_run:
        from rl.report.data.wording import describe_power

        print(config_yaml(config))
        print(batch_arithmetic(config))
        print(describe_power(config.monitors.harmful_requests))
        tell_requests(config)
        if to_build := described(config.organism):
            print(to_build)
        return None
    fresh = Path(HydraConfig.get().runtime.output_dir)
    run_dir = agreed(choose_run_dir(config, fresh) if first() else fresh)
    if first():
        return train_in(config, run_dir)
    if fresh != run_dir:
        # Hydra has made it, named after the second at which this process started.
        with suppress(OSError):
            fresh.rmdir()
    follow_in(config, run_dir)
    return None


def checked(config: Config) -> Config:
    """The configuration, if nothing is wrong with it.

    Raises:
        ConfigError: holding every problem there is.
    """
    quiet()
    found = problems(config)
    if found:
        raise ConfigError(found)
    return config


def train_in(config: Config, run_dir: Path) -> float:
    """Run or continue one configuration in a directory and print its table; the objective's last value."""
    keep_fonts_in(run_dir)
    from rl.report import final_table
    from rl.run.run import run

    print(batch_arithmetic(config), file=sys.stderr)
    tell_requests(config)
    report = run(config, run_dir)
    print(final_table(run_dir))
    print(f"\nrun     {display_path(run_dir)}\nreport  {display_path(report)}")
    value = figures(run_dir, config.tracking.objective)["objective"]
    return math.nan if value is None else value


def follow_in(config: Config, run_dir: Path) -> None:
    """Help the first process with its run."""
    from rl.run.run import follow

    follow(config, run_dir)


def batch_arithmetic(config: Config) -> str:
    """How many prompts, rollouts and steps the numbers amount to."""
    algo, prompts = config.algo, config.algo.batch_size // config.algo.group_size
    return (
        f"{algo.batch_size} rollouts a step = {prompts} prompts x {algo.group_size} samples; "
        f"at most {algo.steps} steps = {algo.steps * algo.batch_size} rollouts, all free tier"
    )


def choose_run_dir(config: Config, fresh: Path) -> Path:
    """Return the directory to write: a named one, the newest unfinished run of this configuration, or a fresh one.

    A fresh one is named after the second, so that another run that starts in that second may have it already.
    """
    if config.resume not in (None, "auto"):
        return Path(config.resume)
    if config.resume is None:
        return _fresh_folder(fresh)
    wanted = identity_of(config)
    candidates = sorted(fresh.parent.glob("*/config.yaml"), reverse=True)
    for path in candidates:
        unfinished = status_in(path.parent) != "finished"
        if path.parent != fresh and unfinished and identity_of_file(path) == wanted:
            return path.parent
    return _fresh_folder(fresh)


def _fresh_folder(fresh: Path) -> Path:
    """Return the folder that the command line names, or claim one that is named after the second."""
    named = HydraConfig.initialized() and any(
        word.lstrip("+").startswith("hydra.run.dir=") for word in HydraConfig.get().overrides.hydra
    )
    return fresh if named else claim_folder(fresh)
