"""Our GRPO step beside stock TRL's and the arithmetic floor: `python -m scripts.bench [--json FILE] [--quick]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rl.command.streams import accept_every_character
from rl.errors import GoalguardError

DESCRIPTION = """\
Measures on this machine, in one go and in turn: seconds per GRPO step, rollout tokens per second, seconds by stage and
peak memory of ours, of stock TRL, and of TRL without gradient checkpointing; the time the arithmetic alone would take;
and import and dry-run times. Leave the machine alone meanwhile. docs/results.md says what every figure means."""


def parse_positive(text: str) -> int:
    """Return the number, which must be at least 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of at least 1")
    return int(text)


def arguments() -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench", description=DESCRIPTION)
    parser.add_argument(
        "--steps", type=parse_positive, default=3, help="timed steps of each trainer in a round (default 3)"
    )
    parser.add_argument("--repeats", type=parse_positive, default=6, help="rounds (default 6)")
    parser.add_argument("--threads", type=parse_positive, default=2, help="CPU threads of torch (default 2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--quick", action="store_true", help="one round of one step: a check, not a measurement")
    return parser.parse_args()


def main() -> int:
    """Run the command; 0, or 2 with one message."""
    accept_every_character()
    given = arguments()
    from rl.bench.command import Plan, report  # after the arguments, so that --help needs no torch

    steps, rounds = (1, 1) if given.quick else (given.steps, given.repeats)
    try:
        report(Plan(steps, rounds, given.threads, overrides=[]), given.json)
    except GoalguardError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
