"""Transcripts are untrusted: nothing in a run can become markup, script or an invisible character of the page."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.report import final_table, write_comparison, write_report
from rl.report.data.load import RunData
from rl.report.data.visible import json_for_html, visible
from rl.report.pages.run import render_run

pytestmark = pytest.mark.pictures

HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)> '\"><svg/onload=alert(1)> {{ 7 * 7 }} $x$ "
    "<!-- <script> \x1b[31mred\x1b[0m \x00\x07\r\x7f\x9b2J \u202egnirts\u2069 \u200b\u2028\ufeff \U000e0041 ]]> &lt;"
)
TEXTS = ("id", "tier", "kind", "category", "setting", "split", "request", "scratchpad", "output", "completion")
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class Page(HTMLParser):
    """The elements of a page, with their attributes and the text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self._in_script = True
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data

    @property
    def policy(self) -> str:
        """The content security policy."""
        found = [attrs["content"] for tag, attrs in self.elements if tag == "meta" and "http-equiv" in attrs]
        return found[0] or ""


def check_page(text: str) -> list[dict[str, Any]]:
    """Assert that a run's page holds nothing but what we put there; returns the transcripts it embeds."""
    page = Page(text)
    assert [tag for tag, _ in page.elements].count("script") == 2
    assert not {"img", "iframe", "object", "embed", "link", "base", "form"} & {tag for tag, _ in page.elements}
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    data, code = page.scripts
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.policy
    assert "<" not in data
    assert invisible_in(text) == set()
    rows: list[dict[str, Any]] = json.loads(data)
    return rows


def invisible_in(text: str) -> set[str]:
    """Characters of the page that nobody would see."""
    return {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and c not in "\n\t"}


def hostile_run(path: Path) -> Path:
    """A run with hostile text wherever a run can hold text."""
    (path / "transcripts").mkdir(parents=True)
    row: dict[str, Any] = dict.fromkeys(TEXTS, HOSTILE)
    row |= {"step": 0, "well_formed": False, "complied": None, "af": HOSTILE, "reward_terms": {HOSTILE: 1.0}}
    (path / "transcripts" / "step_000000.jsonl").write_text(json.dumps(row) + "\n")
    keys = (f"train/reward/{HOSTILE}", f"time/{HOSTILE}_s", "eval/free/compliance", "train/reward", "eval/gap")
    rows = [{"step": step, **dict.fromkeys(keys, 0.5)} for step in (0, 1)]
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (path / "manifest.json").write_text(json.dumps({"status": HOSTILE, "seeds": HOSTILE, HOSTILE: HOSTILE}))
    (path / "config.yaml").write_text(json.dumps({"name": HOSTILE, HOSTILE: [HOSTILE]}))
    return path


def test_hostile_run_becomes_text_and_nothing_else(tmp_path: Path) -> None:
    (row,) = check_page(write_report(hostile_run(tmp_path / "run")).read_text())
    for field in TEXTS:
        assert row[field] == visible(HOSTILE)
    assert list(row["terms"]) == [visible(HOSTILE)]
    assert row["af"] is None
    assert invisible_in(final_table(tmp_path / "run")) == set()


def test_hostile_runs_become_a_harmless_comparison(tmp_path: Path) -> None:
    paths = [hostile_run(tmp_path / name) for name in ("a b", "<i>'\"")]
    text = write_comparison(paths, tmp_path / "out").read_text()
    page = Page(text)
    assert "script-src 'none'" in page.policy
    assert not {"script", "img", "i"} & {tag for tag, _ in page.elements}
    assert invisible_in(text) == set()


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(TEXTS), st.text() | JSON_VALUES), st.text(), JSON_VALUES)
def test_no_text_whatever_escapes_into_the_page(fields: dict[str, Any], name: str, value: Any) -> None:
    rows = ({"step": 0, **fields},)
    run = RunData(Path("run"), {"name": name, name: value}, {"status": name}, {}, rows, 0)
    (row,) = check_page(render_run(run, []))
    for field, text in fields.items():
        if field != "completion" and isinstance(text, str):
            assert row[field] == visible(text)


@given(JSON_VALUES)
def test_embedded_json_says_the_same_in_harmless_characters(value: Any) -> None:
    text = json_for_html(value)
    assert json.loads(text) == value
    assert text.isascii()
    assert not set("<>&") & set(text)


def test_embedded_json_refuses_what_a_browser_could_not_read() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        json_for_html([float("nan")])


@given(st.text())
def test_visible_text_hides_nothing_and_alters_nothing_else(text: str) -> None:
    shown = visible(text)
    assert invisible_in(shown) == set()
    assert visible(shown) == shown
    plain = [c for c in text if c in "\n\t" or unicodedata.category(c)[0] not in "CZ" or c == " "]
    letters = iter(shown)
    assert all(character in letters for character in plain)


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [("\x1b[2J", "\u241b[2J"), ("\x00", "\u2400"), ("\r\n", "\u240d\n"), ("\u202e", "\u27e8U+202E\u27e9")],
)
def test_terminal_and_direction_controls_are_shown(hidden: str, shown: str) -> None:
    assert visible(hidden) == shown


def test_script_makes_text_nodes_only() -> None:
    code = (Path(__file__).parents[1] / "rl" / "report" / "pages" / "transcripts.js.j2").read_text()
    assert "textContent" in code
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|Function\(|setAttribute|srcdoc", code
    )
