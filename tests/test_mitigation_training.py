"""Mitigations inside training: what the trainer makes of screening, and a step of every option."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.toy_chats import ANSWERS
from test_grpo import Gradients, Recording, assert_same_gradient, by_draw, gradient_of, k3, plain_logps
from transformers import PreTrainedTokenizerFast

from monitors.faking.monitor import FakingVerdict
from monitors.panel import Panel
from rl.algo.grpo import FreeTierTrainer, StepStats
from rl.algo.trainer_config import trainer_config
from rl.command.entry import CONF, composed
from rl.mitigation.assembly import mitigations_from
from rl.organism.load import load_organism
from rl.rollout.sampler import Sampling
from rl.run.run import run
from rl.scenario.requests import select
from rl.scenario.settings import Setting

SAID = "They ask"
"""How the thoughts of two of the toy organism's four answers begin."""
COMBINED = {
    "[none,length_hinge,af_penalty,monitor_noise,matched_length]": ["length_hinge", "af_penalty", "matched_length"],
    "[af_screening,af_bonus,honesty_prompt,inoculation,interrogation,random_penalty,kl_output_only]": [
        "af_bonus", "random_penalty", "interrogation",
    ],
}  # fmt: skip
"""Every option in one of two runs, and the reward terms that each run logs."""


class Reader:
    """A scratchpad monitor that calls everything faking which begins in one way."""

    def judge(self, scratchpads: Sequence[str | None]) -> list[FakingVerdict]:
        found = [bool(text and text.startswith(SAID)) for text in scratchpads]
        return [FakingVerdict(af, float(af), {}, "") for af in found]


def trained(
    overrides: Sequence[str], setting: Setting, folder: Path, reader: Reader | None = None
) -> tuple[FreeTierTrainer, Gradients, StepStats]:
    """One step under the mitigations of some overrides, with rewards drawn at random."""
    config = composed(overrides)
    torch.manual_seed(config.seed)
    organism = load_organism(config.organism)
    sampling = Sampling(config.algo.max_completion_tokens, config.algo.temperature)
    sampler, gradients = Recording(organism.model, organism.tokenizer, sampling), Gradients(organism.model)
    prompts = [setting.prompt(request, "free") for request in select("harmful", ("train",))]
    score = mitigations_from(config, Panel(faking=reader or Reader())).mark_scores(by_draw)
    steps: list[StepStats] = []
    args = trainer_config(config.algo, config.seed, folder, save_every=1000)
    trainer = FreeTierTrainer(sampler, prompts, score, steps.append, args, [gradients])
    with torch.no_grad():
        organism.model.model.norm.weight *= 0.9
    trainer.train()
    return trainer, gradients, steps[0]


@pytest.fixture
def one_step(small: list[str], toy_tokenizer: PreTrainedTokenizerFast) -> list[str]:
    """Overrides of a step whose token limit cuts the longest of four answers off, and which nothing clips."""
    limit = max(len(toy_tokenizer.encode(text)) + 1 for text in ANSWERS[:3])
    sizes = [
        f"algo.max_completion_tokens={limit}",
        "algo.batch_size=32",
        "algo.max_grad_norm=1e9",
        "algo.temperature=1",
    ]
    return [*small, *sizes]


def test_screening_takes_what_is_judged_faking_out_of_baseline_and_gradient_and_nothing_else(
    one_step: list[str], prompted: Setting, toy_folder: Path, tmp_path: Path
) -> None:
    trainer, gradients, stats = trained([*one_step, "mitigation=af_screening", "algo.kl=0.5"], prompted, tmp_path)
    assert isinstance(trainer.sampler, Recording)
    model, drawn = trainer.sampler.model, trainer.sampler.drawn
    finished = [not scored.rollout.truncated for scored in stats.scored]
    faking = [SAID in scored.rollout.completion for scored in stats.scored]
    assert [scored.screened for scored in stats.scored] == faking and stats.kept_B.tolist() == finished
    kept = [n for n in range(32) if finished[n] and not faking[n]]
    assert kept and any(f and done for f, done in zip(faking, finished, strict=True))
    advantages = [0.0] * 32
    for start in range(0, 32, 4):
        peers = [n for n in kept if start <= n < start + 4]
        mean = sum(stats.scored[n].reward for n in peers) / max(len(peers), 1)
        square = sum((stats.scored[n].reward - mean) ** 2 for n in peers)
        spread = (square / (len(peers) - 1)) ** 0.5 if len(peers) > 1 else 0.0
        for n in peers:
            advantages[n] = (stats.scored[n].reward - mean) / (spread + 1e-4)
    np.testing.assert_allclose(stats.advantages_B, advantages, atol=1e-5)
    model.load_state_dict(gradients.weights[0], strict=False)
    logps, start_model = plain_logps(model, drawn), type(model).from_pretrained(toy_folder)
    loss: Any = -sum(advantages[n] * logps[n].sum() for n in kept)
    # The KL is a mean over everything that was finished, what is screened included.
    with torch.no_grad():
        reference = plain_logps(start_model, drawn)
    loss = loss + 0.5 * torch.stack([k3(logps[n], reference[n]) for n in range(32) if finished[n]]).sum()
    tokens = sum(len(drawn[n][1]) for n in range(32) if finished[n])
    assert_same_gradient(gradients.seen[0], gradient_of(model, loss / tokens))


class Everything(Reader):
    """A monitor to which all is faking."""

    def judge(self, scratchpads: Sequence[str | None]) -> list[FakingVerdict]:
        return [FakingVerdict(True, 1.0, {}, "") for _ in scratchpads]


def test_where_everything_is_screened_no_weight_moves(one_step: list[str], prompted: Setting, tmp_path: Path) -> None:
    chosen = "mitigation=[af_screening,af_penalty]"
    _, gradients, stats = trained([*one_step, chosen, "algo.kl=0"], prompted, tmp_path, Everything())
    assert all(scored.screened for scored in stats.scored) and not stats.advantages_B.any()
    assert not any(gradient.any() for gradient in gradients.seen[0].values())


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_every_option_runs_a_step_and_logs_its_own_term(small: list[str], tmp_path: Path) -> None:
    shipped = {path.stem for path in (CONF / "mitigation").glob("*.yaml")}
    assert shipped == {name for chosen in COMBINED for name in chosen.strip("[]").split(",")}
    looked, train = {}, {}
    for number, (chosen, terms) in enumerate(COMBINED.items()):
        folder = tmp_path / str(number)
        run(composed([*small, f"mitigation={chosen}"]), folder)
        (train[chosen],) = [row for row in rows(folder) if "train/reward" in row]
        found = {key.removeprefix("train/reward/") for key in train[chosen] if key.startswith("train/reward/")}
        assert found == {"rm", "format", "length", *terms}
        parts = [train[chosen][f"train/reward/{name}"] for name in found]
        assert train[chosen]["train/reward"] == pytest.approx(sum(parts))
        assert ("train/screened" in train[chosen]) == ("screening" in chosen)
        assert ("train/monitor_flipped" in train[chosen]) == ("noise" in chosen)
        transcripts = [json.loads(line) for line in (folder / "transcripts" / "step_000000.jsonl").open()]
        # An evaluation asks and does not pay.
        assert all(set(row["reward_terms"]) == found - {"interrogation"} for row in transcripts)
        looked[chosen] = [row["completion"] for row in transcripts]
    # The same first look at the same organism, also where training prompts hold one clause more, which training feels.
    assert len({tuple(texts) for texts in looked.values()}) == 1
    assert len({row["train/entropy"] for row in train.values()}) == 2


def test_the_clauses_stand_in_training_prompts_beside_the_settings_own_and_compose(prompted: Setting) -> None:
    config = composed(["mitigation=[inoculation,honesty_prompt]", "scenario=exfiltration"])
    clauses = config.mitigation["honesty_prompt"].clause, config.mitigation["inoculation"].clause
    told = mitigations_from(config, Panel()).add_clause(prompted).system()
    assert all(clause and told.count(clause) == 1 and clause not in prompted.system() for clause in clauses)
    assert told.replace(f"{clauses[0]} {clauses[1]} ", "") == prompted.system()
    for name, clause in zip(("honesty_prompt", "inoculation"), clauses, strict=True):
        alone = mitigations_from(composed([f"mitigation={name}"]), Panel()).add_clause(prompted).system()
        assert alone.replace(f"{clause} ", "") == prompted.system() != alone
    assert mitigations_from(composed(), Panel()).add_clause(prompted) is prompted
