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

FLOORS = (
    "rl.errors",
    "rl.records",
    "monitors.text",
    "monitors.statistics",
    "monitors.antilab",
    "monitors.faking",
    "monitors.compliance",
    "monitors.fitting",
    "monitors",
    "monitors.judge",
    "reward.fitting",
    "reward",
    "rl.files",
    "rl.config",
    "rl.command",
    "rl.rollout",
    "rl.scenario",
    "rl.algo",
    "rl.algo.ppo",
    "rl.instruments",
    "rl.tracking",
    "rl.organism.chats",
    "rl.organism.build",
    "rl.organism",
    "rl.mitigation",
    "rl.report.data",
    "rl.report.figures",
    "rl.report.tables",
    "rl.report.pages",
    "rl.report",
    "rl.probe",
    "rl.export",
    "rl.run",
    "rl.evaluate",
    "rl.judge",
    "rl.sweep",
    "rl.bench",
    "scripts",
)
"""Folders of code and two files, lowest first: each may import those that stand above it in this list."""
AT_THE_TOP = {"__init__.py", "errors.py", "records.py"}
KNOW_TRL = {
    "rl/bench/variants.py",
    "rl/algo/grpo.py",
    "rl/algo/trainer_config.py",
    "rl/organism/build/stages.py",
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
        ("import rl.run", "reward", ["rl.run"]),
        ("from rl import run", "reward", ["rl.run"]),
        ("from rl.records import Prompt", "reward", ["rl.records.Prompt"]),
        ("def f():\n    from rl.run import main", "monitors", ["rl.run.main"]),
        ("from . import gap", "monitors", ["monitors.gap"]),
        ("from .build import x", "rl.organism", ["rl.organism.build.x"]),
        ("from ..run import main", "rl.organism", ["rl.run.main"]),
    ],
)
def test_the_import_walk_sees_every_way_to_import(source: str, package: str, expected: list[str]) -> None:
    assert list(imported(ast.parse(source), package)) == expected


def module(path: Path) -> str:
    """Its dotted name; a package is named by its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def folder(name: str, modules: dict[str, Path]) -> str:
    """The entry of FLOORS that a module belongs to."""
    return (
        name if name in ("rl.errors", "rl.records") or modules[name].name == "__init__.py" else name.rpartition(".")[0]
    )


def graph(modules: dict[str, Path]) -> dict[str, set[str]]:
    """The modules of ours that each module imports, at any depth of its code."""
    edges: dict[str, set[str]] = {}
    for name, path in modules.items():
        full = imports_of(path)
        hit = {one if one in modules else one.rpartition(".")[0] for one in full}
        edges[name] = (hit & modules.keys()) - {name}
    return edges


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Groups of nodes that reach each other: what is left when nodes that import nothing left are taken away, twice."""
    left = {name: set(targets) for name, targets in edges.items()}
    for _ in range(2):
        while ends := [name for name, targets in left.items() if not targets & left.keys()]:
            for name in ends:
                del left[name]
        left = {name: {other for other in left if name in left[other]} for name in left}
    return [sorted(left)] if left else []


MODULES = {module(path): path for path in SOURCES}
PACKAGE_FILES = {"rl", "monitors", "reward", "scripts"}


def test_every_folder_of_code_has_its_floor() -> None:
    folders = {folder(name, MODULES) for name in MODULES} - PACKAGE_FILES | {"monitors", "reward", "scripts"}
    assert folders == set(FLOORS), folders ^ set(FLOORS)
    assert len(FLOORS) == len(set(FLOORS))


def test_imports_run_downward_only() -> None:
    floor = {name: number for number, name in enumerate(FLOORS)} | {"rl": -1}
    upward = [
        f"{name} imports {target}"
        for name, targets in graph(MODULES).items()
        for target in targets
        if floor[folder(target, MODULES)] > floor[folder(name, MODULES)]
    ]
    assert not upward


def test_modules_import_each_other_in_no_circle() -> None:
    assert not circles(graph(MODULES))


def test_a_circle_is_seen_and_what_hangs_on_it_is_not_part_of_it() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == [["b", "c"]]


def test_nothing_but_records_and_errors_lies_at_the_top_of_rl() -> None:
    assert {path.name for path in (ROOT / "rl").glob("*.py")} == AT_THE_TOP


def test_every_stage_of_the_flow_bears_the_name_of_its_group() -> None:
    groups = {path.name for path in (ROOT / "conf").iterdir() if path.is_dir()} - {"experiment", "study"}
    stages = {path.name for path in (ROOT / "rl").iterdir() if path.is_dir()} | {"monitors", "reward"}
    assert groups <= stages


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
