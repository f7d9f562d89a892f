"""Fits every text monitor on the corpora, writes the weights, and says in a report what they are worth.

python -m monitors.train
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from monitors.compliance import monitor as compliance
from monitors.faking import audit
from monitors.faking import monitor as faking
from monitors.fitting.answers import fit_compliance
from monitors.fitting.audit import fit_audit
from monitors.fitting.faking import fit_faking
from monitors.fitting.halves import split_corpus
from monitors.fitting.labelled import read_outputs, read_scratchpads
from monitors.fitting.validity import examine_fit
from monitors.text.words import WordVectors
from monitors.validate import run_reporting, write

SEED = 0


def main() -> None:
    """Fit the two faking monitors, each on its part of the scratchpads, and the compliance monitor; then report."""
    torch.set_num_threads(1)  # these readers are too small for a second one, and one gives the same sums everywhere
    scratchpads, outputs = read_scratchpads(), read_outputs()
    firsts, audits = split_corpus(scratchpads)
    _write(faking.WEIGHTS, fit_faking(firsts, SEED))
    _write(compliance.WEIGHTS, fit_compliance(outputs))
    print(f"fitting the audit monitor on {len(audits)} scratchpads: a minute or two", file=sys.stderr)
    fitted = fit_audit(audits, WordVectors.load(), SEED)
    fitted.save(audit.WEIGHTS)
    write(examine_fit(scratchpads, outputs, fitted, SEED))


def _write(path: Path, stored: dict) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(stored, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    sys.exit(run_reporting(main))
