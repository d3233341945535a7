"""The quarantine file: which failing tests are tolerated, why, by whom, and until when.

It comes with the change under test. So its size is limited, its texts are cleaned, and every
mistake in it is an error.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache, cached_property

from testery_gate.errors import UsageError
from testery_gate.evidence.outcomes import Outcomes, TestId
from testery_gate.text import clean_line, fits, shorten
from testery_gate.toml import Table, parse_toml

LARGEST_FILE = 512 * 1024
"""Bytes of a quarantine file; more is not read."""
SOON = 7
"""An entry is called expiring so many days before it expires."""

_NEEDED = ("file", "name", "reason", "owner", "expires")
_KEYS = (*_NEEDED, "issue")
_ADVICE = "docs/evidence.md shows an entry; 'testery-gate quarantine FILE' checks the file."
_FEW = 5
"""How many entries the notes name."""
_LONGEST = 100
"""Characters of each text that a note or a message quotes."""


class State(Enum):
    """Whether an entry counts on a day."""

    VALID = "valid"
    EXPIRING = "expiring"
    """It counts, but not for long."""
    EXPIRED = "expired"
    """It tolerates nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Tests that may fail until a day; ``*`` in ``file`` and ``name`` stands for any characters."""

    file: str
    name: str
    reason: str
    owner: str
    expires: date
    """The last day on which it counts, in UTC."""
    issue: str = ""
    line: int

    def state(self, today: date) -> State:
        """Return whether it counts."""
        days = (self.expires - today).days
        if days < 0:
            return State.EXPIRED
        return State.EXPIRING if days <= SOON else State.VALID

    def __str__(self) -> str:
        return f"{shorten(self.name, _LONGEST)} ({shorten(self.file, _LONGEST)})"


@dataclass(frozen=True, kw_only=True)
class Quarantine:
    """The entries of a quarantine file, in their order."""

    entries: Sequence[Entry]
    source: str
    """The file, and the commit at which it was read, in words."""
    today: date
    """The day on which entries count or have expired."""

    def tolerates(self, test: TestId) -> Entry | None:
        """Return the first entry that names a test and has not expired."""
        return next((one for one in self.naming(test) if self.counts(one)), None)

    def why_tolerated(self, test: TestId, /) -> str:
        """Return why a failure of this test is tolerated; empty if it is not."""
        entry = self.tolerates(test)
        if entry is None:
            return ""
        reason, owner = (shorten(text, _LONGEST) for text in (entry.reason, entry.owner))
        return f"{reason} (owner {owner}, until {entry.expires})"

    def counts(self, entry: Entry) -> bool:
        """Whether an entry tolerates anything today."""
        return entry.state(self.today) is not State.EXPIRED

    def naming(self, test: TestId) -> Iterator[Entry]:
        """Return the entries that name a test, expired ones too."""
        return (self.entries[number] for number in self._numbers(test))

    def unmatched(self, tests: Iterable[TestId]) -> Sequence[Entry]:
        """Return the entries that name none of these tests."""
        left = set(range(len(self.entries)))
        for test in tests:
            left.difference_update(self._numbers(test))
        return [self.entries[number] for number in sorted(left)]

    def notes(self, outcomes: Outcomes, /) -> tuple[str, ...]:
        """Return the reports' notes on expired entries that name a failed test."""
        failed = [test for test, outcome in outcomes.items() if outcome.has_failed]
        named = {entry for test in failed for entry in self.naming(test)}
        expired = [one for one in self.entries if one in named and not self.counts(one)]
        notes = [
            f"{self.source}, line {entry.line}: the entry for {entry} expired on"
            f" {entry.expires} and tolerates nothing; its owner is {shorten(entry.owner, _LONGEST)}"
            for entry in expired[:_FEW]
        ]
        if expired[_FEW:]:
            notes.append(f"{self.source}: {len(expired) - _FEW} more entries expired")
        return tuple(notes)

    def note_of_unmatched(self, tests: Iterable[TestId], runs: int, /) -> str:
        """Return the reports' note on entries that name no test of the runs; ``""`` without any."""
        unmatched = self.unmatched(tests)
        if not unmatched:
            return ""
        lines = [f"line {entry.line} for {entry}" for entry in unmatched[:_FEW]]
        more = [f"{len(unmatched) - _FEW} more"] if unmatched[_FEW:] else []
        what = "an entry names" if len(unmatched) == 1 else f"{len(unmatched)} entries name"
        where = "this run" if runs == 1 else f"these {runs} runs"
        return f"{self.source}: {what} no test of {where}: {', '.join([*lines, *more])}"

    @cached_property
    def _numbers(self) -> Callable[[TestId], Sequence[int]]:
        """Return a function from a test to the numbers of the entries that name it, in order."""
        in_files = _matcher((number, entry.file) for number, entry in enumerate(self.entries))

        @cache
        def in_names(numbers: tuple[int, ...]) -> Callable[[str], Sequence[int]]:
            return _matcher((number, self.entries[number].name) for number in numbers)

        @cache
        def of_file(file: str) -> Callable[[str], Sequence[int]]:
            # Thousands of files that the same entries name share these.
            return in_names(tuple(in_files(file)))

        return lambda test: of_file(test.file)(test.name)


def _matcher(patterns: Iterable[tuple[int, str]]) -> Callable[[str], Sequence[int]]:
    """Return a function from a text to the numbers of the patterns that it fits, in their order."""
    literal: dict[str, list[int]] = {}
    others: list[tuple[int, str, str]] = []
    for number, pattern in patterns:
        if "*" in pattern:
            # Most texts lack the longest part, and that is quick to see.
            longest = max(pattern.split("*"), key=len)
            others.append((number, longest, pattern))
        else:
            literal.setdefault(pattern, []).append(number)

    def fitting(text: str) -> Sequence[int]:
        matching = [
            number for number, longest, pattern in others if longest in text and fits(pattern, text)
        ]
        return sorted([*literal.get(text, ()), *matching])

    return fitting


def parse_quarantine(content: bytes, source: str, *, today: date, most_days: int) -> Quarantine:
    """Read a quarantine file; raises :class:`UsageError`, which names the source and the line."""
    if len(content) > LARGEST_FILE:
        raise UsageError(
            f"{source} is not a quarantine file: it is larger than {LARGEST_FILE // 1024} KiB",
            advice=_ADVICE,
        )
    file = parse_toml(content, source, advice=_ADVICE)
    head, *tables = file.tables()
    for key in file.values:
        if key != "test":
            headings = (t.line for t in tables if t.heading.strip("[]").partition(".")[0] == key)
            place = _place(source, head.keys.get(key) or next(headings, None))
            raise _error(place, f"{_quoted(key)} is unknown; an entry begins with [[test]]")
    items = file.values.get("test", [])
    tables = [table for table in tables if table.heading == "[test]"]
    if not isinstance(items, list) or len(items) != len(tables):
        # For entries in another form of TOML, no lines are known.
        raise _error(source, "each entry has to begin with [[test]] on a line of its own")
    entries: dict[tuple[str, str], Entry] = {}
    for item, table in zip(items, tables, strict=True):
        entry = _entry(item, table, source, today + timedelta(days=most_days))
        first = entries.setdefault((entry.file, entry.name), entry)
        if first is not entry:
            place = _place(source, entry.line)
            raise _error(place, f"the entry for {entry} is there already, in line {first.line}")
    return Quarantine(entries=tuple(entries.values()), source=source, today=today)


def _entry(item: object, table: Table, source: str, latest: date) -> Entry:
    def wrong(what: str, key: str = "", advice: str = _ADVICE) -> UsageError:
        return _error(_place(source, table.keys.get(key, table.line)), what, advice)

    if not isinstance(item, dict):
        raise wrong("an entry is a line [[test]], and a line KEY = VALUE for each key below it")
    for key in item:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(_KEYS)}"
            raise wrong(f"{_quoted(key)} is unknown; {hint}", key)
    missing = [key for key in _NEEDED if key not in item]
    if missing:
        raise wrong(f"the entry has no {' and no '.join(missing)}")
    expires = item["expires"]
    if isinstance(expires, datetime) or not isinstance(expires, date):
        raise wrong("expires has to be a date without quotes, such as 2026-12-31", "expires")
    texts: dict[str, str] = {}
    for key in [key for key in _KEYS if key in item and key != "expires"]:
        if not isinstance(item[key], str):
            raise wrong(f"{key} has to be a text in quotes", key)
        # Cleaned in the same way as the names of tests.
        texts[key] = clean_line(item[key])
        if not texts[key]:
            raise wrong(f"{key} is empty", key)
    entry = Entry(**texts, expires=expires, line=table.line)
    if not (entry.file + entry.name).strip("*"):
        raise wrong("file and name are both *, which would tolerate every failure")
    if entry.expires > latest:
        raise wrong(
            f"expires is {entry.expires}, and {latest} is the latest day that is allowed",
            "expires",
            "Choose an earlier day, or raise --quarantine-days.",
        )
    if entry.issue and not re.fullmatch(r"https?://[^\s/]\S*", entry.issue):
        raise wrong("issue has to be an address that begins with https://", "issue")
    return entry


def _place(source: str, line: int | None) -> str:
    return source if line is None else f"{source}, line {line}"


def _error(place: str, what: str, advice: str = _ADVICE) -> UsageError:
    return UsageError(f"{place}: {what}", advice=advice)


def _quoted(text: str) -> str:
    return repr(shorten(text, _LONGEST))
