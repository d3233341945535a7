"""Remote text: sanitised, without secrets, on one line, and as wide as it is shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache

from rich.cells import get_character_cell_size

# Compiled when first needed, by re: most texts are harmless.
_TERMINAL_SEQUENCES = r"""(?x)
    \x1b\[ [0-?]* [ -/]* [@-~]                     # CSI: colours, cursor movements
    | \x1b[\]PX^_] [^\x07\x1b]* (?: \x07 | \x1b\\ ) # OSC, DCS, SOS, PM, APC: titles, links, ...
    | \x9b [0-?]* [ -/]* [@-~]                     # CSI in its one-character form
    | \x1b [ -/]* [0-~]?                           # any other escape, and one left unterminated
    """
_FORBIDDEN = (
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 controls but tab and newline
    "\u202a-\u202e\u2066-\u2069"  # bidirectional overrides: text that reads other than it is
    "\ud800-\udfff"  # lone surrogates: not encodable
    "\ufffe\uffff"  # not characters, and forbidden in XML 1.0 (section 2.2)
    "]"
)
_SUSPICIOUS = re.compile(r"[^\n\t -~]")


def clean_text(text: str) -> str:
    """Return remote text without terminal sequences and what no report format may hold.

    What is left is printable text, tabs and newlines; all of it is a legal XML 1.0 character.
    """
    if (text.isascii() and text.isprintable()) or not _SUSPICIOUS.search(text):
        return text
    return re.sub(_FORBIDDEN, "", re.sub(_TERMINAL_SEQUENCES, "", text))


Clean = Callable[[str], str]
"""Turns a remote text into one that may be shown."""


def one_line(text: str) -> str:
    """Return text with each run of white space replaced by one blank."""
    return " ".join(text.split())


def clean_line(text: str) -> str:
    """Return remote text cleaned, on one line."""
    return one_line(clean_text(text))


def shorten(text: str, limit: int) -> str:
    """Return the text, or as much of it as fits with an ellipsis into so many characters."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def short_ref(ref: str) -> str:
    """Return a git ref; of a commit only its first characters."""
    return ref[:7] if re.fullmatch(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}", ref) else ref


def shorten_to_bytes(text: str, limit: int) -> str:
    """Return the text, or as much of it as fits with an ellipsis into so many bytes of UTF-8."""
    data = text.encode()
    if len(data) <= limit:
        return text
    return data[: limit - len("…".encode())].decode(errors="ignore").rstrip() + "…"


def cut_off(text: str, limit: int) -> str:
    """Return the text, or its first characters and how many are left out after them."""
    left_out = len(text) - limit
    if left_out <= 0:
        return text
    return f"{text[:limit]}\n[{left_out} more characters are left out here]"


def last_lines(text: str, most: int, limit: int) -> str:
    """Return the text, or its last lines, after a line that says that others are left out."""
    text = text.strip("\n")
    kept = "\n".join(text.split("\n")[-most:])[-limit:]
    return text if kept == text else f"[earlier lines are left out here]\n{kept}"


def fits(pattern: str, text: str) -> bool:
    """Whether the whole text matches the pattern, in which ``*`` stands for any characters.

    The parts between the stars are searched one after the other, each at the first place possible,
    so no pattern makes it backtrack. A regular expression could take for ever.
    """
    first, *parts = pattern.split("*")
    if not parts:
        return pattern == text
    last = parts.pop()
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for part in parts:
        at = text.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def settled(text: str) -> str:
    """Return text without characters that terminals draw differently.

    Selectors, joiners and skin tones are removed: some terminals join characters by them. Private
    and new characters, of which not every terminal knows the width, become ``?``.
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


def shorten_to_columns(text: str, width: int, ellipsis: str) -> str:
    """Return the text, or as much of it as fits with an ellipsis into so many columns."""
    if columns(text) <= width:
        return text
    rest = width - len(ellipsis)
    return beginning(text, rest).rstrip() + ellipsis if rest > 0 else ""


def fold(text: str, width: int) -> Iterator[str]:
    """Yield lines of at most so many columns, split between words; addresses are not split."""
    width = max(width, 2)  # what the widest character takes
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if columns(longer) <= width:
            line = longer
            continue
        if line:
            yield line
        line = word
        while columns(line) > width and "://" not in line:
            head = beginning(line, width)
            yield head
            line = line[len(head) :]
    yield line


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
    # Both know the characters of some version of Unicode, rich of a later one.
    own = 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
    return max(own, get_character_cell_size(character))
