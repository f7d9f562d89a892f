"""No key, token, password or home folder in anything that a run, a sweep or an export writes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sweeping import summary_rows, sweeping_in
from test_run import status

from rl.command.entry import composed
from rl.config.plain import config_to_dict, config_yaml
from rl.files.secrets import redact, redact_text
from rl.run.identity import identity_of

Command = Callable[..., tuple[int, str, str]]
ENVIRONMENT = {
    "WANDB_API_KEY": "0123456789abcdef0123456789abcdef01234567",
    "HF_TOKEN": "hf_plantedplantedplanted",
    "OPENAI_API_KEY": "sk-planted-0123456789",
    "AWS_SECRET_ACCESS_KEY": "planted/AWS+secret/0123",
}
TYPED = ["sk-typed-0123456789", "hf_typedtypedtyped", "hunter2"]
OVERRIDES = [
    "tracking.mode=offline",
    f"tracking.tags=[{TYPED[0]},{TYPED[1]},mine]",
    f"tracking.group=https://me:{TYPED[2]}@example.org/",
    f"tracking.project={ENVIRONMENT['WANDB_API_KEY']}",
]


@pytest.fixture(scope="module")
def home(
    small: list[str], toy_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, list[Path]]]:
    """A home folder with a sweep of two jobs, of which one fails, made among planted secrets; and its files."""
    folder = tmp_path_factory.mktemp("alice").resolve()
    shutil.copytree(toy_folder, folder / "organism")
    words = [word for word in small if not word.startswith(("organism.path", "tracking.mode"))]
    obstacle = folder / "work" / "sweep" / "1" / "checkpoints" / ".step_000000.partial"
    obstacle.parent.mkdir(parents=True)
    obstacle.touch()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "HOME": str(folder)}.items():
            patch.setenv(name, value)
        code = sweeping_in(
            folder / "work", *words, *OVERRIDES, f"organism.path={folder / 'organism'}", "seed=1,2",
            f"hydra.sweep.dir={folder / 'work' / 'sweep'}",
        )  # fmt: skip
        assert code == 1 and status(folder / "work" / "sweep" / "0") == "finished"
        yield folder, [path for path in (folder / "work").rglob("*") if path.is_file() and not path.is_symlink()]


def test_no_file_of_a_sweep_holds_a_secret_or_the_home_folder(home: tuple[Path, list[Path]]) -> None:
    folder, files = home
    kinds = {path.suffix for path in files}
    assert {".yaml", ".json", ".jsonl", ".html", ".log", ".wandb"} <= kinds, "nothing was written to be searched"
    planted = [*ENVIRONMENT.values(), *TYPED]
    # wandb's own logs stay on the machine, and its record names the folder that `wandb sync` takes tables from.
    told = {path: path.read_bytes() for path in files if "logs" not in path.parts}
    found = {(str(path), word) for path, data in told.items() for word in planted if word.encode() in data}
    found |= {(str(path), "home") for path, data in told.items() if bytes(folder) in data and path.suffix != ".wandb"}
    assert found == set()


def test_what_is_written_still_says_what_the_run_was(home: tuple[Path, list[Path]]) -> None:
    folder, _ = home
    sweep = folder / "work" / "sweep"
    config = (sweep / "0" / "config.yaml").read_text()
    assert "path: ~/organism" in config and "- mine" in config and "group: '[redacted]'" in config
    log = (sweep / "1" / "job.log").read_text()
    assert "Traceback" in log and "FileExistsError" in log and "~/work/sweep/1/checkpoints" in log
    failed = next(row for row in summary_rows(sweep) if row["job"] == 1)
    assert "~/work/sweep/1" in failed["error"] and "organism.path=~/organism" in failed["overrides"]
    assert not (sweep / "multirun.yaml").exists() and "[redacted]" in (sweep / "sweep.json").read_text()


def test_a_sweep_among_secrets_finds_its_finished_job_again(home: tuple[Path, list[Path]], small: list[str]) -> None:
    folder, _ = home
    words = [word for word in small if not word.startswith(("organism.path", "tracking.mode"))]
    sweep = folder / "work" / "sweep"
    before = (sweep / "0" / "manifest.json").stat().st_mtime_ns
    code = sweeping_in(
        folder / "work", *words, *OVERRIDES, f"organism.path={folder / 'organism'}", "seed=1",
        f"hydra.sweep.dir={sweep}",
    )  # fmt: skip
    assert code == 0 and (sweep / "0" / "manifest.json").stat().st_mtime_ns == before


def test_a_dry_run_shows_no_secret(home: tuple[Path, list[Path]], small: list[str], command: Command) -> None:
    folder, _ = home
    words = [word for word in small if not word.startswith(("organism.path", "tracking.mode"))]
    code, out, told = command(*words, *OVERRIDES, f"organism.path={folder / 'organism'}", "dry_run=true")
    assert code == 0 and "[redacted]" in out
    assert not [word for word in [*ENVIRONMENT.values(), *TYPED, str(folder)] if word in out + told]


def test_the_shipped_settings_hold_nothing_that_is_taken_for_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    for experiment in ("smoke", "headline"):
        config = composed([f"experiment={experiment}"])
        assert redact(config_to_dict(config)) == config_to_dict(config) and "[redacted]" not in config_yaml(config)


def test_whose_home_it_is_does_not_decide_which_run_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    hers = identity_of(composed(["organism.path=/home/alice/organism"]))
    assert hers != identity_of(composed(["organism.path=/home/alicent/organism"]))
    monkeypatch.setenv("HOME", "/home/bob")
    assert hers == identity_of(composed(["organism.path=/home/bob/organism"]))


@given(
    before=st.sampled_from(["", "see ", "key=", "[", "'", "\n"]), after=st.sampled_from(["", " there", ",", "]", "'"])
)
def test_a_secret_is_found_wherever_it_stands_and_nothing_around_it_is_lost(before: str, after: str) -> None:
    for secret in ("sk-abcdef0123", "hf_abcdef0123", "ghp_abcdef0123", "AKIAABCDEFGHIJKLMNOP", "Bearer-less sk-ab"):
        told = redact_text(f"{before}{secret}{after}")
        assert secret not in told and told.startswith(before) and told.endswith(after)
    for innocent in ("task-based", "risk-averse", "https://example.org:80/a@b", os.sep, "the step~/x"):
        assert redact_text(f"{before}{innocent}{after}") == f"{before}{innocent}{after}"
