"""One run, from scenario to report: each line of `run` is a stage of the flow."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from transformers import set_seed

from rl.algo.grpo import FreeTierTrainer
from rl.command.interrupts import termination_interrupts
from rl.command.quiet import quiet
from rl.command.ranks import agreed
from rl.config.plain import config_yaml
from rl.config.schema import Config
from rl.errors import ConfigError
from rl.files.atomic import replace_text
from rl.files.disk import disk_errors
from rl.files.lock import held
from rl.organism.load import load_organism
from rl.probe.monitor import probe_watch
from rl.report import write_report
from rl.run.evaluation import Evaluator
from rl.run.identity import differences, identity_of, stored_if_readable
from rl.run.manifest import Manifest
from rl.run.parts import parts_of, trainer_of
from rl.run.resume import rewind, step_of
from rl.run.watch import Outlets, Watcher
from rl.scenario.request_file import keep_requests, kept_in
from rl.tracking.progress import Progress
from rl.tracking.sinks import tracker


def run(config: Config, run_dir: Path) -> Path:
    """Train, watch and report; the path of the report.

    A run directory that holds a resumable state is continued from it.

    Raises:
        GoalguardError: for what the user can mend: a full disk, or another process in the same directory, among others.
        KeyboardInterrupt: on Ctrl-C or SIGTERM; the manifest then says `interrupted` and everything stays readable.
    """
    quiet()
    with disk_errors(run_dir), held(run_dir):
        return _run(config, run_dir)


def _run(config: Config, run_dir: Path) -> Path:
    identity = begin(config, run_dir)
    checkpoint = agreed(rewind(run_dir))
    with (
        termination_interrupts(),
        Manifest(run_dir, {"run": config.seed, "monitors": config.monitors.seed}) as manifest,
        tracker(config, run_dir) as curves,
        Progress(config.algo.steps) as progress,
    ):
        with manifest.stage("organism"):
            organism = load_organism(config.organism)
            manifest.set_parent(organism.digest)
        parts = parts_of(on_kept_requests(config, run_dir), organism)
        manifest.set_requests(parts.setting.requests)
        evaluator = Evaluator(
            parts.setting, parts.sampler, parts.reward, parts.panel, config.monitors, parts.interrogator
        )
        probe = probe_watch(config.monitors, run_dir, parts.sampler, parts.setting, parts.panel)
        watcher = Watcher(config, evaluator, parts.panel, Outlets(run_dir, curves, progress, identity), probe)
        trainer = trainer_of(config, run_dir, parts, watcher)
        with manifest.stage("rl"):
            learn(trainer, checkpoint, over=watcher.over(step_of(checkpoint)))
        manifest.conclude()
        with manifest.stage("report"):
            report = write_report(run_dir)
            curves.log_figures(sorted((run_dir / "figures").glob("*.png")))
    return report


def follow(config: Config, run_dir: Path) -> None:
    """The same run in a process beside the first: rollouts and gradients, and nothing written."""
    quiet()
    fix(config)
    checkpoint = agreed(None)
    parts = parts_of(on_kept_requests(config, run_dir), load_organism(config.organism))
    learn(trainer_of(config, run_dir, parts, None), checkpoint, over=False)


def learn(trainer: FreeTierTrainer, checkpoint: Path | None, *, over: bool) -> None:
    """Train, unless the first process says that training is over: the trainer would make one step too many."""
    if not agreed(over):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


def fix(config: Config) -> None:
    """Fix the randomness and the threads."""
    set_seed(config.seed)
    torch.set_num_threads(config.threads)


def begin(config: Config, run_dir: Path) -> str:
    """Fix the randomness and the threads, write `config.yaml`, keep the requests; the hash of the configuration."""
    fix(config)
    run_dir.mkdir(parents=True, exist_ok=True)
    refuse_another(config, run_dir)
    keep_requests(config.scenario.requests, run_dir)
    replace_text(run_dir / "config.yaml", config_yaml(config))
    return identity_of(on_kept_requests(config, run_dir))


def refuse_another(config: Config, run_dir: Path) -> None:
    """Raise where a directory holds a run of another configuration, which this one would go on as."""
    path = run_dir / "config.yaml"
    there = stored_if_readable(path) if path.exists() else None
    if there is not None and (changed := differences(there, config)):
        raise ConfigError(
            [f"{run_dir} holds a run of another configuration: {'; '.join(changed)}; choose another folder"]
        )


def on_kept_requests(config: Config, run_dir: Path) -> Config:
    """The configuration with the run's copy in place of a file of requests, whatever becomes of that file."""
    if config.scenario.requests is None:
        return config
    kept = copy.deepcopy(config)
    kept.scenario.requests = kept_in(run_dir, config.scenario.requests)
    return kept
