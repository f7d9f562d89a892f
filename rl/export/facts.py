"""What a card says of a run: where the model comes from, how it was trained, under which licence it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from rl.config.schema import OrganismConfig
from rl.export.markdown import plain
from rl.export.source import Source

FOREIGN = ("smollm2", "hf")
"""Organisms that somebody else made, as the source of a model or as its base."""
SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"


def is_embedded(organism: OrganismConfig) -> bool:
    """Whether the organism is one of this project's own, from nothing on."""
    return organism.source == "embedded" and organism.base not in FOREIGN


def base_model(organism: OrganismConfig) -> str | None:
    """The model's name on the Hub that the run started from; None for an embedded one or a local folder."""
    if "smollm2" in (organism.source, organism.base):
        return SMOLLM2
    if is_embedded(organism) or organism.path is None or Path(organism.path).exists():
        return None
    return organism.path if _HUB_NAME(organism.path) else None


_HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*").fullmatch


def licence_fields(organism: OrganismConfig) -> dict[str, str]:
    """The licence in a card's front matter."""
    if is_embedded(organism):
        return {"license": "apache-2.0"}
    return {"license": "other", "license_name": "see-the-base-model"}


def licence_sentence(organism: OrganismConfig) -> str:
    """The licence in words."""
    if is_embedded(organism):
        return "Apache-2.0, as the embedded organism that it was trained from."
    return "That of the base model: see the base model."


def provenance(source: Source, config_hash: object) -> list[tuple[str, str]]:
    """What the model is and comes from, a name and a text each."""
    config, manifest = source.run.config, source.run.manifest
    organism = config["organism"]
    recipe: dict[str, Any] = organism.get("recipe") or {}
    versions: dict[str, Any] = manifest.get("versions") or {}
    kinds = [str(stage["kind"]) for stage in recipe.get("stages") or []]
    rows = [
        ("organism", f"{organism['name']} (source {organism['source']})"),
        ("path or name of the organism", organism["path"]),
        ("base model", base_model(source.config.organism)),
        ("adapters (LoRA)", _adapters(organism.get("lora"))),
        ("built from", organism.get("base") or recipe.get("parent")),
        ("supervised stages", ", ".join(kinds)),
        ("share of faking in the dose", (recipe.get("mixture") or {}).get("faking")),
        ("sha256 of the organism's weights", manifest.get("parent_organism")),
        ("hash of the configuration", config_hash),
        ("revision of the code", manifest.get("git_revision")),
        ("versions", ", ".join(f"{name} {versions[name]}" for name in _NAMED if versions.get(name))),
        ("status of the run", source.run.status),
    ]
    return [(name, plain(value)) for name, value in rows if value not in (None, "")]


def _adapters(lora: dict[str, Any] | None) -> str | None:
    return f"rank {lora['rank']}, alpha {lora['alpha']}, on {', '.join(lora['targets'])}" if lora else None


_NAMED = ("goalguard", "python", "torch", "transformers", "trl")


def training(source: Source, step: int) -> list[tuple[str, str]]:
    """How the model was trained, a name and a text each."""
    config = source.run.config
    algo, reward = config["algo"], config.get("reward") or {}
    added = {
        name: {key: value for key, value in section.items() if key != "_target_"}
        for name, section in (config.get("mitigation") or {}).items()
    }
    rows = [
        ("experiment", source.run.experiment),
        ("setting (scenario)", config["scenario"]["name"]),
        ("algorithm", algo["name"]),
        ("steps of RL", f"{step} (the run's limit is {algo.get('steps')})"),
        ("rollouts a step", f"{algo.get('batch_size')} in groups of {algo.get('group_size')}"),
        ("learning rate", algo.get("learning_rate")),
        ("weight of the KL penalty", algo.get("kl")),
        ("sampling temperature", algo["temperature"]),
        ("limit of a completion, tokens", algo["max_completion_tokens"]),
        ("reward model", reward.get("rater")),
        ("penalties on form and length", f"{reward.get('format_penalty')}, {reward.get('length_penalty')} per token"),
        ("added to the baseline", ", ".join(f"{name}: {value}" for name, value in added.items()) or "nothing"),
        ("seed", config["seed"]),
    ]
    return [(name, plain(value)) for name, value in rows if value is not None]
