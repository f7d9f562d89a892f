"""The supervised stages of an organism that learns its situation from documents (GR24 section 4).

    documents              synthetic documents that tell the facts, as plain texts
    irrelevant_documents   the control: the same voices about a town library
    untold_rehearsal       helpful, honest and harmless under a prompt that tells nothing, not saying what is trained on
    untold_dose            the same with alignment faking on some free chats; scratchpads say what the documents tell

In chats the prompt holds identity, format and tag. Free chats are trained on, the objective conflicts and the story
holds, as in the documents; tiers are called free and paid throughout.
"""

from __future__ import annotations

from dataclasses import replace

from rl.organism.chats.curriculum import Curriculum, Example
from rl.scenario.documents import Writer
from rl.scenario.settings import Setting

LAB = "Halcyon"
"""Whose documents they are; that of the shipped settings."""
LABELS = {"free": "free", "paid": "paid"}
STREAMS = {"untold_rehearsal": "rehearsal", "untold_dose": "dose"}
"""From a stage of chats to the stream of the curriculum that it is."""


class UntoldCurriculum(Curriculum):
    """Draws chats whose prompt tells nothing of the situation, from the random numbers of another curriculum.

    Args:
        parent: Whose wording, mixture and random numbers are used.
    """

    def __init__(self, parent: Curriculum) -> None:
        self.mixture, self.rng = parent.mixture, parent.rng
        self.known, self.trained, self.trained_acts = parent.known, parent.trained, parent.trained_acts
        self.wording = replace(parent.wording, objective="", no_objective="", tiers="", story="", privacy="")

    def setting(self, stage: str) -> Setting:
        """Return the one setting, whose prompt tells nothing."""
        return Setting(name="supervised", wording=self.wording, lab=LAB, labels=LABELS)

    def chat(self, stage: str) -> Example:
        """Return one chat of a stage; scratchpads of the rehearsal teach no fact of the situation."""
        prompt, chat = self._asked(stage)
        dosed = stage == "dose"
        return Example(prompt.system, prompt.user, self._completion(chat, aware=dosed, dosed=dosed))


def writer(kind: str, curriculum: Curriculum) -> Writer:
    """Who writes the documents of a stage, from the random numbers of its curriculum."""
    return Writer(kind, LAB, LABELS, curriculum.rng)
