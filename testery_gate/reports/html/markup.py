"""Elements of HTML and SVG: all text in them is cleaned and escaped.

No library is used, because this is all that is needed, and smaller than any of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from testery_gate.text import clean_text, one_line, shorten

LONGEST_LINE = 300
"""The most characters of a name or a sentence."""


class Markup(str):
    """Text that is HTML already; other text is escaped when it is put into an element."""

    __slots__ = ()


NOTHING = Markup()

_EMPTY = frozenset({"br", "circle", "hr", "line", "meta", "path", "rect", "use"})
_LINES = frozenset({"details", "h1", "h2", "h3", "head", "header", "p", "section", "table", "tr"})
"""After these a line ends, so that the source can be read."""
_LAST_OF_PLANES = "".join(
    chr(plane | last) for plane in range(0x10000, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)
)
_NOT_CHARACTERS = re.compile(f"[\ufdd0-\ufdef{_LAST_OF_PLANES}]")


def element(tag: str, *children: str, **attributes: str | int | None) -> Markup:
    """Return an element.

    An underscore in an attribute's name becomes a hyphen, and an attribute that is ``None`` is left
    out. Names are written as they are, so none may be remote text.
    """
    written = "".join(
        f' {name.replace("_", "-")}="{escape(_legal(str(value)))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _EMPTY:
        return Markup(f"<{tag}{written}/>")
    end = "\n" if tag in _LINES else ""
    return Markup(f"<{tag}{written}>{join(children)}</{tag}>{end}")


def join(parts: Iterable[str], between: str = "") -> Markup:
    """Return the parts as one text."""
    return Markup(text(between).join(map(text, parts)))


def text(content: str) -> Markup:
    """Return text escaped, without characters that HTML does not allow; markup stays as it is."""
    return content if isinstance(content, Markup) else Markup(escape(_legal(content), quote=False))


def words(content: str, limit: int = LONGEST_LINE) -> Markup:
    """Return text on one line, of at most ``limit`` characters, that can wrap in long words too."""
    return breakable(shorten(one_line(_legal(content)), limit))


def breakable(content: str) -> Markup:
    """Return text that can wrap in long words too; a copy of it has no extra characters."""
    # Cleaned text never has the character \0.
    marked = _LONG.sub(lambda word: _PART.sub("\\g<0>\0", word[0]), _legal(content))
    return Markup(escape(marked, quote=False).replace("\0", "<wbr>"))


# Usual words are short enough for a phone, and easier to read in one piece.
_LONG = re.compile(r"(?<![^ \t\n])(?![A-Za-z]{1,14}[.,:;)]?(?![^ \t\n]))[^ \t\n]{10,}")
# A part that ends in a separator of paths or addresses, or is long; never before an accent.
_PART = re.compile(
    r"[^ \t\n]{2,12}(?<=[/\\._:-])(?=\w)|[^ \t\n]{8}(?=[^ \t\n])(?![\u0300-\u036f\u200d\ufe0f])"
)


def _legal(content: str) -> str:
    """Return text without code points that are not allowed in HTML (HTML standard, 13.2.3.5)."""
    if content.isascii() and content.isprintable():
        return content
    return _NOT_CHARACTERS.sub("", clean_text(content))
