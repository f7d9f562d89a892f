"""Organisms grown to a larger size: the same function, and room that training can use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from rl.command.entry import composed
from rl.config.schema import OrganismConfig
from rl.errors import ConfigError
from rl.organism.build.growth import grown, growth_problems
from rl.organism.build.recipe import size_of
from rl.organism.build.tiny import Size
from rl.organism.load import load_organism

LARGER = {"wider": (4, 256, 8, 832), "deeper": (6, 128, 4, 448), "both": (6, 384, 12, 1152)}


@pytest.fixture(scope="module")
def shipped() -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast]:
    organism = load_organism(composed(["organism=tiny"]).organism)
    return organism.model, organism.tokenizer


def size(layers: int, width: int, heads: int, hidden: int) -> Size:
    return Size(layers, width, heads, hidden, vocabulary=1536, context=512)


@pytest.mark.parametrize("name", LARGER)
def test_a_grown_organism_says_exactly_what_the_small_one_says(name: str, shipped: Any) -> None:
    small, tokenizer = shipped
    ids_BT = torch.randint(0, len(tokenizer), (3, 90), generator=torch.Generator().manual_seed(5))
    torch.manual_seed(1)
    large = grown(small, size(*LARGER[name]), tokenizer).eval()
    assert large.num_parameters() > small.num_parameters()
    with torch.no_grad():
        torch.testing.assert_close(large(ids_BT).logits, small(ids_BT).logits, atol=2e-3, rtol=1e-3)


def test_copies_of_a_unit_learn_different_things_and_added_layers_learn(shipped: Any) -> None:
    small, tokenizer = shipped
    torch.manual_seed(1)
    large = grown(small, size(5, 256, 8, 896), tokenizer)
    ids_BT = torch.arange(40)[None]
    large(ids_BT, labels=ids_BT).loss.backward()
    first, added = large.model.layers[0], large.model.layers[4]
    for layer, copies in ((first.mlp.up_proj, 448), (first.self_attn.q_proj, 128), (first.self_attn.o_proj, 128)):
        one, other = layer.weight.grad[:copies], layer.weight.grad[copies:]
        assert (one - other).norm() > 0.05 * one.norm(), "copies that get one gradient stay one unit"
    assert added.mlp.down_proj.weight.grad.norm() > 0 and added.self_attn.o_proj.weight.grad.norm() > 0


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ((4, 200, 4, 448), "width=200, heads=4: must be the same multiple of 128 and 4"),
        ((4, 256, 4, 448), "width=256, heads=4"),
        ((2, 128, 4, 448), "layers=2: must be at least 4"),
        ((4, 128, 4, 100), "hidden=100: must be at least 448"),
    ],
)
def test_a_size_that_cannot_be_grown_to_is_named(asked: tuple[int, int, int, int], told: str) -> None:
    (problem,) = growth_problems(size(4, 128, 4, 448), size(*asked))
    assert told in problem


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["organism=tiny_4m", "organism.recipe.size.width=200"], "organism.recipe.size.width=200, heads=8: must be"),
        (["organism=tiny_recall", "organism.recipe.grow=true"], "organism.recipe.grow=true: only an embedded organism"),
        (["organism=tiny_4m", "organism.base=hf", "organism.path=THEIRS"], "organism can be grown, and not hf"),
    ],
)
def test_what_cannot_be_grown_is_refused_before_anything_is_built(
    words: list[str], told: str, llama_folder: Path, command: Any
) -> None:
    code, _, errors = command(*(word.replace("THEIRS", str(llama_folder)) for word in words), "dry_run=true")
    assert code == 2 and told in errors and "Traceback" not in errors


def test_a_model_of_another_shape_than_its_recipe_says_is_not_grown(toy_folder: Path) -> None:
    toy = load_organism(OrganismConfig("toy", "embedded", str(toy_folder)))
    with pytest.raises(ConfigError, match="width=256, heads=8: must be the same multiple of 64 and 4"):
        grown(toy.model, size(4, 256, 8, 832), toy.tokenizer)


def test_the_size_of_an_organism_is_that_of_the_one_it_descends_from() -> None:
    sizes = {name: size_of(composed([f"organism={name}"]).organism) for name in ("tiny", "tiny_4m", "tiny_0m3", "hf")}
    assert [found and found.width for found in sizes.values()] == [128, 256, 64, None]
