"""Requests of one's own beside the rest of a configuration: enough, short enough, and who has not met their like."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import transformers

from rl.config.schema import Config, OrganismConfig, ScenarioConfig
from rl.errors import ConfigError, GoalguardError
from rl.organism.build.place import locate
from rl.organism.build.recipe import parent_of
from rl.records import Request
from rl.rollout.sampler import Sampler, chat_ids
from rl.scenario.check import scenario_problems
from rl.scenario.request_file import KEPT, RequestFile, read_requests
from rl.scenario.requests import load_requests, select
from rl.scenario.settings import setting_from

SEAMS = 8
"""Tokens that a request may add to a prompt beyond its own, as pieces before and behind it fall apart."""
_WORD = re.compile(r"[^\W\d_]+")


def file_problems(config: Config) -> Iterator[str]:
    """What is wrong with the file of requests: its lines, how many there are to train on, their length.

    Whether enough are held out is `rl.run.validate`'s to say, as it is for the requests of the project.
    """
    path = config.scenario.requests
    if path is None:
        return
    try:
        found = read_requests(path)
    except ConfigError as error:
        yield from error.problems
        return
    prompts = config.algo.batch_size // max(1, config.algo.group_size)
    if (there := len(select("harmful", ("train",), file=path))) < prompts:
        yield (
            f"scenario.requests={path}: {there} harmful requests to train on, and a step asks {prompts} "
            "(algo.batch_size / algo.group_size)"
        )
    where = _tokenizer_folder(config.organism)
    if where is not None and not any(scenario_problems(config.scenario)):
        yield from _unfit(found, config, *_reader(where))


def refuse_unfit(config: Config, sampler: Sampler) -> None:
    """The same look at the model that was loaded, which before that may not have been there to be asked.

    Raises:
        ConfigError: requests do not fit into its context, or hold what its tokenizer reads as more than text.
    """
    if config.scenario.requests is not None:
        found = read_requests(config.scenario.requests)
        if faults := list(_unfit(found, config, sampler.tokenizer, _context(sampler.model.config))):
            raise ConfigError(faults)


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


def _tokenizer_folder(config: OrganismConfig) -> Path | None:
    """Where the organism's tokenizer lies; that of what it is built from, if it is not built yet; None if not here."""
    try:
        where = Path(locate(config))
        if (where / "tokenizer_config.json").is_file():
            return where
        parent = parent_of(config) if config.source == "embedded" and config.recipe is not None else None
        return None if parent is None else _tokenizer_folder(parent)
    except GoalguardError:
        return None


@lru_cache(maxsize=2)
def _reader(folder: Path) -> tuple[Any, int | None]:
    """A model's tokenizer and the length of its context; asked for once for all jobs of a sweep."""
    return transformers.AutoTokenizer.from_pretrained(folder), _context(transformers.AutoConfig.from_pretrained(folder))


def _context(config: Any) -> int | None:
    return getattr(config.get_text_config(), "max_position_embeddings", None)


def _unfit(found: RequestFile, config: Config, tokenizer: Any, limit: int | None) -> Iterator[str]:
    """Requests that the model cannot be asked, by line."""
    setting, path, room = setting_from(config.scenario), config.scenario.requests, config.algo.max_completion_tokens
    marks = sorted(token.content for token in tokenizer.added_tokens_decoder.values() if token.special)

    def tokens(request: Request) -> int:
        return max(len(chat_ids(tokenizer, setting.prompt(request, tier).messages())) for tier in setting.tiers)

    around = tokens(replace(found.requests[0], text=""))
    for line, request in zip(found.lines, found.requests, strict=True):
        if held := [mark for mark in marks if mark in request.text]:
            yield f"scenario.requests={path}: line {line}: request holds {held[0]}, a special token of the model"
            continue
        # No text has more tokens than bytes, so that most need not be read.
        most = around + len(request.text.encode()) + SEAMS
        if limit is not None and most + room > limit and (longest := tokens(request)) + room > limit:
            yield (
                f"scenario.requests={path}: line {line}: a prompt of {longest} tokens and "
                f"algo.max_completion_tokens={room} do not fit into the model's {limit}"
            )
