"""What commands write to the standard streams, and what those can show."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from typing import TextIO, TypedDict

from testery_gate.errors import GateError, ReportLost
from testery_gate.progress.stream import speaks_unicode
from testery_gate.text import clean_text


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
        raise ReportLost(f"can't write {what} to standard output: {error}") from None


def complain(error: GateError) -> None:
    """Print on standard error what is wrong and what to do about it."""
    lines = [f"testery-gate: {error.message}", *([error.advice] if error.advice else [])]
    # A message may quote a file that anybody could change.
    show(clean_text("\n".join(lines) + "\n"), sys.stderr)
