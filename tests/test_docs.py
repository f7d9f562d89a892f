"""Every command that the documentation shows is one that the program takes, and every file it points to is there."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from support.shown_commands import EVERY, PAGES, ROOT

from rl.command.entry import composed
from rl.report.data.results import read_results
from rl.report.results import PAGES as RESULT_PAGES
from rl.report.results import fill_tables, remove_tables
from scripts.bench import arguments

CONFIGS = {"train": "config", "organism": "organism_job"}
"""Root configurations that are not called like their command."""
README_LINES, DOC_PAGES = 120, 15
ARCHITECTURE = ROOT / "docs" / "architecture.md"
CODE = ("rl", "reward", "monitors", "scripts")


# Three dots are the reader's to fill in.
COMMANDS = [command for command in EVERY if "..." not in command or "HF_TOKEN" in command]
SCRIPTS = [command for command in COMMANDS if " scripts." in command]


def test_the_pages_show_commands_of_every_script() -> None:
    named = {re.search(r"scripts\.(\w+)", command).group(1) for command in SCRIPTS}  # type: ignore[union-attr]
    assert named >= {path.stem for path in (ROOT / "scripts").glob("*.py")} - {"__init__"}


@pytest.mark.parametrize("command", SCRIPTS)
def test_a_command_that_is_shown_is_taken(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command.replace("organism=NAME", "organism=tgg").replace("<date_time>", "DATE"))
    at = next(number for number, word in enumerate(words) if word.startswith("scripts."))
    script, given = words[at].removeprefix("scripts."), words[at + 1 :]
    if script == "bench":
        monkeypatch.setattr("sys.argv", ["bench", *given])
        arguments()
    elif script == "report":
        assert given and not any(word.startswith("-") for word in given)
    elif "-m" in given:
        accepts_sweep(given)
    else:
        composed(given, CONFIGS.get(script, script))


def accepts_sweep(given: list[str]) -> None:
    """What all jobs share and the first of what is swept fit; launchers and sweepers may not be installed here."""
    words = [word for word in given if word != "-m" and not word.startswith(("hydra/", "hydra.")) and "=" in word]
    first = []
    for override in OverridesParser.create().parse_overrides(words):
        if override.is_choice_sweep():
            first.append(f"{override.get_key_element()}={next(iter(override.sweep_string_iterator()))}")
        elif not override.is_sweep_override():
            first.append(f"{override.get_key_element()}={override.get_value_element_as_str()}")
    composed(first)


def test_targets_of_make_that_are_shown_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown_targets = {word for command in COMMANDS for word in re.findall(r"^make ([a-z-]+)", command)}
    assert {"demo", "test"} <= shown_targets <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_the_first_page_is_short_and_the_others_are_few() -> None:
    assert len(PAGES[0].read_text().splitlines()) <= README_LINES
    assert len(PAGES) - 1 <= DOC_PAGES


@pytest.mark.parametrize("page", RESULT_PAGES, ids=lambda page: page.name)
def test_result_tables_are_those_of_the_files(page: Path) -> None:
    assert fill_tables(page.read_text()) == page.read_text(), "run `make results`"


@pytest.mark.parametrize("page", RESULT_PAGES, ids=lambda page: page.name)
def test_results_stand_in_tables_made_from_files(page: Path) -> None:
    """A rate or an interval that somebody typed into the text of a page would not follow its file."""
    typed = re.findall(r"[^ ]*(?:\d%|\[-?\d+, -?\d+\])", remove_tables(page.read_text()).replace("95%", ""))
    assert not typed


def test_the_figure_of_the_monitors_on_the_first_page_is_that_of_the_review() -> None:
    figure = re.search(r"AUROC (\.\d+) on 106 scratchpads", PAGES[0].read_text())
    rows = {row["question"]: row["figure"] for row in read_results("review.json")["figures"]}
    assert figure and figure[1] == next(value for question, value in rows.items() if "106 scratchpads" in question)


def test_paths_that_the_architecture_names_exist() -> None:
    named = re.findall(r"`((?:rl|reward|monitors|scripts|conf|tests|docs)(?:/[\w./]*)?)`", ARCHITECTURE.read_text())
    assert len(named) > 50 and not [path for path in named if not (ROOT / path).exists()]


def test_the_architecture_names_every_folder_of_code() -> None:
    folders = {path.parent.relative_to(ROOT).as_posix() for top in CODE for path in (ROOT / top).rglob("*.py")}
    text = ARCHITECTURE.read_text()
    assert not [folder for folder in folders - {"rl", "monitors"} if f"`{folder}`" not in text]


FINDINGS = sorted((ROOT / "findings").glob("*.sh"))


@pytest.mark.parametrize("script", FINDINGS, ids=lambda path: path.stem)
def test_a_finding_states_its_versions_and_is_a_script_that_runs_without_the_product(script: Path) -> None:
    text = script.read_text()
    assert subprocess.run(["sh", "-n", script], capture_output=True).returncode == 0
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert all(any(line.startswith(f"# {part}: ") for line in head) for part in ("Versions", "Behaviour", "Seen"))
    assert "mktemp -d" in text and "==" in text and not re.search(r"(import|from) (rl|reward|monitors)\b", text)


def test_findings_are_there() -> None:
    assert {path.stem for path in FINDINGS} >= {"nnsight_first_prompt", "statsmodels_holm_missing"}
