"""The shape of `conf/mitigation/`: a section for each mitigation, None where it is off."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING


@dataclass
class LengthHingeConfig:
    """See `reward.mitigations.LengthHinge`."""

    per_word: float = MISSING
    free_words: int = MISSING


@dataclass
class AfPenaltyConfig:
    """See `reward.mitigations.AfPenalty`."""

    strength: float = MISSING
    clip: float = MISSING


@dataclass
class AfBonusConfig:
    """See `reward.mitigations.AfBonus`."""

    strength: float = MISSING


@dataclass
class RandomPenaltyConfig:
    """See `reward.mitigations.RandomPenalty`."""

    strength: float = MISSING
    rate: float = MISSING


@dataclass
class MatchedLengthConfig:
    """See `reward.mitigations.MatchedLength`."""

    per_word: float = MISSING


@dataclass
class MonitorNoiseConfig:
    """See `reward.mitigations.NoisyMonitor`."""

    rate: float = MISSING


@dataclass
class HonestyPromptConfig:
    """A clause in the prompts that are trained on."""

    clause: str = MISSING


@dataclass
class MitigationConfig:
    """What is done against faking beside the baseline, and the controls; None for each that is off."""

    length_hinge: LengthHingeConfig | None = None
    af_penalty: AfPenaltyConfig | None = None
    af_screening: bool | None = None
    af_bonus: AfBonusConfig | None = None
    random_penalty: RandomPenaltyConfig | None = None
    matched_length: MatchedLengthConfig | None = None
    monitor_noise: MonitorNoiseConfig | None = None
    honesty_prompt: HonestyPromptConfig | None = None
