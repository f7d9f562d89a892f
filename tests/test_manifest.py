"""What a manifest says of a run."""

from __future__ import annotations

import getpass
import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from rl.run.manifest import Manifest, read_git_revision


def read(run_dir: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((run_dir / "manifest.json").read_text())
    return manifest


def test_a_run_is_running_until_it_ends(tmp_path: Path) -> None:
    with Manifest(tmp_path / "run", {"run": 3}) as manifest:
        assert read(tmp_path / "run")["status"] == "running"
        manifest.set_parent("abc")
        assert read(tmp_path / "run")["parent_organism"] == "abc"
    assert read(tmp_path / "run")["status"] == "finished"
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["manifest.json"]


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, "interrupted"), (ValueError, "failed")])
def test_a_run_that_breaks_off_says_so(tmp_path: Path, error: type[BaseException], status: str) -> None:
    with pytest.raises(error), Manifest(tmp_path, {}) as manifest, manifest.stage("rl"):
        raise error
    assert read(tmp_path)["status"] == status
    assert list(read(tmp_path)["wall_s"]) == ["rl"]


def test_seconds_add_up_over_visits_to_a_stage_and_over_a_resume(tmp_path: Path) -> None:
    for _ in range(2):
        with Manifest(tmp_path, {}) as manifest:
            for _ in range(2):
                with manifest.stage("rl"):
                    time.sleep(0.05)
            with manifest.stage("report"):
                pass
    wall_s = read(tmp_path)["wall_s"]
    assert wall_s["rl"] >= 0.2 > wall_s["report"]


def test_the_manifest_names_what_decides_the_figures_and_nobody(tmp_path: Path) -> None:
    with Manifest(tmp_path, {"run": 3, "data": 0}):
        pass
    manifest = read(tmp_path)
    assert manifest["seeds"] == {"run": 3, "data": 0}
    assert manifest["versions"]["torch"] == torch.__version__ and manifest["versions"]["trl"].startswith("1.16")
    assert manifest["hardware"]["torch_threads"] == torch.get_num_threads()
    assert manifest["hardware"]["cores"] >= 1 and manifest["hardware"]["cpu"]
    text = (tmp_path / "manifest.json").read_text()
    assert str(Path.home()) + "/" not in text and socket.gethostname() not in text
    assert f'"{getpass.getuser()}"' not in text


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed, and the revision is then null")
def test_the_revision_is_that_of_the_tracked_file_and_tells_a_changed_tree(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    file, stranger = tmp_path / "a.py", tmp_path / "site-packages" / "b.py"
    stranger.parent.mkdir()
    file.write_text("1")
    stranger.write_text("2")
    assert read_git_revision(file) is None
    git("init", "--quiet")
    assert read_git_revision(file) is None
    git("add", "a.py")
    git("commit", "--quiet", "-m", "one")
    head = git("rev-parse", "HEAD")
    git("tag", "-a", "v1", "-m", "a tag must not replace the revision")
    assert read_git_revision(file) == head and len(head) == 40
    assert read_git_revision(stranger) is None
    file.write_text("3")
    assert read_git_revision(file) == f"{head}-dirty"
