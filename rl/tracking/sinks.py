"""Where a run's figures go: the record in its directory, and whatever mirrors it."""

from __future__ import annotations

from pathlib import Path

from rl.config.plain import config_to_dict
from rl.config.schema import Config
from rl.files.secrets import redact
from rl.tracking.record import JsonlSink, RolloutSink, Sink, Tracker, TranscriptSink
from rl.tracking.tensorboard_sink import TensorboardSink
from rl.tracking.wandb_sink import WandbSettings, WandbSink


def tracker(config: Config, run_dir: Path) -> Tracker:
    """Return the tracker of a configuration: its record and the mirrors of it."""
    record: list[Sink] = [JsonlSink(run_dir / "metrics.jsonl"), TranscriptSink(run_dir / "transcripts")]
    if config.tracking.rollouts:
        record.append(RolloutSink(run_dir / "rollouts"))
    return Tracker([*record, *make_mirrors(config, run_dir)])


def make_mirrors(config: Config, run_dir: Path) -> list[Sink]:
    """Return the sinks that copy the record to wandb or TensorBoard; none where tracking is disabled."""
    if config.tracking.mode == "disabled":
        return []
    if config.tracking.mode == "tensorboard":
        return [TensorboardSink(run_dir, config_to_dict(config))]
    told = redact(config_to_dict(config))
    settings = WandbSettings(
        mode=config.tracking.mode,
        project=told["tracking"]["project"],
        group=told["tracking"]["group"] or told["name"],
        job_type="train",
        tags=tuple(told["tracking"]["tags"]),
        artifacts=config.tracking.artifacts,
    )
    return [WandbSink(run_dir, settings, config_to_dict(config))]
