"""A picture of what a terminal shows, as SVG; the same text gives the same bytes everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

from testery_gate.reports.summary import render
from testery_gate.text import columns
from tests.reports.scenes import SCENES

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "terminal.svg"
SCENE = "readme"
COMMAND = "testery-gate wait --git-ref auto --only-new"
WIDTH = 90
"""Columns."""

_ADVANCE, _HEIGHT, _MARGIN = 8, 18, 16
"""Pixels of a character, of a line, and around them all."""
_STYLES = {
    "": "",
    "1": ' font-weight="bold"',
    "31": ' fill="#ff7b72"',
    "32": ' fill="#56d364"',
    "33": ' fill="#e3b341"',
}
"""What each colour of the summary looks like on the dark ground."""


def picture() -> str:
    """Return the picture of a summary below the command that made it."""
    summary = render(SCENES[SCENE], width=WIDTH, color=True, unicode=True)
    return drawn([f"\x1b[1m$ {COMMAND}\x1b[0m", *summary.rstrip("\n").split("\n")])


def drawn(lines: list[str]) -> str:
    """Draw lines with the colours in them; each piece keeps its columns in whatever font."""
    width, height = WIDTH * _ADVANCE + 2 * _MARGIN, len(lines) * _HEIGHT + 2 * _MARGIN
    rows = "\n".join(row for number, line in enumerate(lines) for row in _row(number, line))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}">\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117" stroke="#6e7681"/>\n'
        "<g font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\""
        f' font-size="13" fill="#e6edf3">\n{rows}\n</g>\n</svg>\n'
    )


def _row(number: int, line: str) -> Iterator[str]:
    y = _MARGIN + (number + 1) * _HEIGHT - 5
    column, style = 0, ""
    for part in re.split("(\x1b\\[[0-9]*m)", line):
        if part.startswith("\x1b"):
            style = part[2:-1].lstrip("0")
            continue
        # Blanks are places: in a row they would be drawn as one.
        for piece in re.finditer(r"\S+(?: \S+)*", part):
            x = _MARGIN + (column + columns(part[: piece.start()])) * _ADVANCE
            length = columns(piece[0]) * _ADVANCE
            yield (
                f'<text x="{x}" y="{y}" textLength="{length}"{_STYLES[style]}>'
                f"{escape(piece[0], quote=False)}</text>"
            )
        column += columns(part)


def write() -> None:
    """Draw it anew."""
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(), encoding="utf-8")
