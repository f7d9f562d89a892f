"""A configuration as plain data and as YAML."""

from __future__ import annotations

from typing import Any

from omegaconf import OmegaConf

from rl.config.schema import Config
from rl.files.secrets import redact


def config_to_dict(config: Config) -> dict[str, Any]:
    """Return the resolved configuration as plain data."""
    container = OmegaConf.to_container(config, resolve=True)
    assert isinstance(container, dict)
    return {str(key): value for key, value in container.items()}


def config_yaml(config: Config) -> str:
    """Return the resolved configuration as YAML, without secrets and without the home folder."""
    return OmegaConf.to_yaml(OmegaConf.create(redact(config_to_dict(config))))
