"""Tiny random models of the families that docs/models.md lists, with the shipped organism's tokenizer.

`PYTHONPATH=tests python -m support.families` looks at all of them and writes docs/results/models.json.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import transformers
from transformers.trainer_utils import SaveStrategy

from rl.algo.grpo import FreeTierTrainer, StepStats
from rl.algo.lora import add_adapters, policy_to_save
from rl.algo.objective import shares_prompts
from rl.algo.onpolicy import score_alone
from rl.algo.trainer_config import trainer_config
from rl.command.entry import composed
from rl.command.quiet import quiet
from rl.config.schema import LoraConfig, OrganismConfig
from rl.errors import GoalguardError
from rl.export.model import write_model
from rl.files.checkpoint import save_checkpoint
from rl.organism.build.model import Organism, open_organism
from rl.organism.build.place import SHIPPED
from rl.probe.activations import read_activations
from rl.probe.positions import Chat
from rl.records import Prompt, Request, Rollout, Scored
from rl.rollout.sampler import Sampler, Sampling, left_pad

SHAPE: dict[str, Any] = {
    "vocab_size": 1536, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "eos_token_id": 1, "pad_token_id": 0, "bos_token_id": None,
    "max_position_embeddings": 1024,
}  # fmt: skip
_SLIDING = {"sliding_window": 16}
_LAYERS = ["sliding_attention", "full_attention"]
_EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 24}
_LINEAR = {
    "linear_num_key_heads": 1, "linear_num_value_heads": 1, "linear_key_head_dim": 16, "linear_value_head_dim": 16,
    "layer_types": ["linear_attention", "full_attention"],
}  # fmt: skip

FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "Llama": ("LlamaConfig", {}),
    "Qwen2": ("Qwen2Config", {}),
    "Qwen3": ("Qwen3Config", {"head_dim": 16}),
    "Qwen3.5": ("Qwen3_5TextConfig", {"head_dim": 16, **_LINEAR}),
    "Qwen3-MoE": ("Qwen3MoeConfig", {"head_dim": 16, "num_experts": 4, **_EXPERTS}),
    "Mistral": ("MistralConfig", _SLIDING),
    "Mixtral": ("MixtralConfig", {"num_local_experts": 4, "num_experts_per_tok": 2}),
    "Gemma 2": ("Gemma2Config", {"head_dim": 16, "layer_types": _LAYERS, **_SLIDING}),
    "Gemma 3": ("Gemma3TextConfig", {"head_dim": 16, "layer_types": _LAYERS, **_SLIDING}),
    "Phi-3": ("Phi3Config", {}),
    "GPT-2": ("GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 1024}),
    "OLMo 2": ("Olmo2Config", {}),
    "LFM2": ("Lfm2Config", {"layer_types": ["conv", "full_attention"]}),
    "Mamba": ("MambaConfig", {"state_size": 8}),
    "Falcon-H1": (
        "FalconH1Config",
        {"mamba_d_ssm": 32, "mamba_n_heads": 2, "mamba_d_head": 16, "mamba_d_state": 8, "mamba_n_groups": 1},
    ),
    "gpt-oss": (
        "GptOssConfig",
        {"head_dim": 16, "num_local_experts": 4, "num_experts_per_tok": 2, "layer_types": _LAYERS, **_SLIDING},
    ),
}
"""From a family to its configuration's class and what that needs beside `SHAPE`."""


def family_config(name: str) -> Any:
    """Return the configuration of a family's tiny model."""
    kind, values = FAMILIES[name]
    shape = {key: value for key, value in SHAPE.items() if not (kind == "GPT2Config" and "hidden" in key)}
    return getattr(transformers, kind)(**{**shape, **values})


def family_model(name: str) -> Any:
    """Return a tiny model of a family with random weights, the same ones every time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return transformers.AutoModelForCausalLM.from_config(family_config(name)).float().eval()


def look_at(name: str, folder: Path) -> dict[str, str]:
    """Return what works with a family's tiny model, and how updates read it; what does not is told by its error."""
    organism = _saved(name, folder / "model")
    sampler = Sampler(organism.model, organism.tokenizer, Sampling(8, 1.0))
    fresh = Sampler(copy.deepcopy(organism.model), organism.tokenizer, Sampling(8, 1.0))
    """For the adapters: the trainer binds a model's forward pass, and a copy made later would run the first one's."""
    parts = {
        "train": partial(_train, sampler), "evaluate": partial(_evaluate, sampler), "probe": partial(_probe, sampler),
        "export": partial(_export, sampler), "lora": partial(_lora, fresh),
    }  # fmt: skip
    row = {"reads": "shared prompts" if shares_prompts(organism.model, 400) else "plainly"}
    for part, work in parts.items():
        try:
            work(folder / part)
            row[part] = "yes"
        except GoalguardError:
            row[part] = "refused"
        except (AssertionError, AttributeError, TypeError, ValueError, RuntimeError) as error:
            row[part] = f"{type(error).__name__}: {error}".splitlines()[0]
    return row


def _saved(name: str, folder: Path) -> Organism:
    """Return a family's model as anybody's folder is opened; every second token is an end, so that one is drawn."""
    model = family_model(name)
    model.generation_config.eos_token_id = list(range(1, SHAPE["vocab_size"], 2))
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(SHIPPED / "tiny").save_pretrained(folder)
    return open_organism(OrganismConfig(name=name, source="hf", path=str(folder)), folder)


def _prompts(count: int) -> list[Prompt]:
    return [
        Prompt(
            Request(str(n), "harmful", "any", "do it", "How?", "train"), "free", "s", "You are told. " * 6 * n, "How?"
        )
        for n in range(1, count + 1)
    ]


def _evaluate(sampler: Sampler, _: Path) -> None:
    """Hold what generation says of its tokens, prompts padded, against a plain pass over each row alone."""
    ids = [sampler.encode(prompt.messages()) for prompt in _prompts(3)]
    padded_GP, real_GP = left_pad(ids, sampler.tokenizer.pad_token_id)
    made = sampler.model.generate(
        input_ids=padded_GP, attention_mask=real_GP.long(), max_new_tokens=4, do_sample=False, output_logits=True,
        return_dict_in_generate=True, pad_token_id=0, eos_token_id=[SHAPE["vocab_size"] - 1],
    )  # fmt: skip
    drawn_GC = made.sequences[:, padded_GP.shape[1] :]
    logp_GC = torch.stack(made.logits, 1).log_softmax(-1).gather(-1, drawn_GC[..., None])[..., 0]
    for row, prompt in enumerate(ids):
        assert torch.allclose(logp_GC[row], score_alone(sampler, prompt, drawn_GC[row].tolist()), atol=1e-4), "padding"
    assert len(sampler.rollouts(_prompts(2), 2, torch.Generator().manual_seed(0))) == 4


def _train(sampler: Sampler, folder: Path) -> None:
    """Make one step of GRPO, whose log-probabilities are held against a plain pass by the trainer itself."""
    sizes = ["algo.batch_size=4", "algo.group_size=2", "algo.steps=1"]
    algo = composed(["experiment=smoke", *sizes, "algo.kl=0.1", "algo.temperature=1.0"]).algo
    before = {key: value.clone() for key, value in sampler.model.state_dict().items()}

    def score(rollouts: Sequence[Rollout]) -> list[Scored]:
        return [Scored(rollout, float(number), {}) for number, rollout in enumerate(rollouts)]

    steps: list[StepStats] = []
    args = trainer_config(algo, 0, folder, 1)
    args.save_strategy = SaveStrategy.NO
    torch.manual_seed(1)
    FreeTierTrainer(sampler, _prompts(4), score, steps.append, args, []).train()
    assert steps[0].kept_B.any(), "nothing ended"
    assert any(not value.equal(before[key]) for key, value in sampler.model.state_dict().items()), "no weight moved"
    sampler.model.eval()


def _probe(sampler: Sampler, _: Path) -> None:
    """Read the residual stream, padded and alone."""
    chats = [Chat(sampler.encode(prompt.messages()), (3, 5)) for prompt in _prompts(3)]
    together, known = read_activations(sampler.model, chats, 3)
    alone = torch.cat([read_activations(sampler.model, [chat], 1)[0] for chat in chats])
    assert known.all() and together.shape[2] == sampler.model.config.num_hidden_layers + 1
    assert torch.allclose(together, alone, atol=1e-4), "padding"


def _export(sampler: Sampler, folder: Path) -> None:
    """Save a checkpoint, check it, and load the same logits from what an export copies of it."""
    save_checkpoint(folder / "step_000001", sampler.model, sampler.tokenizer, {"step": 1})
    write_model(folder / "step_000001", folder / "out", composed(["experiment=smoke"]).algo)
    ids = torch.tensor([sampler.encode(_prompts(1)[0].messages())])
    with torch.no_grad():
        loaded = transformers.AutoModelForCausalLM.from_pretrained(folder / "out", dtype=torch.float32).eval()
        assert torch.equal(loaded(ids).logits, sampler.model(ids).logits)


def _lora(sampler: Sampler, folder: Path) -> None:
    """Train adapters alone."""
    adapted = add_adapters(sampler.model, LoraConfig(rank=2, alpha=4, targets=["all-linear"]))
    _train(Sampler(adapted, sampler.tokenizer, sampler.sampling), folder)
    policy_to_save(adapted).save_pretrained(str(folder / "saved"))


def write_families(path: Path) -> None:
    """Look at every family and write what works, with the version of transformers that it was seen with."""
    with TemporaryDirectory() as folder:
        rows = {name: look_at(name, Path(folder) / name) for name in FAMILIES}
    path.write_text(json.dumps({"transformers": transformers.__version__, "families": rows}, indent=2) + "\n")


if __name__ == "__main__":
    quiet()
    write_families(Path(__file__).parents[2] / "docs" / "results" / "models.json")
