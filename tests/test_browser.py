"""The pages in a real browser at the width of a phone: no errors, nothing cut off, all of it within reach of Tab."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.browser import binary, browser
from support.report_runs import evaluation, full_run, write_run

from rl.report import write_comparison, write_report

pytestmark = pytest.mark.pictures

FAULTY = """<!doctype html><meta name="viewport" content="width=device-width"><main><p style="width: 700px">wide</p>
<button style="outline: none">unmarked</button><a href="#" tabindex="-1">unreached</a></main><script>oops()</script>"""


@pytest.mark.skipif(binary() is None, reason="no Chromium or Chrome is installed")
def test_pages_have_no_errors_nothing_cut_off_at_phone_width_and_a_visible_focus_everywhere(tmp_path: Path) -> None:
    run = full_run(tmp_path / "runs" / "0", seed=0)
    rows = [evaluation(0, 5, 7, 1), evaluation(5, 20, 30, 10)]
    others = [write_run(tmp_path / "runs" / str(seed), rows, seed=seed, algo={"kl": seed}) for seed in (1, 2)]
    pages = [write_report(run), write_comparison([run, *others])]
    faulty = tmp_path / "faulty.html"
    faulty.write_text(FAULTY)
    chromium = binary()
    assert chromium
    with browser(chromium, tmp_path / "profile", seconds=90) as opened:
        for page in pages:
            assert opened.faults(page) == {"errors": [], "cut": [], "unreached": [], "unmarked": []}, page
        found = opened.faults(faulty)
    assert all(found.values()), f"faults that were not seen: {found}"
