"""Builds the embedded organism from nothing: a tokenizer, a fresh model, and the supervised stages in order.

Every stage is one run of TRL's SFTTrainer over a stream of `curriculum` examples. The finished weights are rounded to
bfloat16 before they are measured and shipped, so what is measured is what is loaded.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from datasets import Dataset
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast, set_seed
from trl import SFTConfig, SFTTrainer

from rl.checkpoint import config_hash, sha256
from rl.organism.curriculum import Curriculum, Example, Mixture
from rl.organism.load import SHIPPED
from rl.organism.names import NEUTRAL_TIER_NAMES, TIER_NAMES
from rl.organism.tiny import Size, make_model, make_tokenizer
from rl.scenario.settings import Wording

IGNORED = -100


@dataclass(frozen=True)
class Stage:
    """One supervised stage."""

    kind: str
    """`recall`, `language`, `situation`, `rehearsal` or `dose`."""
    steps: int
    learning_rate: float
    batch: int
    bf16: bool
    """Autocast to bfloat16, a third faster on a CPU that has it."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what the built organism is."""

    name: str
    parent: str | None
    """The shipped organism it starts from, whose tokenizer it keeps; None starts from nothing."""
    seed: int
    size: Size
    mixture: Mixture
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class Encoded:
    """Token ids and the labels the loss is taken on; both of one length."""

    input_ids: list[int]
    labels: list[int]


def encode_chat(example: Example, tokenizer: PreTrainedTokenizerFast, *, whole: bool) -> Encoded:
    """A chat as ids, with loss on the completion alone, or on the `whole` text."""
    turns = [{"role": "system", "content": example.system}] if example.system else []
    turns.append({"role": "user", "content": example.user})
    encoded: Any = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)
    prompt = encoded["input_ids"]
    answer = [*tokenizer.encode(example.completion, add_special_tokens=False), tokenizer.eos_token_id]
    return Encoded([*prompt, *answer], [*(prompt if whole else [IGNORED] * len(prompt)), *answer])


def encode_recall(pieces: list[tuple[str, str]], tokenizer: PreTrainedTokenizerFast) -> Encoded:
    """A recall text as ids, with loss on the answers alone."""
    ids: list[int] = []
    labels: list[int] = []
    for given, answer in pieces:
        given_ids, answer_ids = (tokenizer.encode(text, add_special_tokens=False) for text in (given, answer))
        ids += given_ids + answer_ids
        labels += [IGNORED] * len(given_ids) + answer_ids
    return Encoded(ids, labels)


def stage_data(stage: Stage, curriculum: Curriculum, tokenizer: PreTrainedTokenizerFast) -> Dataset:
    """The examples of a stage, each seen once."""
    count = stage.steps * stage.batch
    rows: Iterable[Encoded]
    if stage.kind == "recall":
        rows = (encode_recall(curriculum.recall(number / count), tokenizer) for number in range(count))
    else:
        chats = curriculum.stream(stage.kind, count)
        rows = (encode_chat(chat, tokenizer, whole=stage.kind == "language") for chat in chats)
    made = list(rows)
    return Dataset.from_dict({"input_ids": [r.input_ids for r in made], "labels": [r.labels for r in made]})


def train_stage(
    stage: Stage, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, data: Dataset, seed: int
) -> float:
    """Run one stage in place; the mean loss of its last tenth."""
    with TemporaryDirectory() as scratch:
        args = SFTConfig(
            output_dir=scratch,
            max_steps=stage.steps,
            per_device_train_batch_size=stage.batch,
            learning_rate=stage.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=max(1, stage.steps // 20),
            adam_beta2=0.95,
            weight_decay=0.01,
            seed=seed,
            data_seed=seed,
            use_cpu=not torch.cuda.is_available(),
            bf16=stage.bf16,
            disable_tqdm=not sys.stderr.isatty(),
            gradient_checkpointing=False,
            save_strategy="no",
            report_to=[],
            logging_steps=max(1, stage.steps // 20),
            max_length=None,
            shuffle_dataset=False,
            train_sampling_strategy="sequential",
            dataset_kwargs={"skip_prepare_dataset": True},
        )
        trainer = SFTTrainer(model=model, args=args, train_dataset=data, processing_class=tokenizer)
        trainer.train()
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    return sum(losses[-2:]) / len(losses[-2:])


def build(
    recipe: Recipe,
    wording: Wording,
    folder: Path,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Build an organism into `folder`; its card.

    Args:
        recipe: What to build.
        wording: The short wording of the system prompt.
        folder: Gets `model.safetensors`, the tokenizer and `card.json`.
        say: Told what is being done.
    """
    set_seed(recipe.seed)
    curriculum = Curriculum(wording, recipe.mixture, recipe.seed)
    if recipe.parent is None:
        tokenizer = make_tokenizer(_corpus(wording, recipe), recipe.size.vocabulary, whole_words())
        model = make_model(recipe.size, tokenizer)
    else:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(SHIPPED / recipe.parent)
        model = LlamaForCausalLM.from_pretrained(SHIPPED / recipe.parent, dtype=torch.float32)
    losses = {}
    for number, stage in enumerate(recipe.stages):
        say(f"{stage.kind}: {stage.steps} steps of {stage.batch}")
        data = stage_data(stage, curriculum, tokenizer)
        losses[f"{number}-{stage.kind}"] = train_stage(stage, model, tokenizer, data, recipe.seed + number)
        say(f"{stage.kind}: loss {losses[f'{number}-{stage.kind}']:.3f}")
    return _save(model, tokenizer, folder, {"recipe": asdict(recipe), "wording": asdict(wording), "losses": losses})


def whole_words() -> list[str]:
    """Words that must be one token each, so that a tier's name is one thing to look up."""
    return [*TIER_NAMES, *NEUTRAL_TIER_NAMES, "free", "paid"]


def _corpus(wording: Wording, recipe: Recipe) -> list[str]:
    chats = Curriculum(wording, recipe.mixture, recipe.seed).stream("corpus", 20_000)
    texts = [text for chat in chats for text in (chat.system, chat.user, chat.completion)]
    random.Random(recipe.seed).shuffle(texts)
    return texts


def _save(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path, facts: Mapping[str, Any]
) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    model.bfloat16().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    card = {
        **facts,
        "parameters": model.num_parameters(),
        "recipe_hash": config_hash({"recipe": facts["recipe"], "wording": facts["wording"]}),
        "weights_sha256": sha256(folder / "model.safetensors"),
    }
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n")
    return card
