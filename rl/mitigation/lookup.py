"""The mitigations that a configuration names, each built from its section by the class that `_target_` names."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import field, fields, make_dataclass
from importlib import import_module
from typing import Any, cast, get_type_hints

from omegaconf import MISSING, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from reward.mitigations import Mitigation, Read
from rl.config.schema import Config
from rl.errors import ConfigError, nearest

TARGET, FILLED_IN = "_target_", ("read", "seed")
_ALLOWED = re.compile(r"(reward\.mitigations|rl\.mitigation\.\w+)\.(\w+)", re.ASCII)


def list_chosen(mitigation: Mapping[str, Any]) -> list[str]:
    """Return the names of the mitigations that are on, in the order of the alphabet."""
    return sorted(name for name, section in mitigation.items() if section is not None)


def build_mitigation(config: Config, name: str, read: Read | None = None) -> Mitigation:
    """Return the mitigation of one section; without `read` it can be checked and reads no scratchpad.

    Raises:
        ConfigError: naming everything that does not fit its class.
    """
    path, section = f"mitigation.{name}", config.mitigation[name]
    if not OmegaConf.is_dict(section):
        raise ConfigError([f"{path}={section}: must be a section with {TARGET}, as in conf/mitigation/"])
    values = OmegaConf.to_container(section, resolve=True, throw_on_missing=True)
    assert isinstance(values, dict)
    kind = find_class(f"{path}.{TARGET}", values.pop(TARGET, None))
    if kind.name != name:
        raise ConfigError([f"{path}.{TARGET}: its section must be called {kind.name}"])
    checked = _checked(path, kind, {str(key): value for key, value in values.items()})
    given = {"read": read, "seed": config.seed}
    return kind(**checked, **{one.name: given[one.name] for one in fields(kind) if one.name in given})


def find_class(key: str, target: Any) -> type[Mitigation]:
    """Return the mitigation class of a dotted name; nothing outside this project's mitigations is looked up.

    Raises:
        ConfigError: the name is no such class.
    """
    match = _ALLOWED.fullmatch(target) if isinstance(target, str) else None
    if match:
        with suppress(ModuleNotFoundError):
            kind = getattr(import_module(match[1]), match[2], None)
            own = inspect.isclass(kind) and issubclass(kind, Mitigation) and kind.__module__ == match[1]
            if own and hasattr(kind, "name"):
                return cast(type[Mitigation], kind)
    raise ConfigError([f"{key}={target}: must be a mitigation class of reward.mitigations or of rl.mitigation"])


def _checked(path: str, kind: type[Mitigation], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values in the types of the class's fields."""
    hints = get_type_hints(kind)
    keys = [one.name for one in fields(kind) if one.name not in FILLED_IN]
    shape: Any = make_dataclass(kind.__name__, [(key, hints[key], field(default=MISSING)) for key in keys])
    node = OmegaConf.structured(shape)
    problems = list(_misfits(path, node, keys, values))
    problems += [f"{path}.{key}: a value is needed" for key in keys if key not in values]
    if problems:
        raise ConfigError(problems)
    return OmegaConf.to_container(node)  # type: ignore[return-value]


def _misfits(path: str, node: Any, keys: list[str], values: Mapping[str, Any]) -> Iterator[str]:
    """Put the values into a typed node, and name those that do not fit."""
    for key, value in values.items():
        if key not in keys:
            yield f"{path}.{key}={value}: there is no key {path}.{key}{nearest(key, keys)}"
            continue
        try:
            node[key] = value
        except OmegaConfBaseException as error:
            yield f"{path}.{key}={value}: {str(error).splitlines()[0]}"
