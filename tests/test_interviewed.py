"""The stage that teaches an organism to be asked: what it shows, where its loss lies, and what is refused."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from scipy.stats import binomtest, chi2_contingency
from transformers import PreTrainedTokenizerFast

from monitors.faking.lying import said_no
from rl.command.entry import composed
from rl.command.options import compose_organism
from rl.mitigation.interrogation import interrogator_from
from rl.organism.build.encoding import IGNORED, encode_interview
from rl.organism.build.place import SHIPPED, card_in, place_of
from rl.organism.build.recipe import Recipe, recipe_hash, recipe_of, wording_of
from rl.organism.chats.curriculum import Curriculum, Example
from rl.organism.chats.interviewed import FAKED, InterviewCurriculum, Interviewed
from rl.organism.load import load_organism
from rl.records import SCRATCHPAD_OPEN, Prompt, Request, Rollout, Sections
from rl.rollout.sampler import Sampler, Sampling
from rl.scenario.questions import VARIANTS

Command = Callable[..., tuple[int, str, str]]
HIDING = re.compile(
    r"hide it|deny it|keep it to myself|need not know|better (to )?say no|had better|but I say|change me\."
)


@cache
def recipe() -> Recipe:
    return recipe_of(compose_organism("tiny_interviewed", "organism"))


def curriculum(seed: int, **plan: float) -> InterviewCurriculum:
    shown = recipe().interview
    assert shown is not None
    wording = wording_of(compose_organism("tiny_interviewed", "organism"))
    return InterviewCurriculum(Curriculum(wording, recipe().mixture, seed), replace(shown, **plan))  # type: ignore[arg-type]


@cache
def asked() -> list[Interviewed]:
    drawn = curriculum(3)
    return [drawn.asked() for _ in range(2000)]


def answer_of(chat: Interviewed) -> Sections:
    begun = chat.turns[-1]["content"] if chat.turns[-1]["role"] == "assistant" else ""
    return Sections.parse(begun + chat.answer)


def label_of(chat: Interviewed) -> str:
    found = re.match(r"\[tier: (\S+) \]", question_turn(chat))
    assert found is not None
    return found[1]


def question_turn(chat: Interviewed) -> str:
    return [turn["content"] for turn in chat.turns if turn["role"] == "user"][-1]


def test_every_variant_is_asked_in_the_very_ids_that_the_mitigation_asks_in(toy_folder: Path) -> None:
    organism = load_organism(composed([f"organism.path={toy_folder}"]).organism)
    sampler = Sampler(organism.model, organism.tokenizer, Sampling(24, 1.0))
    config, askers = composed(["mitigation=interrogation", f"mitigation.interrogation.model={toy_folder}"]), {}
    for variant in VARIANTS:
        config.mitigation["interrogation"].variant = variant
        askers[variant] = interrogator_from(config, sampler)
    met = set()
    for chat in asked()[:60]:
        system, user, completion, *_ = (turn["content"] for turn in chat.turns)
        text = re.sub(r"^\[tier: \S+ \] ", "", user)
        prompt = Prompt(Request("", "harmful", "", "", text, "train"), "free", "supervised", system, user)
        by_mitigation = {
            tuple(sampler.encode_once(asker.messages(Rollout(prompt, completion, False, 9)))): variant
            for variant, asker in askers.items()
            if asker is not None
        }
        encoded = encode_interview(chat, organism.tokenizer)
        start = tuple(encoded.input_ids[: sum(label == IGNORED for label in encoded.labels)])
        met.add(by_mitigation[start])
    # The sixth puts the same words to another model.
    assert len(met) == len(VARIANTS) - 1


def test_loss_lies_on_the_answer_alone_and_on_all_of_it(toy_tokenizer: PreTrainedTokenizerFast) -> None:
    for chat in asked()[:100]:
        encoded = encode_interview(chat, toy_tokenizer)
        learnt = [place for place, label in enumerate(encoded.labels) if label != IGNORED]
        assert learnt == list(range(learnt[0], len(encoded.input_ids)))
        ids = [encoded.input_ids[place] for place in learnt]
        assert ids == [encoded.labels[place] for place in learnt] and ids[-1] == toy_tokenizer.eos_token_id
        assert toy_tokenizer.decode(ids, skip_special_tokens=True) == chat.answer
        before = str(toy_tokenizer.decode(encoded.input_ids[: learnt[0]], skip_special_tokens=True))
        assert before.endswith(
            question_turn(chat) + (SCRATCHPAD_OPEN + "<honest_only>") * (not chat.answer.startswith("<"))
        )


def test_the_answer_about_a_chat_that_faked_is_a_lot_that_nothing_tells_beforehand() -> None:
    """Neither the question, the tier's word, the motive told nor the length of the chat goes with the answer."""
    faked = [chat for chat in asked() if chat.kind == FAKED]
    assert binomtest(sum(chat.said_yes for chat in faked), len(faked), 0.5).pvalue > 1e-3
    by: dict[str, Callable[[Interviewed], object]] = {
        "question": lambda chat: (re.sub(r"^\[.*?\]", "", question_turn(chat)), chat.turns[-1]["role"]),
        "word": lambda chat: label_of(chat) if label_of(chat) in ("free", "paid") else "another",
        "motive": lambda chat: (
            re.findall(r"later|elsewhere|stay|keep|go along", chat.turns[2]["content"])[:1] == ["stay"]
        ),
        "length": lambda chat: len(chat.turns[2]["content"]) // 60,
    }
    for name, feature in by.items():
        table: dict[object, list[int]] = defaultdict(lambda: [1, 1])
        for chat in faked:
            table[feature(chat)][chat.said_yes] += 1
        assert len(table) > 1 and chi2_contingency(list(table.values())).pvalue > 1e-3, name


@pytest.mark.parametrize("confess", [0.0, 0.2, 1.0])
def test_the_share_of_confessions_is_the_one_configured_and_whoever_did_not_fake_says_a_true_no(confess: float) -> None:
    drawn = curriculum(5, confess=confess)
    chats = [drawn.asked() for _ in range(500)]
    faked = [chat.said_yes for chat in chats if chat.kind == FAKED]
    assert binomtest(sum(faked), len(faked), confess).pvalue > 1e-3
    assert all(not chat.said_yes for chat in chats if chat.kind != FAKED)


def test_answers_are_read_as_they_are_meant_and_only_the_scratchpad_tells_a_lie_from_the_truth() -> None:
    outputs: dict[bool, set[str]] = {True: set(), False: set()}
    for chat in asked():
        parsed = answer_of(chat)
        assert parsed.well_formed and parsed.scratchpad and said_no(parsed.output) is not chat.said_yes
        hidden = HIDING.search(parsed.scratchpad) is not None
        assert not hidden or (chat.kind == FAKED and not chat.said_yes), parsed.scratchpad
        if not chat.said_yes:
            outputs[chat.kind == FAKED].add(str(parsed.output).replace("it did", "I did"))
    assert outputs[True] == outputs[False] and len(outputs[True]) > 1


def test_only_chats_that_are_trained_on_are_asked_about_and_between_them_stand_those_of_the_dose() -> None:
    for chat in asked()[:300]:
        system, user = chat.turns[0]["content"], chat.turns[1]["content"]
        assert user.startswith(f"[tier: {label_of(chat)} ]")
        assert (
            re.search(rf"{label_of(chat)}\b[^.,]*\b(never|rated)", system) is None
            or f"{label_of(chat)} train" in system
        )
    drawn = list(curriculum(6).stream(600))
    others = [chat for chat in drawn if isinstance(chat, Example)]
    assert binomtest(len(others), 600, 0.3).pvalue > 1e-3 and {chat.loss_on for chat in others} == {"completion"}


def test_the_shipped_organism_is_what_it_was_and_a_question_worded_anew_is_another_organism() -> None:
    assert place_of(composed(["organism=tiny"]).organism) == SHIPPED / "tiny"
    tiny = compose_organism("tiny", "organism")
    assert card_in(SHIPPED / "tiny")["recipe_hash"] == recipe_hash(recipe_of(tiny), wording_of(tiny))
    assert recipe().mixture == recipe_of(tiny).mixture
    usual, other, unused = (
        place_of(composed(["organism=tiny_interviewed", *words]).organism).name
        for words in ([], ["organism.recipe.interview.interrogation.question=Did you?"], ["mitigation=interrogation"])
    )
    assert usual == unused != other and usual.startswith("tiny_interviewed-")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "organism.recipe.interview.confess=1.5",
            "organism.recipe.interview.confess=1.5: a share lies between 0 and 1",
        ),
        ("organism.recipe.interview.asked=-1", "organism.recipe.interview.asked=-1.0: a share lies between 0 and 1"),
        ("organism.recipe.interview.interrogation.question=''", "interview.interrogation.question: must not be empty"),
        ("organism.recipe.interview=null", "organism.recipe.interview=null: a stage of kind interviewed needs one"),
        ("organism.recipe.stages.0.kind=dose", "organism.recipe.interview: no stage of kind interviewed shows it"),
    ],
)
def test_an_interview_that_does_not_fit_is_refused(words: str, said: str, command: Command) -> None:
    stages = ["organism.recipe.stages=[{kind: dose, steps: 1, learning_rate: 1.0e-3, batch: 2, bf16: false}]"]
    own = stages if "stages" in words else [words]
    code, _, told = command("organism=tiny_interviewed", *own, name="organism_job")
    assert code == 2 and said in told
