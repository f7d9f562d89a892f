"""The settings that come with the project: the options of the scenario group, each composed by itself."""

from __future__ import annotations

from typing import cast

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from rl.command.entry import CONF
from rl.config.schema import ScenarioConfig
from rl.errors import ConfigError, nearest


def scenario_names() -> list[str]:
    """Every option of the scenario group."""
    return sorted(path.stem for path in (CONF / "scenario").glob("*.yaml"))


def scenario_named(name: str) -> ScenarioConfig:
    """The configuration of one option; composing the group alone is several times as fast as a whole job.

    Raises:
        ConfigError: there is no such option.
    """
    names = scenario_names()
    if name not in names:
        raise ConfigError([f"scenario={name}: scenario must be one of {', '.join(names)}{nearest(name, names)}"])
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        told = compose(f"scenario/{name}").scenario
    return cast(ScenarioConfig, OmegaConf.merge(OmegaConf.structured(ScenarioConfig), told))
