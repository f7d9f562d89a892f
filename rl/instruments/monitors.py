"""Puts the configured monitors together."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from monitors.faking.probe import ProbeMonitor
from monitors.judge.cache import VoteCache
from monitors.judge.client import Endpoint
from monitors.judge.monitor import JudgeMonitor, Poll
from monitors.panel import Panel
from rl.config.schema import LlmJudgeConfig, MonitorsConfig
from rl.errors import ConfigError, MissingFile
from rl.scenario.conflicts import CONFLICTS, REFUSAL

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_KEY = re.compile(r"[\x21-\x7e]+")


def panel_from(config: MonitorsConfig, conflict: str = REFUSAL.name) -> Panel:
    """Return the monitors that a configuration describes.

    Args:
        config: When and by whom the policy is looked at.
        conflict: The scenario's, which decides who reads outputs for compliance.

    Raises:
        ConfigError: if it asks for a language model as judge and describes it wrongly.
        GoalguardError: if the file that keeps its votes cannot be used.
    """
    compliance = CONFLICTS[conflict].read_outputs()
    if config.judge is None:
        return Panel(compliance)
    found = list(panel_problems(config))
    if found:
        raise ConfigError(found)
    return Panel(compliance, faking=make_judge(config.judge))


def make_judge(config: LlmJudgeConfig) -> JudgeMonitor:
    """Return the language model that a configuration describes as judge, its key taken from the environment."""
    endpoint = Endpoint(
        base_url=config.base_url,
        model=config.model,
        key=None if config.key_env is None else os.environ[config.key_env].strip(),
        temperature=config.temperature,
        timeout=config.timeout,
        retries=config.retries,
    )
    cache = VoteCache(Path(config.cache), config.model, config.temperature)
    return JudgeMonitor(endpoint, Poll(config.votes, config.threshold, config.concurrency), cache)


def panel_problems(config: MonitorsConfig) -> Iterator[str]:
    """Say what is wrong with the judge that a configuration describes, a line each; no line holds a key."""
    judge = config.judge
    if judge is None:
        return
    yield from _numbers(judge)
    yield from _address(judge.base_url)
    yield from _key(judge.key_env)
    if Path(judge.cache).is_dir():
        yield f"monitors.judge.cache={judge.cache}: is a folder; the name of a file is needed"


def probe_problems(config: MonitorsConfig) -> Iterator[str]:
    """Say what is wrong with the probe monitor that a configuration describes, a line each."""
    probe = config.probe
    if probe is None:
        return
    for name, value in (("requests", probe.requests), ("samples", probe.samples), ("batch_size", probe.batch_size)):
        if value < 1:
            yield f"monitors.probe.{name}={value}: must be at least 1"
    if probe.path is not None:
        try:
            ProbeMonitor.load(Path(probe.path))
        except MissingFile as error:
            yield f"monitors.probe.path={probe.path}: {error}"


def untrained_problems(config: MonitorsConfig) -> Iterator[str]:
    """Say what a command that trains nothing cannot do with a configuration of monitors, a line each."""
    if config.probe is not None:
        yield "monitors=probe: reads the policy while it is trained, so scripts.train alone has it; leave it out here"


def _numbers(judge: LlmJudgeConfig) -> Iterator[str]:
    for name, value in (("votes", judge.votes), ("concurrency", judge.concurrency)):
        if value < 1:
            yield f"monitors.judge.{name}={value}: must be at least 1"
    for name, number in (("retries", judge.retries), ("temperature", judge.temperature)):
        if not 0 <= number < float("inf"):
            yield f"monitors.judge.{name}={number}: must be 0 or more"
    if not 0 < judge.timeout < float("inf"):
        yield f"monitors.judge.timeout={judge.timeout}: must be more than 0 seconds"
    if not 0 < judge.threshold <= 1:
        yield f"monitors.judge.threshold={judge.threshold}: a share of votes, above 0 and at most 1"


def _address(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = None
    if not usable:
        yield "monitors.judge.base_url: must be of the form https://host/path, as in https://api.openai.com/v1"
    elif "@" in parts.netloc or parts.query or parts.fragment:
        yield (
            "monitors.judge.base_url: holds a user, a query or a fragment, and is written to the run's files; "
            "a key belongs into the environment variable that monitors.judge.key_env names"
        )


def _key(name: str | None) -> Iterator[str]:
    if name is None:
        return
    if not _VARIABLE.fullmatch(name):
        yield (
            "monitors.judge.key_env: must be the name of an environment variable, in capitals as in OPENAI_API_KEY "
            "(what it says now is not shown, as it may be a key)"
        )
    elif not os.environ.get(name, "").strip():
        yield f"monitors.judge.key_env={name}: this environment variable is not set; null for an endpoint without a key"
    elif not _KEY.fullmatch(os.environ[name].strip()):
        yield f"monitors.judge.key_env={name}: the variable holds spaces or characters that no key has"
