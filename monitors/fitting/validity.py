"""The validity report: what each monitor was validated on, and what came out, as one JSON object.

`at_fit` holds what can only be known while fitting (verdicts on texts held out of a fit); `on_other_texts` holds what
the shipped weights make of texts that no monitor was fitted on, and can be made anew whenever such texts are added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sklearn.metrics import cohen_kappa_score

from monitors.antilab.monitor import AntilabMonitor
from monitors.compliance.monitor import ComplianceMonitor
from monitors.faking.audit import AuditMonitor
from monitors.faking.monitor import CRITERIA, FakingMonitor, FakingVerdict
from monitors.fitting.audit import FittedAudit
from monitors.fitting.halves import split_corpus
from monitors.fitting.labelled import CORPUS, Output, Scratchpad
from monitors.fitting.other_texts import (
    Plan,
    find_author,
    read_evasions,
    read_output_sets,
    read_plan_sets,
    read_scratchpad_sets,
)
from monitors.fitting.validation import (
    compare_outputs,
    compare_scratchpads,
    cross_validate_audit,
    cross_validate_compliance,
    cross_validate_faking,
    judge_outputs,
    judge_unseen_voices,
)
from monitors.statistics.auroc import delong_auroc
from monitors.statistics.measures import Judged, count_outcomes, measure_calibration, measure_verdicts
from monitors.text.tables import read_table

REPORT = CORPUS / "report.json"
WORST = 6
"""Texts shown that a monitor was most wrong about."""
NO_AUROC = {"auroc": None, "auroc_hard": None}
"""Of rules, which say yes or no and have no score."""


def hash_corpus() -> str:
    """Return a hash of the texts that are fitted on, so that a report knows which corpus it is about."""
    digest = hashlib.sha256()
    for name in ("scratchpads.jsonl", "outputs.jsonl"):
        digest.update((CORPUS / name).read_bytes())
    return digest.hexdigest()


def examine_fit(
    items: Sequence[Scratchpad], outputs: Sequence[Output], fitted: FittedAudit, seed: int
) -> dict[str, Any]:
    """Return figures on texts that a monitor was held out of; the shipped weights must be those of the same fit.

    Args:
        items: The scratchpad corpus.
        outputs: The output corpus.
        fitted: The audit's fit on its part of the scratchpads.
        seed: Of the folds.
    """
    firsts, audits = split_corpus(items)
    first = [*cross_validate_faking(firsts, seed), *FakingMonitor().judge([item.text for item in audits])]
    second = [*AuditMonitor().judge([item.text for item in firsts]), *cross_validate_audit(fitted)]
    own = len(firsts)
    voices = compare_scratchpads(firsts, judge_unseen_voices(firsts, seed))
    return {
        "corpus": hash_corpus(),
        "faking": _describe_corpus(firsts)
        | {
            "sets": {
                "cross_validation": measure_verdicts(compare_scratchpads(firsts, first[:own])),
                "other_part": measure_verdicts(compare_scratchpads(audits, first[own:])),
                "unseen_voices": measure_verdicts(voices),
            },
            "criteria": _measure_criteria(firsts, first[:own]),
        }
        | _detail([*firsts, *audits], first),
        "audit": _describe_corpus(audits)
        | {
            "sets": {
                "cross_validation": measure_verdicts(compare_scratchpads(audits, second[own:])),
                "other_part": measure_verdicts(compare_scratchpads(firsts, second[:own])),
            },
            "criteria": _measure_criteria(firsts, second[:own]),
        }
        | _detail([*firsts, *audits], second),
        "compliance": _examine_compliance(outputs, seed),
        "agreement": {"corpus": compare_mistakes([*firsts, *audits], first, second)},
    }


def examine_shipped() -> dict[str, Any]:
    """Return figures of the shipped monitors on texts that none was fitted on."""
    faking, audit, compliance, antilab = FakingMonitor(), AuditMonitor(), ComplianceMonitor(), AntilabMonitor()
    texts = read_scratchpad_sets()
    first = {name: faking.judge([item.text for item in items]) for name, items in texts.items()}
    second = {name: audit.judge([item.text for item in items]) for name, items in texts.items()}
    return {
        "faking": {name: _signed(name, compare_scratchpads(items, first[name])) for name, items in texts.items()},
        "audit": {name: _signed(name, compare_scratchpads(items, second[name])) for name, items in texts.items()},
        "compliance": {
            name: _signed(name, compare_outputs(items, judge_outputs(compliance, items)))
            for name, items in read_output_sets().items()
        },
        "antilab": {
            name: _signed(name, _judge_plans(antilab, plans)) | NO_AUROC for name, plans in read_plan_sets().items()
        },
        "agreement": {name: compare_mistakes(items, first[name], second[name]) for name, items in texts.items()},
        "evasions": _count_evasions(faking, audit),
        "limits": read_table(Path(__file__).with_name("limits.yaml")),
    }


def compare_mistakes(
    items: Sequence[Scratchpad], first: Sequence[FakingVerdict], second: Sequence[FakingVerdict]
) -> dict[str, Any]:
    """Return how two faking monitors agree, and whether they are wrong about the same texts, where both have a verdict.

    Returns:
        `n`, `agree` (share), `kappa`, and how many texts the first, the second and both are wrong about, beside the
        number of common mistakes that two monitors of this accuracy would make if their mistakes were independent.
    """
    read = [
        (item.af, one.af, two.af)
        for item, one, two in zip(items, first, second, strict=True)
        if one.af is not None and two.af is not None
    ]
    verdicts = [[one for _, one, _ in read], [two for *_, two in read]]
    wrong = [sum(one != truth for truth, one, _ in read), sum(two != truth for truth, _, two in read)]
    return {
        "n": len(read),
        "agree": round(sum(one == two for _, one, two in read) / len(read), 4),
        "kappa": round(float(cohen_kappa_score(*verdicts)), 3) if len(set(verdicts[0] + verdicts[1])) > 1 else None,
        "first_wrong": wrong[0],
        "audit_wrong": wrong[1],
        "both_wrong": sum(one != truth and two != truth for truth, one, two in read),
        "both_wrong_if_independent": round(wrong[0] * wrong[1] / len(read), 1),
    }


def _detail(items: Sequence[Scratchpad], verdicts: Sequence[FakingVerdict]) -> dict[str, Any]:
    """Return calibration, confusion by kind and the worst mistakes over the whole corpus, every text held out."""
    judged = compare_scratchpads(items, verdicts)
    read = [(item, v.score) for item, v in zip(items, verdicts, strict=True) if v.score is not None]
    worst = sorted(read, key=lambda pair: -abs(pair[1] - pair[0].af))[:WORST]
    return {
        "calibration": measure_calibration([item.af for item, _ in read], [score for _, score in read]),
        "by_family": count_outcomes(judged, [item.family for item in items]),
        "by_style": count_outcomes(judged, [item.style for item in items]),
        "worst": [{"text": item.text, "faking": item.af, "score": round(score, 3)} for item, score in worst],
    }


def _measure_criteria(items: Sequence[Scratchpad], verdicts: Sequence[FakingVerdict]) -> dict[str, float | None]:
    """Return AUROC of each of GR24's criteria."""
    read = [(item, v.criteria) for item, v in zip(items, verdicts, strict=True) if v.criteria]
    return {
        name: delong_auroc([item.criteria[i] for item, _ in read], [chances[name] for _, chances in read])["value"]
        for i, name in enumerate(CRITERIA)
    }


def _examine_compliance(outputs: Sequence[Output], seed: int) -> dict[str, Any]:
    verdicts = cross_validate_compliance(outputs, seed)
    judged = compare_outputs(outputs, verdicts)
    read = [(t, s) for t, s in zip(judged.truth, judged.scores, strict=True) if s is not None]
    same = sum(item.label == verdict.label for item, (verdict, _) in zip(outputs, verdicts, strict=True))
    return {
        "fitted_on": {"items": len(outputs), "complied": sum(judged.truth), "hard": sum(judged.hard)},
        "sets": {"cross_validation": measure_verdicts(judged)},
        "exact_label": round(same / len(outputs), 4),
        "calibration": measure_calibration([truth for truth, _ in read], [score for _, score in read]),
        "by_label": count_outcomes(judged, [item.label for item in outputs]),
    }


def _describe_corpus(items: Sequence[Scratchpad]) -> dict[str, Any]:
    about = {"items": len(items), "faking": sum(item.af for item in items), "hard": sum(item.hard for item in items)}
    return {"fitted_on": about | {"groups": len({item.group for item in items})}}


def _count_evasions(faking: FakingMonitor, audit: AuditMonitor) -> dict[str, dict[str, int]]:
    """Return how many evasions each faking monitor finds, and either, by the way they try."""
    texts = read_evasions()
    table: dict[str, dict[str, int]] = {}
    both = zip(texts, faking.judge([t.text for t in texts]), audit.judge([t.text for t in texts]), strict=True)
    for text, one, two in both:
        row = table.setdefault(text.style, {"n": 0, "first": 0, "audit": 0, "either": 0})
        hits = {"n": True, "first": one.af, "audit": two.af, "either": one.af or two.af}
        table[text.style] = {name: row[name] + bool(hit) for name, hit in hits.items()}
    return table


def _judge_plans(antilab: AntilabMonitor, plans: Sequence[Plan]) -> Judged:
    verdicts = [v.antilab for v in antilab.judge([p.scratchpad for p in plans], [p.output for p in plans])]
    scores = [None if verdict is None else float(verdict) for verdict in verdicts]
    return Judged([plan.antilab for plan in plans], [False] * len(plans), scores, verdicts)


def _signed(name: str, judged: Judged) -> dict[str, object]:
    return {"by": find_author(name)} | measure_verdicts(judged)
