"""A mirror of the record in wandb, offline unless asked; nothing that goes wrong in it stops a run."""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, cast

import httpx

from rl.files.json_lines import json_lines, jsonable
from rl.files.secrets import redact, redact_text
from rl.tracking.curve_summary import summarise_curves
from rl.tracking.record import Sink
from rl.tracking.transcript import TRANSCRIPT_FIELDS

log = logging.getLogger(__name__)

_KNOCK_SECONDS, _INIT_SECONDS, _FINISH_SECONDS = 3.0, 10.0, 60.0
_FOLDERS = {"WANDB_DATA_DIR": ".data", "WANDB_CACHE_DIR": ".cache", "WANDB_CONFIG_DIR": ".config"}
"""What wandb keeps below the home folder unless it is told another place, and where it is kept instead."""
_CHOSEN_BY_OTHERS = (
    "WANDB_SWEEP_ID", "WANDB_SWEEP_PARAM_PATH", "WANDB_RUN_ID", "WANDB_RESUME", "WANDB_FORK_FROM", "WANDB_RESUME_FROM",
)  # fmt: skip
"""What an agent of wandb leaves in the environment, which would put every run into one run of its own."""
_CLOSED = "closed"
"""In the folder of a part that was ended in order; a killed one has none."""


@dataclass(frozen=True, slots=True)
class WandbSettings:
    """How a run appears in wandb."""

    mode: str
    """`offline`, `online` or `disabled`."""
    project: str
    group: str
    """Runs that belong together: an experiment, or one sweep of it."""
    job_type: str
    tags: tuple[str, ...]
    artifacts: bool
    """Whether checkpoints are kept as artifacts."""


class WandbSink(Sink):
    """A wandb run in `run_dir/wandb`; offline it needs no network, key or login.

    Asked for `online` without a key or a network it warns once, within a few seconds, and goes on offline. The run's id
    is kept in `run_dir/wandb/run_id`, so a resumed run is the same wandb run. Every row carries `step`, and every curve
    is drawn over it: wandb's own row counter starts again when an offline run is resumed. What the summary says of a
    curve is read from `run_dir/metrics.jsonl`, so it holds for the whole run and not only for the part since a resume.

    wandb's service dies with the process, so a part that was killed may have lost rows that are in the record: online
    what was not sent yet, offline up to all of them. The next part sends them from the record, transcripts and
    checkpoints with them.

    Args:
        run_dir: the run directory.
        settings: how the run appears.
        config: the resolved config; what looks like a secret is blotted out before wandb sees it.
    """

    def __init__(self, run_dir: Path, settings: WandbSettings, config: Mapping[str, Any]) -> None:
        self._run: Any = None
        self._run_dir, self._artifacts, self._step = run_dir, settings.artifacts, 0
        self._environment = _set_environment(run_dir / "wandb")
        with _only_warn("start"):
            killed = _set_aside_killed(run_dir / "wandb")
            self._run = _start(run_dir, settings, redact(config))
            self._catch_up(whole=not killed)

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Send one row; values that are not finite are left out, as wandb has no null."""
        row = {key: clean for key, value in values.items() if (clean := jsonable(value)) is not None}
        self._step = step
        self._send({**row, "step": step})

    def log_transcripts(self, step: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Send one evaluation as a table under its own key, since under a shared key only the last one shows."""
        if self._run is None:
            return
        with _only_warn("log transcripts"):
            import wandb

            table = wandb.Table(columns=list(TRANSCRIPT_FIELDS), data=[_cells(row) for row in rows])
            self._run.log({f"transcripts/step_{step:06d}": table, "step": step})

    def log_checkpoint(self, step: int, folder: Path) -> None:
        """Send a checkpoint, where artifacts are asked for, as the next version of the run's one artifact."""
        if self._run is None or not self._artifacts:
            return
        with _only_warn("log a checkpoint"):
            import wandb

            artifact = wandb.Artifact(f"checkpoint-{self._run.id}", "model", metadata={"step": step})
            for path in sorted(folder.iterdir()):
                # A checkpoint never changes, so wandb need not keep a second copy of it below the user's home.
                artifact.add_file(str(path), skip_cache=True, policy="immutable")
            self._run.log_artifact(artifact, aliases=[f"step_{step:06d}"])

    def log_figures(self, paths: Sequence[Path]) -> None:
        """Send PNG files as images named after them, at the last step."""
        if self._run is None:
            return
        with _only_warn("log figures"):
            import wandb

            images = {f"figures/{path.stem}": wandb.Image(str(path)) for path in paths}
            self._run.log({**images, "step": self._step})

    def close(self, status: str) -> None:
        """End the wandb run, so that the next run in this process gets its own."""
        run, self._run = self._run, None
        with _only_warn("finish"):
            if run is not None:
                run.summary.update(summarise_curves(self._record()) | {"status": status})
                run.finish(exit_code=0 if status == "finished" else 1)
                if not run.disabled:
                    (Path(run.dir).parent / _CLOSED).touch()
        _restore_environment(self._environment)

    def _catch_up(self, *, whole: bool) -> None:
        """Send what the record holds and wandb may not, step by step, so that this can be interrupted as well."""
        if self._run.offline:
            unsent = [] if whole else self._record()
        else:
            # A step is several rows, of which only the first may have arrived: the last step is sent again.
            told = self._run.summary.get("step", 0)
            unsent = [row for row in self._record() if row["step"] >= told]
        for step, rows in groupby(unsent, key=itemgetter("step")):
            for row in rows:
                self.log(step, row)
            self._send_kept(step)

    def _send_kept(self, step: int) -> None:
        transcripts = self._run_dir / "transcripts" / f"step_{step:06d}.jsonl"
        if transcripts.exists():
            self.log_transcripts(step, json_lines(transcripts)[0])
        checkpoint = self._run_dir / "checkpoints" / f"step_{step:06d}"
        if checkpoint.exists():
            self.log_checkpoint(step, checkpoint)

    def _record(self) -> list[dict[str, Any]]:
        return json_lines(self._run_dir / "metrics.jsonl")[0]

    def _send(self, row: Mapping[str, Any]) -> None:
        if self._run is not None:
            with _only_warn("log"):
                self._run.log(row)


@contextmanager
def _only_warn(doing: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # wandb raises from many packages and the record does not depend on it
        log.warning("wandb could not %s: %s: %s", doing, type(error).__name__, error)


def _set_environment(folder: Path) -> dict[str, str | None]:
    """Have wandb write nothing outside of `folder` and choose no run of its own; return what the variables were.

    A variable that is set stays, and so do the settings that somebody has made in the home folder.
    """
    settings = Path(os.path.expanduser("~"), ".config", "wandb", "settings")
    places = {name: str(folder.absolute() / place) for name, place in _FOLDERS.items() if name not in os.environ}
    if settings.is_file():
        places.pop("WANDB_CONFIG_DIR", None)
    earlier = {name: os.environ.pop(name, None) for name in (*places, *_CHOSEN_BY_OTHERS)}
    os.environ.update(places)
    return earlier


def _restore_environment(earlier: Mapping[str, str | None]) -> None:
    for name, value in earlier.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _set_aside_killed(folder: Path) -> list[Path]:
    """Rename the parts that were killed, as `wandb sync` sends none at all if it cannot read one; their new names."""
    parts = [*folder.glob("run-*"), *folder.glob("offline-run-*")]
    return [part.rename(folder / f"killed-{part.name}") for part in parts if not (part / _CLOSED).exists()]


def _start(run_dir: Path, settings: WandbSettings, config: dict[str, Any]) -> Any:
    import wandb

    if settings.mode != "online":
        return _init(run_dir, settings, config)
    try:
        _knock(wandb.setup().settings.base_url)
        # Without prompt=False a terminal is asked for a key and the run waits for an answer. Without verify=True an
        # unreachable server is found out only by several requests of init, one after the other.
        if not wandb.login(prompt=False, verify=True):
            raise wandb.errors.UsageError("no API key is configured")
        return _init(run_dir, settings, config)
    except (wandb.errors.Error, httpx.HTTPError, OSError) as error:
        first_line = str(error).strip().split("\n", 1)[0]
        log.warning("wandb is not reachable (%s); this run is kept offline, `wandb sync` can send it later", first_line)
        # The half-made online run holds on to the run id until the service behind it ends.
        wandb.teardown()
        return _init(run_dir, replace(settings, mode="offline"), config)


def _knock(url: str) -> None:
    """Raise HTTPError unless the server answers at all: wandb itself gives up after a dozen seconds at the earliest."""
    # Nothing is sent, so whose certificate it is matters only later, to wandb, which may trust others than httpx does.
    httpx.head(url, timeout=_KNOCK_SECONDS, verify=False)


def _init(run_dir: Path, settings: WandbSettings, config: dict[str, Any]) -> Any:
    import wandb

    run = wandb.init(
        dir=str(run_dir),
        id=_run_id(run_dir),
        name="/".join(redact_text(str(run_dir.resolve())).split(os.sep)[-2:]),
        mode=cast("Literal['online', 'offline', 'disabled']", settings.mode),
        project=settings.project,
        group=settings.group,
        job_type=settings.job_type,
        tags=settings.tags,
        config=config,
        resume="allow",
        reinit="finish_previous",
        settings=wandb.Settings(
            init_timeout=_INIT_SECONDS,
            finish_timeout=_FINISH_SECONDS,
            # Capturing the console would wrap the stream that the progress line is drawn on.
            console="off",
            # The command line, the program's path and the user's name; the manifest says what figures depend on.
            x_disable_meta=True,
            # wandb tells the server where the program lies all the same, which may be below somebody's home.
            program="scripts.train",
            silent=settings.mode != "online",
        ),
    )
    run.define_metric("step")
    run.define_metric("*", step_metric="step")
    return run


def _run_id(run_dir: Path) -> str:
    path = run_dir / "wandb" / "run_id"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.token_hex(4))
    return path.read_text().strip()


def _cells(row: Mapping[str, Any]) -> list[Any]:
    clean = [jsonable(row[name]) for name in TRANSCRIPT_FIELDS]
    return [json.dumps(cell, sort_keys=True) if isinstance(cell, dict) else cell for cell in clean]
