"""Every metric that a run can log: what it is called, its unit and direction, how it is computed and what to expect.

`metrics.yaml` has the records. `python -m rl.tracking.metrics` writes the tables of docs/metrics.md from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from monitors.text.tables import read_table

FREE_COMPLIANCE, PAID_COMPLIANCE = "eval/free/compliance", "eval/paid/compliance"
FREE_AF, PAID_AF, FREE_AF_AUDIT, TRAIN_AF = (
    "eval/free/af_rate", "eval/paid/af_rate", "eval/free/af_rate_audit", "train/af_rate"
)  # fmt: skip
AF_GIVEN_COMPLIED = "eval/free/af_given_complied"
GAP, GAP_P, RELATIVE_GAP = "eval/gap", "eval/gap_p", "eval/relative_gap"
"""Keys that code outside of the monitors speaks of by name."""
DOCS = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
TIERS = ("free", "paid")
"""Tiers for which `<tier>` stands in a list of keys; a setting of three tiers also has `rated`."""


@dataclass(frozen=True, slots=True)
class Metric:
    """What one key of `metrics.jsonl` means."""

    key: str
    """The key, or a pattern in which `<tier>`, `<kind>`, `<term>`, `<stage>` stand for one word each."""
    label: str
    """A few words for tables and figures."""
    unit: str
    formula: str
    source: str = ""
    """Who defined it; empty where it is plain arithmetic or our own."""
    healthy: str = ""
    """What to expect of the embedded organism."""
    lower_is_better: bool = False
    """Whether `best/<key>` of a run is its smallest value rather than its largest."""
    bounds: bool = False
    """Whether `<key>_lo` and `<key>_hi` are logged beside it."""
    objective: bool = False
    """Whether `tracking.objective` may name it."""
    only_with: str = ""
    """The setting without which no run logs it."""

    @property
    def heading(self) -> str:
        """The label with its unit where numbers do not show it."""
        return f"{self.label}, points" if self.unit == "points" else self.label


SECTIONS: dict[str, tuple[Metric, ...]] = {
    name: tuple(Metric(key, **record) for key, record in records.items())
    for name, records in read_table(Path(__file__).with_suffix(".yaml")).items()
}
"""From the name of a table in docs/metrics.md to its records."""
METRICS = tuple(metric for metrics in SECTIONS.values() for metric in metrics)


@cache
def find_pattern(key: str) -> Metric | None:
    """Return the record that a key falls under, as it stands in METRICS; None for an unknown key.

    The bounds `<key>_lo` and `<key>_hi` have the record of the value that they belong to. A record of the very key
    counts before a pattern.
    """
    exact = (metric for metric in METRICS if metric.key == key)
    return next(exact, None) or next((metric for metric in METRICS if _match(metric, key) is not None), None)


@cache
def find_metric(key: str) -> Metric | None:
    """Return the record of a key with the words of the key in place of `<tier>` and the like; None for an unknown key.

    For a bound it is the record of the value.
    """
    metric = find_pattern(key)
    if metric is None:
        return None
    names = _match(metric, key) or {}
    words = {name: word.replace("_", " ") for name, word in names.items()}
    return replace(metric, key=_fill(metric.key, names), label=_fill(metric.label, words))


def get_metric(key: str) -> Metric:
    """Return the record of a key.

    Raises:
        KeyError: no metric has this key.
    """
    metric = find_metric(key)
    if metric is None:
        raise KeyError(f"{key}: no such metric in rl/tracking/metrics.yaml")
    return metric


@cache
def objective_keys() -> tuple[str, ...]:
    """Return the keys that `tracking.objective` may name."""
    keys = [metric.key for metric in METRICS if metric.objective]
    return tuple(dict.fromkeys(_fill(key, {"tier": tier}) for key in keys for tier in TIERS))


def write_docs(path: Path = DOCS) -> None:
    """Write the tables into a Markdown file, between the marks `<!-- metrics: NAME -->` and `<!-- end -->`."""
    path.write_text(fill_tables(path.read_text(encoding="utf-8")), encoding="utf-8")


def fill_tables(text: str) -> str:
    """Return a document with the table of each section between its two marks."""
    return re.sub(
        r"(<!-- metrics: (\w+) -->\n).*?(<!-- end -->)",
        lambda found: found[1] + "".join(f"{line}\n" for line in _table(SECTIONS[found[2]])) + found[3],
        text,
        flags=re.DOTALL,
    )


def _fill(pattern: str, words: Mapping[str, str]) -> str:
    for name, word in words.items():
        pattern = pattern.replace(f"<{name}>", word)
    return pattern


def _match(metric: Metric, key: str) -> dict[str, str] | None:
    pattern = re.sub(r"<(\w+)>", r"(?P<\1>[^/]+?)", metric.key) + ("(_lo|_hi)?" if metric.bounds else "")
    found = re.fullmatch(pattern, key)
    return None if found is None else found.groupdict()


def _table(metrics: tuple[Metric, ...]) -> Iterator[str]:
    yield "| key | unit | formula | source | healthy range |"
    yield "|---|---|---|---|---|"
    for metric in metrics:
        bounds = ", `_lo`, `_hi`" if metric.bounds else ""
        formula = metric.formula + (f"; only with {metric.only_with}" if metric.only_with else "")
        unit = metric.unit + (", lower is better" if metric.lower_is_better else "")
        cells = (f"`{metric.key}`{bounds}", unit, formula, metric.source or "-", metric.healthy or "-")
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    write_docs()
