"""Lists on the page that end where there is no more room."""

from __future__ import annotations

from collections.abc import Iterable

from testery_gate.reports import view
from testery_gate.reports.budget import SizeBudget
from testery_gate.reports.html.layout import paragraph
from testery_gate.reports.html.markup import NOTHING, Markup


def fitting(
    budget: SizeBudget, items: Iterable[Markup], count: int, what: str
) -> tuple[list[Markup], Markup]:
    """Return as many items as there is room for, and how many there are beyond, if any."""
    rest = more(count, what)
    if not budget.take(rest):
        return [], NOTHING
    taken: list[Markup] = []
    for item in items:
        if not budget.take(item):
            break
        taken.append(item)
    left_out = count - len(taken)
    return taken, more(left_out, what) if left_out else NOTHING


def more(count: int, what: str) -> Markup:
    """Say that there are so many more."""
    return paragraph(f"… {view.more(count, what)}")
