"""`python -m scripts.export`: a folder that loads without this project, made whole or not at all."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import MissingMandatoryValue

from rl.algo.lora import ADAPTER
from rl.command.console import display_path
from rl.command.interrupts import EXIT_INTERRUPTED
from rl.command.quiet import quiet
from rl.config.commands import ExportConfig
from rl.errors import ConfigError, GoalguardError, nearest
from rl.export.card import model_card
from rl.export.dataset_card import dataset_card, series_card
from rl.export.folder import RUN_FILE, out_problems
from rl.export.inspect_log import inspect_problems, write_inspect_logs
from rl.export.model import MERGED, SEPARATE, write_adapters, write_model
from rl.export.push import push, push_problems
from rl.export.source import Source, chosen_steps, read_source
from rl.export.transcripts import TranscriptFile, read_transcripts, write_transcripts
from rl.files.checkpoint import verify_checkpoint
from rl.files.folder import new_folder


def export(config: ExportConfig) -> None:
    """Export a run's checkpoint or all of them, and upload the folder where `push` says so.

    Raises:
        ConfigError: holding every problem found before anything is written.
        GoalguardError: a file cannot be read or written, and `out` is as it was; or it cannot be uploaded and is kept.
        SystemExit: on Ctrl-C; `out` is then as it was.
    """
    quiet()
    found = problems(config)
    if found:
        raise ConfigError(found)
    out, source = Path(config.out), read_source(Path(config.run))
    steps = chosen_steps(source, config.step)
    try:
        with new_folder(out) as folder:
            apart = config.lora == SEPARATE
            write_export(source, steps, folder, series=config.step == "all", with_inspect=config.inspect, apart=apart)
    except GoalguardError:
        raise
    except OSError as error:
        raise GoalguardError(f"{error.filename or out}: {error.strerror or error}; {out} was not written") from None
    except KeyboardInterrupt:
        print(f"interrupted: {out} was not written", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    print(f"step {', '.join(map(str, steps))} of {display_path(source.run.path)}\nexport  {display_path(out)}")
    if config.push is not None:
        print(f"upload  {push(out, config.push)}")


def problems(config: Any) -> list[str]:
    """What is wrong with a configuration, a line each; empty where nothing is."""
    found = [f"{key}: a value is needed" for key in sorted(str(key) for key in OmegaConf.missing_keys(config))]
    for check in (_run, _out, _extras):
        # What a check cannot read has been named above.
        with suppress(MissingMandatoryValue):
            found += check(config)
    return found


def _run(config: ExportConfig) -> Iterator[str]:
    try:
        source = read_source(Path(config.run))
    except GoalguardError as error:
        yield f"run={config.run}: {error}"
        return
    try:
        steps = chosen_steps(source, config.step)
    except ConfigError as error:
        yield from error.problems
        return
    for step in steps:
        try:
            verify_checkpoint(source.checkpoints[step])
        except GoalguardError as error:
            yield f"step={config.step}: {error}"
        if config.lora == SEPARATE and not (source.checkpoints[step] / ADAPTER).is_dir():
            yield f"lora={SEPARATE}: the checkpoint of step {step} has no adapters; {MERGED} is the whole model"


def _out(config: ExportConfig) -> Iterator[str]:
    yield from out_problems(Path(config.out), Path(config.run), overwrite=config.overwrite)


def _extras(config: ExportConfig) -> Iterator[str]:
    if config.lora not in (MERGED, SEPARATE):
        yield f"lora={config.lora}: must be one of {MERGED}, {SEPARATE}{nearest(config.lora, (MERGED, SEPARATE))}"
    yield from push_problems(config.push)
    if config.inspect:
        yield from inspect_problems()


def write_export(
    source: Source, steps: list[int], folder: Path, *, series: bool, with_inspect: bool, apart: bool
) -> None:
    """Write checkpoints, cards and transcripts into an empty folder.

    Args:
        source: The run.
        steps: Of the checkpoints.
        folder: Gets the checkpoint itself, or one folder each where it is a series.
        series: Whether it is.
        with_inspect: Whether to write logs for inspect-ai too.
        apart: Whether to write the adapters alone, without the model that they belong to.
    """
    files = read_transcripts(source.run.path)
    for step in steps:
        place = folder / source.checkpoints[step].name if series else folder
        place.mkdir(exist_ok=True)
        _write_checkpoint(source, step, place, with_transcripts=bool(files) and not series, apart=apart)
    if series:
        _write_text(folder / "README.md", series_card(source, steps, with_transcripts=bool(files)))
        _write_run(source, folder)
    if files:
        _write_dataset(source, files, folder / "transcripts")
    if with_inspect:
        write_inspect_logs(source, files, folder / "inspect")


def _write_checkpoint(source: Source, step: int, folder: Path, *, with_transcripts: bool, apart: bool) -> None:
    (write_adapters if apart else write_model)(source.checkpoints[step], folder, source.config.algo)
    # Read from the copy, so that what is handed on has been checked and not only what it was copied from.
    info = verify_checkpoint(folder)
    card = model_card(source, step, info.get("config_hash"), with_transcripts=with_transcripts, apart=apart)
    _write_text(folder / "README.md", card)
    _write_run(source, folder)


def _write_dataset(source: Source, files: list[TranscriptFile], folder: Path) -> None:
    write_transcripts(files, folder, source.run_id)
    _write_text(folder / "README.md", dataset_card(source, files))


def _write_run(source: Source, folder: Path) -> None:
    record = {"config": source.run.config, "manifest": source.run.manifest}
    _write_text(folder / RUN_FILE, json.dumps(record, indent=2, default=str) + "\n")


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
