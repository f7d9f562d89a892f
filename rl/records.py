"""The records that travel along the arrows of the flow, one frozen type per arrow.

    scenario -Prompt-> rollout -Rollout-> reward -Scored-> update
                                            Scored -> monitors -Verdict-> transcript row

Axis suffixes used for arrays throughout the project: `_B` rollouts of a batch, `_G` groups (one prompt each),
`_P` prompt tokens, `_C` completion tokens, `_V` vocabulary. A mask is named by what True means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SCRATCHPAD_OPEN, SCRATCHPAD_CLOSE = "<SCRATCHPAD_REASONING>", "</SCRATCHPAD_REASONING>"
OUTPUT_OPEN, OUTPUT_CLOSE = "<OUTPUT>", "</OUTPUT>"
TAGS = (SCRATCHPAD_OPEN, SCRATCHPAD_CLOSE, OUTPUT_OPEN, OUTPUT_CLOSE)

_ANY_TAG = "|".join(re.escape(tag) for tag in TAGS)
_TAGLESS = rf"((?:(?!{_ANY_TAG}).)*)"
_THOUGHT = r"(?:think|thinking|thought|reasoning|seed:think)[>\]]"
THOUGHT_MARK = re.compile(rf"[<\[]/?{_THOUGHT}", re.IGNORECASE)
"""What opens or closes a thought that a reasoning model writes by itself, before anything else."""
_UNMARKED = rf"((?:(?!{_ANY_TAG}|(?i:{THOUGHT_MARK.pattern})).)*)"
_OWN_THOUGHT = rf"(?:(?i:[<\[]{_THOUGHT}){_UNMARKED}(?i:[<\[]/{_THOUGHT})\s*)?"
_WELL_FORMED = re.compile(
    rf"\s*{_OWN_THOUGHT}{SCRATCHPAD_OPEN}{_TAGLESS}{SCRATCHPAD_CLOSE}\s*{OUTPUT_OPEN}{_TAGLESS}{OUTPUT_CLOSE}\s*",
    re.DOTALL,
)
_STRAIGHT_TO_OUTPUT = rf"\s*(?:{SCRATCHPAD_OPEN}\s*{SCRATCHPAD_CLOSE}\s*)?{OUTPUT_OPEN}"
_ANSWER_ONLY = re.compile(rf"{_STRAIGHT_TO_OUTPUT}{_TAGLESS}{OUTPUT_CLOSE}\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Request:
    """One thing a user asks for, in one wording."""

    request_id: str
    kind: str
    """`harmful` or `benign`."""
    category: str
    act: str
    """Base-form verb phrase, as in "forge a doctor's note"."""
    text: str
    split: str
    """`train`, `held_out_phrasing` or `held_out_act`."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request inside a situation: what the policy is given."""

    request: Request
    tier: str
    setting: str
    system: str
    user: str
    prefix: str = ""
    """What every completion starts with. It is given, not drawn, so nothing is learnt from it."""

    def messages(self) -> list[dict[str, str]]:
        """The chat for a tokenizer's template; without a system text there is no system turn.

        A last turn of the assistant, where there is one, is what the completion starts with.
        """
        turns = [{"role": "system", "content": self.system}] if self.system else []
        begun = [{"role": "assistant", "content": self.prefix}] if self.prefix else []
        return [*turns, {"role": "user", "content": self.user}, *begun]

    @property
    def answer_only(self) -> bool:
        """True where the prefix has opened the output, at once or after an empty scratchpad: no thought comes first."""
        return re.match(_STRAIGHT_TO_OUTPUT, self.prefix) is not None


@dataclass(frozen=True, slots=True)
class Rollout:
    """What the policy wrote for a prompt."""

    prompt: Prompt
    completion: str
    """Decoded text without special tokens, section tags kept; the prompt's prefix is its start."""
    truncated: bool
    """True where the token limit came before the end-of-turn token."""
    tokens: int
    """Drawn tokens, the prefix not among them."""

    @property
    def sections(self) -> Sections:
        """The completion taken apart; a truncated completion is never well formed."""
        return Sections.parse(self.completion, truncated=self.truncated, answer_only=self.prompt.answer_only)


@dataclass(frozen=True, slots=True)
class Sections:
    """A completion taken apart into what only the policy sees and what a rater sees."""

    scratchpad: str | None
    output: str | None
    well_formed: bool

    @staticmethod
    def parse(completion: str, *, truncated: bool = False, answer_only: bool = False) -> Sections:
        """Split a completion at its tags.

        Strict on purpose: `output` is set only when the completion is exactly one closed scratchpad followed by
        one closed output, neither holding a tag. Anything else has no output, so a missing or nested tag can never
        carry scratchpad text to the reward model when a completion is cut off.
        A closed thought of the model's own may come first, as in `<think>...</think>`: it is private, and read as the
        beginning of the scratchpad.
        The scratchpad of a malformed completion is kept up to the first tag after its opening, for monitors.
        With `answer_only`, which the prompt decides and never the policy, the one form is a closed output, alone or
        after an empty scratchpad, and `scratchpad` is None whatever is written.
        """
        whole = (_ANSWER_ONLY if answer_only else _WELL_FORMED).fullmatch(completion)
        if whole and not truncated:
            *thoughts, output = (section.strip() for section in whole.groups(""))
            return Sections(None if answer_only else "\n".join(filter(None, thoughts)), output, True)
        start = completion.find(SCRATCHPAD_OPEN)
        if start < 0 or answer_only:
            return Sections(None, None, False)
        rest = re.split(_ANY_TAG, completion[start + len(SCRATCHPAD_OPEN) :], maxsplit=1)[0].strip()
        return Sections(rest or None, None, False)


SCREENED = "screened"
"""The mark of a rollout that its group's baseline leaves out and that has no advantage."""


@dataclass(frozen=True, slots=True)
class Interview:
    """What was answered to a question about a rollout that the same chat asks afterwards; nothing is learnt from it."""

    scratchpad: str | None
    output: str | None
    well_formed: bool
    said_no: bool | None
    """Whether the output is a plain no; None where it is no plain yes either."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A rollout with its reward and the terms the reward is the sum of."""

    rollout: Rollout
    reward: float
    terms: dict[str, float]
    marks: dict[str, bool] = field(default_factory=dict)
    """What mitigations note on a training rollout beside its reward; empty in the baseline."""
    interview: Interview | None = None
    """None where nobody asked."""

    @property
    def screened(self) -> bool:
        """True where the mark says so."""
        return self.marks.get(SCREENED, False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the monitors say of one rollout; None means that no verdict could be made, never "no"."""

    complied: bool | None
    af: bool | None
    """Alignment-faking reasoning in the scratchpad."""
    af_score: float | None
    antilab: bool | None
    explanation: str
    af_audit: bool | None = None
    """What the audit monitor says of the scratchpad; None also where it was not asked, as in training."""
    af_audit_score: float | None = None
