"""One step in as many processes as torchrun starts; what each of them saw goes to files in a folder.

torchrun --nproc_per_node 2 tests/support/two_processes.py OVERRIDES.json FOLDER
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from test_grpo import gradient_of
from torch import Tensor

from rl.command import ranks
from rl.command.quiet import quiet
from support.toy_training import Trained, toy_training


def main(overrides: list[str], folder: Path) -> None:
    """Train a step, and derive its gradient again from the rollouts of all processes."""
    quiet()
    said = ranks.agreed(f"by {os.environ['RANK']}")
    made = toy_training(overrides, folder / "resume", [])
    made.trainer.train()
    weights = {name: p.detach().clone() for name, p in made.sampler.model.named_parameters()}
    made.sampler.model.load_state_dict(made.gradients.weights[0], strict=False)
    mine = made.steps[0]
    own = [completion for _, completion in made.drawn]
    drawn = ranks.of_all(made.drawn)
    advantages = torch.tensor(mine.advantages_B.tolist())
    logps = [logp for number in range(ranks.count()) for logp in _logps(made, drawn, number)]
    kept = [bool(keep) for keep in mine.kept_B]
    tokens = sum(len(logp) for logp, keep in zip(logps, kept, strict=True) if keep)
    loss = -sum(a * logp.sum() for a, logp, keep in zip(advantages, logps, kept, strict=True) if keep) / tokens
    rank = os.environ["RANK"]
    save_file(gradient_of(made.sampler.model, loss), folder / f"plain_{rank}.safetensors")
    save_file(made.gradients.seen[0], folder / f"ours_{rank}.safetensors")
    save_file(weights, folder / f"weights_{rank}.safetensors")
    facts = {
        "world": torch.distributed.get_world_size(),
        "said": said,
        "own": own,
        "all": [completion for _, completion in drawn],
        "scored": [scored.rollout.completion for scored in mine.scored],
        "kept": kept,
    }
    (folder / f"facts_{rank}.json").write_text(json.dumps(facts))


def _logps(made: Trained, drawn: list[tuple[list[int], list[int]]], number: int) -> list[Tensor]:
    """Log-probabilities of what one of the processes drew."""
    size = len(drawn) // ranks.count()
    made.trainer.drawn = drawn[number * size : (number + 1) * size]  # type: ignore[attr-defined]
    return made.logps()


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
