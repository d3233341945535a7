"""Tables with bounds, and the page that they are written into."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A figure that may be so large at most."""

    what: str
    found: float
    most: float

    @property
    def is_kept(self) -> bool:
        """Whether the figure is small enough; one that is no number is not."""
        return self.found <= self.most

    def __str__(self) -> str:
        verdict = "kept" if self.is_kept else "**missed**"
        return f"{self.what}: {self.found:,.2f}, at most {self.most:,.2f}: {verdict}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What one benchmark found; the first column is text, the others are figures."""

    name: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    bounds: Sequence[Bound] = ()

    def __str__(self) -> str:
        rule = ["---", *["---:"] * (len(self.head) - 1)]
        rows = "\n".join(f"| {' | '.join(row)} |" for row in [self.head, rule, *self.rows])
        bounds = "\n".join(f"- {bound}" for bound in self.bounds)
        return f"{rows}\n\n{bounds}" if bounds else rows


def machine() -> str:
    """Say what the figures were measured with."""
    return (
        f"Measured with {platform.python_implementation()} {platform.python_version()} on"
        f" {platform.system()} {platform.machine()}, {os.cpu_count()} processors."
    )


def replaced(page: str, name: str, text: str) -> str:
    """Return the page with the text between a name's pair of markers; both must be there."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    before, rest = page.split(begin)
    return before + begin + text + "\n" + end + rest.split(end, 1)[1]
