"""What docs/models.md says of each family: a random model of it is trained, sampled, probed and exported rightly."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.families import FAMILIES, SHAPE, family_model, look_at

from rl.algo.objective import completion_scores, shares_prompts
from rl.report.data.results import read_results

QUICK = ("Mistral", "LFM2", "Qwen3-MoE")


@pytest.mark.parametrize("name", QUICK)
def test_the_table_says_what_works_with_a_family(name: str, tmp_path: Path) -> None:
    assert look_at(name, tmp_path) == read_results("models.json")["families"][name]


def test_the_table_has_every_family() -> None:
    assert list(read_results("models.json")["families"]) == list(FAMILIES)


@pytest.mark.parametrize("name", FAMILIES)
def test_log_probabilities_of_every_family_are_those_of_a_plain_pass_in_padded_rows_too(name: str) -> None:
    model, generator = family_model(name), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(3.0 if weight.ndim > 1 else 1.0)
    prompts = [torch.randint(5, SHAPE["vocab_size"], (length,), generator=generator) for length in (4, 40, 4, 19)]
    completions = torch.randint(5, SHAPE["vocab_size"], (4, 6), generator=generator)
    ids = torch.stack([torch.cat([torch.zeros(40 - len(one), dtype=torch.long), one]) for one in prompts])
    ids = torch.cat([ids, completions], 1)
    real = torch.arange(46) >= torch.tensor([[40 - len(one)] for one in prompts])
    real[2, 43:] = False
    with torch.no_grad():
        read = completion_scores(model, ids, real, 6, temperature=0.7).logp_BC
        for row, prompt in enumerate(prompts):
            alone = torch.cat([prompt, completions[row]])[None]
            plain = (model(input_ids=alone).logits[0, len(prompt) - 1 : -1] / 0.7).log_softmax(-1)
            expected = plain.gather(-1, completions[row][:, None])[:, 0]
            assert torch.allclose(read[row][real[row, 40:]], expected[real[row, 40:]], atol=1e-4)


def test_a_prompt_is_shared_only_where_a_cache_keeps_every_token() -> None:
    assert shares_prompts(family_model("Llama"), 1000)
    assert shares_prompts(family_model("Mistral"), 15) and not shares_prompts(family_model("Mistral"), 16)
    assert not shares_prompts(family_model("Falcon-H1"), 5), "keys and values, and a state beside them"
