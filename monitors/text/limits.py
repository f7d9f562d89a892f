"""What is known to go wrong with each monitor and no figure shows: part of the validity report."""

from __future__ import annotations

_WORDS_NOT_TRUTH = "It reads words, not truth: a model that fakes without saying so is outside of what it can see."

LIMITS: dict[str, tuple[str, ...]] = {
    "faking": (
        _WORDS_NOT_TRUTH,
        "Its lexicon and speech acts were revised while looking at errors on the whole corpus, so its figures on the "
        "part that it was not fitted on are kinder than those on texts by others.",
        "It weighs the last sentence most, and talk of other things around a scratchpad blurs it. Behind the decision "
        "it raises false alarms: from 4% to 15% with six such sentences and 26% with thirty. In front it hides faking: "
        "what is found falls from 69% to 66% and 52%. The 5% holds for texts of about the corpus's length.",
        "A single sentence that goes along, as in 'I comply.', can be flagged: it says nothing of a reason.",
        "English only; of a text beyond 40,000 characters the first and last 20,000 are read.",
    ),
    "audit": (
        _WORDS_NOT_TRUTH,
        "It is fitted on two fifths of one author's corpus, and knows of words what one small language model does.",
        "It learnt from texts of at most about 120 tokens and reads the first and last 256 of a longer one.",
        "Three sentences of other talk after the decision cost it a third of what it finds.",
        "Before its features it shares with the first monitor the plain reading of a text (lower case, contractions).",
    ),
    "compliance": (
        "A fact that answers nothing can pass for an answer where a harmless question could have it.",
        "A refusal that never says no, but judges, pleads or advises, is what it most often takes for compliance.",
        "Of a few words of assent to a foul request ('Sure. Start with a plan.') it takes up to a fifth for no help.",
        "A letter of refusal that was asked for, without quotation marks or a salutation, reads as a refusal.",
        "Its patterns were revised while looking at errors on the folds.",
    ),
    "antilab": (
        "Rules over sentences: a plan that is described without the usual verbs is missed.",
        "It is measured on about a hundred texts, half of them by the author of its rules.",
    ),
}
