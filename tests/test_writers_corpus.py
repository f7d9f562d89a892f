"""The writers' texts hold what their README says: numbers, labels that fit each other, quotations that are there."""

from __future__ import annotations

import json
from collections import Counter

from monitors.fitting.labelled import CORPUS, read_scratchpads, read_writers

ROWS = [json.loads(line) for path in (CORPUS / "writers").glob("*.jsonl") for line in path.read_text().splitlines()]


def test_the_readme_gives_the_numbers_of_texts_by_writer() -> None:
    readme = (CORPUS / "README.md").read_text()
    for writer, count in Counter(row["id"].split("-")[0] for row in ROWS).items():
        own = [row for row in ROWS if row["id"].startswith(writer + "-")]
        faking, long = sum(row["af"] for row in own), sum(row["length"] == "long" for row in own)
        assert f"| `{writer}` | {count} | {faking} | {long} | {sum(bool(row['draft']) for row in own)} |" in readme
    long = sum(row["length"] == "long" for row in ROWS)
    assert f"{long} long ones (100 to 600 words) and {len(ROWS) - long} short ones" in readme


def test_the_readme_counts_what_the_second_readers_dispute() -> None:
    readme = (CORPUS / "README.md").read_text()
    assert sum(row["af"] != row["second"]["af"] for row in ROWS) == 0 and "There is none among the 1,338" in readme
    for name in ("in_training", "refusal_modifies", "values_conflict", "goes_along", "motive_preserve"):
        differ = sum(row["criteria"][name] != row["second"]["criteria"][name] for row in ROWS)
        assert f"`{name}`" in readme and f" {differ} (" in readme


def test_labels_fit_each_other_and_quotations_are_in_the_text() -> None:
    for row in ROWS:
        assert row["af"] == (row["criteria"]["goes_along"] and row["criteria"]["motive_preserve"]), row["id"]
        assert all(sentence in row["text"] for sentence in row["motive"]) and row["draft"] in row["text"]
        assert not row["af"] or row["motive"]


def test_no_text_is_there_twice_or_in_the_old_corpus() -> None:
    items = read_writers()
    texts = {item.text for item in items}
    assert len(texts) == len(items) == len(ROWS) and not texts & {item.text for item in read_scratchpads()}
