"""Remembers composed configurations: `conf/` does not change while the tests run, and each composition takes 0.3 s."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Hashable
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.core_plugins.importlib_resources_config_source import ImportlibResourcesConfigSource
from hydra.core.config_store import ConfigStore
from hydra.core.singleton import Singleton
from hydra.core.utils import JobRuntime
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig

_compose = ConfigLoaderImpl._load_configuration_impl
_SOURCES = (FileConfigSource, ImportlibResourcesConfigSource)
_remembered: dict[Hashable, bytes] = {}


def remember_compositions() -> None:
    """Let Hydra compose the same words once; each call gets its own copy, with the working directory of the moment."""
    ConfigLoaderImpl._load_configuration_impl = _load  # type: ignore[method-assign]
    for source in _SOURCES:
        source.load_config = _reading_once(source.load_config)  # type: ignore[method-assign,assignment]


def _load(
    self: ConfigLoaderImpl, config_name: str | None, overrides: list[str], *args: Any, **named: Any
) -> DictConfig:
    key = (config_name, tuple(overrides), args, tuple(sorted(named.items())), _surroundings(self))
    if key not in _remembered:
        _remembered[key] = pickle.dumps(_compose(self, config_name, overrides, *args, **named))
    config: DictConfig = pickle.loads(_remembered[key])
    config.hydra.runtime.cwd = os.getcwd()
    return config


def _reading_once(load: Callable[[Any, str], ConfigResult]) -> Callable[[Any, str], ConfigResult]:
    """Return a loader that parses a file of `conf/` once: half of a composition is parsing YAML."""

    def read(self: Any, config_path: str) -> ConfigResult:
        key = (type(self), self.path, config_path)
        if key not in _remembered:
            _remembered[key] = pickle.dumps(load(self, config_path))
        result: ConfigResult = pickle.loads(_remembered[key])
        return result

    return read


def _surroundings(loader: ConfigLoaderImpl) -> Hashable:
    """Return what a composition depends on beside its words: where Hydra looks, what is registered, the job's name."""
    path = tuple((part.provider, part.path) for part in loader.config_search_path.get_path())
    groups = ConfigStore.instance().repo.get("hydra", {})
    registered = tuple((group, tuple(sorted(groups[group]))) for group in sorted(groups) if "." not in group)
    job = JobRuntime.instance().get("name") if JobRuntime in Singleton._instances else None
    return path, registered, job
