"""How much of the page's size is left, for what is written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable

from testery_gate.reports.html.layout import paragraph
from testery_gate.reports.html.markup import NOTHING, Markup


class Room:
    """How many bytes are left."""

    def __init__(self, size: int) -> None:
        self.left = size

    def take(self, markup: str) -> bool:
        """Take the room that something needs, if there is as much."""
        size = len(markup.encode())
        fits = size <= self.left
        self.left -= size if fits else 0
        return fits

    def apart(self, parts: int = 1) -> Room:
        """Return a share of the room, to be given back."""
        share = Room(max(0, self.left // parts))
        self.left -= share.left
        return share


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
    return paragraph(f"… and {count} more {what}")
