"""The tables of ``docs/faults.md``, between their marks."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "faults.md"


def read(name: str) -> str:
    """Return the table of this name as it stands."""
    return _parts(name)[1].strip("\n")


def write(name: str, table: str) -> None:
    """Replace the table of this name."""
    before, _, after = _parts(name)
    PAGE.write_text(f"{before}{table}\n{after}", encoding="utf-8")


def _parts(name: str) -> tuple[str, str, str]:
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    before, rest = PAGE.read_text(encoding="utf-8").split(begin)
    table, after = rest.split(end, 1)
    return before + begin, table, end + after
