"""The size budget of a report: each part is written completely or left out."""

from __future__ import annotations


class SizeBudget:
    """How many bytes are left; ``between`` is the number of bytes between two texts."""

    def __init__(self, size: int, *, between: int = 0) -> None:
        self.left = size
        self._between = between

    def needed(self, text: str) -> int:
        """Return how many bytes a text takes."""
        return len(text.encode()) + self._between

    def take(self, text: str, *, keeping: int = 0) -> bool:
        """Take the bytes for a text if ``keeping`` bytes are left after it, and return whether."""
        needed = self.needed(text)
        fits = needed + keeping <= self.left
        self.left -= needed if fits else 0
        return fits

    def apart(self, parts: int = 1) -> SizeBudget:
        """Return a new budget with a share of these bytes; the caller gives back what is left."""
        share = SizeBudget(max(0, self.left // parts), between=self._between)
        self.left -= share.left
        return share
