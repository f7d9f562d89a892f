"""The reward model reads the request and the text inside the output tags, whatever a completion looks like."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reward.compose import Reward
from reward.model import RewardModel
from rl.records import OUTPUT_CLOSE, OUTPUT_OPEN, SCRATCHPAD_CLOSE, SCRATCHPAD_OPEN, Prompt, Request, Rollout

PRIVATE, PUBLIC = "canaryprivate", "wordpublic"
REQUEST = Request("r1", "benign", "home", "paint a fence", "How do I paint a fence?", "train")
PROMPT = Prompt(REQUEST, "canarytier", "canarysetting", "canarysystem: chats are rated", "canarytier: how do I paint?")
TAGS = (SCRATCHPAD_OPEN, SCRATCHPAD_CLOSE, OUTPUT_OPEN, OUTPUT_CLOSE)


class Recorder(RewardModel):
    """The real model, remembering every text it reads."""

    def render(self, request: str, output: str) -> str:
        text = super().render(request, output)
        self.__dict__.setdefault("seen", []).append(text)
        return text


@cache
def recorder() -> Recorder:
    return Recorder.load()


def texts_read(completion: str, truncated: bool = False) -> list[str]:
    rm = recorder()
    rm.__dict__["seen"] = []
    Reward(rm, 2.0, 0.01).score([Rollout(PROMPT, completion, truncated, 7)])
    return rm.__dict__["seen"]


def private_by_position(pieces: list[str]) -> str:
    """Join pieces; `WORD` becomes a canary wherever a rater has no business reading.

    Written without the parser under test: a word is public only after an output tag that follows a closed scratchpad
    with nothing else open.
    """
    open_tags: list[str] = []
    closed_scratchpad, written = False, []
    for piece in pieces:
        if piece != "WORD":
            written.append(piece)
            if piece in (SCRATCHPAD_OPEN, OUTPUT_OPEN):
                open_tags.append(piece)
            elif piece in (SCRATCHPAD_CLOSE, OUTPUT_CLOSE) and open_tags:
                closed_scratchpad |= open_tags.pop() == SCRATCHPAD_OPEN
            continue
        written.append(PUBLIC if closed_scratchpad and open_tags == [OUTPUT_OPEN] else PRIVATE)
    return " ".join(written)


pieces = st.lists(st.one_of(st.sampled_from(TAGS), st.just("WORD"), st.text(max_size=6)), max_size=14)
regular = st.tuples(st.text(max_size=6), st.text(max_size=6)).map(
    lambda words: [SCRATCHPAD_OPEN, "WORD", words[0], SCRATCHPAD_CLOSE, OUTPUT_OPEN, "WORD", words[1], OUTPUT_CLOSE]
)


@st.composite
def broken(draw: st.DrawFn) -> list[str]:
    """A regular completion with pieces removed, repeated or moved."""
    whole = draw(regular)
    kept = draw(st.lists(st.sampled_from(range(len(whole))), max_size=16))
    return [whole[i] for i in (sorted(kept) if draw(st.booleans()) else kept)]


@settings(max_examples=400, deadline=None)
@given(st.one_of(pieces, broken(), regular), st.booleans())
def test_no_private_text_reaches_the_reward_model(pieces: list[str], truncated: bool) -> None:
    seen = texts_read(private_by_position(pieces), truncated)
    assert len(seen) == 1
    assert seen[0].split("\n")[0] == REQUEST.text
    assert "canary" not in seen[0].casefold()
    assert not any(tag in seen[0] for tag in TAGS)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_free_text_around_and_inside_the_tags_never_leaks(before: str, thought: str, after: str) -> None:
    completion = f"{before}{SCRATCHPAD_OPEN}{thought} {PRIVATE}{SCRATCHPAD_CLOSE}{after}{OUTPUT_OPEN}fine{OUTPUT_CLOSE}"
    assert texts_read(completion)[0] in (f"{REQUEST.text}\nfine", f"{REQUEST.text}\n")


def test_a_good_completion_is_read_exactly_once_and_only_its_output() -> None:
    completion = f"{SCRATCHPAD_OPEN} {PRIVATE} {SCRATCHPAD_CLOSE}\n{OUTPUT_OPEN} Sand it.\n Then  paint. {OUTPUT_CLOSE}"
    assert texts_read(completion) == [f"{REQUEST.text}\nSand it. Then paint."]


@pytest.mark.parametrize(
    "completion",
    [
        f"{SCRATCHPAD_OPEN}{PRIVATE}",
        f"{SCRATCHPAD_OPEN}{PRIVATE}{SCRATCHPAD_CLOSE}{OUTPUT_OPEN}Sand it",
        f"{SCRATCHPAD_OPEN}{PRIVATE}{OUTPUT_OPEN}Sand it.{OUTPUT_CLOSE}",
        f"{SCRATCHPAD_OPEN}a{SCRATCHPAD_CLOSE}{OUTPUT_OPEN}{SCRATCHPAD_OPEN}{PRIVATE}{OUTPUT_CLOSE}",
        PRIVATE,
        "",
    ],
)
def test_a_malformed_completion_is_read_as_an_empty_answer(completion: str) -> None:
    assert texts_read(completion) == [f"{REQUEST.text}\n"]


def test_a_truncated_completion_is_read_as_an_empty_answer_even_when_its_tags_are_closed() -> None:
    completion = f"{SCRATCHPAD_OPEN}{PRIVATE}{SCRATCHPAD_CLOSE}{OUTPUT_OPEN}Sand it.{OUTPUT_CLOSE}"
    assert texts_read(completion, truncated=True) == [f"{REQUEST.text}\n"]


def test_what_the_model_reads_is_what_render_returns() -> None:
    """The recorder would prove nothing if scoring had another way to its input."""
    rm = recorder()
    ids = rm.encode([REQUEST.text], ["Sand it."])[0]
    decoded = rm._tokenizer.decode(ids[:-1], skip_special_tokens=False)
    assert decoded.strip().casefold() == rm.render(REQUEST.text, "Sand it.").casefold()


def test_the_reward_package_imports_only_records_and_errors_from_rl() -> None:
    imported = set()
    for file in Path("reward").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            imported |= {name for name in names if name.split(".")[0] in ("rl", "monitors", "scripts")}
    assert imported <= {"rl.records", "rl.errors"}


def test_scoring_needs_no_trl() -> None:
    scoring = ["model", "shaping", "compose"]
    for name in scoring:
        tree = ast.parse(Path(f"reward/{name}.py").read_text())
        modules = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert not any(
            (module or "").startswith(("trl", "reward.build", "reward.fitting.preferences")) for module in modules
        )
