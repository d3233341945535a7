"""Lists on the page that end where there is no more room."""

from __future__ import annotations

from collections.abc import Iterable

from testery_gate.reports import wording
from testery_gate.reports.html.layout import paragraph
from testery_gate.reports.html.markup import NOTHING, Markup
from testery_gate.reports.room import Room


def fitting(
    room: Room, items: Iterable[Markup], count: int, what: str
) -> tuple[list[Markup], Markup]:
    """Return as many items as there is room for, and how many there are beyond, if any."""
    rest = more(count, what)
    if not room.take(rest):
        return [], NOTHING
    taken: list[Markup] = []
    for item in items:
        if not room.take(item):
            break
        taken.append(item)
    left_out = count - len(taken)
    return taken, more(left_out, what) if left_out else NOTHING


def more(count: int, what: str) -> Markup:
    """Say that there are so many more."""
    return paragraph(wording.more(count, what))
