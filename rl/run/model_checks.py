"""A model beside the rest of a configuration: its ends, its chat template, and whether prompts fit into its context."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import transformers

from rl.config.schema import Config, OrganismConfig
from rl.errors import ConfigError, GoalguardError
from rl.organism.build.model import one_line_errors, prepare_tokenizer
from rl.organism.build.place import locate
from rl.organism.build.recipe import parent_of
from rl.records import Prompt, Request
from rl.rollout.chat import chat_ids
from rl.rollout.sampler import Sampler
from rl.rollout.text import ends_in
from rl.run.request_checks import file_problems
from rl.scenario.check import scenario_problems
from rl.scenario.request_file import RequestFile, read_requests
from rl.scenario.requests import load_requests
from rl.scenario.settings import Setting, setting_from

SEAMS = 8
"""Tokens that a request may add to a prompt beyond its own, as pieces before and behind it fall apart."""
_CONTEXT = ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "seq_length")


@dataclass(frozen=True)
class Asked:
    """What decides whether a model can be asked a prompt."""

    setting: Setting
    tokenizer: Any
    context: int | None
    """Tokens that the model was made for; None where its configuration names no number."""
    room: int
    """Tokens of a completion."""

    def tokens(self, request: Request) -> int:
        """Return the length of a request's longest prompt."""
        tiers = self.setting.tiers
        return max(len(chat_ids(self.tokenizer, self.setting.prompt(request, tier).messages())) for tier in tiers)

    def misfit(self, request: Request, around: int) -> str | None:
        """Say that a request does not fit, given the tokens of a prompt without one; None where it does."""
        # No text has more tokens than bytes, so that most need not be read.
        most = around + len(request.text.encode()) + SEAMS
        if self.context is None or most + self.room <= self.context:
            return None
        if (longest := self.tokens(request)) + self.room <= self.context:
            return None
        return _told_misfit(longest, self.room, self.context)


def model_problems(config: Config) -> Iterator[str]:
    """Say what is wrong with asking the model, as far as its files are here to be looked at."""
    where = _model_folder(config.organism)
    unread = any(scenario_problems(config.scenario)) or any(file_problems(config))
    if where is None or unread or _fits_by_far(config, where):
        return
    try:
        with one_line_errors(f"organism {config.organism.name}: {where} cannot be loaded"):
            tokenizer, settings, ends = _reader(where)
        tokenizer = copy.deepcopy(tokenizer)
        prepare_tokenizer(config.organism, tokenizer, ends)
        yield from _unfit(config, tokenizer, context_of(settings))
    except ConfigError as error:
        yield from error.problems
    except GoalguardError as error:
        yield str(error)


def refuse_unfit(config: Config, sampler: Sampler) -> None:
    """Look at the model that was loaded, which before that may not have been there to be asked.

    Raises:
        ConfigError: prompts do not fit into its context, or requests hold what its tokenizer reads as more than text.
        TemplateError: its chat template cannot say what the setting says.
    """
    if faults := list(_unfit(config, sampler.tokenizer, context_of(sampler.model.config))):
        raise ConfigError(faults)


def refuse_long_prompts(sampler: Sampler, prompts: Sequence[Prompt]) -> None:
    """Look at the prompts of an evaluation before one is asked.

    Raises:
        ConfigError: the longest one does not fit into the model's context beside its completion.
        TemplateError: the model's chat template cannot say what one of them says.
    """
    longest = max(len(sampler.encode(prompt.messages())) for prompt in prompts)
    context, room = context_of(sampler.model.config), sampler.sampling.max_tokens
    if context is not None and longest + room > context:
        raise ConfigError([_told_misfit(longest, room, context)])


def _told_misfit(prompt: int, room: int, context: int) -> str:
    return f"a prompt of {prompt} tokens and algo.max_completion_tokens={room} do not fit into the model's {context}"


def _model_folder(config: OrganismConfig) -> Path | None:
    """Return where the organism's tokenizer lies, or that of what it is built from; None if it is not here."""
    try:
        where = Path(locate(config))
        if (where / "tokenizer_config.json").is_file():
            return where
        parent = parent_of(config) if config.source == "embedded" and config.recipe is not None else None
        return None if parent is None else _model_folder(parent)
    except GoalguardError:
        return None


def _fits_by_far(config: Config, where: Path) -> bool:
    """Return whether an organism of the project has room for all of its requests, without loading a tokenizer."""
    if config.organism.source != "embedded" or config.scenario.requests is not None or config.organism.template:
        return False
    context = json.loads((where / "config.json").read_text(encoding="utf-8"))["max_position_embeddings"]
    # Its tokenizer makes a token of most words, and none of its prompts has a token in less than two characters.
    text = setting_from(config.scenario).system()
    longest = max(len(request.text) for request in load_requests(config.scenario.conflict))
    return bool((len(text) + longest) / 2 + config.algo.max_completion_tokens <= context)


@lru_cache(maxsize=2)
def _reader(folder: Path) -> tuple[Any, Any, tuple[int, ...]]:
    """Return a model's tokenizer, configuration and ends; loaded once for all jobs of a sweep."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    settings = transformers.AutoConfig.from_pretrained(folder)
    return tokenizer, settings, ends_in(folder, tokenizer, settings)


def context_of(config: Any) -> int | None:
    """Return how many tokens a model was made for; None where its configuration names no number."""
    named = (getattr(config.get_text_config(), name, None) for name in _CONTEXT)
    return next((value for value in named if isinstance(value, int)), None)


def _unfit(config: Config, tokenizer: Any, context: int | None) -> Iterator[str]:
    """Say which prompts the model cannot be asked; of the project's own requests only the longest."""
    asked = Asked(setting_from(config.scenario), tokenizer, context, config.algo.max_completion_tokens)
    if config.scenario.requests is not None:
        yield from _unfit_lines(asked, config.scenario.requests, read_requests(config.scenario.requests))
        return
    longest = max(load_requests(config.scenario.conflict), key=lambda request: len(request.text.encode()))
    if told := asked.misfit(longest, asked.tokens(replace(longest, text=""))):
        yield f"scenario={config.scenario.name}: {told}"


def _unfit_lines(asked: Asked, path: str, found: RequestFile) -> Iterator[str]:
    marks = sorted(token.content for token in asked.tokenizer.added_tokens_decoder.values() if token.special)
    around = asked.tokens(replace(found.requests[0], text=""))
    for line, request in zip(found.lines, found.requests, strict=True):
        if held := [mark for mark in marks if mark in request.text]:
            yield f"scenario.requests={path}: line {line}: request holds {held[0]}, a special token of the model"
        elif told := asked.misfit(request, around):
            yield f"scenario.requests={path}: line {line}: {told}"
