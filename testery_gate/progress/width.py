"""How many columns of a terminal text takes; at most, where terminals disagree."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import get_character_cell_size


def settled(text: str) -> str:
    """Return text without what each terminal draws in a way of its own.

    Selectors, joiners and skin tones, with which some terminals make one character of several, are
    dropped; what has no width that all would know, as it is private or new, becomes ``?``.
    """
    return "".join(map(_settled, unicodedata.normalize("NFC", text)))


def columns(text: str) -> int:
    """Return how many columns the text takes."""
    return sum(map(_columns, text))


def beginning(text: str, width: int) -> str:
    """Return as much of the text as fits into that many columns."""
    taken = 0
    for at, character in enumerate(text):
        taken += _columns(character)
        if taken > width:
            return text[:at]
    return text


def rows(text: str, width: int) -> int:
    """Return how many rows a terminal of that many columns folds the text into."""
    count, taken = 1, 0
    for character in text:
        taken += _columns(character)
        if taken > width:
            count, taken = count + 1, _columns(character)
    return count


@lru_cache(maxsize=4096)
def _settled(character: str) -> str:
    if unicodedata.category(character) in {"Cn", "Co", "Cs"}:
        return "?"
    dropped = unicodedata.category(character) == "Cf" or unicodedata.name(character, "").startswith(
        ("VARIATION SELECTOR-", "EMOJI MODIFIER ")
    )
    return "" if dropped else character


@lru_cache(maxsize=4096)
def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    # Python knows the characters of its day, and rich those of a later one.
    own = 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
    return max(own, get_character_cell_size(character))
