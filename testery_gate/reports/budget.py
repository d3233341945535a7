"""The size budget of a report, for parts that are written whole or not at all."""

from __future__ import annotations


class SizeBudget:
    """How many bytes are left; ``between`` is how many separate two texts."""

    def __init__(self, size: int, *, between: int = 0) -> None:
        self.left = size
        self._between = between

    def needed(self, text: str) -> int:
        """Return the bytes that a text takes."""
        return len(text.encode()) + self._between

    def take(self, text: str, *, keeping: int = 0) -> bool:
        """Take the bytes for a text, if at least ``keeping`` are left after it."""
        needed = self.needed(text)
        fits = needed + keeping <= self.left
        self.left -= needed if fits else 0
        return fits

    def apart(self, parts: int = 1) -> SizeBudget:
        """Return a share of the bytes, to be given back."""
        share = SizeBudget(max(0, self.left // parts), between=self._between)
        self.left -= share.left
        return share
