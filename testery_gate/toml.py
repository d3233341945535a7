"""TOML from untrusted files: limited in size, parsed, and with the lines of its keys."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from testery_gate.errors import UsageError

MOST_DOTS = 100
"""On a line, outside of texts: the time for a key of n parts grows with the square of n."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Where a part of a file is, as far as that can be found; the parser does not return it."""

    heading: str
    """Without blanks and quotes: ``tool.testery-gate``, or ``[test]`` for ``[[test]]``."""
    line: int
    keys: Mapping[str, int]
    """The line of each key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toml:
    """A file's values, and its text."""

    text: str
    values: Mapping[str, object]

    def tables(self) -> Sequence[Table]:
        """Return the parts below the headings; the first one is the part above all headings."""
        keys: dict[str, int] = {}
        found = [Table(heading="", line=1, keys=keys)]
        # A line within a text of several lines may look like a heading.
        plain = _TEXT_OR_COMMENT.sub(_in_one_line, self.text)
        for number, line in enumerate(plain.split("\n"), 1):
            heading = _HEADING.match(line)
            key, equals, _ = line.partition("=")
            if heading:
                keys = {}
                name = re.sub(r"[\s\"']", "", heading[1] or f"[{heading[2]}]")
                found.append(Table(heading=name, line=number, keys=keys))
            elif equals:
                keys.setdefault(key.strip().strip("\"'"), number)
        return found

    def lines(self, section: str = "") -> Mapping[str, int]:
        """Return where the keys of a section are."""
        found: dict[str, int] = {}
        for table in self.tables():
            if table.heading == section:
                found = {**table.keys, **found}
        return found


def parse_toml(content: bytes, source: str, *, advice: str) -> Toml:
    """Read a file's content; raises :class:`UsageError`, which names the source."""
    import tomllib  # most gates have no such file

    try:
        text = content.decode()
        _check_keys(text, source, advice)
        return Toml(text=text, values=tomllib.loads(text))
    except (ValueError, RecursionError) as error:  # also for a number of 5,000 digits
        raise UsageError(f"{source} is not valid TOML: {error}", advice=advice) from None


def _check_keys(text: str, source: str, advice: str) -> None:
    """Refuse keys of many parts before they are parsed, for which a key can't span two lines."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") <= MOST_DOTS:
            continue
        # Where a text of several lines begins or ends, something else may look like a text.
        bare = line if '"""' in line or "'''" in line else _TEXT_OR_COMMENT.sub("", line)
        if bare.count(".") > MOST_DOTS:
            raise UsageError(
                f"{source}, line {number}, has more than {MOST_DOTS} dots outside of texts",
                advice=advice,
            )


def _in_one_line(text: re.Match[str]) -> str:
    return text[0] if "\n" not in text[0] else '""' + "\n" * text[0].count("\n")


_HEADING = re.compile(r"\s*\[(?:([^\[\]=,#]++)|\[([^\[\]=,#]++)\])\]\s*+(?:#|$)")

# In linear time: each alternative is possessive, so nothing is tried again.
_TEXT_OR_COMMENT = re.compile(
    r"""
    \"{3} (?:[^"\\]++ | \\(?:.|\n)?+ | "(?!""))*+ (?:"{3,5}+|\Z)
    | '{3} (?:[^']++ | '(?!''))*+ (?:'{3,5}+|\Z)
    | "(?:[^"\\\n]++|\\.?+)*+ (?:"|$)
    | '[^'\n]*+ (?:'|$)
    | \#.*+
    """,
    re.VERBOSE | re.MULTILINE,
)
