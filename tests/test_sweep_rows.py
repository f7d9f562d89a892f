"""What jobs write and the table reads, while others write; and what a job leaves of itself in its process: nothing."""

from __future__ import annotations

import io
import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rl.errors import ConfigError
from rl.run.figures import figures
from rl.sweep.board import Board, count_states
from rl.sweep.job import JobReport, restore_process_state
from rl.sweep.rows import JobRow, append_summary, read_rows, read_summary, redact_overrides, write_row

ROW = JobRow(0, ["seed=0"], "running", "0")


def write_metrics(run_dir: Path, *gaps: float | None, tail: str = "") -> None:
    rows = [{"step": step, "eval/gap": gap, "eval/free/af_rate": 0.5} for step, gap in enumerate(gaps)]
    run_dir.mkdir(parents=True, exist_ok=True)
    (run_dir / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + tail)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_jobs_that_end_together_lose_no_row(tmp_path: Path) -> None:
    rows = [replace(ROW, job=job, path=str(job), error="x" * 20_000) for job in range(64)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda row: append_summary(tmp_path, row), rows))
    lines = (tmp_path / "summary.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["job"] for line in lines) == list(range(64))


def test_a_line_that_was_cut_off_is_passed_over_and_spoils_no_other(tmp_path: Path) -> None:
    append_summary(tmp_path, ROW)
    with (tmp_path / "summary.jsonl").open("a") as file:
        file.write('{"job": 1, "overr')
    append_summary(tmp_path, replace(ROW, job=2, path="2"))
    append_summary(tmp_path, replace(ROW, status="finished"))
    assert {path: row.status for path, row in read_summary(tmp_path).items()} == {"0": "finished", "2": "running"}


def test_figures_are_first_last_and_largest_and_unknown_where_there_are_none(tmp_path: Path) -> None:
    write_metrics(tmp_path, 0.1, 0.3, -0.2, tail='{"step": 3, "eval/gap": 9')
    found = figures(tmp_path, "eval/gap")
    assert (found["gap_first"], found["gap_last"], found["gap_best"]) == (0.1, -0.2, 0.3)
    assert found["objective"] == -0.2 and found["af_rate_best"] == 0.5
    assert set(figures(tmp_path / "none", "eval/gap").values()) == {None}
    write_metrics(tmp_path, None, 0.3, None)
    found = figures(tmp_path, "eval/gap")
    assert (found["gap_first"], found["gap_last"], found["gap_best"]) == (None, None, 0.3)


def test_secrets_among_the_overrides_are_blotted_out() -> None:
    told = redact_overrides(["seed=1", "+algo.extra.hub_token=abc", "monitors.judge.base_url=https://me:pw@host/v1"])
    assert told == ["seed=1", "+algo.extra.hub_token=[redacted]", "monitors.judge.base_url=[redacted]"]


def test_a_jobs_error_ends_the_job_and_ctrl_c_the_sweep(tmp_path: Path) -> None:
    with JobReport(tmp_path, ROW, "eval/gap", forgiving=True):
        assert read_rows(tmp_path)[0].status == "running"
        raise ConfigError(["seed=0: no"])
    assert read_rows(tmp_path)[0].status == "failed" and "seed=0: no" in str(read_summary(tmp_path)["0"].error)
    with pytest.raises(RuntimeError), JobReport(tmp_path, ROW, "eval/gap", forgiving=False):
        raise RuntimeError("a search has to know")
    assert read_summary(tmp_path)["0"].error == "RuntimeError: a search has to know"
    with pytest.raises(KeyboardInterrupt), JobReport(tmp_path, ROW, "eval/gap", forgiving=True):
        raise KeyboardInterrupt
    assert read_summary(tmp_path)["0"].status == "interrupted"


def test_a_job_leaves_the_process_as_it_found_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "before")
    threads, handler = torch.get_num_threads(), signal.getsignal(signal.SIGTERM)
    with pytest.raises(RuntimeError), restore_process_state():
        os.environ["KEPT"], os.environ["LEAKED"] = "after", "1"
        torch.set_num_threads(threads + 1)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise RuntimeError
    assert os.environ["KEPT"] == "before" and "LEAKED" not in os.environ
    assert torch.get_num_threads() == threads and signal.getsignal(signal.SIGTERM) == handler


def test_the_table_shows_every_kind_of_job_with_the_newest_figures(tmp_path: Path) -> None:
    write_metrics(tmp_path / "0", 0.1, 0.25)
    write_row(tmp_path, ROW)
    write_row(tmp_path, replace(ROW, job=1, path="1", status="failed", error="[bold]no[/bold]"))
    write_row(tmp_path, replace(ROW, job=2, path="2", status="finished", gap_last=-0.5, af_rate_last=0.0, seconds=12))
    terminal = Terminal()
    with Board(tmp_path, [f"what={job}" for job in range(4)], stream=terminal):
        pass
    shown = terminal.getvalue()
    assert "1 running, 1 failed, 1 waiting, 1 finished" in shown
    for part in ("+25.0 pp", "50.0%", "-50.0 pp", "what=3"):
        assert part in shown


def test_elsewhere_a_line_is_written_when_a_job_changes_and_only_then(tmp_path: Path) -> None:
    plain = io.StringIO()
    board = Board(tmp_path, ["seed=0"], stream=plain)
    write_row(tmp_path, ROW)
    board.look()
    board.look()
    write_row(tmp_path, replace(ROW, status="finished", gap_last=0.25, af_rate_last=0.5, seconds=12))
    board.look()
    assert plain.getvalue() == "job 0  running   seed=0\njob 0  finished  seed=0  AF 50.0%  gap +25.0 pp  12 s\n"


def test_jobs_that_nobody_knew_of_appear_when_they_start_without_what_all_have(tmp_path: Path) -> None:
    plain = io.StringIO()
    write_row(tmp_path, replace(ROW, job=7, overrides=["algo.kl=0.1", "seed=0"]))
    Board(tmp_path, [], ["seed=0"], stream=plain).look()
    assert plain.getvalue() == "job 7  running   algo.kl=0.1\n"


def test_counts_leave_out_what_there_is_none_of() -> None:
    assert count_states(["finished", "running", "finished"]) == "1 running, 2 finished"
