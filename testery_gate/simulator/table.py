"""One table of a scenario file, read key by key, with a message for every mistake."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from reprlib import repr as shortened
from typing import Generic, NoReturn, TypeVar

from testery_gate.simulator.scenario import Json

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
D = TypeVar("D")
E = TypeVar("E", bound=Enum)

YEAR = 366 * 86_400.0
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_TOKEN = re.compile(r"[A-Za-z0-9-]+")
_PIECE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|[smhd])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shape(Generic[T_co]):
    """What a value must be, in words, and how it is read: ``None`` means that it is wrong."""

    expected: str
    read: Callable[[object], T_co | None]


class ScenarioError(Exception):
    """A scenario that can't be played; the message says where and why."""


class Table:
    """A table that remembers which keys it was asked for: other keys are mistakes.

    ``source`` and ``place`` say where it stands. The methods raise ``ScenarioError``.
    """

    def __init__(self, entries: Mapping[str, object], *, source: str, place: str = "") -> None:
        self._entries = entries
        self._source = source
        self._place = place
        self._asked: list[str] = []

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._entries

    def take(self, key: str, shape: Shape[T], default: D) -> T | D:
        """The key's value, or the default where the key is not there."""
        self._asked.append(key)
        return self.need(key, shape) if self.has(key) else default

    def need(self, key: str, shape: Shape[T]) -> T:
        """The key's value, which must be there."""
        self._asked.append(key)
        if not self.has(key):
            near = difflib.get_close_matches(key, self._entries, n=1)
            self.refuse(f"{key!r} is missing{f'; is {near[0]!r} meant for it?' if near else ''}")
        value = shape.read(self._entries[key])
        if value is None:
            self.refuse(f"{key!r} must be {shape.expected}, not {shortened(self._entries[key])}")
        return value

    def table(self, key: str) -> Table:
        """The table under this key, empty where there is none."""
        return self._inner(self.take(key, _MAPPING, {}), key)

    def tables(self, key: str) -> list[Table]:
        """The tables under this key, numbered from 1."""
        entries = self.take(key, _MAPPINGS, [])
        return [self._inner(entry, f"{key} {n}") for n, entry in enumerate(entries, start=1)]

    def done(self) -> None:
        """Refuse the first key that was not asked for, once all known keys were."""
        for key in self._entries:
            if key not in self._asked:
                self.refuse(f"unknown key {shortened(key)}{nearest(key, self._asked)}")

    def refuse(self, why: str) -> NoReturn:
        """Raise ``ScenarioError``, which says what is wrong with this table."""
        raise ScenarioError(": ".join(filter(None, (self._source, self._place, why))))

    def _inner(self, entries: Mapping[str, object], place: str) -> Table:
        where = ", ".join(filter(None, (self._place, place)))
        return Table(entries, source=self._source, place=where)


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: what was probably meant, else all there is."""
    names = sorted(set(known))
    near = difflib.get_close_matches(word, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(names)}"


def _of(kind: type[T]) -> Callable[[object], T | None]:
    return lambda value: value if isinstance(value, kind) else None


def _list_of(kind: type[T]) -> Callable[[object], tuple[T, ...] | None]:
    def read(value: object) -> tuple[T, ...] | None:
        if not isinstance(value, list) or not all(isinstance(entry, kind) for entry in value):
            return None
        return tuple(value)

    return read


def _outcomes(value: object) -> dict[str, str | None] | None:
    if isinstance(value, dict) and all(isinstance(error, str) for error in value.values()):
        return dict(value)
    names = TEXTS.read(value)
    return None if names is None else dict.fromkeys(names)


def _files(value: object) -> dict[str, str] | None:
    if not isinstance(value, dict) or any(TEXTS.read(names) is None for names in value.values()):
        return None
    pairs = [(name, file) for file, names in value.items() for name in names]
    files = dict(pairs)
    return files if len(files) == len(pairs) > 0 else None


def _lists(value: object) -> dict[str, tuple[str, ...]] | None:
    if not isinstance(value, dict):
        return None
    read = {key: TEXTS.read(texts) for key, texts in value.items()}
    lists = {key: texts for key, texts in read.items() if texts is not None}
    return lists if len(lists) == len(read) else None


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _duration(value: object) -> float | None:
    seconds = _number(value)
    if isinstance(value, str) and re.fullmatch(f"({_PIECE.pattern})+", value, re.ASCII):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PIECE.findall(value))
    return float(seconds) if seconds is not None and 0 <= seconds <= YEAR else None


def _share(value: object) -> float | None:
    number = _number(value)
    return float(number) if number is not None and 0 <= number <= 1 else None


def _time(value: object) -> datetime | None:
    if not isinstance(value, datetime) or not 1971 <= value.year <= 2200:
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _json_object(value: object) -> dict[str, Json] | None:
    try:
        content: Json = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _headers(value: object) -> tuple[tuple[str, str], ...] | None:
    if not isinstance(value, dict):
        return None
    pairs = tuple((name, str(content)) for name, content in value.items())
    fit = all(_TOKEN.fullmatch(name) and _header(content) is not None for name, content in pairs)
    return pairs if fit else None


def _header(value: object) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"[ -~]*", value) else None


TEXT = Shape("a text", _of(str))
TEXTS = Shape("a list of texts", _list_of(str))
SOME_TEXTS = Shape("a list of at least one text", lambda value: TEXTS.read(value) or None)
OUTCOMES: Shape[Mapping[str, str | None]] = Shape(
    "a list of names of tests, or a table of such names and error texts", _outcomes
)
FILES: Shape[Mapping[str, str]] = Shape(
    "a table of files and lists of the names of their tests, each name once", _files
)
LISTS: Shape[Mapping[str, tuple[str, ...]]] = Shape("a table of lists of texts", _lists)
FLAG = Shape("true or false", _of(bool))
DURATION = Shape('a time such as "90s", "1m30s" or "500ms", within a year', _duration)
SHARE = Shape("a number from 0 to 1", _share)
TIME = Shape("a date and time in a plausible year, such as 2020-05-04T23:15:10Z", _time)
JSON_OBJECT = Shape("the text of a JSON object", _json_object)
HEADER = Shape("a text of printable ASCII", _header)
HEADERS = Shape("a table of header names and texts of printable ASCII", _headers)
_MAPPING: Shape[Mapping[str, object]] = Shape("a table", _of(dict))
_MAPPINGS: Shape[Sequence[Mapping[str, object]]] = Shape("an array of tables", _list_of(dict))


def whole(low: int, high: int) -> Shape[int]:
    """A whole number within these bounds."""

    def read(value: object) -> int | None:
        return value if type(value) is int and low <= value <= high else None

    return Shape(f"a whole number from {low} to {high}", read)


def choice(kind: type[E]) -> Shape[E]:
    """The name of a member."""

    def read(value: object) -> E | None:
        return next((member for member in kind if member.value == value), None)

    return Shape(f"one of {_names(kind)}", read)


def choices(kind: type[E]) -> Shape[frozenset[E]]:
    """The name of a member, or a list of such names."""

    def read(value: object) -> frozenset[E] | None:
        wanted = value if isinstance(value, list) else [value]
        members = frozenset(member for member in kind if member.value in wanted)
        return members if wanted and len(members) == len(wanted) else None

    return Shape(f"one or a list of {_names(kind)}", read)


def _names(kind: type[Enum]) -> str:
    return ", ".join(repr(member.value) for member in kind)
