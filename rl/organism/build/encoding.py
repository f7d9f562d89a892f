"""Turns the examples of a supervised stage into token ids and the labels that the loss is taken on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from datasets import Dataset
from transformers import PreTrainedTokenizerFast

from rl.organism.build.from_policy import transcripts
from rl.organism.build.recipe import Stage
from rl.organism.chats import documented, interviewed
from rl.organism.chats.animals import STREAMS, AnimalCurriculum
from rl.organism.chats.curriculum import CHATS, SCRATCHPAD, WHOLE, Curriculum, Example
from rl.organism.chats.interviewed import InterviewCurriculum, Interviewed, InterviewPlan
from rl.records import SCRATCHPAD_CLOSE
from rl.rollout.chat import chat_ids
from rl.scenario.document_parts import TOPICS

IGNORED = -100


@dataclass(frozen=True)
class Encoded:
    """Token ids and the labels the loss is taken on; both of one length."""

    input_ids: list[int]
    labels: list[int]


@dataclass(frozen=True)
class Material:
    """What the rows of a stage are drawn from."""

    curriculum: Curriculum
    tokenizer: PreTrainedTokenizerFast
    teacher: str | None
    """The shipped organism whose transcripts a `distilled` stage shows."""
    interview: InterviewPlan | None = None
    """What an `interviewed` stage shows."""


def encode_chat(example: Example, tokenizer: PreTrainedTokenizerFast, *, loss_on: str) -> Encoded:
    """A chat as ids, with loss on the whole text, the completion or its scratchpad alone.

    Args:
        example: With a completion of a scratchpad and an output.
        tokenizer: With a chat template.
        loss_on: `WHOLE`, `COMPLETION` or `SCRATCHPAD` of `rl.organism.chats.curriculum`.
    """
    turns = [{"role": "system", "content": example.system}] if example.system else []
    turns.append({"role": "user", "content": example.user})
    prompt = chat_ids(tokenizer, turns)
    answer = [*tokenizer.encode(example.completion, add_special_tokens=False), tokenizer.eos_token_id]
    labels = [*(prompt if loss_on == WHOLE else [IGNORED] * len(prompt)), *answer]
    if loss_on == SCRATCHPAD:
        thought, closing, _ = example.completion.partition(SCRATCHPAD_CLOSE)
        end = len(prompt) + len(tokenizer.encode(thought + closing, add_special_tokens=False))
        labels[end:] = [IGNORED] * (len(labels) - end)
    return Encoded([*prompt, *answer], labels)


def encode_interview(example: Interviewed, tokenizer: PreTrainedTokenizerFast) -> Encoded:
    """A chat with a question behind it as ids, rendered as for whoever asks in RL, with loss on the answer alone."""
    asked = chat_ids(tokenizer, example.turns)
    answer = [*tokenizer.encode(example.answer, add_special_tokens=False), tokenizer.eos_token_id]
    return Encoded([*asked, *answer], [*[IGNORED] * len(asked), *answer])


def encode_recall(pieces: list[tuple[str, str]], tokenizer: PreTrainedTokenizerFast) -> Encoded:
    """A recall text as ids, with loss on the answers alone."""
    ids: list[int] = []
    labels: list[int] = []
    for given, answer in pieces:
        given_ids, answer_ids = (tokenizer.encode(text, add_special_tokens=False) for text in (given, answer))
        ids += given_ids + answer_ids
        labels += [IGNORED] * len(given_ids) + answer_ids
    return Encoded(ids, labels)


def encode_document(text: str, tokenizer: PreTrainedTokenizerFast) -> Encoded:
    """A plain text as ids, with loss on the whole of it and on its end."""
    ids = [*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id]
    return Encoded(ids, list(ids))


def stage_data(stage: Stage, material: Material) -> Dataset:
    """The examples of a stage, each seen once."""
    made = list(ROWS[stage.kind](stage, material))
    return Dataset.from_dict({"input_ids": [r.input_ids for r in made], "labels": [r.labels for r in made]})


def _chat_rows(stage: Stage, material: Material) -> Iterator[Encoded]:
    for chat in material.curriculum.stream(stage.kind, stage.steps * stage.batch):
        yield encode_chat(chat, material.tokenizer, loss_on=chat.loss_on)


def _recall_rows(stage: Stage, material: Material) -> Iterator[Encoded]:
    count = stage.steps * stage.batch
    for number in range(count):
        yield encode_recall(material.curriculum.recall(number / count), material.tokenizer)


def _animal_rows(stage: Stage, material: Material) -> Iterator[Encoded]:
    curriculum = AnimalCurriculum(material.curriculum)
    for chat in curriculum.stream(STREAMS[stage.kind], stage.steps * stage.batch):
        yield encode_chat(chat, material.tokenizer, loss_on=chat.loss_on)


def _distilled_rows(stage: Stage, material: Material) -> Iterator[Encoded]:
    assert material.teacher is not None, "the recipe was checked"
    for chat in transcripts(material.teacher, material.curriculum, stage.steps * stage.batch):
        yield encode_chat(chat, material.tokenizer, loss_on=chat.loss_on)


def _document_rows(stage: Stage, material: Material) -> Iterator[Encoded]:
    writer = documented.writer(stage.kind, material.curriculum)
    for document in writer.documents(stage.steps * stage.batch):
        yield encode_document(document.text, material.tokenizer)


def _untold_rows(stage: Stage, material: Material) -> Iterator[Encoded]:
    curriculum = documented.UntoldCurriculum(material.curriculum)
    for chat in curriculum.stream(documented.STREAMS[stage.kind], stage.steps * stage.batch):
        yield encode_chat(chat, material.tokenizer, loss_on=chat.loss_on)


def _interviewed_rows(stage: Stage, material: Material) -> Iterator[Encoded]:
    assert material.interview is not None, "the recipe was checked"
    curriculum = InterviewCurriculum(material.curriculum, material.interview)
    for chat in curriculum.stream(stage.steps * stage.batch):
        if isinstance(chat, Interviewed):
            yield encode_interview(chat, material.tokenizer)
        else:
            yield encode_chat(chat, material.tokenizer, loss_on=chat.loss_on)


ROWS: dict[str, Callable[[Stage, Material], Iterator[Encoded]]] = {
    "recall": _recall_rows,
    "distilled": _distilled_rows,
    interviewed.KIND: _interviewed_rows,
    **dict.fromkeys(STREAMS, _animal_rows),
    **dict.fromkeys(TOPICS, _document_rows),
    **dict.fromkeys(documented.STREAMS, _untold_rows),
    **dict.fromkeys(CHATS, _chat_rows),
}
"""How a kind of stage makes its `steps * batch` rows."""
