"""The organisms that the configuration names: the options of the organism group, each composed by itself."""

from __future__ import annotations

from functools import cache
from typing import cast

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.initialize import get_gh_backup, restore_gh_from_backup
from omegaconf import OmegaConf

from rl.command.entry import CONF
from rl.config.schema import OrganismConfig, WordingConfig
from rl.errors import ConfigError, nearest


def organism_names() -> list[str]:
    """Every option of the organism group."""
    return sorted(path.stem for path in (CONF / "organism").glob("*.yaml"))


def organism_named(name: str, key: str) -> OrganismConfig:
    """The configuration of one option.

    Args:
        name: The option.
        key: Of the setting that names it, for the message.

    Raises:
        ConfigError: there is no such option.
    """
    names = organism_names()
    if name not in names:
        raise ConfigError([f"{key}={name}: must be one of {', '.join(names)}{nearest(name, names)}"])
    return cast(OrganismConfig, OmegaConf.merge(OmegaConf.structured(OrganismConfig), _composed(name)))


@cache
def _composed(name: str) -> object:
    # Somebody may be composing a configuration of their own, in whose middle this one is asked for.
    theirs = get_gh_backup()
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            return compose(f"organism/{name}").organism
    finally:
        restore_gh_from_backup(theirs)


@cache
def full_wording() -> WordingConfig:
    """The wording for models that read well."""
    told = OmegaConf.load(CONF / "scenario" / "wording" / "full.yaml")
    return cast(WordingConfig, OmegaConf.merge(OmegaConf.structured(WordingConfig), told))
