"""`--help` of every Hydra command says what the command is, takes and can be made of."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml
from test_errors import ROOT

from rl.command.entry import CONF
from rl.command.help import format_help

ROOTS = ("config", "evaluate", "judge", "export", "probe", "organism_job")
BASE = {"seed", "threads", "resume"}


@pytest.mark.parametrize("name", ROOTS)
def test_help_names_every_key_of_a_command_with_its_value_and_meaning(name: str) -> None:
    told = format_help(CONF, name).splitlines()
    root = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    keys = {key for key in root if key not in ("defaults", "hydra", "name")} | (
        BASE if "base" in root["defaults"] else set()
    )
    described = {line.split()[0]: line.split(maxsplit=2) for line in told if line.startswith("  ") and line[2] != " "}
    for key in keys:
        assert len(described[key]) == 3, f"{key} has no value or no meaning"
    assert "python -m scripts." in " ".join(told[:3])


def test_help_tells_zero_from_false_and_what_has_to_be_given() -> None:
    told = format_help(CONF, "probe")
    assert "  seed         0  " in told and "  run          (needed)" in told
    assert "  overwrite    false" in format_help(CONF, "export")


def test_help_lists_the_options_of_every_group_with_what_they_are() -> None:
    told = format_help(CONF, "config")
    for group in ("scenario", "organism", "algo", "mitigation", "experiment"):
        assert f"\n{group}=, " in told
        assert all(path.stem in told for path in (CONF / group).glob("*.yaml"))
    assert "Control: everything but learning" in told


def test_the_command_prints_help_and_runs_nothing() -> None:
    words = [sys.executable, "-m", "scripts.export", "--help"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout == format_help(CONF, "export") + "\n"
