"""From a command line to a configuration: every problem is collected and told in one message, with exit code 2.

Hydra stops at the first override it cannot place, with its own words. Here each override is tried alone against the
composed configuration first, so that all wrong ones are reported together with whatever `rl.validate` finds.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, cast

import hydra
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rl.errors import ConfigError, GoalguardError, nearest
from rl.schema import Config, register

CONF = Path(__file__).resolve().parent.parent / "conf"
EXIT_BAD_INPUT = 2
Check = Callable[[Config], list[str]]


def composed(overrides: Sequence[str] = (), name: str = "config") -> Config:
    """The configuration for some overrides, outside a Hydra job.

    Raises:
        ConfigError: naming every override that cannot be placed.
    """
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        _refuse_bad_overrides(overrides, name)
        return cast(Config, compose(name, list(overrides)))


def _refuse_bad_overrides(overrides: Sequence[str], name: str, check: Check = lambda _: []) -> None:
    """Raise for every override that cannot be placed, each tried with the group choices, wherever they stand.

    Beside them are named the problems that `check` finds in what the other overrides make.
    """
    choices: list[str] = []
    problems, refused = [], []
    for override in sorted(overrides, key=_is_choice, reverse=True):
        problem = _problem_with(override, choices, name)
        if problem:
            problems.append(problem)
            refused.append(override)
        elif _is_choice(override):
            choices.append(override)
    if problems:
        raise ConfigError([*problems, *_beside(overrides, refused, name, check)])


def _beside(overrides: Sequence[str], refused: Sequence[str], name: str, check: Check) -> list[str]:
    """Problems of the configuration without the refused overrides, save those about keys that these meant to set."""
    kept = [override for override in overrides if override not in refused]
    if any(re.search(r"=[^\[{(]*,", override) for override in kept):
        return []
    meant = [override.split("=")[0].lstrip("+~") for override in refused]
    return [line for line in check(cast(Config, compose(name, kept))) if not any(key in line for key in meant)]


def _is_choice(override: str) -> bool:
    key = override.split("=", 1)[0].lstrip("+~").split("@")[0]
    return (CONF / key).is_dir()


def _problem_with(override: str, choices: Sequence[str], name: str) -> str | None:
    """One line about an override, or None where it is fine."""
    try:
        parsed = OverridesParser.create().parse_override(override)
    except HydraException:
        return f"{override}: not of the form key=value"
    if parsed.is_sweep_override():
        return None
    try:
        composed = compose(name, [*choices, override])
        OmegaConf.to_container(composed, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        return _in_words(override, parsed.key_or_group, error, list(_keys(compose(name, list(choices)))))
    return None


def _in_words(override: str, key: str, error: Exception, known: Sequence[str]) -> str:
    options = [path.stem for path in sorted((CONF / key).glob("*.yaml"))] if (CONF / key).is_dir() else []
    if options:
        value = override.split("=", 1)[1]
        return f"{override}: {key} must be one of {', '.join(options)}{nearest(value, options)}"
    if key not in known:
        groups = [str(path.relative_to(CONF)) for path in CONF.rglob("*") if path.is_dir()]
        return f"{override}: there is no key {key}{nearest(key, [*known, *groups])}"
    reason = re.sub(r"\s+", " ", str(error.__cause__ or error).split("full_key")[0]).strip()
    return f"{override}: {reason}"


def _keys(config: Any, prefix: str = "") -> list[str]:
    found = []
    for key in config:
        path = f"{prefix}{key}"
        found.append(path)
        node = config._get_node(key)
        if isinstance(node, DictConfig) and not node._is_none():
            found += _keys(node, f"{path}.")
    return found


def hydra_app(job: Callable[[Any], None], name: str, check: Check = lambda _: []) -> None:
    """Run a Hydra application whose bad input ends in one message and exit code 2.

    Args:
        job: Gets the configuration, and raises for what is wrong with it.
        name: Of the root configuration.
        check: What is wrong with a configuration, a line each; asked where overrides are refused before the job.
    """
    register()
    flags = ("-", "hydra.", "hydra/", "+hydra", "~hydra", "++hydra")
    overrides = [word for word in sys.argv[1:] if not word.startswith(flags)]
    asks_only = any(word in ("--help", "-h", "--hydra-help", "--info") or word.startswith("--cfg") for word in sys.argv)
    try:
        with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            if not asks_only:
                _refuse_bad_overrides(overrides, name, check)
    except GoalguardError as error:
        fail(error)
    hydra.main(version_base="1.3", config_path=str(CONF), config_name=name)(_guarded(job))()


def _guarded(job: Callable[[Any], None]) -> Callable[[DictConfig], None]:
    def guarded(config: DictConfig) -> None:
        try:
            job(cast(Config, config))
        except GoalguardError as error:
            if HydraConfig.get().mode == RunMode.MULTIRUN:
                raise
            fail(error)
        except KeyboardInterrupt:
            print("interrupted; everything written so far is kept, resume=auto continues", file=sys.stderr)
            sys.exit(130)

    return guarded


def fail(error: GoalguardError) -> NoReturn:
    """Print one message and leave with exit code 2."""
    print(error, file=sys.stderr)
    sys.exit(EXIT_BAD_INPUT)
