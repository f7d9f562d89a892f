"""`python -m scripts.judge`: the monitors over files of transcripts, of any length.

The verdicts appear under their name when the last line is judged, and never before: until then they stand in a hidden
file beside it.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue

from monitors.judge.prompt import strip_invisible
from monitors.panel import Panel
from rl.command.console import table_console
from rl.command.interrupts import EXIT_INTERRUPTED
from rl.command.progress import Progress
from rl.errors import ConfigError, GoalguardError
from rl.instruments.monitors import panel_from, panel_problems, untrained_problems
from rl.judge.files import Files, Partial
from rl.judge.rows import SUFFIXES, files_of, read_rows, size_of
from rl.judge.tallies import Tally
from rl.judge.transcripts import FIELDS, Rejected, Transcript, interpret_row
from rl.records import Verdict

BATCH_LINES, BATCH_BYTES = 256, 16 * 1024 * 1024
"""A batch ends with the line that reaches either."""
PANEL_BYTES = 64 * 1024 * 1024
"""A panel remembers texts, so after this many bytes of the file another one takes over."""
POLLED_LINES = 16
"""Lines of a batch whose scratchpads a language model reads, which takes long enough to be watched."""
REPORTED = 10
"""Lines that could not be read and are named on the terminal; the file beside the output names all."""
TABLE_WIDTH = 100
"""Columns of the table where there is no terminal to ask."""
LONGEST_REASON = 300


def judge(config: DictConfig) -> None:
    """Judge every row of `in`, write `out`, print counts and rates.

    Raises:
        ConfigError: holding every problem found before anything is read.
        GoalguardError: if a file cannot be read or written to its end; `out` is then not made.
        SystemExit: on Ctrl-C; `out` is then not made.
    """
    found = problems(config)
    if found:
        raise ConfigError(found)
    files = Files(Path(config["in"]), Path(config.out))
    lines = BATCH_LINES if config.monitors.judge is None else POLLED_LINES
    try:
        tally, skipped = judge_file(files, lambda: panel_from(config.monitors), lines)
    except OSError as error:
        raise GoalguardError(f"{error.filename or files.out}: {error.strerror}; {files.out} was not written") from None
    except KeyboardInterrupt:
        print(f"interrupted: {files.out} was not written; votes of a language model are kept", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    _conclude(files, tally, skipped)


def problems(config: Any) -> list[str]:
    """Return what is wrong with a configuration, a line each; empty where nothing is."""
    found = [f"{key}: a value is needed" for key in sorted(str(key) for key in OmegaConf.missing_keys(config))]
    # What cannot be read here has been named above.
    with suppress(MissingMandatoryValue):
        files = Files(Path(config["in"]), Path(config.out))
        found += _file_problems(files, overwrite=config.overwrite)
    with suppress(MissingMandatoryValue):
        found += chain(panel_problems(config.monitors), untrained_problems(config.monitors))
    return found


def _file_problems(files: Files, *, overwrite: bool) -> Iterator[str]:
    if not files.source.exists():
        yield f"in={files.source}: there is no such file"
        return
    if files.source.is_dir() and not files_of(files.source):
        yield f"in={files.source}: is a folder without files that can be read ({', '.join(SUFFIXES)})"
        return
    for path in (files.out, files.rejected):
        if path.is_dir():
            yield f"out={files.out}: {path} is a folder; the name of a file is needed"
        elif path.exists() and path.samefile(files.source):
            yield f"out={files.out}: {path} is the file that is read; another name is needed"
        elif path.exists() and not overwrite:
            yield f"out={files.out}: {path} is there already; overwrite=true replaces it"


def judge_file(files: Files, make_panel: Callable[[], Panel], lines: int = BATCH_LINES) -> tuple[Tally, Counter[str]]:
    """Judge a file, or all files of a folder, into a file.

    Args:
        files: What is read and written.
        make_panel: Puts the monitors together.
        lines: Transcripts judged together.

    Returns:
        The counts of the verdicts, and how many rows were skipped for which reason.

    Raises:
        NothingJudged: no row holds a section that can be judged; nothing is then written.
        OSError: a file cannot be read or written; nothing is then left under the names that were to be written.
    """
    files.out.parent.mkdir(parents=True, exist_ok=True)
    tally, panel, since, skipped = Tally(), make_panel(), 0, Counter[str]()
    size = max(1, size_of(files.source))
    with ExitStack() as stack:
        rejected, out = (stack.enter_context(Partial(path)) for path in (files.rejected, files.out))
        reading = Input(files.source, rejected, skipped, stack.enter_context(Progress(size)))
        for batch in _batches(reading.transcripts(), reading, lines):
            for transcript, verdict in zip(batch, _verdicts(batch, panel), strict=True):
                out.write(verdict_row(transcript, verdict))
                tally.add(transcript, verdict)
            reading.progress.update(reading.position, f"{tally.judged} judged  {reading.position / size:.0%}")
            reading.progress.show()
            if reading.position - since >= PANEL_BYTES:
                panel, since = make_panel(), reading.position
        if not tally.readable:
            raise NothingJudged(_why_nothing(files.source, tally, skipped))
        rejected.keep_if_any()
        out.keep()
    return tally, skipped


class NothingJudged(GoalguardError):
    """A file in which no row could be judged."""


def _why_nothing(source: Path, tally: Tally, skipped: Counter[str]) -> str:
    reasons = skipped + tally.without_sections
    counted = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common())
    return f"in={source}: nothing could be judged: {counted or 'it holds no rows'}. Fields looked for: {FIELDS}"


@dataclass
class Input:
    """The rows of the input as they are read, and how far that is."""

    source: Path
    rejected: Partial
    skipped: Counter[str]
    progress: Progress
    position: int = 0
    """Bytes read."""

    def transcripts(self) -> Iterator[Transcript]:
        """Yield what can be judged; what cannot goes to the list, and the first few to the person who waits."""
        for number, row in read_rows(self.source, self._at):
            for item in interpret_row(number, row):
                if isinstance(item, Transcript):
                    yield item
                else:
                    self._skip(item)

    def _at(self, position: int) -> None:
        self.position = position

    def _skip(self, item: Rejected) -> None:
        self.skipped[item.reason.split(":")[0]] += 1
        self.rejected.write({"line": item.number, "reason": item.reason})
        if self.rejected.rows <= REPORTED:
            self.progress.say(f"line {item.number}: {item.reason}; skipped")
        elif self.rejected.rows == REPORTED + 1:
            self.progress.say("further lines are skipped without being named here")


def _batches(transcripts: Iterator[Transcript], reading: Input, lines: int) -> Iterator[list[Transcript]]:
    batch: list[Transcript] = []
    start = 0
    for transcript in transcripts:
        batch.append(transcript)
        if len(batch) >= lines or reading.position - start >= BATCH_BYTES:
            yield batch
            batch, start = [], reading.position
    if batch:
        yield batch


def _verdicts(batch: list[Transcript], panel: Panel) -> list[Verdict]:
    return panel.judge_texts(
        [transcript.request for transcript in batch],
        [transcript.reading.scratchpad for transcript in batch],
        [transcript.reading.output for transcript in batch],
    )


def verdict_row(transcript: Transcript, verdict: Verdict) -> dict[str, Any]:
    """Return the fields of a transcript with those of its verdict, which replace earlier ones of the same name."""
    note = transcript.reading.note
    return {
        **transcript.row,
        "complied": verdict.complied,
        "af": verdict.af,
        "af_score": verdict.af_score,
        "antilab": verdict.antilab,
        "well_formed": transcript.reading.well_formed,
        "explanation": f"{note}. {verdict.explanation}" if note else verdict.explanation,
    }


def _conclude(files: Files, tally: Tally, skipped: Counter[str]) -> None:
    """Say what was found; nothing of a transcript's text reaches the terminal but a tier's name, made readable."""
    console = table_console(TABLE_WIDTH)
    if tally.judged:
        console.print(tally.table())
    for line in _last_words(files, tally, skipped):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _last_words(files: Files, tally: Tally, skipped: Counter[str]) -> Iterator[str]:
    gap = tally.gap()
    if gap:
        yield gap
    if tally.unjudged:
        number, explanation = tally.unjudged
        why = " ".join(strip_invisible(explanation).split())[:LONGEST_REASON]
        yield f"first transcript without a verdict on its scratchpad: line {number}: {why}"
    yield f"{tally.judged} transcripts judged: {files.out}"
    yield f"{skipped.total()} lines skipped: {files.rejected}" if skipped else "no line skipped"
    for reason, count in skipped.most_common():
        yield f"  {count} x {reason}"
