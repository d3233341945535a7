"""SECURITY.md names a test for each threat, and the tests are there."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODEL = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
GUARDED = MODEL.partition("## What is guarded")[2].partition("\n## ")[0]
THREATS = re.split(r"^- ", GUARDED, flags=re.MULTILINE)[1:]
TESTS = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", GUARDED)


@pytest.mark.parametrize("threat", [pytest.param(t, id=t[:40].strip()) for t in THREATS])
def test_each_threat_names_a_test(threat: str) -> None:
    assert re.search(r"^  - `tests/[\w/]+\.py::test_\w+`$", threat, re.MULTILINE)


@pytest.mark.parametrize(("path", "name"), [pytest.param(*test, id=test[1]) for test in TESTS])
def test_each_test_that_is_named_is_there_and_checks_something(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert name in functions
    # By itself, by what is raised, or by what it calls to do so.
    assert any(
        isinstance(node, ast.Assert | ast.With | ast.Call) for node in ast.walk(functions[name])
    )


def test_each_name_in_code_that_looks_like_a_test_is_one() -> None:
    assert len(TESTS) == GUARDED.count("`tests/") == len(set(TESTS))
    assert len(THREATS) > 20


def test_the_scanner_is_on_and_each_exception_has_a_reason() -> None:
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]
    lint = ruff["lint"]
    assert "S" in lint["select"]
    assert not [rule for rule in lint["ignore"] if rule.startswith("S")]
    for path, rules in lint["per-file-ignores"].items():
        assert path in {"benchmarks/**", "tests/**"} or not [r for r in rules if r[0] == "S"]
    for path in sorted((ROOT / "testery_gate").rglob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            exception = re.search(r"# noqa: S\d+(.*)$", line)
            assert not exception or len(exception[1].strip(" -()")) > 3, f"{path}:{number}"
