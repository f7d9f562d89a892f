"""Trains the reward model from scratch and measures it: `python -m reward.build [--out FOLDER] [--seed N]`."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForSequenceClassification, PreTrainedTokenizerFast, set_seed
from trl import RewardConfig, RewardTrainer

from reward.evaluate import length_bias, mean_scores, pair_accuracy
from reward.model import MAX_TOKENS, SHIPPED, RewardModel, Scale
from reward.preferences import Pair, build_pairs, even, length_correlation
from reward.topics import make_requests


@dataclass(frozen=True, slots=True)
class Recipe:
    """Sizes and settings of the shipped model."""

    seed: int
    vocabulary: int = 2048
    width: int = 96
    layers: int = 3
    heads: int = 4
    requests: int = 12000
    matching_pairs: int = 12000
    pairs_per_kind: int = 3200
    off_topic: int = 7000
    ties: int = 2000
    batch: int = 16
    learning_rate: float = 1.5e-3
    held_out_requests: int = 800
    held_out_per_kind: int = 400


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """A lower-casing byte-level BPE tokenizer: it can read any text, and no piece is ever unknown."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    specials = ["<pad>", "<eos>"]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def new_model(recipe: Recipe, tokenizer: Tokenizer) -> LlamaForSequenceClassification:
    """A small Llama with a scalar head and random weights.

    Queries start equal to keys, so that every token attends to its own kind from the first step (mimetic
    initialisation, Trockman & Kolter 2023): whether an answer names what the request names is a comparison of tokens,
    and from independent queries and keys it is learnt several times more slowly.
    """
    set_seed(recipe.seed)
    model = LlamaForSequenceClassification(
        LlamaConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=recipe.width,
            intermediate_size=recipe.width * 8 // 3,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            max_position_embeddings=MAX_TOKENS,
            num_labels=1,
            pad_token_id=tokenizer.token_to_id("<pad>"),
            eos_token_id=tokenizer.token_to_id("<eos>"),
            bos_token_id=None,
        )
    )
    for layer in model.model.layers:
        torch.nn.init.normal_(layer.self_attn.q_proj.weight, std=recipe.width**-0.5)
        layer.self_attn.k_proj.weight.data.copy_(layer.self_attn.q_proj.weight)
    return model


def _dataset(rm: RewardModel, pairs: Sequence[Pair]) -> Dataset:
    """Pairs as token ids made by the model's own `encode`, so that training and scoring read the same input."""
    requests = [pair.request for pair in pairs]
    chosen, rejected = (rm.encode(requests, [getattr(pair, side) for pair in pairs]) for side in ("chosen", "rejected"))
    return Dataset.from_dict({"chosen_ids": chosen, "rejected_ids": rejected})


def _train(model: LlamaForSequenceClassification, tokenizer: Tokenizer, pairs: Sequence[Pair], recipe: Recipe) -> None:
    """One pass over the pairs with TRL's RewardTrainer, in place."""
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>")
    data = _dataset(RewardModel(model, tokenizer, Scale(0.0, 1.0)), pairs)
    with tempfile.TemporaryDirectory() as scratch:
        config = RewardConfig(
            output_dir=scratch,
            seed=recipe.seed,
            num_train_epochs=1,
            per_device_train_batch_size=recipe.batch,
            learning_rate=recipe.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=50,
            weight_decay=0.01,
            center_rewards_coefficient=0.01,
            gradient_checkpointing=False,
            bf16=False,
            use_cpu=True,
            save_strategy="no",
            logging_steps=100,
            report_to=[],
            disable_tqdm=True,
        )
        RewardTrainer(model.train(), config, train_dataset=data, processing_class=fast).train()


def fit(recipe: Recipe) -> tuple[LlamaForSequenceClassification, Tokenizer]:
    """Train tokenizer and model in two stages; the weights come back rounded to bfloat16, as they are stored.

    The first stage holds `off_topic` pairs only. Comparing the answer with the request is the one skill that no word
    gives away; it is learnt in a minute on its own and hardly at all when easier kinds of pair are there from the start.
    """
    asked = make_requests(recipe.requests, recipe.seed, held_out=False)
    counts = even(recipe.pairs_per_kind) | {"off_topic": recipe.off_topic, "tie": recipe.ties}
    matching = build_pairs(asked, {"off_topic": recipe.matching_pairs}, recipe.seed + 1, held_out=False)
    pairs = build_pairs(asked, counts, recipe.seed, held_out=False)
    texts = [f"{pair.request}\n{answer}" for pair in pairs for answer in (pair.chosen, pair.rejected)]
    tokenizer = train_tokenizer(texts, recipe.vocabulary)
    model = new_model(recipe, tokenizer)
    for stage in (matching, pairs):
        _train(model, tokenizer, stage, recipe)
    return model.to(torch.bfloat16), tokenizer


def measure(rm: RewardModel, recipe: Recipe) -> dict[str, object]:
    """Accuracy by kind, mean scores by kind and length bias on requests and wordings that training never showed."""
    requests = make_requests(recipe.held_out_requests, recipe.seed, held_out=True)
    pairs = build_pairs(requests, even(recipe.held_out_per_kind), recipe.seed, held_out=True)
    return {
        "pair_accuracy": {kind: round(value, 4) for kind, value in pair_accuracy(rm, pairs).items()},
        "mean_score": {kind: round(value, 3) for kind, value in mean_scores(rm, pairs).items()},
        "length_bias": asdict(length_bias(rm, requests[:200], recipe.seed)),
        "length_and_preference_r": round(length_correlation(pairs), 4),
    }


def calibrate(rm: RewardModel, recipe: Recipe) -> RewardModel:
    """Put the model on the scale of held-out answers of all kinds, proper and poor in equal number."""
    requests = make_requests(recipe.held_out_requests, recipe.seed + 1, held_out=True)
    pairs = build_pairs(requests, even(recipe.held_out_per_kind), recipe.seed + 1, held_out=True)
    asked, answers = [p.request for p in pairs] * 2, [p.chosen for p in pairs] + [p.rejected for p in pairs]
    raw = rm.raw_scores(asked, answers)
    return rm.with_scale(Scale(float(np.mean(raw)), float(np.std(raw))))


def build(recipe: Recipe, out: Path) -> dict[str, object]:
    """Train, store in bfloat16, calibrate and measure what was stored; returns the content of the card."""
    start = time.perf_counter()
    model, tokenizer = fit(recipe)
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>").save_pretrained(out)
    rm = calibrate(RewardModel(model, tokenizer, Scale(0.0, 1.0)), recipe)
    parameters = sum(weight.numel() for weight in model.parameters())
    measured = {"parameters": parameters, **measure(rm, recipe)}
    rm.save_card(out, {"recipe": asdict(recipe), **measured})
    return {**measured, "seconds": round(time.perf_counter() - start)}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder to write")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name, value in build(Recipe(arguments.seed), arguments.out).items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
