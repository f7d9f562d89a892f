"""One run, from scenario to report: each line of `run` is a stage of the flow."""

from __future__ import annotations

from pathlib import Path

import torch
from omegaconf import OmegaConf
from transformers import set_seed

from rl.atomic import replace_text
from rl.checkpoint import latest_resume
from rl.evaluation import Evaluator
from rl.grpo import FreeTierTrainer, trainer_config
from rl.identity import as_dict, identity_of
from rl.interrupts import termination_interrupts
from rl.manifest import Manifest
from rl.mitigation import mitigation_from
from rl.organism.load import load_organism
from rl.panels import panel_from
from rl.ppo.trainer import PpoTrainer
from rl.progress import Progress
from rl.quiet import quiet
from rl.rater import reward_from
from rl.report import write_report
from rl.rollout import Sampler, Sampling
from rl.scenario.requests import select
from rl.scenario.settings import setting_from
from rl.schema import Config
from rl.tracking import JsonlSink, Tracker, TranscriptSink, truncate_after
from rl.wandb_sink import WandbSettings, WandbSink
from rl.watch import Outlets, Watcher


def run(config: Config, run_dir: Path) -> Path:
    """Train, watch and report; the path of the report.

    A run directory that holds a resumable state is continued from it.

    Raises:
        GoalguardError: for what the user can mend.
        KeyboardInterrupt: on Ctrl-C or SIGTERM; the manifest then says `interrupted` and everything stays readable.
    """
    quiet()
    identity = begin(config, run_dir)
    checkpoint = rewind(run_dir)
    with (
        termination_interrupts(),
        Manifest(run_dir, {"run": config.seed, "monitors": config.monitors.seed}) as manifest,
        tracker(config, run_dir) as curves,
        Progress(config.algo.steps) as progress,
    ):
        with manifest.stage("organism"):
            organism = load_organism(config.organism)
            manifest.set_parent(organism.digest)
        sampling = Sampling(config.algo.max_completion_tokens, config.algo.temperature)
        sampler = Sampler(organism.model, organism.tokenizer, sampling)
        setting, panel = setting_from(config.scenario), panel_from(config.monitors)
        mitigation = mitigation_from(config, panel)
        reward = reward_from(config.reward, mitigation.terms)
        evaluator = Evaluator(setting, sampler, reward, panel, config.monitors)
        watcher = Watcher(config, evaluator, panel, Outlets(run_dir, curves, progress, identity))
        args = trainer_config(config.algo, config.seed, run_dir / "resume", config.tracking.checkpoint_every)
        told, score = mitigation.told(setting), mitigation.marking(reward.score)
        prompts = [told.prompt(request, "free") for request in select("harmful", ("train",))]
        kind = PpoTrainer if config.algo.name == "ppo" else FreeTierTrainer
        trainer = kind(sampler, prompts, score, watcher.observe, args, [watcher])
        with manifest.stage("rl"):
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        manifest.conclude()
        with manifest.stage("report"):
            report = write_report(run_dir)
            curves.log_figures(sorted((run_dir / "figures").glob("*.png")))
    return report


def begin(config: Config, run_dir: Path) -> str:
    """Fix the randomness and the threads, write `config.yaml`; the hash of the configuration."""
    set_seed(config.seed)
    torch.set_num_threads(config.threads)
    run_dir.mkdir(parents=True, exist_ok=True)
    replace_text(run_dir / "config.yaml", OmegaConf.to_yaml(config, resolve=True))
    return identity_of(config)


def rewind(run_dir: Path) -> Path | None:
    """Take the record back to the newest complete resumable state, and return that state; None where there is none."""
    checkpoint = latest_resume(run_dir / "resume")
    metrics = run_dir / "metrics.jsonl"
    if checkpoint is None:
        metrics.unlink(missing_ok=True)
        return None
    step = int(checkpoint.name.rsplit("-", 1)[1])
    truncate_after(metrics, step)
    for path in (run_dir / "transcripts").glob("step_*.jsonl"):
        if int(path.stem.split("_")[1]) > step:
            path.unlink()
    return checkpoint


def tracker(config: Config, run_dir: Path) -> Tracker:
    """The sinks a configuration asks for."""
    settings = WandbSettings(
        mode=config.tracking.mode,
        project=config.tracking.project,
        group=config.tracking.group or config.name,
        job_type="train",
        tags=tuple(config.tracking.tags),
    )
    wandb = WandbSink(run_dir, settings, as_dict(config))
    return Tracker([JsonlSink(run_dir / "metrics.jsonl"), TranscriptSink(run_dir / "transcripts"), wandb])
