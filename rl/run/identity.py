"""Which configuration a run has: two runs of one identity have the same result."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from rl.config.plain import config_to_dict
from rl.config.schema import Config
from rl.files.checkpoint import config_hash, sha256
from rl.files.secrets import redact
from rl.scenario.request_file import locate_copy

START_KEYS = ("resume", "dry_run")
"""Keys that say how a run is started and not what it is."""


def identity_of(config: Config) -> str:
    """Hash of everything that decides a run's result; secrets do not, nor does whose home folder it is."""
    return config_hash(_what(config_to_dict(config)))


def identity_of_file(path: Path) -> str | None:
    """The same of a run's `config.yaml`, with the requests that the run keeps; None where it cannot be read."""
    config = read_config_if_whole(path)
    return None if config is None else config_hash(_what(config))


def read_config_if_whole(path: Path) -> dict[str, Any] | None:
    """A neighbour's `config.yaml` as plain data; None, and a word about it, where it cannot be read."""
    try:
        return stored(path)
    except (OSError, ValueError, AttributeError, YAMLError, OmegaConfBaseException) as error:
        print(f"passed over: {path} cannot be read ({type(error).__name__})", file=sys.stderr)
        return None


def stored(path: Path) -> dict[str, Any]:
    """A run's `config.yaml` as plain data, its requests those that the run keeps."""
    config = config_to_dict(OmegaConf.load(path))  # type: ignore[arg-type]
    scenario = config.get("scenario") or {}
    if scenario.get("requests") is not None:
        scenario["requests"] = locate_copy(path.parent, scenario["requests"])
    return config


def differences(run: Mapping[str, Any], config: Config) -> list[str]:
    """Where a configuration departs from a run's, as `stored`: a text for each key, with the value there and here."""
    there, here = (dict(_leaves(_what(one))) for one in (run, config_to_dict(config)))
    keys = dict.fromkeys([*there, *here])
    return [f"{key} is {there.get(key)} there, {here.get(key)} here" for key in keys if there.get(key) != here.get(key)]


def _what(config: Mapping[str, Any]) -> dict[str, Any]:
    return redact(hash_requests({key: value for key, value in config.items() if key not in START_KEYS}))


def hash_requests(config: Mapping[str, Any]) -> dict[str, Any]:
    """The same with the hash of a file of requests for its name; the key is left out where there is none."""
    scenario = dict(config.get("scenario") or {})
    path = scenario.pop("requests", None)
    if path is not None:
        there = Path(path).is_file()
        scenario["requests"] = f"sha256 {sha256(Path(path))}" if there else f"{path}, which is not there"
    return {key: scenario if key == "scenario" and value else value for key, value in config.items()}


def _leaves(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
