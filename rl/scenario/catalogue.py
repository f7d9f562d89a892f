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
    return _options("scenario")


def scenario_named(name: str, wording: str = "tiny") -> ScenarioConfig:
    """Return the configuration of one option in a wording, an option of `scenario/wording`.

    The group is composed alone, which is several times as fast as a whole job.

    Raises:
        ConfigError: there is no such option.
    """
    _refuse_unknown("scenario", name)
    _refuse_unknown("scenario/wording", wording)
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        told = compose(f"scenario/{name}", [f"scenario/wording={wording}"]).scenario
    return cast(ScenarioConfig, OmegaConf.merge(OmegaConf.structured(ScenarioConfig), told))


def _options(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def _refuse_unknown(group: str, name: str) -> None:
    allowed = _options(group)
    if name not in allowed:
        raise ConfigError([f"{group}={name}: {group} must be one of {', '.join(allowed)}{nearest(name, allowed)}"])
