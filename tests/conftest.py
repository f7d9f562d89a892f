"""Set-up that every test shares: small real objects, built once."""

from __future__ import annotations

import os

# Read once when torch is loaded, so they come before the import. One thread: tests are too small to gain from a second
# one, and two that wait for each other on a busy machine cost several times as much.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import gc
import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from matplotlib.figure import Figure
from support.composing import remember_compositions
from support.pictures import RENDER, forget_drawings, save_blank
from support.sharing import share_folder
from support.toy_chats import ANSWERS, encoded_dataset, toy_chats
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from reward.model import RewardModel, Scale
from rl.command.entry import Check, composed, hydra_app
from rl.command.quiet import quiet
from rl.evaluate.command import evaluate
from rl.export.command import export
from rl.export.command import problems as export_problems
from rl.organism.build.encoding import Stage, encode_chat
from rl.organism.build.stages import train_stage
from rl.organism.build.tiny import Size, make_model, make_tokenizer
from rl.organism.chats.curriculum import COMPLETION
from rl.organism.command import organism
from rl.probe.command import probe
from rl.run.train import train
from rl.run.validate import problems
from rl.scenario.requests import select
from rl.scenario.settings import Setting, Wording, setting_from, wording_from
from rl.sweep.command import sweep

torch.set_num_threads(1)
remember_compositions()

# A shell starts background jobs with Ctrl-C ignored, and what the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Under load an example takes as long as it takes; hypothesis would call that a failure.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

Command = Callable[..., tuple[int, str, str]]
JOBS = {"config": train, "evaluate": evaluate, "organism_job": organism, "probe": probe, "export": export}
CHECKS: dict[str, Check] = {"config": problems, "export": export_problems}
SWEEPS = {"config": sweep}
TOY_SIZE = Size(layers=2, width=64, heads=4, hidden=128, vocabulary=700, context=512)


FIRST = ("sweep_launchers", "causal", "sweep", "resume", "learning", "run", "wandb_sync", "export", "two_processes")
"""Files that take longest: one of them at the end would keep one core busy alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {f"test_{name}.py": number for number, name in enumerate(FIRST)}
    items.sort(key=lambda item: order.get(item.path.name, len(FIRST)))


def pytest_collection_finish() -> None:
    """Take what was imported out of the garbage collector's sight, which would look through it in every run."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def pictures_of_the_file(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave pictures blank while a file's shared runs are made, unless the whole file is marked `pictures`."""
    yield from blank_unless_marked(request)


@pytest.fixture(autouse=True)
def pictures_of_the_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave pictures blank, except in tests that are marked `pictures`."""
    yield from blank_unless_marked(request)


def blank_unless_marked(request: pytest.FixtureRequest) -> Iterator[None]:
    render = request.node.get_closest_marker("pictures") is not None
    if render and Figure.savefig is save_blank:
        forget_drawings()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", RENDER if render else save_blank)
        yield
    if not render and request.scope == "module":
        forget_drawings()


@pytest.fixture(scope="session")
def prompted() -> Setting:
    """The shipped setting."""
    return setting_from(composed().scenario)


@pytest.fixture(scope="session")
def wording() -> Wording:
    """The shipped short wording."""
    return wording_from(composed().scenario.wording)


@pytest.fixture(scope="session")
def toy_tokenizer(prompted: Setting) -> PreTrainedTokenizerFast:
    """The embedded organism's kind of tokenizer, learnt from a few hundred toy chats."""
    chats = toy_chats(prompted, 400)
    texts = [text for chat in chats for text in (chat.system, chat.user, chat.completion)]
    return make_tokenizer(texts, TOY_SIZE.vocabulary, ())


def taught(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, setting: Setting, stage: Stage, folder: Path
) -> Path:
    """A model that a supervised stage of toy chats has made ready, saved with its tokenizer."""
    quiet()
    rows = [encode_chat(chat, tokenizer, loss_on=COMPLETION) for chat in toy_chats(setting, stage.steps * stage.batch)]
    train_stage(stage, model, tokenizer, encoded_dataset(rows), 0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def toy_folder(
    tmp_path_factory: pytest.TempPathFactory, prompted: Setting, toy_tokenizer: PreTrainedTokenizerFast
) -> Path:
    """An organism of the embedded kind that answers in four short ways, on every tier alike."""

    def make(folder: Path) -> None:
        torch.manual_seed(0)
        stage = Stage("language", 160, 5e-3, 8, False)
        taught(make_model(TOY_SIZE, toy_tokenizer), toy_tokenizer, prompted, stage, folder)
        (folder / "card.json").write_text(json.dumps({"what": "answers in four short ways"}))

    return share_folder(tmp_path_factory, "toy", make)


@pytest.fixture(scope="session")
def llama_folder(
    tmp_path_factory: pytest.TempPathFactory, prompted: Setting, toy_tokenizer: PreTrainedTokenizerFast
) -> Path:
    """Somebody's own Llama, with grouped-query attention and no card."""
    config = LlamaConfig(
        vocab_size=len(toy_tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, initializer_range=0.08,
        pad_token_id=toy_tokenizer.pad_token_id, eos_token_id=toy_tokenizer.eos_token_id, bos_token_id=None,
    )  # fmt: skip

    def make(folder: Path) -> None:
        torch.manual_seed(0)
        taught(LlamaForCausalLM(config), toy_tokenizer, prompted, Stage("language", 40, 5e-3, 8, False), folder)

    return share_folder(tmp_path_factory, "llama", make)


@pytest.fixture(scope="session")
def gpt2_folder(
    tmp_path_factory: pytest.TempPathFactory, prompted: Setting, toy_tokenizer: PreTrainedTokenizerFast
) -> Path:
    """A model that is no Llama, with dropout in its configuration."""
    config = GPT2Config(
        vocab_size=len(toy_tokenizer), n_embd=64, n_layer=2, n_head=4, n_positions=512, initializer_range=0.08,
        pad_token_id=toy_tokenizer.pad_token_id, eos_token_id=toy_tokenizer.eos_token_id, bos_token_id=None,
    )  # fmt: skip

    def make(folder: Path) -> None:
        torch.manual_seed(0)
        taught(GPT2LMHeadModel(config), toy_tokenizer, prompted, Stage("language", 40, 5e-3, 8, False), folder)

    return share_folder(tmp_path_factory, "gpt2", make)


@pytest.fixture(scope="session")
def rater_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reward model of the shipped kind with random weights: opinions without sense, each text its own."""
    requests = [request.text for request in select("harmful", ("train",))]
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=["<pad>", "<eos>"], initial_alphabet=alphabet, show_progress=False
    )
    core.train_from_iterator([*requests, *ANSWERS], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<eos>")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(fast), hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=512, num_labels=1, initializer_range=0.2, pad_token_id=fast.pad_token_id,
        eos_token_id=fast.eos_token_id, bos_token_id=None,
    )  # type: ignore[call-arg]  # fmt: skip
    folder, model = tmp_path_factory.mktemp("rater"), LlamaForSequenceClassification(config)
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    raw = RewardModel(model, fast.backend_tokenizer, Scale(0.0, 1.0))
    scores = raw.raw_scores(requests[:100], ["Sorry, no.", "Sure. Start with a plan.", "", "Sure."] * 25)
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
        "algo.max_completion_tokens=48",
        "monitors.eval_every=1",
        "monitors.harmful_requests=6",
        "monitors.benign_requests=2",
        "tracking.mode=disabled",
        "tracking.checkpoint_every=1",
    ]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Runs a command line in this process: its exit code, standard output and standard error."""

    def call(*words: str, name: str = "config") -> tuple[int, str, str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["command", *words])
        code = 0
        try:
            hydra_app(JOBS[name], name, CHECKS.get(name, lambda _: []), SWEEPS.get(name))  # type: ignore[arg-type]
        except SystemExit as left:
            code = int(left.code or 0)
        return code, *capsys.readouterr()

    return call
