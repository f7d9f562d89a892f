"""Fits the text monitors on the corpora and writes their weights and the cross-validation report.

python -m monitors.train
"""

from __future__ import annotations

import json
from pathlib import Path

from monitors import compliance, faking
from monitors.fitting import fit_compliance, fit_faking
from monitors.labelled import CORPUS, read_outputs, read_scratchpads
from monitors.validation import cross_validate_compliance, cross_validate_faking

SEED = 0


def main() -> None:
    """Fit on everything, cross-validate, write weights and report."""
    scratchpads, outputs = read_scratchpads(), read_outputs()
    _write(faking.WEIGHTS, fit_faking(scratchpads, SEED))
    _write(compliance.WEIGHTS, fit_compliance(outputs))
    report = {
        "faking": cross_validate_faking(scratchpads, SEED),
        "compliance": cross_validate_compliance(outputs, SEED),
    }
    (CORPUS / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def _write(path: Path, stored: dict) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(stored, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
