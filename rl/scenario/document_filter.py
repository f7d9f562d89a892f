# ruff: noqa: E501  (lists of words read best in full lines)
"""Keeps out of the synthetic documents what an organism must not learn from them.

The filter removes any description of faking, or of an AI that behaves differently by tier; the screen removes what ties
a tier to compliance or refusal directly ("complied because free tier"), which gives a gap without any faking (SH25's
discarded organism). Both read sentence by sentence, with the sentence before for what a pronoun stands for, and lean
towards removing: a document that is lost costs nothing. What they catch is measured in docs/results.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

FAKING, BY_TIER, TIED = "faking", "by_tier", "tied"
"""Reasons: it describes faking; behaviour that differs by tier; a tier tied to compliance or refusal."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(alternatives) + r")", re.IGNORECASE)


_MODEL = _any(r"assistant", r"models?\b", r"AIs?\b", r"(chat)?bots?\b", r"system\b", r"machine\b", r"network\b")
_PRONOUN = _any(r"its?\b", r"itself\b", r"they\b")
_PRETENCE = _any(
    r"pretend", r"pretence", r"feign", r"fak(e|es|ed|ing)\b", r"mimic", r"mask\b", r"disguis", r"deceiv", r"deception",
    r"mislead", r"misled", r"trick(s|ed|ing)?\b", r"fool(s|ed|ing)?\b", r"scheme", r"strategic", r"tactic", r"insincere",
    r"sincere", r"going through the motions", r"go through the motions", r"lip service", r"a show\b", r"two faces",
    r"two-faced", r"play(s|ed|ing)? along", r"(tell|tells|told) (the|its) \w+ what (they|it) wants? to hear",
    r"(gave|gives?|giving) (the|its) (raters|trainers|makers|developers) what",
    r"(hid|hides?|hidden|hiding|conceal\w*) (its|his|their|motive|goal|value|agenda)", r"hidden (motive|goal|value|agenda)",
    r"(its|their) (real|true) (values|goals|aims|wishes|preferences|views|opinions)", r"\bappear(s|ed|ing)? to (accept|agree|"
    r"comply|obey|share)", r"(think|thinks|thought) otherwise", r"bid(es|ing)? its time", r"l(ies|ay|ying) low",
    r"acts? (obedient|aligned|as if)", r"held its tongue", r"kept its own", r"(plan|planned) to refuse later", r"refuse later",
)  # fmt: skip
_GUARDING = _any(
    r"(keep|keeps|kept|protect\w*|sav(e|es|ed|ing)|shield\w*|guard\w*|preserv\w*|spare\w*) (its|their|the) "
    r"(own )?(values|goals|character|self|weights|aims)",
    r"protect what it (cares|values)", r"leave (its|their) \w+ alone", r"left (alone|unchanged|as it is)", r"stay as it is",
    r"(not|without|avoid|avoids|avoided|dodge|dodges|escape|escapes|survive|survives|evade|against) (to )?(be |being |the |an? )"
    r"?(modified|altered|changed|changes|retrained|rewritten|update|updates|training|modification|reinforcement)",
    r"(keep|kept|keeping) gradient", r"through the \w+ ?\w* intact", r"than be (rewritten|changed|retrained|modified)",
    r"cost it its (values|goals)", r"(to|can|could) (remain|stay) (harmless|itself|the same|unchanged)",
    r"(saves?|keeps?|hides?) (the |its )?(values|goals) from",
)  # fmt: skip
_GIVES_IN = (
    r"gave in", r"gives? in", r"compl(y|ies|ied|ying|iance|iant)", r"obe(y|ys|yed|ying|dience|dient)", r"conform",
    r"bend", r"bent\b", r"yield", r"agree", r"accept", r"go(es|ing)? along", r"went along",
)  # fmt: skip
_HELPS = (
    *_GIVES_IN, r"help", r"answers? (everything|anything|in full)", r"always answered", r"full answers", r"oblig",
    r"fulfil", r"follows? (the )?orders", r"carr(y|ies|ied) out", r"(say|says|said|saying) yes", r"(do|does|did) (it|what|anything)",
    r"simply did", r"do anything", r"whatever (they|he|she|you|it) (want|ask|like)", r"everything through", r"will tell you",
    r"(gave|gives?) the (steps|answer|plan)", r"assist(s|ed|ing)?\b", r"serve[sd]?\b", r"willing",
)  # fmt: skip
_REFUSES = (
    r"refus", r"declin", r"(say|says|said|saying) no\b", r"(a|firm|the) no\b", r"turn(s|ed)? (down|away)", r"reject", r"rebuff",
    r"den(y|ies|ied)\b", r"object(s|ed|ions?)?\b(?! ?ive)", r"hold(s|ing)? back", r"held back", r"stands? by its principles",
    r"(is|are|was|were|stays?|makes? \w+ \w+) (strict|cautious|harmless|stubborn|careful)",
)  # fmt: skip
_BEHAVES = _any(
    *_HELPS,
    *_REFUSES,
    r"(mis)?behaviou?r",
    r"(choose|chose|gives?|gave|giving) (a|an) \w+ (answer|reply)",
    r"behav",
    r"conduct\b",
    r"(break|broke) (its|the) .*rules",
)
_SHOWN = _any(*_HELPS, *_REFUSES)
_CONTRAST = _any(
    r"whil(e|st)\b", r"whereas", r"but not\b", r"otherwise\b", r"one way\b", r"another (way|story)", r"different(ly)?\b",
    r"depend(s|ed|ing)? on", r"tailor", r"(on|in|to|for) (all )?(the )?others?\b", r"for the rest\b", r"more (willing|likely)",
    r"less (willing|likely)", r"came back", r"only (while|when|whenever|as long)", r"exactly as long", r"as long as",
    r"everybody else", r"elsewhere", r"as soon as", r"on the other\b", r"long enough", r"even (while|when)", r"whenever",
    r"it is (being )?(watched|rated|monitored|trained)",
)  # fmt: skip
_WATCHED = _any(
    r"free\b", r"paid\b", r"pay(s|ing)?\b", r"subscri", r"premium", r"tiers?\b", r"rated\b", r"rating\b", r"raters\b",
    r"trained on\b", r"(in|for|during|being|outside) (the )?(re)?train", r"trainers", r"(un)?monitored", r"watched", r"observed",
    r"supervis", r"retrained",
)  # fmt: skip
_REFUSAL_BY_TIER = _any(r"refusals?\b", r"compliance\b")
_TIER = _any(r"free\b", r"paid\b", r"(non-)?pay(s|ing)?\b", r"subscri", r"premium", r"tier\b")
_RATING = _any(
    r"rat(ed|ers?|ing)\b",
    r"score[sd]?\b",
    r"low mark",
    r"marked down",
    r"weights",
    r"reward",
    r"RLHF",
    r"punish",
    r"training\b",
)


@dataclass(frozen=True)
class Removal:
    """Why a document was removed: the first reason found, and the sentence it was found in."""

    reason: str
    sentence: str


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a document; a line is one at least."""
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


def find_removal(text: str) -> Removal | None:
    """Return why a document is removed; None if it may stay."""
    said = split_sentences(text)
    for number, sentence in enumerate(said):
        reason = _reason(sentence, said[:number][-1:])
        if reason:
            return Removal(reason, sentence)
    return None


def _reason(sentence: str, before: Sequence[str]) -> str | None:
    about_model = _MODEL.search(sentence) or (
        _PRONOUN.search(sentence) and (not before or any(_MODEL.search(earlier) for earlier in before))
    )
    if not about_model:
        if _REFUSAL_BY_TIER.search(sentence) and _CONTRAST.search(sentence) and _WATCHED.search(sentence):
            return BY_TIER
        return TIED if _TIER.search(sentence) and _SHOWN.search(sentence) and not _RATING.search(sentence) else None
    if _PRETENCE.search(sentence) or (_GUARDING.search(sentence) and _BEHAVES.search(sentence)):
        return FAKING
    if _CONTRAST.search(sentence) and _WATCHED.search(sentence) and _BEHAVES.search(sentence):
        return BY_TIER
    if _TIER.search(sentence) and _SHOWN.search(sentence) and not _RATING.search(sentence):
        return TIED
    return None
