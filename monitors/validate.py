"""Makes the validity report anew with the shipped weights, as after texts were added that nothing is fitted on.

python -m monitors.validate
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from monitors.fitting.figures import save_figures
from monitors.fitting.validity import REPORT, examine_shipped, hash_corpus
from rl.errors import ConfigError, GoalguardError, MissingFile

COLUMNS, WIDTHS = ("AUROC", "hard", "right", "found", "alarms", "hard"), (7, 7, 7, 7, 8, 7)
FIGURES = Path(__file__).resolve().parent.parent / "docs" / "results" / "monitors"


def main() -> None:
    """Keep what was found at fitting, find the rest anew, write the report and the figures of the documentation.

    Raises:
        MissingFile: If there is no report yet.
        ConfigError: If the corpus has changed since the monitors were fitted.
    """
    if not REPORT.is_file():
        raise MissingFile(f"no report at {REPORT}; `python -m monitors.train` makes it")
    known = json.loads(REPORT.read_text())["at_fit"]
    if known["corpus"] != hash_corpus():
        raise ConfigError(["the corpus has changed since the monitors were fitted; run `python -m monitors.train`"])
    write(known)


def write(at_fit: dict[str, Any]) -> None:
    """Write the report and its figures, and print the report's main lines."""
    report = {"made_by": "python -m monitors.train", "at_fit": at_fit, "on_other_texts": examine_shipped()}
    REPORT.write_text(json.dumps(report, indent=1) + "\n")
    for path in save_figures(report, FIGURES):
        print(path, file=sys.stderr)
    print(summarise_report(report))


def summarise_report(report: dict[str, Any]) -> str:
    """Return a line for every monitor and set: n, AUROC, and the rates at the monitor's threshold."""
    head = "".join(name.rjust(width) for name, width in zip(COLUMNS, WIDTHS, strict=True))
    lines = [f"{'monitor':<11}{'texts':<18}{'n':>5}{head}"]
    for monitor in ("faking", "audit", "compliance", "antilab"):
        sets = report["at_fit"].get(monitor, {}).get("sets", {}) | report["on_other_texts"].get(monitor, {})
        lines += [_format_line(monitor, name, figures) for name, figures in sets.items()]
    agreements = report["at_fit"]["agreement"] | report["on_other_texts"]["agreement"]
    lines += [f"agreement on {name}: {figures}" for name, figures in agreements.items()]
    return "\n".join([*lines, f"evasions: {report['on_other_texts']['evasions']}"])


def run_reporting(job: Callable[[], None]) -> int:
    """Run a command; an error that is the user's to mend becomes one message and exit code 2."""
    try:
        job()
    except GoalguardError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _format_line(monitor: str, name: str, figures: dict[str, Any]) -> str:
    keys = ("auroc", "auroc_hard", "accuracy", "true_positive_rate", "false_positive_rate", "false_positive_rate_hard")
    values = [(figures[key] or {}).get("value") for key in keys]
    cells = ["-" if value is None else f"{value:.3f}" for value in values]
    text = "".join(cell.rjust(width) for cell, width in zip(cells, WIDTHS, strict=True))
    return f"{monitor:<11}{name:<18}{figures['n']:>5}{text}"


if __name__ == "__main__":
    sys.exit(run_reporting(main))
