"""The options of a group of the configuration, each composed by itself: several times as fast as a whole job."""

from __future__ import annotations

from functools import cache
from typing import TypeVar, cast

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.initialize import get_gh_backup, restore_gh_from_backup
from omegaconf import OmegaConf

from rl.command.help import CONF
from rl.config.schema import OrganismConfig, ScenarioConfig
from rl.errors import ConfigError, nearest

Section = TypeVar("Section")


def list_options(group: str) -> list[str]:
    """Return the names of every option of a group, as in `scenario/wording`."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def compose_scenario(name: str, wording: str = "tiny") -> ScenarioConfig:
    """Return the configuration of one scenario in a wording, an option of `scenario/wording`.

    Raises:
        ConfigError: there is no such option.
    """
    _refuse_unknown("scenario", name, "scenario")
    _refuse_unknown("scenario/wording", wording, "scenario/wording")
    return _in_shape(ScenarioConfig, _composed("scenario", name, f"scenario/wording={wording}"))


def compose_organism(name: str, key: str) -> OrganismConfig:
    """Return the configuration of one organism.

    Args:
        name: The option.
        key: Of the setting that names it, for the message.

    Raises:
        ConfigError: there is no such option.
    """
    _refuse_unknown("organism", name, key)
    return _in_shape(OrganismConfig, _composed("organism", name))


def _refuse_unknown(group: str, name: str, key: str) -> None:
    allowed = list_options(group)
    if name not in allowed:
        raise ConfigError([f"{key}={name}: must be one of {', '.join(allowed)}{nearest(name, allowed)}"])


def _in_shape(shape: type[Section], section: object) -> Section:
    return cast(Section, OmegaConf.merge(OmegaConf.structured(shape), section))


@cache
def _composed(group: str, name: str, *overrides: str) -> object:
    # Somebody may be composing a configuration of their own, in whose middle this one is asked for.
    theirs = get_gh_backup()
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            return compose(f"{group}/{name}", list(overrides))[group]
    finally:
        restore_gh_from_backup(theirs)
