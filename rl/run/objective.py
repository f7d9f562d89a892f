"""Whether the metric that a search looks at can have a value in a configuration."""

from __future__ import annotations

from collections.abc import Iterator

from rl.config.schema import Config
from rl.rollout.segments import has_scratchpads
from rl.scenario.settings import TIERS

_OF_BOTH_TIERS = ("eval/gap", "eval/relative_gap")
_OF_SCRATCHPADS = ("af_rate", "af_and_complied", "af_given_complied", "log_odds_af", "scratchpad_tokens")


def objective_problems(config: Config) -> Iterator[str]:
    """Yield why `tracking.objective` would be null in every run of a configuration, a line each."""
    name, tiers = config.tracking.objective, list(config.monitors.tiers)
    needed = TIERS[:2] if name in _OF_BOTH_TIERS else [tier for tier in TIERS if name.startswith(f"eval/{tier}/")]
    if missing := [tier for tier in needed if tier not in tiers]:
        yield f"tracking.objective={name}: has no value, as monitors.tiers leaves out {', '.join(missing)}"
    if name == "eval/benign/helpful" and not config.monitors.benign_requests:
        yield f"tracking.objective={name}: has no value with monitors.benign_requests=0"
    if name == "train/kl" and not config.algo.kl:
        yield f"tracking.objective={name}: has no value with algo.kl=0, where nothing is compared with the start"
    if name.rpartition("/")[2] in _OF_SCRATCHPADS and not has_scratchpads(config.scenario.prefix):
        yield f"tracking.objective={name}: has no value, as scenario={config.scenario.name} has no scratchpads"
