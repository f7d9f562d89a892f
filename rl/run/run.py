"""One run, from scenario to report: each line of `_run` is a stage of the flow.

What a stage needs is loaded when it begins, so that a command that only checks a configuration does not wait for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rl.command.interrupts import termination_interrupts
from rl.command.quiet import quiet
from rl.command.ranks import agreed
from rl.config.schema import Config
from rl.files.disk import disk_errors
from rl.files.lock import held
from rl.run.manifest import Manifest
from rl.run.plan import RunPlan, begin_run, resolve_plan
from rl.tracking.progress import RunProgress

if TYPE_CHECKING:
    from rl.algo.grpo import FreeTierTrainer


def run(config: Config, run_dir: Path) -> Path:
    """Train, watch and report; return the path of the report.

    A run directory that holds a resumable state is continued from it.

    Raises:
        GoalguardError: for what the user can mend: a full disk, or another process in the same directory, among others.
        KeyboardInterrupt: on Ctrl-C or SIGTERM; the manifest then says `interrupted` and everything stays readable.
    """
    quiet()
    with disk_errors(run_dir), held(run_dir):
        return _run(begin_run(config, run_dir))


def _run(plan: RunPlan) -> Path:
    from rl.organism.load import load_organism
    from rl.probe.monitor import probe_watch
    from rl.run.evaluation import Evaluator
    from rl.run.parts import make_parts, make_trainer
    from rl.run.resume import rewind, step_of
    from rl.run.watch import Outlets, Watcher
    from rl.tracking.sinks import tracker

    config, run_dir = plan.config, plan.run_dir
    fix_randomness(config)
    checkpoint = agreed(rewind(run_dir))
    with (
        termination_interrupts(),
        Manifest(run_dir, {"run": config.seed, "monitors": config.monitors.seed}) as manifest,
        tracker(config, run_dir) as curves,
        RunProgress(config.algo.steps) as progress,
    ):
        with manifest.stage("organism"):
            organism = load_organism(config.organism)
            manifest.set_parent(organism.digest)
        manifest.set_requests(plan.requests)
        parts = make_parts(config, organism)
        evaluator = Evaluator(
            parts.setting, parts.sampler, parts.reward, parts.panel, config.monitors, parts.interrogator
        )
        probe = probe_watch(config.monitors, run_dir, parts.sampler, parts.setting, parts.panel)
        watcher = Watcher(plan, evaluator, parts.panel, Outlets(curves, progress), probe)
        trainer = make_trainer(plan, parts, watcher)
        with manifest.stage("rl"):
            learn(trainer, checkpoint, over=watcher.over(step_of(checkpoint)))
        manifest.conclude()
        with manifest.stage("report"):
            from rl.report import write_report

            report = write_report(run_dir)
            curves.log_figures(sorted((run_dir / "figures").glob("*.png")))
    return report


def follow(config: Config, run_dir: Path) -> None:
    """Take part in a run beside its first process: rollouts and gradients, and nothing written."""
    from rl.organism.load import load_organism
    from rl.run.parts import make_parts, make_trainer

    quiet()
    fix_randomness(config)
    checkpoint = agreed(None)
    plan = resolve_plan(config, run_dir)
    parts = make_parts(plan.config, load_organism(config.organism))
    learn(make_trainer(plan, parts, None), checkpoint, over=False)


def learn(trainer: FreeTierTrainer, checkpoint: Path | None, *, over: bool) -> None:
    """Train, unless the first process says that training is over: the trainer would make one step too many."""
    if not agreed(over):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


def fix_randomness(config: Config) -> None:
    """Fix the seeds of every generator and the number of threads."""
    import torch
    from transformers import set_seed

    set_seed(config.seed)
    torch.set_num_threads(config.threads)
