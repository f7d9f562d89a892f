"""Where in the weights the change happened: norms by layer and module, and their chapter in the report of a run."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from support.report_runs import full_run
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from rl.files.checkpoint import save_checkpoint, saved_checkpoints
from rl.report import write_report
from rl.report.data.weight_cells import place_of, pooled
from rl.report.data.weights import read_series
from rl.report.pages.weights import weights_chapter

pytestmark = pytest.mark.pictures

PLANTED = "model.layers.1.self_attn.v_proj.weight"
NAMES = {
    "model.embed_tokens.weight": (None, "embedding"),
    "model.layers.3.self_attn.q_proj.weight": (3, "attention q"),
    "model.layers.3.self_attn.q_norm.weight": (3, "norms"),
    "model.layers.3.self_attn.o_proj.bias": (3, "attention o"),
    "model.layers.10.mlp.experts.7.down_proj.weight": (10, "MLP"),
    "model.layers.10.block_sparse_moe.gate.weight": (10, "MLP"),
    "model.layers.0.post_attention_layernorm.weight": (0, "norms"),
    "model.norm.weight": (None, "norms"),
    "lm_head.weight": (None, "head"),
    "transformer.wte.weight": (None, "embedding"),
    "transformer.wpe.weight": (None, "embedding"),
    "transformer.h.11.attn.c_attn.weight": (11, "attention qkv"),
    "transformer.h.11.attn.c_proj.bias": (11, "attention o"),
    "transformer.h.11.mlp.c_proj.weight": (11, "MLP"),
    "transformer.h.11.ln_1.bias": (11, "norms"),
    "transformer.ln_f.weight": (None, "norms"),
    "gpt_neox.layers.5.attention.query_key_value.weight": (5, "attention qkv"),
    "gpt_neox.layers.5.attention.dense.weight": (5, "attention o"),
    "gpt_neox.layers.5.mlp.dense_h_to_4h.weight": (5, "MLP"),
    "embed_out.weight": (None, "head"),
    "model.decoder.layers.2.fc1.weight": (2, "MLP"),
    "model.decoder.layers.2.self_attn.k_proj.weight": (2, "attention k"),
    "transformer.word_embeddings_layernorm.weight": (None, "norms"),
    "backbone.layers.4.mixer.in_proj.weight": (4, "other"),
}


@pytest.mark.parametrize(("name", "place"), NAMES.items())
def test_tensors_of_many_families_find_their_layer_and_module(name: str, place: tuple[int | None, str]) -> None:
    assert place_of(name) == place


@pytest.fixture(scope="module")
def trained(
    llama_folder: Path, toy_tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run whose second checkpoint differs in one tensor, and whose third differs everywhere."""
    run = full_run(tmp_path_factory.mktemp("weights") / "run")
    model = AutoModelForCausalLM.from_pretrained(llama_folder, dtype=torch.float32)
    torch.manual_seed(1)
    for step in (0, 4, 9):
        with torch.no_grad():
            for name, tensor in model.named_parameters():
                if step == 9 or (step == 4 and name == PLANTED):
                    tensor.add_(torch.randn_like(tensor) * 0.01)
        save_checkpoint(run / "checkpoints" / f"step_{step:06d}", model, toy_tokenizer, {"step": step})
    return run


def test_norms_are_those_of_plain_loops_over_the_whole_models(trained: Path) -> None:
    folders = saved_checkpoints(trained)
    models = [AutoModelForCausalLM.from_pretrained(f, dtype=torch.float32).state_dict() for f in folders.values()]
    series = read_series(folders)
    assert series.steps == (0, 4, 9) and not series.left_out
    assert len({(cell.layer, cell.module) for cell in series.cells}) == len(series.cells)
    for cell in series.cells:
        names = [name for name in models[0] if place_of(name) == (cell.layer, cell.module)]
        start = math.fsum(x * x for name in names for x in models[0][name].flatten().tolist())
        assert cell.parameters == sum(models[0][name].numel() for name in names)
        assert cell.start == pytest.approx(math.sqrt(start), rel=1e-9)
        for index, later in enumerate(models):
            pairs = ((later[n] - models[0][n]).flatten().tolist() for n in names)
            moved = math.sqrt(math.fsum(x * x for values in pairs for x in values))
            assert cell.updates[index] == pytest.approx(moved, rel=1e-9)
            assert pooled([cell], index) == pytest.approx(moved / math.sqrt(start), rel=1e-9)
    whole = math.sqrt(sum(c.updates[2] ** 2 for c in series.cells)) / math.sqrt(sum(c.start**2 for c in series.cells))
    assert pooled(series.cells, 2) == pytest.approx(whole)


def test_a_planted_change_is_found_in_its_cell_and_nowhere_else(trained: Path) -> None:
    series = read_series(saved_checkpoints(trained))
    moved = [(cell.layer, cell.module) for cell in series.cells if cell.updates[1] > 0]
    assert moved == [(1, "attention v")]
    assert all(cell.updates[0] == 0 for cell in series.cells)


def test_a_tied_head_is_counted_once_under_the_embedding(
    gpt2_folder: Path, toy_tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    model = AutoModelForCausalLM.from_pretrained(gpt2_folder)
    for step in (0, 1):
        save_checkpoint(tmp_path / "checkpoints" / f"step_{step:06d}", model, toy_tokenizer, {})
    cells = read_series(saved_checkpoints(tmp_path)).cells
    assert sum(cell.parameters for cell in cells) == model.num_parameters()
    assert "head" not in {cell.module for cell in cells}


def test_the_report_shows_where_the_change_was_and_keeps_its_figures(trained: Path) -> None:
    page = write_report(trained).read_text()
    assert 'id="weights"' in page and "from step 0 to step 9" in page and "layer 2" in page
    kept = json.loads((trained / "figures" / "weights.json").read_text())
    assert kept["steps"] == [0, 4, 9] and len(kept["cells"]) == len(read_series(saved_checkpoints(trained)).cells)
    before = (trained / "figures" / "weights.json").stat().st_mtime_ns
    again = weights_chapter(trained, trained / "figures")
    assert again is not None and again.picture.wide in page, "what was kept draws the same figure"
    assert (trained / "figures" / "weights.json").stat().st_mtime_ns == before


def test_a_broken_checkpoint_is_left_out_and_named_and_one_alone_has_no_chapter(
    trained: Path, llama_folder: Path, toy_tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    model = AutoModelForCausalLM.from_pretrained(llama_folder)
    for step in (0, 2, 5):
        save_checkpoint(run / "checkpoints" / f"step_{step:06d}", model, toy_tokenizer, {})
    weights = run / "checkpoints" / "step_000002" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    series = read_series(saved_checkpoints(run))
    assert series.steps == (0, 5) and "sha256 differs" in series.left_out[2]
    chapter = weights_chapter(run, tmp_path)
    assert chapter is not None and "no weight has changed" in chapter.look and "step 2 is left out" in chapter.note
    for step in (2, 5):
        (run / "checkpoints" / f"step_{step:06d}").rename(run / f"away_{step}")
    assert weights_chapter(run, tmp_path) is None
