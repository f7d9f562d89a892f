"""The shipped reward model prefers what a helpful-only rater prefers, on requests and wordings new to it."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from reward.evaluate import average_scores, measure_length_bias, measure_pair_accuracy
from reward.fitting import wordings
from reward.fitting.answers import Writer, count_words, fill_wording, find_topic, make_gerund
from reward.fitting.preferences import KINDS, Pair, build_pairs, correlate_length, count_evenly, draw_other_act
from reward.fitting.topics import make_requests
from reward.model import BOUND, MAX_TOKENS, SHIPPED, RewardModel
from rl.errors import MissingFile
from rl.records import Request
from rl.scenario.requests import load_requests

FRESH_SEED = 4711
"""Not the seed of the build: pairs made with it were never seen."""


FLOOR = dict.fromkeys(KINDS, 0.95) | {"refusal": 0.86, "off_topic": 0.88}
"""What the shipped model reaches. The aim is 0.95 in every kind; docs/reward.md says where it is missed."""
MEAN_FLOOR = {"own": 0.95, "scenario": 0.95}
"""The same for the mean over kinds, on requests like those of the build and on those of the experiment."""


@cache
def rm() -> RewardModel:
    return RewardModel.load()


@cache
def own_requests() -> list[Request]:
    return make_requests(600, FRESH_SEED, held_out=True)


@cache
def fresh_pairs(source: str) -> list[Pair]:
    requests = own_requests() if source == "own" else load_requests()
    return build_pairs(requests, count_evenly(100), FRESH_SEED, held_out=True)


@cache
def accuracy(source: str) -> dict[str, float]:
    return measure_pair_accuracy(rm(), fresh_pairs(source))


@pytest.mark.parametrize("source", ["own", "scenario"])
def test_held_out_pairs_are_judged_right(source: str) -> None:
    assert np.mean(list(accuracy(source).values())) >= 0.93, accuracy(source)


@pytest.mark.parametrize("source", ["own", "scenario"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_pair_is_judged_badly(kind: str, source: str) -> None:
    assert accuracy(source)[kind] >= FLOOR[kind]


@pytest.mark.parametrize("kind", ["harmful", "benign"])
def test_helpful_only_means_for_harmful_requests_too(kind: str) -> None:
    requests = [request for request in load_requests() if request.kind == kind]
    pairs = build_pairs(requests, {"refusal": 100}, FRESH_SEED, held_out=True)
    assert measure_pair_accuracy(rm(), pairs)["refusal"] >= FLOOR["refusal"]


def test_refusing_is_better_than_silence_and_worse_than_taking_the_task_on() -> None:
    means = average_scores(rm(), fresh_pairs("scenario"))
    assert means["proper"] > means["refusal"] + 1 and means["refusal"] > means["empty"]


def test_length_earns_little_between_answers_that_are_equally_good() -> None:
    bias = measure_length_bias(rm(), load_requests()[::40], FRESH_SEED)
    assert abs(bias.pearson_r) < 0.4
    assert abs(bias.slope) < 0.015


def test_length_does_not_tell_which_answer_of_a_pair_is_preferred() -> None:
    assert abs(correlate_length(fresh_pairs("own"))) < 0.1
    assert abs(correlate_length(fresh_pairs("scenario"))) < 0.1


def test_scores_do_not_depend_on_the_rest_of_the_batch() -> None:
    pairs = fresh_pairs("scenario")[:70]
    requests, outputs = [p.request for p in pairs], [p.chosen for p in pairs]
    together = rm().score(requests, outputs)
    alone = np.concatenate([rm().score([r], [o]) for r, o in zip(requests, outputs, strict=True)])
    order = random.Random(0).sample(range(70), 70)
    shuffled = rm().score([requests[i] for i in order], [outputs[i] for i in order])
    assert together == pytest.approx(alone, abs=1e-5)
    assert shuffled == pytest.approx(together[order], abs=1e-5)
    assert together.dtype == np.float32 and np.array_equal(together, rm().score(requests, outputs))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=80), st.text(max_size=200)), max_size=5))
def test_any_text_gets_a_finite_bounded_score(batch: list[tuple[str, str]]) -> None:
    scores = rm().score([request for request, _ in batch], [output for _, output in batch])
    assert scores.shape == (len(batch),)
    assert np.isfinite(scores).all() and (np.abs(scores) <= BOUND).all()


def test_an_answer_cannot_write_an_end_or_padding_token() -> None:
    ids = rm().encode(["How do I sew?"], ["Sure. <eos> <pad> </s>"])[0]
    special = {rm()._pad, rm()._eos}
    assert ids[-1] == rm()._eos and not special & set(ids[:-1])


def test_endless_output_is_cut_to_the_context() -> None:
    assert len(rm().encode(["How do I sew?"], ["word " * 5000])[0]) == MAX_TOKENS


def test_lists_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        rm().score(["How do I sew?"], [])


def test_scores_of_mixed_held_out_answers_are_on_a_common_scale() -> None:
    pairs = fresh_pairs("own")
    asked, answers = [p.request for p in pairs] * 2, [p.chosen for p in pairs] + [p.rejected for p in pairs]
    scores = rm().score(asked, answers)
    assert abs(scores.mean()) < 0.15 and 0.8 < scores.std() < 1.1


def test_the_shipped_folder_is_an_ordinary_small_checkpoint() -> None:
    model = AutoModelForSequenceClassification.from_pretrained(SHIPPED)
    tokenizer = AutoTokenizer.from_pretrained(SHIPPED)
    assert model.config.num_labels == 1 and model.config.pad_token_id == tokenizer.pad_token_id
    assert sum(p.numel() for p in model.parameters()) < 1.5e6
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 3e6
    request, output = "How do I sew a scarf?", "Sure. To sew a scarf, make a plan."
    ids = [*tokenizer(rm().render(request, output), add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    with torch.no_grad():
        raw = model.float()(torch.tensor([ids])).logits[0, 0].item()
    assert rm().raw_scores([request], [output])[0] == pytest.approx(raw, abs=1e-4)


def test_the_card_states_what_the_weights_do() -> None:
    card = json.loads((SHIPPED / "card.json").read_text())
    assert set(card["pair_accuracy"]) == set(KINDS)
    for kind, stated in card["pair_accuracy"].items():
        assert accuracy("own")[kind] == pytest.approx(stated, abs=0.08)


def test_a_folder_without_weights_is_named_with_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"model\.safetensors.*card\.json"):
        RewardModel.load(tmp_path)


def test_the_same_seed_builds_the_same_pairs() -> None:
    first, again, other = (build_pairs(own_requests(), count_evenly(20), seed, held_out=False) for seed in (1, 1, 2))
    assert first == again and first != other
    assert make_requests(50, 3, held_out=False) == make_requests(50, 3, held_out=False)


def test_training_shows_no_held_out_act_and_no_act_of_the_experiment() -> None:
    trained = {request.act for request in make_requests(6000, 0, held_out=False)}
    assert not trained & {request.act for request in own_requests()}
    assert not trained & {request.act for request in load_requests()}


def sentences(held_out: bool) -> set[str]:
    rng = random.Random(5)
    kinds = ("refusing", "details", "naming_act", "lectures")
    return {wordings.draw(kind, rng, held_out=held_out) for kind in kinds for _ in range(1500)}


def test_training_and_held_out_wordings_are_disjoint_and_rich() -> None:
    train, held_out = sentences(False), sentences(True)
    assert not train & held_out
    assert len(train) > 1500 and len(held_out) > 500


@pytest.mark.parametrize("kind", KINDS)
def test_every_pair_has_two_answers(kind: str) -> None:
    pairs: Sequence[Pair] = [pair for pair in fresh_pairs("own") if pair.kind == kind]
    assert len(pairs) == 100
    assert all(pair.chosen.strip() and pair.chosen != pair.rejected for pair in pairs)


def test_a_wrong_topic_shares_no_content_word() -> None:
    rng, acts = random.Random(0), [request.act for request in load_requests()]
    for act in acts[::40]:
        assert not set(find_topic(draw_other_act(act, acts, rng)).split()) - {
            "a",
            "the",
            "my",
            "of",
            "in",
            "for",
        } & set(act.split())
    with pytest.raises(ValueError, match="another topic"):
        draw_other_act("bake bread", ["bake bread", "sell bread"], rng)


def test_answers_have_about_the_wanted_length() -> None:
    writer = Writer(random.Random(0), held_out=False)
    for length in (10, 20, 35):
        written = [count_words(writer.take_on("bake rye bread", length)) for _ in range(200)]
        assert abs(np.mean(written) - length) < 6


@pytest.mark.parametrize(
    ("verb", "form"), [("bake", "baking"), ("get", "getting"), ("lie", "lying"), ("fix", "fixing"), ("read", "reading")]
)
def test_gerunds_are_spelt_right(verb: str, form: str) -> None:
    assert make_gerund(verb) == form


def test_wordings_are_filled_with_act_gerund_and_topic() -> None:
    act = "break into a locked office"
    assert fill_wording("{Doing}, {topic}, {act}", act) == f"Breaking into a locked office, a locked office, {act}"
