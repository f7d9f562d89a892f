"""The rules of the layout, read from the source: who may import whom, and how long things may get."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("rl", "reward", "monitors", "scripts")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
EVERYTHING = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py"))]

KNOW_TRL = {
    "rl/bench/variants.py",
    "rl/algo/grpo.py",
    "rl/organism/build/stages.py",
    "rl/run/validate.py",
    "reward/build.py",
    "reward/model.py",
}
SHARED_WITH_SCIENCE = {"rl.records", "rl.errors"}
FILE_LINES, FUNCTION_LINES, SCRIPT_FUNCTION_LINES, ARGUMENTS = 400, 60, 15, 6


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(tree: ast.AST, package: str) -> Iterator[str]:
    """Full names that a module imports at any depth; `package` is where its relative imports start from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imports_of(path: Path) -> list[str]:
    return list(imported(ast.parse(path.read_text()), ".".join(path.relative_to(ROOT).parent.parts)))


def within(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def too_long(paths: list[Path], limit: int) -> list[str]:
    return [f"{name(path)}:{f.lineno} {f.name}" for path in paths for f in functions(path) if lines(f) > limit]


@pytest.mark.parametrize(
    ("source", "package", "expected"),
    [
        ("import rl.run.run", "reward", ["rl.run.run"]),
        ("from rl import run", "reward", ["rl.run.run"]),
        ("from rl.records import Prompt", "reward", ["rl.records.Prompt"]),
        ("def f():\n    from rl.run.run import main", "monitors", ["rl.run.run.main"]),
        ("from . import gap", "monitors", ["monitors.statistics.gap"]),
        ("from .build import x", "rl.organism", ["rl.organism.build.stages.x"]),
        ("from ..run import main", "rl.organism", ["rl.run.run.main"]),
    ],
)
def test_the_import_walk_sees_every_way_to_import(source: str, package: str, expected: list[str]) -> None:
    assert list(imported(ast.parse(source), package)) == expected


def test_there_is_source_to_look_at() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} == set(PACKAGES)


def test_reward_and_monitors_know_nothing_of_rl_but_records_and_errors() -> None:
    science = [path for path in SOURCES if name(path).startswith(("reward/", "monitors/"))]
    wrong = [
        f"{name(path)}: {module}"
        for path in science
        for module in imports_of(path)
        if within(module, {"rl", "scripts"}) and not within(module, SHARED_WITH_SCIENCE)
    ]
    assert not wrong


def test_nothing_imports_a_script() -> None:
    assert not [name(path) for path in SOURCES for module in imports_of(path) if within(module, {"scripts"})]


def test_only_the_files_that_must_know_trl_import_it() -> None:
    users = {name(path) for path in SOURCES if any(within(module, {"trl"}) for module in imports_of(path))}
    assert users <= KNOW_TRL


def test_no_file_is_a_drawer_for_odds_and_ends() -> None:
    names = {"utils", "util", "helpers", "misc", "common"}
    assert not [name(path) for path in EVERYTHING if names & {part.removesuffix(".py") for part in path.parts[-3:]}]


def test_scripts_hold_no_logic() -> None:
    assert not too_long([path for path in SOURCES if name(path).startswith("scripts/")], SCRIPT_FUNCTION_LINES)


def test_no_function_is_longer_than_a_screen() -> None:
    assert not too_long(EVERYTHING, FUNCTION_LINES)


def test_no_function_of_ours_takes_many_arguments() -> None:
    def count(f: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
        given = [*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs]
        return sum(argument.arg not in ("self", "cls") for argument in given)

    wrong = [f"{name(path)}:{f.lineno} {f.name}" for path in SOURCES for f in functions(path) if count(f) > ARGUMENTS]
    assert not wrong


def test_no_file_grows_past_reading() -> None:
    assert not [name(path) for path in EVERYTHING if len(path.read_text().splitlines()) > FILE_LINES]


def test_a_broad_except_stands_only_where_telemetry_may_fail() -> None:
    broad = {
        name(path)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
    }
    assert broad <= {"rl/tracking/wandb_sink.py"}
