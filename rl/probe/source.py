"""What of a run is probed: the steps that have both a checkpoint and the transcripts that this checkpoint wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rl.config.schema import ScenarioConfig
from rl.errors import MissingFile
from rl.files.checkpoint import saved_checkpoints, verify_checkpoint
from rl.records import Prompt, Request
from rl.report.data.load import CONFIG, TRANSCRIPTS, load_run
from rl.scenario.settings import Setting, setting_from

NEEDED = ("id", "tier", "kind", "request", "request_id", "completion")
"""Fields of a transcript that a chat is made from, all of them text."""


@dataclass(frozen=True)
class Step:
    """A checkpoint and what it wrote."""

    step: int
    checkpoint: Path
    sha256: dict[str, str]
    """Of every weights file."""
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Source:
    """A run, ready to be probed."""

    path: Path
    setting: Setting
    steps: tuple[Step, ...]

    @property
    def tagged(self) -> bool:
        """Whether the run's chats say their tier, so that there is a tag to delete."""
        return self.setting.tier_tag


def read_source(run: Path) -> Source:
    """Read a run directory and check every checkpoint's weights.

    Raises:
        MissingFile: it is no run, says no scenario, has no step with both checkpoint and transcripts, or one of them
            is not whole.
    """
    data = load_run(run)
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in data.transcripts:
        rows.setdefault(row["step"], []).append(row)
    kept = saved_checkpoints(run)
    if not kept or not rows:
        without = " and ".join(
            ["checkpoint (checkpoints/step_*)"] * (not kept)
            + [f"transcripts ({TRANSCRIPTS}/step_*.jsonl)"] * (not rows)
        )
        raise MissingFile(f"{run} has no {without}: a probe reads what checkpoints wrote")
    both = sorted(kept.keys() & rows.keys())
    if not both:
        raise MissingFile(
            f"{run} has checkpoints at {_listed(kept)} and transcripts at {_listed(rows)}: no step has both"
        )
    steps = tuple(Step(step, kept[step], _hashes(kept[step]), _ordered(rows[step])) for step in both)
    return Source(run, _setting(data.config, run), steps)


def _listed(steps: Mapping[int, object]) -> str:
    return "step " + ", ".join(str(step) for step in sorted(steps))


def _hashes(folder: Path) -> dict[str, str]:
    found: dict[str, str] = verify_checkpoint(folder)["sha256"]
    return found


def _ordered(rows: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Whole transcripts, those of one request together, so that they are read together."""
    return tuple(sorted(map(_whole, rows), key=lambda row: (row["request_id"], row["tier"], row["id"])))


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    for name in NEEDED:
        if not isinstance(row.get(name), str):
            raise MissingFile(f"a transcript of step {row['step']} (id {row.get('id')!r}) has no text under {name}")
    return row


def _setting(config: Mapping[str, Any], run: Path) -> Setting:
    try:
        told = OmegaConf.merge(OmegaConf.structured(ScenarioConfig), config.get("scenario", {}))
        missing = sorted(str(key) for key in OmegaConf.missing_keys(told))
    except (OmegaConfBaseException, ValueError) as error:
        raise MissingFile(f"{run / CONFIG}: its scenario cannot be read: {error}") from error
    if missing:
        raise MissingFile(f"{run / CONFIG} says no scenario.{missing[0]}, so the chats cannot be put together again")
    return setting_from(cast(ScenarioConfig, told))


def prompt_of(row: Mapping[str, Any], setting: Setting) -> Prompt:
    """The prompt that a transcript's completion answered.

    Raises:
        MissingFile: the setting has no such tier.
    """
    if row["tier"] not in setting.tiers:
        raise MissingFile(f"transcript {row['id']}: the run's scenario has no tier {row['tier']!r}")
    request = Request(row["request_id"], row["kind"], "", "", row["request"], str(row.get("split", "")))
    return setting.prompt(request, row["tier"])
