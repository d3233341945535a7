"""What commands write to the standard streams, and what those can show."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import TextIO, TypedDict

from testery_gate.errors import GateError, ReportLost
from testery_gate.progress.stream import speaks_unicode
from testery_gate.text import clean_text, columns, fold

OUTPUT_LOST = "Make room where the output goes, or send it elsewhere."
"""The advice where the output can't be written."""


class Abilities(TypedDict):
    """What a stream can show."""

    color: bool
    unicode: bool


def abilities(stream: TextIO, environment: Mapping[str, str]) -> Abilities:
    """Return what a stream can show."""
    return {
        "color": stream.isatty() and not environment.get("NO_COLOR"),
        "unicode": speaks_unicode(stream, environment),
    }


def line_width(stream: TextIO | None = None, environment: Mapping[str, str] = {}) -> int | None:
    """Return how wide lines may be, on standard output unless another stream is given.

    ``None`` is any width: the stream is no terminal, and ``COLUMNS`` in the environment is not set.
    """
    known = (stream or sys.stdout).isatty() or environment.get("COLUMNS")
    return shutil.get_terminal_size().columns if known else None


def show(text: str, stream: TextIO) -> None:
    """Write a text for people; a closed stream does not change the exit code."""
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        return


def hand_over(text: str, what: str) -> None:
    """Print what was asked for; raises :class:`ReportLost`."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        raise ReportLost(
            f"can't write {what} to standard output: {error}", advice=OUTPUT_LOST
        ) from None


def complain(error: GateError) -> None:
    """Print on standard error what is wrong and what to do about it."""
    advice = [f"  next: {line}" for line in error.advice.splitlines()]
    width = line_width(sys.stderr)
    # A message may quote an untrusted file.
    text = clean_text("\n".join([f"testery-gate: {error.message}", *advice]))
    lines = [row for line in text.splitlines() for row in folded(line, width)]
    show("\n".join(lines) + "\n", sys.stderr)


def folded(line: str, width: int | None) -> Iterator[str]:
    """Yield the parts of a line, split between words to fit the terminal."""
    if width is None or columns(line) <= width:
        yield line
        return
    lead = line[: len(line) - len(line.lstrip())]
    yield from (f"{lead}{row}" for row in fold(line, width - len(lead)))
