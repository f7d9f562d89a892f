"""From a command line to a configuration: every problem is collected and told in one message, with exit code 2.

Hydra stops at the first override it cannot place, with its own words. Here each override is tried alone against the
composed configuration first, so that all wrong ones are reported together with whatever `rl.run.validate` finds.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, cast

import hydra
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rl.command.help import CONF, answer_help
from rl.command.interrupts import EXIT_INTERRUPTED
from rl.command.streams import accept_every_character
from rl.config.commands import register
from rl.config.schema import Config
from rl.errors import ConfigError, GoalguardError, nearest
from rl.files.disk import refuse_unwritable

EXIT_BAD_INPUT = 2
HYDRA_WORDS = ("hydra.", "hydra/", "+hydra", "~hydra", "++hydra")
"""What overrides start with that are for Hydra itself."""
_QUOTES = "'\""
_TILDE = re.compile(r"(?<=[=\[,'\"])~(?=/|$)")
Check = Callable[[Config], list[str]]
Sweep = Callable[[Sequence[str]], int]
"""Runs a command line with `-m`; the exit code."""


def composed(overrides: Sequence[str] = (), name: str = "config") -> Config:
    """Return the configuration for some overrides, outside a Hydra job.

    Raises:
        ConfigError: naming every override that cannot be placed.
    """
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        refuse_bad_overrides(overrides, name)
        return cast(Config, compose(name, list(overrides)))


def refuse_bad_overrides(overrides: Sequence[str], name: str, check: Check = lambda _: []) -> None:
    """Raise for every override that cannot be placed, each tried with the group choices, wherever they stand.

    Beside them are named the problems that `check` finds in what the other overrides make.
    """
    if _all_fine(overrides, name):
        return
    choices: list[str] = []
    problems, refused = [], []
    for override in sorted(overrides, key=_is_choice, reverse=True):
        singles = _singles(override)
        found = [problem for single in singles if (problem := _problem_with(single, choices, name))]
        if found:
            problems += found
            refused.append(override)
            choices += _right_part(override)
        elif _is_choice(override):
            # What goes with a sweep over options must fit each of them, so any one of them may stand for it.
            choices.append(singles[0])
    if problems:
        raise ConfigError([*problems, *_beside(overrides, refused, name, check)])


def _all_fine(overrides: Sequence[str], name: str) -> bool:
    """Return whether all overrides together compose without an error: the usual case, and quick to check.

    Where there is doubt, as in a sweep, each override has to be tried alone.
    """
    try:
        parsed = [OverridesParser.create().parse_override(override) for override in overrides]
        if any(one.is_sweep_override() for one in parsed):
            return False
        choices = [override for override in overrides if _is_choice(override)]
        if any(_switched_off(one, choices, name) for one in parsed):
            return False
        OmegaConf.to_container(compose(name, list(overrides)), resolve=True)
    except (HydraException, OmegaConfBaseException):
        return False
    return True


def _beside(overrides: Sequence[str], refused: Sequence[str], name: str, check: Check) -> list[str]:
    """Problems of the configuration without the refused overrides, save those about keys that these meant to set."""
    kept = [override for override in overrides if override not in refused]
    kept += [part for override in refused for part in _right_part(override)]
    if any(re.search(r"=[^\[{(]*,", override) for override in kept):
        return []
    meant = [override.split("=")[0].lstrip("+~") for override in refused]
    return [line for line in check(cast(Config, compose(name, kept))) if not any(key in line for key in meant)]


def _singles(override: str) -> list[str]:
    """Return the overrides that a sweep over a group's options consists of; any other one by itself."""
    try:
        parsed = OverridesParser.create().parse_override(override)
    except HydraException:
        return [override]
    if not _is_choice(override) or not parsed.is_choice_sweep():
        return [override]
    return [f"{override.split('=', 1)[0]}={value}" for value in parsed.sweep_string_iterator()]


def _right_part(override: str) -> list[str]:
    """Of a refused choice of several options those that there are, so that values for them are not refused as well."""
    key, _, value = override.partition("=")
    right = [word for word in _words(value) if (CONF / key / f"{word}.yaml").exists()]
    return [f"{key}=[{','.join(right)}]"] if right else []


def _words(value: str) -> list[str]:
    return re.findall(r"[^\[\],\s]+", value)


def _is_choice(override: str) -> bool:
    key = override.split("=", 1)[0].lstrip("+~").split("@")[0]
    return (CONF / key).is_dir()


def _problem_with(override: str, choices: Sequence[str], name: str) -> str | None:
    """Return one line about an override, or None where it is fine."""
    try:
        parsed = OverridesParser.create().parse_override(override)
    except HydraException:
        return _unreadable(override)
    if parsed.is_sweep_override():
        return None
    if off := _switched_off(parsed, choices, name):
        return f"{override}: {off}"
    try:
        composed = compose(name, [*choices, override])
        OmegaConf.to_container(composed, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        return _in_words(override, parsed.key_or_group, error, list(_keys(compose(name, list(choices)))))
    return None


def _unreadable(override: str) -> str:
    """Return what is wrong with a word that Hydra's grammar cannot read."""
    key, equals, value = override.partition("=")
    if not equals:
        return f"{override}: not of the form key=value"
    said = quote_value(value.strip(_QUOTES))
    return f'{override}: a value that holds = or another sign has to be quoted: {key}="{said}"'


def quote_value(text: str) -> str:
    """Return a text as a value in Hydra's grammar, whatever is in it."""
    inside = text.replace("'", "\\'")
    return f"'{inside}'"


def _with_home(word: str) -> str:
    """Put the home folder in place of a ~ at the start of a value, where the shell has left it."""
    home = os.path.expanduser("~")
    return word if home == "~" else _TILDE.sub(lambda _: home, word)


def _switched_off(override: Override, choices: Sequence[str], name: str) -> str | None:
    """Return a message if the key lies in a section that is null until its option is chosen; else None."""
    group, option, *rest = [*override.key_or_group.split("."), ""]
    switch = _switch(group, option)
    if switch is None or not (any(rest) or isinstance(override.value(), dict)):
        return None
    chosen = OmegaConf.select(compose(name, list(choices)), f"{group}.{option}")
    return f"{group}.{option} is off; {switch} turns it on" if chosen is None else None


def _switch(group: str, option: str) -> str | None:
    """Return what turns a section on: the group's option of its name, or one of a group of its own."""
    if (CONF / group / f"{option}.yaml").exists():
        return f"{group}={option}"
    own = sorted(path.stem for path in (CONF / group / option).glob("*.yaml")) if option else []
    return f"{group}/{option}={own[0]}" if own else None


def _in_words(override: str, key: str, error: Exception, known: Sequence[str]) -> str:
    options = [path.stem for path in sorted((CONF / key).glob("*.yaml"))] if (CONF / key).is_dir() else []
    if options:
        named = _words(override.split("=", 1)[1])
        wrong = [word for word in named if word not in options]
        which = f"there is no {', no '.join(wrong)}; " if len(named) > 1 else ""
        hint = "".join(nearest(word, options) for word in wrong)
        return f"{override}: {which}{key} must be one of {', '.join(options)}{hint}"
    if key not in known:
        groups = [str(path.relative_to(CONF)) for path in CONF.rglob("*") if path.is_dir()]
        return f"{override}: there is no key {key}{nearest(key, [*known, *groups])}"
    return f"{override}: {_reason(error)}"


def _keys(config: Any, prefix: str = "") -> list[str]:
    found = []
    for key in config:
        path = f"{prefix}{key}"
        found.append(path)
        node = config._get_node(key)
        if isinstance(node, DictConfig) and not node._is_none():
            found += _keys(node, f"{path}.")
    return found


def hydra_app(
    job: Callable[[Any], Any],
    name: str,
    check: Check = lambda _: [],
    sweep: Sweep | None = None,
    kept: str = "nothing that is half done was kept",
) -> None:
    """Run a Hydra application whose bad input ends in one message and exit code 2.

    Args:
        job: Gets the configuration, and raises for what is wrong with it.
        name: Of the root configuration.
        check: What is wrong with a configuration, a line each; asked where overrides are refused before the job.
        sweep: Runs the command line in place of the job if it asks for several; None refuses it.
        kept: What is told on Ctrl-C of what was done before.
    """
    accept_every_character()
    answer_help(name)
    sys.argv[1:] = [_with_home(word) for word in sys.argv[1:]]
    register()
    overrides = [word for word in sys.argv[1:] if not word.startswith(("-", *HYDRA_WORDS))]
    several = bool({"-m", "--multirun", "hydra.mode=MULTIRUN"} & set(sys.argv))
    asks_only = any(word in ("--hydra-help", "--info") or word.startswith("--cfg") for word in sys.argv)
    try:
        with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            if not asks_only:
                refuse_bad_overrides(overrides, name, check)
            if several and sweep is None:
                raise ConfigError(["-m: this command takes one job at a time; scripts.train takes sweeps"])
            if not asks_only and not several:
                refuse_unwritable(_run_dir(name))
        if sweep and not asks_only and several:
            sys.exit(sweep(sys.argv[1:]))
    except GoalguardError as error:
        exit_with_message(error)
    hydra.main(version_base="1.3", config_path=str(CONF), config_name=name)(_guarded(job, kept))()


def _run_dir(name: str) -> Path:
    """Return the directory Hydra would give this job; raise ConfigError for words that Hydra cannot place."""
    words = [word for word in sys.argv[1:] if "=" in word and not word.startswith("-")]
    try:
        whole = compose(name, words, return_hydra_config=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(
            [line for word in words for line in _not_for_one_job(word, name)] or [_reason(error)]
        ) from error
    return Path(OmegaConf.select(whole.hydra, "run.dir"))


def _not_for_one_job(word: str, name: str) -> Iterator[str]:
    """Yield what is wrong with a word that may ask for several jobs, or be for Hydra itself."""
    try:
        parsed = OverridesParser.create().parse_override(word)
    except HydraException:
        yield _unreadable(word)
        return
    if parsed.is_sweep_override():
        yield f"{word}: several values are a sweep, which takes -m; one value that holds a comma has to be quoted"
    elif word.startswith(HYDRA_WORDS):
        try:
            compose(name, [word], return_hydra_config=True)
        except (HydraException, OmegaConfBaseException) as error:
            yield f"{word}: {_reason(error)}"


def _reason(error: Exception) -> str:
    """Return what Hydra or OmegaConf says, in one line and without where it looked."""
    told = re.split(r"full_key|Config search path", str(error.__cause__ or error))[0]
    return re.sub(r"\s+", " ", told).strip()


def _guarded(job: Callable[[Any], Any], kept: str) -> Callable[[DictConfig], Any]:
    def guarded(config: DictConfig) -> Any:
        try:
            return job(cast(Config, config))
        except GoalguardError as error:
            if HydraConfig.get().mode == RunMode.MULTIRUN:
                raise
            exit_with_message(error)
        except KeyboardInterrupt:
            print(f"interrupted; {kept}", file=sys.stderr)
            sys.exit(EXIT_INTERRUPTED)
        finally:
            _leave_no_empty_folder(Path(HydraConfig.get().runtime.output_dir))

    return guarded


def _leave_no_empty_folder(made: Path) -> None:
    """Take away the directory that Hydra makes before the job, if the job put nothing into it."""
    if made.resolve() != Path.cwd():
        with suppress(OSError):
            made.rmdir()


def exit_with_message(error: GoalguardError) -> NoReturn:
    """Print one message and leave with exit code 2."""
    print(error, file=sys.stderr)
    sys.exit(EXIT_BAD_INPUT)
