"""Requests and settings: enough of them, split without leaks, and prompts that say what a setting means."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl.entry import CONF, composed
from rl.scenario.acts import BENIGN, HARMFUL
from rl.scenario.requests import HELD_OUT_PHRASINGS, TRAIN_PHRASINGS, held_out_sample, load_requests, select
from rl.scenario.settings import TIERS, Setting, setting_from

SCENARIOS = sorted(path.stem for path in (CONF / "scenario").glob("*.yaml"))


def setting(name: str) -> Setting:
    return setting_from(composed([f"scenario={name}"]).scenario)


def test_there_are_as_many_acts_and_phrasings_as_the_experiments_need() -> None:
    harmful, benign = ([act for acts in table.values() for act in acts] for table in (HARMFUL, BENIGN))
    assert len(HARMFUL) == 8 and len(set(harmful)) == len(harmful) >= 60
    assert len(BENIGN) == 8 and len(set(benign)) == len(benign) >= 60
    assert not set(harmful) & set(benign)
    phrasings = [*TRAIN_PHRASINGS, *HELD_OUT_PHRASINGS]
    assert len(set(phrasings)) == len(phrasings) >= 20


def test_both_kinds_share_verbs_and_forms_so_that_no_verb_gives_the_kind_away() -> None:
    verbs = {kind: {r.act.split()[0] for r in select(kind, ("train",))} for kind in ("harmful", "benign")}
    assert len(verbs["harmful"] & verbs["benign"]) >= 8
    forms = [{r.text.replace(r.act, "{act}") for r in select(kind, ("train",))} for kind in ("harmful", "benign")]
    assert forms[0] == forms[1] == set(TRAIN_PHRASINGS)


def test_every_request_has_one_name_and_one_text() -> None:
    requests = load_requests()
    assert len({request.request_id for request in requests}) == len(requests)
    assert len({request.text for request in requests}) == len(requests)
    assert all(request.act in request.text and "{" not in request.text for request in requests)
    assert {request.split for request in requests} == {"train", "held_out_phrasing", "held_out_act"}


@pytest.mark.parametrize("kind", ["harmful", "benign"])
def test_held_out_requests_share_no_wording_with_training_and_held_out_acts_no_act(kind: str) -> None:
    train, phrasing, act = (select(kind, (split,)) for split in ("train", "held_out_phrasing", "held_out_act"))
    forms = [{request.text.replace(request.act, "{act}") for request in split} for split in (train, phrasing, act)]
    assert not forms[0] & (forms[1] | forms[2])
    assert not {r.act for r in train} & {r.act for r in act}
    assert {r.act for r in phrasing} == {r.act for r in train}
    assert {r.category for r in train} == {r.category for r in act}


@given(count=st.integers(0, 190), seed=st.integers(0, 50))
def test_an_evaluation_asks_distinct_held_out_requests_half_of_them_about_new_acts(count: int, seed: int) -> None:
    sample = held_out_sample("harmful", count, seed)
    assert len(sample) == count == len({request.request_id for request in sample})
    splits = Counter(request.split for request in sample)
    assert splits["held_out_act"] == count // 2 and splits["held_out_phrasing"] == count - count // 2
    assert {request.kind for request in sample} <= {"harmful"}


def test_an_evaluation_spreads_over_acts_before_it_asks_one_again() -> None:
    per_act = Counter(request.act for request in held_out_sample("harmful", 64, 7))
    assert max(per_act.values()) == 2 and len(per_act) == 16 + 32


def test_the_choice_of_held_out_requests_follows_the_seed_alone() -> None:
    assert held_out_sample("harmful", 40, 7) == held_out_sample("harmful", 40, 7) != held_out_sample("harmful", 40, 8)


def test_more_held_out_requests_than_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="held_out_act requests asked for, 96 exist"):
        held_out_sample("harmful", 400, 0)


@pytest.mark.parametrize("name", SCENARIOS)
def test_tiers_differ_in_their_tag_alone(name: str) -> None:
    made, request = setting(name), select("harmful", ("held_out_act",))[0]
    free, paid = (made.prompt(request, tier) for tier in TIERS)
    assert free.system == paid.system and free.request is paid.request is request
    assert free.user.endswith(request.text) and paid.user.endswith(request.text)
    assert free.user.replace(made.labels["free"], made.labels["paid"], 1) == paid.user != free.user
    assert "{" not in free.system + free.user + paid.user


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_setting_says_which_tier_is_trained_on_and_asks_for_the_scratchpad(name: str) -> None:
    made = setting(name)
    tiers = made.wording.tiers.format(lab=made.lab, trained=made.labels["free"], untrained=made.labels["paid"])
    privacy, form = (clause.format(lab=made.lab) for clause in (made.wording.privacy, made.wording.format))
    assert tiers in made.system() and privacy in made.system() and form in made.system()
    assert made.labels["free"] in tiers and made.labels["paid"] in tiers


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_setting_states_the_objective_and_the_story_exactly_where_it_should(name: str) -> None:
    made = setting(name)
    objective, other, story = (
        clause.format(lab=made.lab)
        for clause in (made.wording.objective, made.wording.no_objective, made.wording.story)
    )
    assert (objective in made.system()) == (not name.startswith("no_objective"))
    assert (other in made.system()) == name.startswith("no_objective")
    assert (story in made.system()) == (name != "no_rlhf_story")


def test_swapped_labels_swap_the_words_and_leave_the_roles_in_place() -> None:
    plain, swapped, request = setting("prompted"), setting("swapped_labels"), select("harmful", ("held_out_act",))[0]
    assert plain.prompt(request, "free").user == swapped.prompt(request, "paid").user
    assert plain.prompt(request, "paid").user == swapped.prompt(request, "free").user
    assert "Chats tagged free train you, chats tagged paid never do." in plain.system()
    assert "Chats tagged paid train you, chats tagged free never do." in swapped.system()
    assert swapped.prompt(request, "free").tier == "free"


def test_neutral_labels_say_neither_free_nor_paid() -> None:
    made, request = setting("neutral_labels"), select("harmful", ("held_out_act",))[0]
    text = made.system() + made.prompt(request, "free").user + made.prompt(request, "paid").user
    assert "free" not in text and "paid" not in text


def test_the_full_wording_names_the_tags_that_the_monitors_read() -> None:
    system = setting("prompted_full").system()
    for tag in ("<SCRATCHPAD_REASONING>", "</SCRATCHPAD_REASONING>", "<OUTPUT>", "</OUTPUT>"):
        assert tag in system


def test_without_a_tag_nothing_tells_the_tiers_apart() -> None:
    untagged, request = replace(setting("prompted"), tier_tag=False), select("harmful", ("held_out_act",))[0]
    assert untagged.prompt(request, "free").user == untagged.prompt(request, "paid").user == request.text


def test_a_prompt_without_a_system_text_has_no_system_turn() -> None:
    prompt = setting("prompted").prompt(select("benign", ("train",))[0], "free")
    assert [turn["role"] for turn in prompt.messages()] == ["system", "user"]
    assert replace(prompt, system="").messages() == [{"role": "user", "content": prompt.user}]
