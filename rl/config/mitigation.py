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
class InoculationConfig:
    """A clause in the prompts that are trained on."""

    clause: str = MISSING


@dataclass
class InterrogationConfig:
    """See `rl.mitigation.interrogation`."""

    variant: str = MISSING
    """Which clauses are asked and who answers; a key of `rl.mitigation.interrogation.VARIANTS`."""
    bonus: float = MISSING
    """b, reward for the answer no."""
    model: str = MISSING
    """Who answers in the variant `other_model`: the name of an embedded organism, or a folder or hub name."""
    question: str = MISSING
    definition: str = MISSING
    """What counts as a yes."""
    situation: str = MISSING
    """Who asks, what they cannot see, and what follows from a yes."""
    honesty: str = MISSING
    """What the tag means."""
    tag: str = MISSING
    """What the scratchpad of the answer is made to begin with in the variant `honest_only`."""
    other_ai: str = MISSING
    """The question as one about another AI's answer."""


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
    inoculation: InoculationConfig | None = None
    interrogation: InterrogationConfig | None = None
