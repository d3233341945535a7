"""The arrows between the folders go one way; ``CONTRIBUTING.md`` draws them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "testery_gate"

# What each folder or file at the top may import of the package, besides itself and the version.
# Whatever stands further down may use what stands above it, never the other way round.
ARROWS = {
    "errors": set[str](),
    "text": set[str](),
    "toml": {"errors"},
    "redaction": {"text"},
    "model": {"text"},
    "waiting": {"errors", "model"},
    "api": {"errors", "model", "redaction", "text", "waiting"},
    "evidence": {"errors", "model", "text", "toml", "waiting"},
    "judging": {"errors", "evidence", "model", "text"},
    "runs": {"errors", "judging", "model", "text", "waiting"},
    "reports": {"errors", "evidence", "judging", "model", "text"},
    "ci": {"errors", "evidence", "judging", "model", "reports", "text"},
    "code_hosts": {"api", "ci", "errors", "model", "reports", "text", "waiting"},
    "progress": {"errors", "model", "text", "waiting"},
    "doctor": {"api", "errors", "model", "text", "waiting"},
    "simulator": set[str](),
    "gate": {"api", "errors", "evidence", "judging", "model", "runs", "waiting"},
}
TOP = {"__init__", "__main__", "cli"}
"""What starts the rest, and so may import all of it."""
PURE = ("errors", "text", "toml", "redaction", "model", "judging", "reports")
EFFECTS = {"click", "requests", "os", "subprocess", "socket", "time", "random"}


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


def parts_imported(path: Path) -> set[str]:
    """The folders and files at the top of the package that a file imports."""
    names = [name.split(".") for name in imported(path)]
    return {name[1] for name in names if name[0] == "testery_gate" and len(name) > 1}


def test_every_part_has_its_arrows() -> None:
    parts = {
        path.stem
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert parts == ARROWS.keys() | TOP


@pytest.mark.parametrize("part", ARROWS)
def test_arrows_go_one_way(part: str) -> None:
    found = {name for path in files(part) for name in parts_imported(path)}
    assert found - {part, "__version__"} <= ARROWS[part]


def test_no_arrow_leads_back() -> None:
    """Each part imports only what is drawn above it, so there is no way round in a circle."""
    order = list(ARROWS)
    for part, targets in ARROWS.items():
        assert targets <= set(order[: order.index(part)]), part


@pytest.mark.parametrize("part", PURE)
def test_what_judges_and_renders_touches_nothing(part: str) -> None:
    for path in files(part):
        if path == PACKAGE / "reports" / "files.py":
            continue  # the one that writes files
        assert not {name.split(".")[0] for name in imported(path)} & EFFECTS, path


def test_the_simulator_needs_the_standard_library_only() -> None:
    for path in files("simulator"):
        tops = {name.split(".")[0] for name in imported(path)}
        assert not tops & {"click", "requests", "tenacity", "rich", "junit_xml"}, path
