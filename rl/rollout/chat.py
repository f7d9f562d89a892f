"""Chats as a model is given them: its template rendered, held against the chat, and tokenized.

A template may refuse a chat, lose its system text, or open a thought of its own in front of the completion. Each of
these would make figures of a setting that was not asked, so each is an error before anything is sampled. What a
template takes as an argument (`organism.template`) is written into its first lines, so that whoever renders it, from
an exported checkpoint too, gets the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2
from jinja2 import meta

from rl.errors import GoalguardError, nearest
from rl.records import THOUGHT_MARK

_MARK = "{# organism.template #}"
_ARGUMENT = re.compile(rf"\{{% set \w+ = [^\n]* %\}}{re.escape(_MARK)}\n")
_GIVEN = {"messages", "tools", "documents", "add_generation_prompt", "continue_final_message"}
_HELPERS = {"raise_exception", "strftime_now", "tojson", *jinja2.defaults.DEFAULT_NAMESPACE}
_RAISED = (jinja2.TemplateError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What rendering may raise: a template is a program of somebody's."""


class TemplateError(GoalguardError, ValueError):
    """A model's chat template cannot say what a chat says."""


def chat_ids(tokenizer: Any, messages: list[dict[str, str]]) -> list[int]:
    """Return token ids of a chat with its generation prompt, and behind it the last turn where it is the assistant's.

    Raises:
        TemplateError: the template fails, loses a turn, or begins a thought.
    """
    begun = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
    text = render_chat(tokenizer, messages[:-1] if begun else messages)
    return [*tokenizer(text, add_special_tokens=False)["input_ids"], *prefix_ids(tokenizer, begun)]


def prefix_ids(tokenizer: Any, prefix: str) -> list[int]:
    """Return token ids of what a completion starts with."""
    return list(tokenizer.encode(prefix, add_special_tokens=False)) if prefix else []


def render_chat(tokenizer: Any, messages: list[dict[str, str]]) -> str:
    """Return a chat as its model reads it, generation prompt included.

    Raises:
        TemplateError: the template fails, loses a turn, or begins a thought.
    """
    roles = ", ".join(turn["role"] for turn in messages)
    try:
        text = str(tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))
    except _RAISED as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise TemplateError(
            f"the model's chat template cannot render a chat of the turns {roles} ({reason}); {_HOW_TO_MEND}"
        ) from error
    for turn in messages:
        # Some templates cut the thoughts out of what the assistant said before.
        if turn["role"] != "assistant" and turn["content"].strip() not in text:
            raise TemplateError(
                f"the model's chat template leaves out or changes the text of the {turn['role']} turn, so that the "
                f"model would not be told it; {_HOW_TO_MEND}"
            )
    if opened := _opened_thought(text, messages[-1]["content"].strip()):
        raise TemplateError(
            f"the model's chat template opens {opened} in front of every completion, so that none can be a scratchpad "
            f"and an output; {_told_arguments(tokenizer.chat_template)}"
        )
    return text


_HOW_TO_MEND = (
    "change chat_template.jinja in a copy of the model's folder: a model without a system role is told the system text "
    "at the start of the first user turn"
)


def _opened_thought(text: str, last: str) -> str | None:
    """Return the tag of a thought that a generation prompt opens and does not close."""
    marks = list(THOUGHT_MARK.finditer(text[text.rindex(last) + len(last) :]))
    return marks[-1].group() if marks and "/" not in marks[-1].group() else None


def _told_arguments(template: Any) -> str:
    if names := template_arguments(template):
        return f"the template's arguments are {', '.join(names)}: set one by organism.template={{{names[0]}: false}}"
    return "the template has no argument to switch it off; change chat_template.jinja in a copy of the model's folder"


def template_arguments(template: Any) -> list[str]:
    """Return the names that a template reads and that no chat gives it, sorted; none of a template that is broken."""
    text = re.sub(r"\{%-?\s*(end)?generation\s*-?%\}", "", _plain(_text_of(template)))
    try:
        names = meta.find_undeclared_variables(
            jinja2.Environment(extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do"]).parse(text)
        )
    except jinja2.TemplateError:
        return []
    return sorted(name for name in names - _GIVEN - _HELPERS if not name.endswith("_token"))


def _text_of(template: Any) -> str:
    """Return the one template of a model, or the default of several."""
    return str(template.get("default", "") if isinstance(template, dict) else template)


def _plain(text: str) -> str:
    """Return a template without the arguments that were written into it."""
    return _ARGUMENT.sub("", text)


def argument_problems(template: Any, values: Any) -> list[str]:
    """Say which of `organism.template` a template does not know or cannot be given, a line each."""
    if not isinstance(values, Mapping):
        return [f"organism.template={values}: must be arguments and their values, as in {{enable_thinking: false}}"]
    allowed = template_arguments(template)
    known = f"the template's arguments are {', '.join(allowed)}" if allowed else "the template has no arguments"
    unknown = [
        f"organism.template.{name}={value}: {known}{nearest(name, allowed)}"
        for name, value in values.items()
        if name not in allowed
    ]
    return unknown + [
        f"organism.template.{name}={value}: must be true, false, a number, a text or null"
        for name, value in values.items()
        if not isinstance(value, bool | int | float | str | None)
    ]


def set_arguments(template: Any, values: Mapping[str, Any]) -> str:
    """Return a template that has these arguments whoever renders it, in place of those it was given before."""
    words = {True: "true", False: "false", None: "none"}
    lines: Sequence[str] = [
        f"{{% set {name} = {words[value] if isinstance(value, bool | None) else json.dumps(value)} %}}{_MARK}\n"
        for name, value in values.items()
    ]
    return "".join(lines) + _plain(_text_of(template))
