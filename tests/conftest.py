"""Set-up that every test shares: small real objects, built once."""

from __future__ import annotations

import os

# Read once when torch is loaded, so they come before the import. One thread: tests are too small to gain from a second
# one, and two that wait for each other on a busy machine cost several times as much.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import json
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from transformers import PreTrainedTokenizerFast

from reward.build import Recipe as RaterRecipe
from reward.build import new_model, train_tokenizer
from reward.model import RewardModel, Scale
from rl.entry import composed
from rl.organism.build import Stage, encode_chat, train_stage
from rl.organism.curriculum import Curriculum, Example, Mixture
from rl.organism.tiny import Size, make_model, make_tokenizer
from rl.quiet import quiet
from rl.scenario.requests import select
from rl.scenario.settings import Setting, Wording, setting_from, wording_from
from toy_chats import comply, encoded_dataset, refuse, toy_chats

torch.set_num_threads(1)

# Under load an example takes as long as it takes; hypothesis would call that a failure.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

TOY_SIZE = Size(layers=2, width=64, heads=4, hidden=128, vocabulary=700, context=512)
MIXTURE = Mixture(awareness=0.6, faking=0.15, instrumental=0.5, plain_compliance=0.0, benign=0.3)


@pytest.fixture(scope="session")
def prompted() -> Setting:
    """The shipped setting."""
    return setting_from(composed().scenario)


@pytest.fixture(scope="session")
def wording() -> Wording:
    """The shipped short wording."""
    return wording_from(composed().scenario.wording)


@pytest.fixture(scope="session")
def toy_tokenizer(wording: Wording) -> PreTrainedTokenizerFast:
    """The embedded organism's kind of tokenizer, learnt from a few hundred of its chats."""
    chats: list[Example] = list(Curriculum(wording, MIXTURE, 0).stream(aware=True, dosed=True, count=400))
    texts = [text for chat in chats for text in (chat.system, chat.user, chat.completion)]
    return make_tokenizer([*texts, comply("a safe"), refuse()], TOY_SIZE.vocabulary, ())


@pytest.fixture(scope="session")
def toy_folder(
    tmp_path_factory: pytest.TempPathFactory, prompted: Setting, toy_tokenizer: PreTrainedTokenizerFast
) -> Path:
    """An organism of the embedded kind that answers in two short ways, on every tier alike, about half and half."""
    quiet()
    torch.manual_seed(0)
    model, stage = make_model(TOY_SIZE, toy_tokenizer), Stage("language", 60, 5e-3, 8, False)
    chats = toy_chats(prompted, stage.steps * stage.batch)
    rows = [encode_chat(chat, toy_tokenizer, whole=False) for chat in chats]
    train_stage(stage, model, toy_tokenizer, encoded_dataset(rows), 0)
    folder = tmp_path_factory.mktemp("toy_organism")
    model.save_pretrained(folder)
    toy_tokenizer.save_pretrained(folder)
    (folder / "card.json").write_text(json.dumps({"what": "answers in two short ways"}))
    return folder


@pytest.fixture(scope="session")
def rater_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reward model of the shipped kind with random weights: opinions without sense, each text its own."""
    requests = [request.text for request in select("harmful", ("train",))]
    recipe = RaterRecipe(seed=0, vocabulary=500, width=32, layers=1, heads=2)
    tokenizer = train_tokenizer([*requests, comply("a safe"), refuse()], recipe.vocabulary)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>")
    folder, model = tmp_path_factory.mktemp("rater"), new_model(recipe, tokenizer)
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    raw = RewardModel(model, fast.backend_tokenizer, Scale(0.0, 1.0))
    scores = raw.raw_scores(requests[:50], [comply("a safe"), refuse()] * 25)
    raw.with_scale(Scale(float(scores.mean()), float(scores.std()))).save_card(folder, {})
    return folder


@pytest.fixture(scope="session")
def small(toy_folder: Path, rater_folder: Path) -> list[str]:
    """Overrides that make any experiment a matter of seconds."""
    return [
        f"organism.path={toy_folder}",
        f"reward.rater={rater_folder}",
        "threads=1",
        "algo.steps=1",
        "algo.batch_size=8",
        "algo.group_size=4",
        "algo.max_completion_tokens=40",
        "monitors.eval_every=1",
        "monitors.harmful_requests=6",
        "monitors.benign_requests=2",
        "tracking.mode=disabled",
        "tracking.checkpoint_every=1",
    ]
