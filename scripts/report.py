"""Reports of runs: `python -m scripts.report RUN_OR_SWEEP_DIR ... [out=DIR]`."""

from __future__ import annotations

import argparse
import sys

from rl.command.streams import accept_every_character
from rl.errors import GoalguardError

DESCRIPTION = """\
Writes report.html, figures/*.png and summary.json into every run directory given or found in the folders given.
Several runs also become one comparison, in which runs that differ in nothing but their seed are averaged. It goes to
out=DIR, or else to `comparison` in the folder that holds all of them.

  python -m scripts.report runs/headline/2026-11-22_10-00-00
  python -m scripts.report runs/headline runs/displaced out=comparison"""


def read_paths() -> list[str]:
    """Return the paths of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.report", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", metavar="RUN_OR_SWEEP_DIR", help="a run directory or a folder of runs")
    paths: list[str] = parser.parse_args().paths
    return paths


def main() -> int:
    """Run the command; 0, or 2 with one message for what the user can mend."""
    accept_every_character()
    paths = read_paths()
    from rl.report.command import report_on  # after the arguments, so that --help does not wait for it

    try:
        for page in report_on(paths):
            print(page)
    except GoalguardError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
