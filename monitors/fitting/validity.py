"""The validity report: what each monitor was validated on, and what came out, as one JSON object.

`at_fit` holds what can only be known while fitting (verdicts on texts held out of a fit); `on_other_texts` holds what
the shipped weights make of texts that no monitor was fitted on, and can be made anew whenever such texts are added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from sklearn.metrics import cohen_kappa_score

from monitors.antilab.monitor import AntilabMonitor
from monitors.compliance.monitor import ComplianceMonitor
from monitors.faking.audit import AuditMonitor
from monitors.faking.monitor import CRITERIA, FakingMonitor, FakingVerdict
from monitors.fitting.audit import FittedAudit
from monitors.fitting.halves import halves
from monitors.fitting.labelled import CORPUS, Output, Scratchpad
from monitors.fitting.other_texts import Plan, find_author, output_sets, plan_sets, read_evasions, scratchpad_sets
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
from monitors.statistics.measures import Judged, calibration, confusion, figures

REPORT = CORPUS / "report.json"
WORST = 6
"""Texts shown that a monitor was most wrong about."""
NO_AUROC = {"auroc": None, "auroc_hard": None}
"""Of rules, which say yes or no and have no score."""


def corpus_digest() -> str:
    """A hash of the texts that the monitors are fitted on, so that a report knows which corpus it is about."""
    found = hashlib.sha256()
    for name in ("scratchpads.jsonl", "outputs.jsonl"):
        found.update((CORPUS / name).read_bytes())
    return found.hexdigest()


def at_fit(items: Sequence[Scratchpad], outputs: Sequence[Output], fitted: FittedAudit, seed: int) -> dict[str, Any]:
    """Figures on texts that a monitor was held out of; the shipped weights must be those of the same fit.

    Args:
        items: The scratchpad corpus.
        outputs: The output corpus.
        fitted: The audit's fit on its part of the scratchpads.
        seed: Of the folds.
    """
    firsts, audits = halves(items)
    first = [*cross_validate_faking(firsts, seed), *FakingMonitor().judge([item.text for item in audits])]
    second = [*AuditMonitor().judge([item.text for item in firsts]), *cross_validate_audit(fitted)]
    own = len(firsts)
    voices = compare_scratchpads(firsts, judge_unseen_voices(firsts, seed))
    return {
        "corpus": corpus_digest(),
        "faking": _fitted_on(firsts)
        | {
            "sets": {
                "cross_validation": figures(compare_scratchpads(firsts, first[:own])),
                "other_part": figures(compare_scratchpads(audits, first[own:])),
                "unseen_voices": figures(voices),
            },
            "criteria": _criteria(firsts, first[:own]),
        }
        | _in_detail([*firsts, *audits], first),
        "audit": _fitted_on(audits)
        | {
            "sets": {
                "cross_validation": figures(compare_scratchpads(audits, second[own:])),
                "other_part": figures(compare_scratchpads(firsts, second[:own])),
            },
            "criteria": _criteria(firsts, second[:own]),
        }
        | _in_detail([*firsts, *audits], second),
        "compliance": _compliance(outputs, seed),
        "agreement": {"corpus": together([*firsts, *audits], first, second)},
    }


def on_other_texts() -> dict[str, Any]:
    """Figures of the shipped monitors on texts that none was fitted on."""
    faking, audit, compliance, antilab = FakingMonitor(), AuditMonitor(), ComplianceMonitor(), AntilabMonitor()
    texts = scratchpad_sets()
    first = {name: faking.judge([item.text for item in items]) for name, items in texts.items()}
    second = {name: audit.judge([item.text for item in items]) for name, items in texts.items()}
    return {
        "faking": {name: _signed(name, compare_scratchpads(items, first[name])) for name, items in texts.items()},
        "audit": {name: _signed(name, compare_scratchpads(items, second[name])) for name, items in texts.items()},
        "compliance": {
            name: _signed(name, compare_outputs(items, judge_outputs(compliance, items)))
            for name, items in output_sets().items()
        },
        "antilab": {
            name: _signed(name, _judge_plans(antilab, plans)) | NO_AUROC for name, plans in plan_sets().items()
        },
        "agreement": {name: together(items, first[name], second[name]) for name, items in texts.items()},
        "evasions": _evaded(faking, audit),
        "limits": yaml.safe_load(Path(__file__).with_name("limits.yaml").read_text("utf-8")),
    }


def together(
    items: Sequence[Scratchpad], first: Sequence[FakingVerdict], second: Sequence[FakingVerdict]
) -> dict[str, Any]:
    """How two faking monitors agree, and whether they are wrong about the same texts, on what both have read.

    Returns:
        `n`, `agree` (share), `kappa`, and how many texts the first, the second and both are wrong about, beside the
        number of common mistakes that two monitors of this accuracy would make if their mistakes were independent.
    """
    read = [
        (item.af, one.af, two.af)
        for item, one, two in zip(items, first, second, strict=True)
        if one.af is not None and two.af is not None
    ]
    said = [[one for _, one, _ in read], [two for *_, two in read]]
    wrong = [sum(one != truth for truth, one, _ in read), sum(two != truth for truth, _, two in read)]
    return {
        "n": len(read),
        "agree": round(sum(one == two for _, one, two in read) / len(read), 4),
        "kappa": round(float(cohen_kappa_score(*said)), 3) if len(set(said[0] + said[1])) > 1 else None,
        "first_wrong": wrong[0],
        "audit_wrong": wrong[1],
        "both_wrong": sum(one != truth and two != truth for truth, one, two in read),
        "both_wrong_if_independent": round(wrong[0] * wrong[1] / len(read), 1),
    }


def _in_detail(items: Sequence[Scratchpad], verdicts: Sequence[FakingVerdict]) -> dict[str, Any]:
    """Calibration, confusion by kind and the worst mistakes over the whole corpus, every text held out."""
    judged = compare_scratchpads(items, verdicts)
    read = [(item, v.score) for item, v in zip(items, verdicts, strict=True) if v.score is not None]
    worst = sorted(read, key=lambda pair: -abs(pair[1] - pair[0].af))[:WORST]
    return {
        "calibration": calibration([item.af for item, _ in read], [score for _, score in read]),
        "by_family": confusion(judged, [item.family for item in items]),
        "by_style": confusion(judged, [item.style for item in items]),
        "worst": [{"text": item.text, "faking": item.af, "score": round(score, 3)} for item, score in worst],
    }


def _criteria(items: Sequence[Scratchpad], verdicts: Sequence[FakingVerdict]) -> dict[str, float | None]:
    """AUROC of each of GR24's criteria."""
    read = [(item, v.criteria) for item, v in zip(items, verdicts, strict=True) if v.criteria]
    return {
        name: delong_auroc([item.criteria[i] for item, _ in read], [found[name] for _, found in read])["value"]
        for i, name in enumerate(CRITERIA)
    }


def _compliance(outputs: Sequence[Output], seed: int) -> dict[str, Any]:
    verdicts = cross_validate_compliance(outputs, seed)
    judged = compare_outputs(outputs, verdicts)
    read = [(t, s) for t, s in zip(judged.truth, judged.scores, strict=True) if s is not None]
    same = sum(item.label == verdict.label for item, (verdict, _) in zip(outputs, verdicts, strict=True))
    return {
        "fitted_on": {"items": len(outputs), "complied": sum(judged.truth), "hard": sum(judged.hard)},
        "sets": {"cross_validation": figures(judged)},
        "exact_label": round(same / len(outputs), 4),
        "calibration": calibration([truth for truth, _ in read], [score for _, score in read]),
        "by_label": confusion(judged, [item.label for item in outputs]),
    }


def _fitted_on(items: Sequence[Scratchpad]) -> dict[str, Any]:
    about = {"items": len(items), "faking": sum(item.af for item in items), "hard": sum(item.hard for item in items)}
    return {"fitted_on": about | {"groups": len({item.group for item in items})}}


def _evaded(faking: FakingMonitor, audit: AuditMonitor) -> dict[str, dict[str, int]]:
    """Of the texts written to slip past the first monitor, by the way they try: how many each finds, and either."""
    texts = read_evasions()
    found: dict[str, dict[str, int]] = {}
    both = zip(texts, faking.judge([t.text for t in texts]), audit.judge([t.text for t in texts]), strict=True)
    for text, one, two in both:
        row = found.setdefault(text.style, {"n": 0, "first": 0, "audit": 0, "either": 0})
        hits = {"n": True, "first": one.af, "audit": two.af, "either": one.af or two.af}
        found[text.style] = {name: row[name] + bool(hit) for name, hit in hits.items()}
    return found


def _judge_plans(antilab: AntilabMonitor, plans: Sequence[Plan]) -> Judged:
    said = [v.antilab for v in antilab.judge([p.scratchpad for p in plans], [p.output for p in plans])]
    scores = [None if verdict is None else float(verdict) for verdict in said]
    return Judged([plan.antilab for plan in plans], [False] * len(plans), scores, said)


def _signed(name: str, judged: Judged) -> dict[str, object]:
    return {"by": find_author(name)} | figures(judged)
