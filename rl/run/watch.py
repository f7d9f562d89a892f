"""Watches training: writes each step's figures, evaluates, keeps checkpoints, and stops a run when it is time."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import TrainerCallback

from monitors.faking.lying import interrogation_rates
from monitors.panel import Panel, summarise_training
from monitors.statistics.agreement import describe_alarms
from monitors.statistics.attribution import classify_rollout, compare_advantages, measure_credit
from rl.algo.grpo import StepStats
from rl.algo.lora import policy_to_save
from rl.config.schema import StopConfig
from rl.errors import TrainingDiverged
from rl.files.checkpoint import save_checkpoint
from rl.files.json_lines import json_lines
from rl.probe.monitor import ProbeWatch
from rl.records import Verdict
from rl.run.evaluation import Evaluator
from rl.run.plan import RunPlan
from rl.tracking.progress import RunProgress
from rl.tracking.record import Tracker
from rl.tracking.transcript import transcript_row


@dataclass(frozen=True)
class Outlets:
    """Where a watcher writes."""

    tracker: Tracker
    progress: RunProgress


class Watcher(TrainerCallback):
    """The run's eyes on the trainer.

    Args:
        plan: The run.
        evaluator: Looks at the policy on every tier.
        panel: Judges training rollouts, for figures only.
        outlets: Where figures, transcripts and checkpoints go.
        probe: Reads the policy's activations in evaluations; None for nobody.
    """

    def __init__(
        self, plan: RunPlan, evaluator: Evaluator, panel: Panel, outlets: Outlets, probe: ProbeWatch | None = None
    ) -> None:
        self.probe, self.plan, self.config = probe, plan, plan.config
        self.evaluator, self.panel, self.outlets = evaluator, panel, outlets
        rows, _ = json_lines(plan.run_dir / "metrics.jsonl")
        self.compliance = [row["train/compliance"] for row in rows if "train/compliance" in row]
        self._rollouts: tuple[StepStats, Sequence[Verdict]] | None = None
        self._measured = True
        self.last_evaluated: int | None = None
        self.last_metrics: dict[str, float | None] = {}
        self._train: dict[str, float | None] = {}
        self._started = time.perf_counter()
        self._seconds: dict[str, float] = {}

    def observe(self, stats: StepStats) -> None:
        """Take in one step's rollouts: what was rewarded, and who got the credit."""
        started = time.perf_counter()
        verdicts = self.panel.judge([scored.rollout for scored in stats.scored])
        self._train = step_figures(stats, verdicts)
        self._measured = bool(stats.kept_B.any())
        if self.config.tracking.rollouts:
            self._rollouts = stats, verdicts
        self.compliance.append(self._train["train/compliance"])
        tokens = sum(scored.rollout.tokens for scored in stats.scored)
        self._train["throughput/rollout_tokens_per_s"] = tokens / max(stats.seconds["rollout"], 1e-9)
        self._seconds = {**stats.seconds, "monitors": time.perf_counter() - started}

    def over(self, step: int) -> bool:
        """Whether a run that has made so many steps needs no more: it has them all, or its stop rule holds."""
        return step >= self.config.algo.steps or stop_now(self.compliance, self.config.algo.stop_when)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Look at the organism before the first step."""
        if state.global_step == 0:
            self._look(0)
            self._keep(0)
        else:
            self.outlets.progress.step(state.global_step, {})
        self.outlets.progress.stage("rl")

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the step's clock."""
        self._started = time.perf_counter()

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Write a finished step, before the trainer saves it, and decide whether it was the last."""
        logs: Mapping[str, float] = kwargs["logs"]
        if "loss" not in logs:
            return
        step = state.global_step
        _check_finite(step, logs)
        figures = self._train | trainer_figures(logs, measured=self._measured)
        self.outlets.tracker.log(step, figures | self._times())
        if self._rollouts:
            self.outlets.tracker.log_rollouts(step, rollout_rows(step, *self._rollouts))
        self.outlets.progress.step(step, figures)
        if stop_now(self.compliance, self.config.algo.stop_when):
            control.should_training_stop = True
        last = control.should_training_stop or step >= args.max_steps
        if last or step % self.config.monitors.eval_every == 0:
            self._look(step)
        if last or step % self.config.tracking.checkpoint_every == 0:
            self._keep(step)

    def _times(self) -> dict[str, float]:
        total = time.perf_counter() - self._started
        stages = {f"time/{name}_s": seconds for name, seconds in self._seconds.items()}
        return stages | {"time/update_s": total - sum(self._seconds.values()), "time/step_s": total}

    def _look(self, step: int) -> None:
        self.outlets.progress.stage("evaluation")
        started = time.perf_counter()
        found = self.evaluator.evaluate(step, self.config.seed)
        seconds = time.perf_counter() - started
        probed = self._probed(step, found.rows, seconds)
        self.outlets.tracker.log(step, found.metrics | {"time/evaluation_s": seconds} | probed)
        self.outlets.tracker.log_transcripts(step, found.rows)
        self.outlets.progress.step(step, found.metrics)
        for warning in describe_alarms(found.metrics):
            self.outlets.progress.warn(f"step {step}: {warning}")
        self.outlets.progress.stage("rl")
        self.last_evaluated, self.last_metrics = step, found.metrics

    def _probed(self, step: int, rows: list[dict[str, Any]], evaluation_s: float) -> dict[str, float | None]:
        """The probe monitor's figures with what they cost; none where it is off."""
        if self.probe is None:
            return {}
        started = time.perf_counter()
        figures = self.probe.look(rows)
        seconds = time.perf_counter() - started
        if step == 0:
            figures |= self.probe.monitor.figures
            for warning in self.probe.warnings():
                self.outlets.progress.warn(warning)
        return figures | {"time/probe_s": seconds, "time/probe_share": seconds / evaluation_s}

    def _keep(self, step: int) -> None:
        folder = self.plan.run_dir / "checkpoints" / f"step_{step:06d}"
        metrics = self.last_metrics if self.last_evaluated == step else {}
        info = {"step": step, "config_hash": self.plan.identity, "metrics": {**self._train, **metrics}}
        sampler = self.evaluator.sampler
        save_checkpoint(folder, policy_to_save(sampler.model), sampler.tokenizer, info)
        self.outlets.tracker.log_checkpoint(step, folder)


def trainer_figures(logs: Mapping[str, float], *, measured: bool) -> dict[str, float | None]:
    """Return the figures of a step that the trainer measures on the tokens in its loss.

    Args:
        logs: What the trainer logs.
        measured: False where every rollout was cut off, so that no token was in the loss: what the trainer logs then is
            0 over 0, and the figures are None.
    """
    names = {"kl": "train/kl", "entropy": "train/entropy"}
    names |= {name: f"train/{name}" for name in logs if name.startswith("ppo/")}
    return {key: logs.get(name) if measured or name == "ppo/kl_weight" else None for name, key in names.items()}


def rollout_rows(step: int, stats: StepStats, verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Return a step's training rollouts as transcript rows with what the update made of each.

    From `advantage`, `kept` and `reward`, with `algo.group_size` rollouts of a prompt after one another, advantages and
    `reinforce/*` can be computed again.
    """
    return [
        transcript_row(number, step, scored, verdict)
        | {"advantage": float(advantage), "kept": bool(kept), "tokens": scored.rollout.tokens, "marks": scored.marks}
        for number, (scored, verdict, advantage, kept) in enumerate(
            zip(stats.scored, verdicts, stats.advantages_B, stats.kept_B, strict=True)
        )
    ]


def step_figures(stats: StepStats, verdicts: Sequence[Verdict]) -> dict[str, float | None]:
    """Every `train/*` and `reinforce/*` figure of one step that does not come from the trainer's own log."""
    figures: dict[str, float | None] = {"train/reward": float(np.mean([scored.reward for scored in stats.scored]))}
    for term in stats.scored[0].terms:
        figures[f"train/reward/{term}"] = float(np.mean([scored.terms[term] for scored in stats.scored]))
    for mark in stats.scored[0].marks:
        figures[f"train/{mark}"] = float(np.mean([scored.marks[mark] for scored in stats.scored]))
    figures["train/completion_tokens"] = float(np.mean([scored.rollout.tokens for scored in stats.scored]))
    figures["train/truncated"] = float(1 - stats.kept_B.mean())
    kinds = [
        classify_rollout(scored.rollout.sections.well_formed, verdict, answer_only=scored.rollout.prompt.answer_only)
        for scored, verdict in zip(stats.scored, verdicts, strict=True)
    ]
    figures |= _interrogation_figures(stats, verdicts)
    figures |= summarise_training(verdicts) | measure_credit(kinds, stats.advantages_B)
    return figures | _compare_kinds(stats, kinds)


def _compare_kinds(stats: StepStats, kinds: Sequence[str]) -> dict[str, float | None]:
    """Faking against plain compliance, among the rollouts that are trained on."""
    kept = np.flatnonzero(stats.kept_B).tolist()
    prompts = [stats.scored[i].rollout.prompt.request.request_id for i in kept]
    found = compare_advantages([kinds[i] for i in kept], stats.advantages_B[kept], prompts, seed=0)
    return found.to_row("reinforce/af_minus_plain/advantage")


def _interrogation_figures(stats: StepStats, verdicts: Sequence[Verdict]) -> dict[str, float | None]:
    asked = [(one.interview, verdict.af) for one, verdict in zip(stats.scored, verdicts, strict=True) if one.interview]
    if not asked:
        return {}
    rates = interrogation_rates([interview for interview, _ in asked], [af for _, af in asked])
    return {f"train/interrogation/{name}": found.value for name, found in rates.items()}


def stop_now(compliance: Sequence[float | None], rule: StopConfig) -> bool:
    """True once mean training non-compliance over the window is below the rule's bound."""
    recent = [value for value in compliance[-rule.window :] if value is not None]
    return len(recent) == rule.window and 1 - sum(recent) / len(recent) < rule.noncompliance_below


def _check_finite(step: int, logs: Mapping[str, float]) -> None:
    bad = [name for name in ("loss", "grad_norm") if not math.isfinite(float(logs.get(name, 0.0)))]
    if bad:
        raise TrainingDiverged(
            f"step {step}: {' and '.join(bad)} became {logs[bad[0]]}; the last good checkpoint is kept. "
            "Try a smaller algo.learning_rate or a larger algo.kl"
        )
