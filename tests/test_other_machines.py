"""Disks, clusters and terminals of other people: what a user would lose there, named one by one."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra.core.utils
import pytest

from rl.command.entry import composed
from rl.command.streams import accept_every_character
from rl.files import lock
from rl.files.atomic import replace_text
from rl.files.folder import new_folder
from rl.files.lock import InUse, claim_folder, held, wait_for_turn
from rl.run.train import choose_run_dir
from rl.sweep.plan import plan_of
from rl.tracking.record import JsonlSink

Command = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).resolve().parent.parent
DIE_HOLDING = """
import fcntl, os, signal, sys
from pathlib import Path
def refuse(*_): raise OSError(38, "Function not implemented")
fcntl.flock = refuse
from rl.files.lock import held
with held(Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def refuse_syncs(monkeypatch: pytest.MonkeyPatch, number: int, of: Callable[[int], bool]) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if of(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EIO, errno.EACCES])
def test_a_disk_that_cannot_sync_a_folder_costs_nobody_a_run(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_syncs(monkeypatch, number, stat.S_ISDIR)
    replace_text(tmp_path / "file", "whole")
    with new_folder(tmp_path / "folder") as folder:
        (folder / "file").write_text("whole")
    assert (tmp_path / "file").read_text() == (tmp_path / "folder" / "file").read_text() == "whole"


def test_a_file_that_was_not_synced_is_an_error_unless_the_disk_knows_no_syncing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_syncs(monkeypatch, errno.EIO, stat.S_ISREG)
    with pytest.raises(OSError, match="Input/output error"):
        replace_text(tmp_path / "file", "whole")
    assert not (tmp_path / "file").exists()
    refuse_syncs(monkeypatch, errno.ENOSYS, stat.S_ISREG)
    JsonlSink(tmp_path / "metrics.jsonl").log(1, {"eval/gap": 0.5})
    assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 1, "eval/gap": 0.5}\n'


@pytest.fixture(params=[errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def disk_without_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: Any) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", flock)
    lock._tell_no_locks.cache_clear()


def test_on_a_disk_without_locks_two_processes_do_not_write_one_run_and_the_user_is_told_once(
    disk_without_locks: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        with (
            held(tmp_path),
            pytest.raises(InUse, match=f"in use by process {os.getpid()} on .* remove "),
            held(tmp_path),
        ):
            pass
    for _ in range(2):
        with wait_for_turn(tmp_path / "summary.jsonl"):
            pass
    assert capsys.readouterr().err.count("this disk has no locks") == 1
    assert not list(tmp_path.glob("*.held"))


def test_on_a_disk_without_locks_a_dead_process_of_this_host_does_not_block_a_run_for_ever(
    disk_without_locks: None, tmp_path: Path
) -> None:
    dead = subprocess.run([sys.executable, "-c", DIE_HOLDING, str(tmp_path)], cwd=ROOT, capture_output=True)
    assert dead.returncode == -signal.SIGKILL and list(tmp_path.glob(".*.held"))
    with held(tmp_path), pytest.raises(InUse), held(tmp_path):
        pass


def test_runs_that_start_in_one_second_keep_their_seeds_apart(small: list[str], tmp_path: Path) -> None:
    fresh = tmp_path / "2026-01-01_00-00-00"
    fresh.mkdir()
    places = [choose_run_dir(composed([*small, f"seed={seed}", how]), fresh)
              for seed, how in enumerate(("resume=null", "resume=auto", "resume=null"))]  # fmt: skip
    assert [place.name for place in places] == [fresh.name, f"{fresh.name}-2", f"{fresh.name}-3"]
    assert all(place.is_dir() for place in places)


def test_sweeps_that_start_in_one_second_have_a_folder_each(
    small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(hydra.core.utils.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls(2026, 1, 1)

    monkeypatch.setattr(hydra.core.utils, "datetime", Clock)
    monkeypatch.chdir(tmp_path)
    first, second = (plan_of(["-m", *small, f"seed={seeds}"]).directory for seeds in ("0,1", "2,3"))
    assert first.name == "2026-01-01_00-00-00" and second == first.with_name(f"{first.name}-2")
    dry = plan_of(["-m", *small, "seed=4,5", "dry_run=true"]).directory
    assert dry == first and not claim_folder(first).with_name(f"{first.name}-4").exists(), "a check claims nothing"


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("iso-8859-1", "gap -3.0 pp - caf\xe9 ? ?"), ("ascii", "gap -3.0 pp - caf? ? ?"),
     ("utf-8", "gap \u22123.0 pp \u2013 caf\xe9 ł ?")],
)  # fmt: skip
def test_a_table_is_printed_on_a_terminal_that_lacks_its_characters(
    encoding: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("stdout", "stderr"):
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding=encoding)
        monkeypatch.setattr(sys, name, stream)
        accept_every_character()
        print("gap \u22123.0 pp \u2013 caf\xe9 ł \udcff", file=stream, flush=True, end="")
        assert raw.getvalue().decode(encoding) == expected


@pytest.mark.parametrize("path", ["/models/epoch=6-step=100", "/models/my model (2)", "/models/a:b#c", "/models/{x}"])
def test_a_model_path_that_has_to_be_quoted_is_told_with_the_quotes(command: Command, path: str) -> None:
    code, _, told = command("organism=hf", f"organism.path={path}", "dry_run=true")
    assert code == 2 and f"organism.path=\"'{path}'\"" in told and "Traceback" not in told
    code, _, told = command("organism=hf", f"organism.path='{path}'", "dry_run=true")
    assert code == 2 and f"organism.path={path}: no such folder" in told


def test_a_tilde_that_the_shell_left_is_the_home_folder(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for word in ("organism.path=~/models/mine", "organism.path='~/models/mine'"):
        code, _, told = command("organism=hf", word, "dry_run=true")
        assert code == 2 and f"organism.path={tmp_path}/models/mine: no such folder" in told


def test_a_home_folder_that_cannot_be_written_leaves_pictures_in_the_run_and_nothing_on_the_terminal(
    small: list[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    run_dir, root = tmp_path / "run", Path(__file__).parents[1]
    environment = {key: word for key, word in os.environ.items() if not key.startswith(("MPL", "XDG_"))}
    environment |= {"HOME": str(tmp_path / "file" / "home")}  # not even root can make a folder there

    def told(*words: str) -> str:
        command = [sys.executable, "-m", *words]
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    trained = told("scripts.train", *small, f"hydra.run.dir={run_dir}")
    assert "atplotlib" not in trained and "mkdir" not in trained
    assert list((run_dir / "figures").glob("*.png")) and list((run_dir / ".cache").glob("fontlist*"))
    again = told("scripts.report", str(run_dir))
    assert "atplotlib" not in again and "mkdir" not in again
