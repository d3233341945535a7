"""The arrows between the modules go one way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "testery_gate"

# What each part may import of the package at most, besides itself and the version.
ARROWS = {
    "errors": set[str](),
    "model": set[str](),
    "criteria": {"model"},
    "reach": {"criteria", "model"},
    "gate": {"criteria", "errors", "model", "reach"},
    "polling": {"errors", "model"},
    "pace": {"model", "polling"},
    "redaction": {"model"},
    "route": {"config", "errors"},
    "faults": {"errors", "model", "route"},
    "bounded": set[str](),
    "transport": {"bounded", "errors", "faults", "redaction", "route"},
    "client": {"errors", "faults", "model", "polling", "transport"},
    "doctor": {
        *("bounded", "client", "config", "errors", "faults", "model", "polling", "route"),
        "transport",
    },
    "listing": {"errors", "model"},
    "references": set[str](),
    "selection": {"gate", "listing", "model"},
    "finding": {"errors", "listing", "model", "polling", "selection"},
    "history": {"errors", "listing", "model", "polling"},
    "lookup": {"errors", "listing", "model", "polling"},
    "commit": {"errors"},
    "completion": set[str](),
    "config": {"errors"},
    "interrupts": {"errors"},
    "front_page": {"errors"},
    "progress": {"errors", "model", "pace", "polling"},
    "reports": {"criteria", "errors", "gate", "model"},
    "ci": {"errors", "gate", "model", "reports"},
    "simulator": set[str](),
    "pipeline": {
        *("client", "errors", "finding", "gate", "history", "lookup", "model", "polling"),
        *("references", "reports", "selection"),
    },
    "options": {"config", "criteria", "errors", "gate"},
    "settings": {"ci", "config", "errors", "interrupts", "model", "options", "reports"},
    "arguments": {
        *("commit", "config", "criteria", "errors", "gate", "model", "options", "reports"),
        *("references", "selection"),
    },
    "run_table": {"criteria", "model"},
    "explain": {"config", "criteria", "gate", "options"},
}
TOP = {"__init__", "__main__", "cli"}
PURE = ("errors", "model", "criteria", "reach", "gate", "reports")
EFFECTS = {"click", "requests", "os", "subprocess", "socket", "time", "random"}


def parts() -> Iterator[str]:
    for path in PACKAGE.iterdir():
        if path.suffix == ".py" or (path / "__init__.py").exists():
            yield path.stem


def files(part: str) -> list[Path]:
    folder = PACKAGE / part
    return sorted(folder.glob("**/*.py")) if folder.is_dir() else [PACKAGE / f"{part}.py"]


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "testery_gate":
            yield from (f"testery_gate.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_every_part_has_its_arrows() -> None:
    assert set(parts()) == ARROWS.keys() | TOP


@pytest.mark.parametrize("part", ARROWS)
def test_arrows_go_one_way(part: str) -> None:
    found = {
        name.split(".")[1]
        for path in files(part)
        for name in imported(path)
        if name.startswith("testery_gate.")
    }
    assert found - {part, "__version__"} <= ARROWS[part]


@pytest.mark.parametrize("part", PURE)
def test_what_judges_and_renders_touches_nothing(part: str) -> None:
    for path in files(part):
        if path == PACKAGE / "reports" / "__init__.py":
            continue  # the writer: the one that touches files
        assert not {name.split(".")[0] for name in imported(path)} & EFFECTS, path


def test_the_simulator_needs_the_standard_library_only() -> None:
    for path in files("simulator"):
        tops = {name.split(".")[0] for name in imported(path)}
        assert not tops & {"click", "requests", "tenacity", "rich", "junit_xml"}, path
