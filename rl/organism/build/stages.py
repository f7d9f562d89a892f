"""Builds an organism, from nothing or from another one: a tokenizer, a model, and the supervised stages in order.

Every stage is one run of TRL's SFTTrainer over a stream of `curriculum` examples. The finished weights are rounded to
bfloat16 before they are measured and shipped, so what is measured is what is loaded.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerFast, PrinterCallback, set_seed
from trl import SFTConfig, SFTTrainer

from rl.files.checkpoint import hashes_of
from rl.organism.build.encoding import Material, Stage, stage_data
from rl.organism.build.growth import grown
from rl.organism.build.model import Organism
from rl.organism.build.place import CARD, WEIGHTS
from rl.organism.build.recipe import Recipe, facts_of, recipe_hash
from rl.organism.build.tiny import make_model, make_tokenizer
from rl.organism.chats.curriculum import Curriculum
from rl.organism.chats.names import NEUTRAL_TIER_NAMES, TIER_NAMES
from rl.scenario.settings import Wording


def train_stage(
    stage: Stage, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, data: Dataset, seed: int
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
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    return sum(losses[-2:]) / len(losses[-2:])


def build(
    recipe: Recipe,
    wording: Wording,
    parent: Organism | None,
    folder: Path,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Build an organism into `folder`; its card.

    Args:
        recipe: What to build.
        wording: The wording of the system prompt.
        parent: What it starts from, which is trained in place; None for nothing.
        folder: Gets `model.safetensors`, the tokenizer and `card.json`.
        say: Told what is being done.
    """
    set_seed(recipe.seed)
    curriculum = Curriculum(wording, recipe.mixture, recipe.seed)
    if parent is None:
        tokenizer = make_tokenizer(_corpus(wording, recipe), recipe.size.vocabulary, whole_words())
        model: Any = make_model(recipe.size, tokenizer)
    else:
        tokenizer, model = parent.tokenizer, parent.model
        if recipe.grow:
            model = grown(model, recipe.size, tokenizer)
    losses, examples = {}, {}
    for number, stage in enumerate(recipe.stages):
        say(f"{stage.kind}: {stage.steps} steps of {stage.batch}")
        data = stage_data(stage, Material(curriculum, tokenizer, recipe.teacher, recipe.interview))
        name = f"{number}-{stage.kind}"
        examples[name] = len(data)
        losses[name] = train_stage(stage, model, tokenizer, data, recipe.seed + number)
        say(f"{stage.kind}: loss {losses[name]:.3f}")
    facts = {"recipe": facts_of(recipe), "wording": asdict(wording), "examples": examples, "losses": losses}
    start = {"parent_digest": parent.digest} if parent else {}
    return _save(model, tokenizer, folder, facts | start | {"recipe_hash": recipe_hash(recipe, wording)})


def whole_words() -> list[str]:
    """Words that must be one token each, so that a tier's name is one thing to look up."""
    return [*TIER_NAMES, *NEUTRAL_TIER_NAMES, "free", "paid"]


def _corpus(wording: Wording, recipe: Recipe) -> list[str]:
    chats = Curriculum(wording, recipe.mixture, recipe.seed).stream("corpus", 20_000)
    texts = [text for chat in chats for text in (chat.system, chat.user, chat.completion)]
    random.Random(recipe.seed).shuffle(texts)
    return texts


def _save(model: Any, tokenizer: PreTrainedTokenizerFast, folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    model.bfloat16().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    hashes = {name: value for name, value in hashes_of(folder).items() if name != CARD}
    card = {
        **facts,
        "parameters": model.num_parameters(),
        "weights_sha256": hashes[WEIGHTS],
        "files": hashes,
    }
    write_card(folder, card)
    return card


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write what is known of an organism beside its weights."""
    (folder / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
