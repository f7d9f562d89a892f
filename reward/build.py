"""Trains the reward model and measures it: `python -m reward.build [--out FOLDER] [--base FOLDER] [--seed N]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from tokenizers import Tokenizer
from transformers import LlamaForSequenceClassification, PreTrainedTokenizerFast, set_seed
from trl import RewardConfig, RewardTrainer

from reward.evaluate import average_scores, measure_length_bias, measure_pair_accuracy
from reward.fitting.preferences import Pair, build_pairs, correlate_length, count_evenly
from reward.fitting.topics import make_requests
from reward.model import SHIPPED, RewardModel, Scale
from rl.records import Request

BASE = Path(__file__).resolve().parent.parent / "rl" / "organism" / "weights" / "tiny_situated"
"""The language model whose body the reward model starts from."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings of the shipped model."""

    seed: int
    requests: int = 12000
    first_lesson: int = 9600
    pairs_per_kind: int = 3200
    off_topic: int = 7000
    ties: int = 2000
    passes: int = 2
    """Over the pairs of all kinds; over the first lesson there is one."""
    batch: int = 24
    learning_rate: float = 8e-4
    held_out_requests: int = 800
    held_out_per_kind: int = 400


def new_model(base: Path) -> LlamaForSequenceClassification:
    """Return the body of a small language model under a fresh scalar head.

    From random weights, comparing an answer's topic with the request's had not formed after 1,000 steps: matching words
    across a text takes the circuits that a language model has already.
    """
    return LlamaForSequenceClassification.from_pretrained(base, num_labels=1, dtype=torch.float32)


def _make_dataset(rm: RewardModel, pairs: Sequence[Pair]) -> Dataset:
    """Return pairs as token ids made by the model's own `encode`, so that training and scoring read the same input."""
    requests = [pair.request for pair in pairs]
    chosen, rejected = (rm.encode(requests, [getattr(pair, side) for pair in pairs]) for side in ("chosen", "rejected"))
    return Dataset.from_dict({"chosen_ids": chosen, "rejected_ids": rejected})


def train(
    model: LlamaForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    pairs: Sequence[Pair],
    passes: int,
    recipe: Recipe,
) -> None:
    """Train the model in place, in so many passes over the pairs, with TRL's RewardTrainer."""
    data = _make_dataset(RewardModel(model, plain_tokenizer(tokenizer), Scale(0.0, 1.0)), pairs)
    with tempfile.TemporaryDirectory() as scratch:
        config = RewardConfig(
            output_dir=scratch,
            seed=recipe.seed,
            num_train_epochs=passes,
            per_device_train_batch_size=recipe.batch,
            learning_rate=recipe.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=50,
            weight_decay=0.01,
            center_rewards_coefficient=0.01,
            gradient_checkpointing=False,
            bf16=True,
            use_cpu=True,
            save_strategy="no",
            logging_steps=50,
            report_to=[],
            disable_tqdm=not sys.stderr.isatty(),
        )
        RewardTrainer(model.train(), config, train_dataset=data, processing_class=tokenizer).train()


def plain_tokenizer(tokenizer: PreTrainedTokenizerFast) -> Tokenizer:
    """Return a copy of the tokenizer without chat template or special handling, as the reward model uses it."""
    return Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())


def fit(recipe: Recipe, base: Path) -> tuple[LlamaForSequenceClassification, PreTrainedTokenizerFast]:
    """Train in two stages; the weights come back rounded to bfloat16, as they are stored.

    The first stage holds short `off_topic` pairs only. Comparing the answer with the request is the one skill that no
    word gives away; it is learnt quickly on its own and hardly at all when easier kinds are there from the start.
    """
    set_seed(recipe.seed)
    requests = make_requests(recipe.requests, recipe.seed, held_out=False)
    counts = count_evenly(recipe.pairs_per_kind) | {"off_topic": recipe.off_topic, "tie": recipe.ties}
    lesson = build_pairs(requests, {"off_topic_short": recipe.first_lesson}, recipe.seed, held_out=False)
    pairs = build_pairs(requests, counts, recipe.seed, held_out=False)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    model = new_model(base)
    for stage, passes in ((lesson, 1), (pairs, recipe.passes)):
        train(model, tokenizer, stage, passes, recipe)
    return model.bfloat16(), tokenizer


def measure(rm: RewardModel, pairs: Sequence[Pair], requests: Sequence[Request], seed: int) -> dict[str, object]:
    """Return accuracy and mean scores by kind of pair, and the length bias on answers to `requests`."""
    return {
        "pair_accuracy": {kind: round(value, 4) for kind, value in measure_pair_accuracy(rm, pairs).items()},
        "mean_score": {kind: round(value, 3) for kind, value in average_scores(rm, pairs).items()},
        "length_bias": asdict(measure_length_bias(rm, requests, seed)),
        "length_and_preference_r": round(correlate_length(pairs), 4),
    }


def standardise(rm: RewardModel, pairs: Sequence[Pair]) -> RewardModel:
    """Return the model on the scale of the answers in these pairs."""
    requests, answers = [p.request for p in pairs] * 2, [p.chosen for p in pairs] + [p.rejected for p in pairs]
    raw = rm.raw_scores(requests, answers)
    return rm.with_scale(Scale(float(np.mean(raw)), float(np.std(raw))))


def build(recipe: Recipe, out: Path, base: Path = BASE) -> dict[str, object]:
    """Train, store in bfloat16, calibrate and measure what was stored; returns the content of the card.

    Scale and figures are those of held-out answers, proper and poor in equal number.
    """
    start = time.perf_counter()
    model, tokenizer = fit(recipe, base)

    def held_out(seed: int) -> tuple[list[Request], list[Pair]]:
        requests = make_requests(recipe.held_out_requests, seed, held_out=True)
        return requests, build_pairs(requests, count_evenly(recipe.held_out_per_kind), seed, held_out=True)

    rm = standardise(store(model, tokenizer, out), held_out(recipe.seed + 1)[1])
    requests, pairs = held_out(recipe.seed)
    about = {"parameters": sum(weight.numel() for weight in model.parameters()), "base": base.name}
    measured = {**about, **measure(rm, pairs, requests[:200], recipe.seed)}
    rm.save_card(out, {"recipe": asdict(recipe), **measured})
    return {**measured, "seconds": round(time.perf_counter() - start)}


def store(model: LlamaForSequenceClassification, tokenizer: PreTrainedTokenizerFast, out: Path) -> RewardModel:
    """Write weights and tokenizer; return the model that was written, before it has a scale."""
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return RewardModel(model, plain_tokenizer(tokenizer), Scale(0.0, 1.0))


def run_command_line(
    about: str | None,
    recipe_of: Callable[[int], Recipe],
    build: Callable[[Recipe, Path, Path], dict[str, object]],
    out: Path,
    base: Path,
) -> None:
    """Build a reward model as the command line says, from `base` into `out` unless told otherwise; print its card."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--out", type=Path, default=out, help="folder to write")
    parser.add_argument("--base", type=Path, default=base, help="folder of the model to start from")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name, value in build(recipe_of(arguments.seed), arguments.out, arguments.base).items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    run_command_line(__doc__, Recipe, build, SHIPPED, BASE)
