"""What a laptop does to a run: another process in its directory, a full disk, a folder that takes nothing."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.killing import differences
from support.states import latest_resume
from support.sweeping import summary_rows, sweeping_in
from test_run import ROOT, status
from transformers import AutoModelForCausalLM, AutoTokenizer

from rl.command.entry import composed
from rl.files.atomic import replace_text
from rl.files.checkpoint import save_checkpoint, verify_checkpoint
from rl.files.disk import DiskFailed, disk_errors
from rl.files.lock import InUse, held
from rl.run.run import run
from rl.run.validate import problems
from rl.tracking.record import JsonlSink

Command = Callable[..., tuple[int, str, str]]
HOLD = """
import sys, time
from pathlib import Path
from rl.files.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def another_process_in(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is at work in a directory, until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait(timeout=60)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_process_in_a_run_directory_is_refused_by_name_and_a_killed_one_does_not_block(
    small: list[str], command: Command, tmp_path: Path
) -> None:
    place = tmp_path / "run"
    replace_text(place / "metrics.jsonl", '{"step": 0}\n')
    with another_process_in(place) as other:
        before = contents(place)
        code, _, told = command(*small, f"hydra.run.dir={place}")
        assert code == 2 and told.splitlines()[-1].startswith(f"{place} is in use by process {other.pid} on ")
        assert "Traceback" not in told and contents(place) == before
    with held(place), pytest.raises(InUse), held(place):
        pass


def test_a_sweep_continued_twice_is_refused_and_a_job_that_runs_elsewhere_fails_alone(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*small, "seed=1,2", f"hydra.sweep.dir={tmp_path / 'sweep'}"]
    with another_process_in(tmp_path / "sweep") as other:
        assert sweeping_in(tmp_path, *words) == 2
        assert f"in use by process {other.pid}" in capsys.readouterr().err
        assert [path.name for path in (tmp_path / "sweep").iterdir()] == [".lock"]
    with another_process_in(tmp_path / "sweep" / "0") as other:
        assert sweeping_in(tmp_path, *words) == 1
    failed, finished = summary_rows(tmp_path / "sweep")
    assert f"in use by process {other.pid}" in failed["error"] and failed["job"] == 0
    assert finished["status"] == "finished" and finished["job"] == 1


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file may grow beyond so many bytes: the system refuses as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_run_on_a_full_disk_says_so_keeps_what_is_whole_and_goes_on_when_there_is_room(
    small: list[str], tmp_path: Path
) -> None:
    config = composed([*small, "algo.learning_rate=1e-3"])
    whole, place = tmp_path / "whole", tmp_path / "place"
    run(config, whole)
    weights = (whole / "checkpoints" / "step_000001" / "model.safetensors").stat().st_size
    optimizer = (whole / "resume" / "checkpoint-1" / "optimizer.pt").stat().st_size
    assert optimizer > weights + 1000
    # What does not fit: first the configuration, then the weights, then the optimizer's state.
    for size, kept in ((1000, []), (weights - 1000, []), (weights + 1000, ["step_000000", "step_000001"])):
        with files_up_to(size), pytest.raises(DiskFailed, match=r"File too large|No space left") as refused:
            run(config, place)
        assert "resume=auto continues" in str(refused.value) and str(place) in str(refused.value)
        there = sorted((place / "checkpoints").glob("*")) if kept else []
        assert [path.name for path in there] == kept and all(verify_checkpoint(path) for path in there)
        assert latest_resume(place) is None and not list(place.rglob("*.partial"))
    assert status(place) == "failed"
    run(config, place)
    assert status(place) == "finished" and differences(place, whole) == []


def test_an_error_of_the_disk_names_the_file_also_where_the_system_does_not(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    sink = JsonlSink(full)
    told = r"^/dev/full: No space left on device\. What was written before is whole"
    with pytest.raises(DiskFailed, match=told), disk_errors(tmp_path):
        sink.log(1, {"eval/gap": 0.5})
    with pytest.raises(KeyError), disk_errors(tmp_path):
        raise KeyError("not the disk's")


def test_a_folder_that_cannot_be_written_is_refused_with_one_message(
    small: list[str], command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("somebody's notes")
    code, _, told = command(*small, "hydra.run.dir=file/run")
    assert (
        code == 2 and told == f"file/run cannot be written: Not a directory ({tmp_path}/file); choose another folder\n"
    )
    assert sweeping_in(tmp_path, *small, "seed=1,2", "hydra.sweep.dir=file/sweep") == 2
    assert "file/sweep" in (told := capsys.readouterr().err) and "Traceback" not in told
    assert (tmp_path / "file").read_text() == "somebody's notes"


def test_training_does_not_start_from_a_checkpoint_with_a_flipped_byte(
    small: list[str], toy_folder: Path, tmp_path: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(toy_folder)
    save_checkpoint(tmp_path / "ckpt", AutoModelForCausalLM.from_pretrained(toy_folder), tokenizer, {"step": 1})
    config = composed([*small, "organism=hf", f"organism.path={tmp_path / 'ckpt'}"])
    assert problems(config) == []
    vocabulary = tmp_path / "ckpt" / "tokenizer.json"
    vocabulary.write_bytes(vocabulary.read_bytes().replace(b"a", b"b", 1))
    assert problems(config) == [
        f"checkpoint {tmp_path / 'ckpt'}: tokenizer.json is not the file that was saved (its sha256 differs)"
    ]


def test_a_file_that_cannot_be_replaced_stays_as_it_was_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    replace_text(tmp_path / "manifest.json", json.dumps({"status": "running", "wall_s": {}}))
    with files_up_to(10), pytest.raises(OSError, match="File too large"):
        replace_text(tmp_path / "manifest.json", "x" * 100)
    assert status(tmp_path) == "running" and [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
