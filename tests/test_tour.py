"""The notebook that shows newcomers around runs from top to bottom."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib
import pytest

TOUR = Path(__file__).resolve().parent.parent / "docs" / "tour.ipynb"


def test_every_cell_of_the_tour_runs_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    matplotlib.use("agg")
    names: dict[str, object] = {}
    cells = [cell for cell in json.loads(TOUR.read_text())["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells):
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
    said = capsys.readouterr().out
    assert "free: faking" in said and "step 2: gap" in said
    assert Path(str(names["report"])).stat().st_size > 10_000


def test_the_tour_is_shipped_with_what_its_cells_said_and_drew() -> None:
    cells = [cell for cell in json.loads(TOUR.read_text())["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] == number for number, cell in enumerate(cells, start=1))
    drawn = [output for cell in cells for output in cell["outputs"] if "image/png" in output.get("data", {})]
    assert len(drawn) == 2 and not any(output["output_type"] == "error" for cell in cells for output in cell["outputs"])
