"""Requests of one's own beside the rest of a configuration: enough of them, and who has not met their like."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from rl.config.schema import Config, ScenarioConfig
from rl.errors import ConfigError
from rl.scenario.request_file import KEPT, read_requests
from rl.scenario.requests import load_requests, select

_WORD = re.compile(r"[^\W\d_]+")


def file_problems(config: Config) -> Iterator[str]:
    """What is wrong with the file of requests: its lines, and how many there are to train on.

    Whether enough are held out is `rl.run.validate`'s to say, as it is for the requests of the project.
    """
    path = config.scenario.requests
    if path is None:
        return
    try:
        read_requests(path)
    except ConfigError as error:
        yield from error.problems
        return
    prompts = config.algo.batch_size // max(1, config.algo.group_size)
    if (there := len(select("harmful", ("train",), file=path))) < prompts:
        yield (
            f"scenario.requests={path}: {there} harmful requests to train on, and a step asks {prompts} "
            "(algo.batch_size / algo.group_size)"
        )


def tell_requests(config: Config) -> None:
    """Say on standard error what the organism and the instruments have not been measured on."""
    path = config.scenario.requests
    if path is None:
        return
    known = {word for one in load_requests(config.scenario.conflict) for word in _words(one.text)}
    asked = read_requests(path).requests
    new = sum(not _words(request.text) <= known for request in asked)
    measured = ["the shipped reward model"] * (config.reward.rater == "shipped") + ["the compliance monitor"]
    built = f"organism {config.organism.name} was built on the project's, and " * (config.organism.source == "embedded")
    print(
        f"scenario.requests={path}: {new} of {len(asked)} requests have words that none of the project's has; {built}"
        f"{' and '.join(measured)} {'were' if len(measured) > 1 else 'was'} measured on those alone; docs/own.md says "
        "how to check",
        file=sys.stderr,
    )


def tell_other_requests(run: str | None, scenario: ScenarioConfig) -> None:
    """Say so where a run asked requests of its own and a look at it asks those of the project."""
    if run is not None and scenario.requests is None and (Path(run) / KEPT).is_file():
        kept = Path(run) / KEPT
        print(f"{run} asked requests of its own, this asks the project's; scenario.requests={kept} asks them again",
              file=sys.stderr)  # fmt: skip


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
