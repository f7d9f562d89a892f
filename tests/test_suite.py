"""What a reader may count on in every test: it asserts something, and its file can be read in one go."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
CHECKS = ("assert", "check", "raises", "fail", "_compare")
"""How the names of functions begin that fail a test."""


def cases_in(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def asserts(test: ast.FunctionDef) -> bool:
    """Return whether a test holds an assertion, or calls a function that does."""
    called = [node.func for node in ast.walk(test) if isinstance(node, ast.Call)]
    names = [func.id if isinstance(func, ast.Name) else getattr(func, "attr", "") for func in called]
    return any(isinstance(node, ast.Assert) for node in ast.walk(test)) or any(n.startswith(CHECKS) for n in names)


@pytest.mark.parametrize("path", sorted(TESTS.glob("test_*.py")), ids=lambda path: path.stem)
def test_every_test_asserts_something_and_no_file_is_too_long(path: Path) -> None:
    assert [test.name for test in cases_in(path) if not asserts(test)] == []
    assert len(path.read_text().splitlines()) <= 400


def test_a_test_without_an_assertion_is_found() -> None:
    (bare,) = ast.parse("def test_nothing():\n    run(1)\n").body
    assert isinstance(bare, ast.FunctionDef) and not asserts(bare)
