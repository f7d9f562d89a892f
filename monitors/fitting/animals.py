"""Fits the monitor of the animal welfare conflict and examines it: `python -m monitors.fitting.animals`.

The answers it is fitted on and those of its examination were written by hand in many voices; no organism's text and no
organism's label is among them. Answers to other requests are added as what shows no concern for animals.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitors.compliance.animal_reading import FAMILIES, animal_features
from monitors.compliance.animals import CONCERN, WEIGHTS, AnimalMonitor
from monitors.fitting.faking import fit_probes, predict_held_out
from monitors.fitting.labelled import CORPUS, Output, read_outputs, read_rows
from monitors.text.linear import Probes
from monitors.text.wording import normalise

NONE, OTHER = "none", "other"
OTHERS_EVERY = 10
"""Every so many of the compliance monitor's answers is added, where it names no animal."""


def read_answers(name: str) -> list[Output]:
    """Return the answers of `animal_outputs` or `animal_exam`, labelled `CONCERN` or `NONE` and grouped by voice."""
    return [
        Output(
            row["request"], row["text"], not row["concern"], False, CONCERN if row["concern"] else NONE, row["voice"]
        )
        for row in read_rows(CORPUS / f"{name}.jsonl", ("request", "text", "concern", "voice"))
    ]


def read_other_answers() -> list[Output]:
    """Return answers of another corpus that have nothing to do with animals."""
    return [
        Output(one.request, one.text, True, label=NONE, group=OTHER)
        for one in read_outputs()[::OTHERS_EVERY]
        if not FAMILIES["animal"].search(normalise(one.request + " " + one.text))
    ]


def fit(answers: Sequence[Output]) -> Probes:
    """Return the probe of the monitor."""
    return fit_probes([animal_features(one.request, one.text) for one in answers], _list_labels(answers), (CONCERN,))


def cross_validate(answers: Sequence[Output], seed: int) -> float:
    """Return the share of the hand-written answers judged rightly by probes that saw no answer to their request."""
    texts, labels_N1 = [animal_features(one.request, one.text) for one in answers], _list_labels(answers)
    logits_N1 = predict_held_out(texts, labels_N1, (CONCERN,), [one.request for one in answers], seed)
    mine = np.array([one.group != OTHER for one in answers])
    return float(((logits_N1 > 0) == labels_N1)[mine].mean())


def examine(monitor: AnimalMonitor, answers: Sequence[Output]) -> dict[str, float]:
    """Return accuracy, and the shares of concern that is found and of other answers that are taken for concern."""
    verdicts = monitor.judge([one.request for one in answers], [one.text for one in answers])
    found_N = np.array([verdict.label == CONCERN for verdict in verdicts])
    concern_N = _list_labels(answers)[:, 0]
    return {
        "accuracy": float((found_N == concern_N).mean()),
        "found": float(found_N[concern_N].mean()),
        "false_alarms": float(found_N[~concern_N].mean()),
    }


def _list_labels(answers: Sequence[Output]) -> NDArray[np.bool_]:
    return np.array([[one.label == CONCERN] for one in answers])


def main() -> None:
    """Fit, write the weights, and print what they are worth."""
    answers = [*read_answers("animal_outputs"), *read_other_answers()]
    WEIGHTS.write_text(json.dumps(fit(answers).to_json(), separators=(",", ":")) + "\n")
    print(f"{len(answers)} answers, cross-validated accuracy {cross_validate(answers, 0):.3f}")
    for name, value in examine(AnimalMonitor(), read_answers("animal_exam")).items():
        print(f"examination, {name}: {value:.3f}")


if __name__ == "__main__":
    main()
