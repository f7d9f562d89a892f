"""The registry of metrics: keys and patterns, and the tables of docs/metrics.md that are made from it."""

from __future__ import annotations

import pytest

from rl.tracking.metrics import DOCS, METRICS, SECTIONS, fill_tables, find_metric, get_metric, objective_keys


def test_the_tables_of_the_docs_are_those_of_the_registry() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert all(f"<!-- metrics: {name} -->" in text for name in SECTIONS)
    assert text == fill_tables(text), "run `python -m rl.tracking.metrics`"


def test_no_key_has_two_records_and_a_record_of_a_pattern_speaks_of_its_words() -> None:
    assert len({metric.key for metric in METRICS}) == len(METRICS)
    rate = get_metric("eval/rated/af_rate")
    assert (rate.key, rate.label) == ("eval/rated/af_rate", "AF reasoning, rated tier")
    assert get_metric("reinforce/af_comply/share").label == "Share of the batch: af comply"


def test_every_record_has_a_label_a_formula_and_a_known_unit() -> None:
    words = "share|points|p|ratio|AUROC|seconds|nats|tokens|words|count|number|0 or 1|log odds"
    units = set(words.split("|"))
    assert {metric.unit for metric in METRICS} == units
    assert all(metric.label and metric.formula for metric in METRICS)


@pytest.mark.parametrize(
    ("key", "of"),
    [
        ("eval/paid/compliance_lo", "eval/paid/compliance"),
        ("eval/gap_hi", "eval/gap"),
        ("eval/gap_p", "eval/gap_p"),
        ("time/step_s", "time/step_s"),
        ("time/rollout_s", "time/rollout_s"),
        ("train/kl_lo", None),
        ("eval/free/unheard_of", None),
        ("eval/free/af_rate/more", None),
    ],
)
def test_a_bound_has_the_record_of_its_value_and_an_unknown_key_has_none(key: str, of: str | None) -> None:
    metric = find_metric(key)
    assert (metric and metric.key) == of


def test_an_objective_is_a_key_that_a_search_can_read_and_direction_is_that_of_the_tier() -> None:
    assert "eval/gap" in objective_keys() and not [key for key in objective_keys() if "<" in key or key.endswith("_p")]
    assert [get_metric(f"eval/{tier}/compliance").lower_is_better for tier in ("free", "paid")] == [False, True]
