"""The stream for progress, which never fails, and what it can show."""

from __future__ import annotations

import codecs
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import TextIO


def speaks_unicode(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether all characters can be shown, by the encoding and, on a terminal, by the locale.

    Python writes UTF-8 in the C locale too (PEP 540), to terminals that may not understand it.
    """
    if not codecs.lookup(stream.encoding or "utf-8").name.startswith("utf"):
        return False
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    locales = [environment[name] for name in names if environment.get(name)]
    if len(locales) > 1 and locales[0] in _COERCED:
        del locales[0]
    return not (stream.isatty() and locales[:1] in (["C"], ["POSIX"]))


_COERCED = {"C.UTF-8", "C.utf8", "UTF-8"}
"""The values of ``LC_CTYPE`` that Python sets where the locale is C (PEP 538)."""


def moves_cursor(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether the stream is a terminal whose cursor can be moved."""
    return stream.isatty() and environment.get("TERM") not in {"dumb", "unknown"}


class SafeStream:
    """A text stream that never fails: what can't be written is dropped.

    A closed stream, a pipe without a reader or a full disk must not change a verdict.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding or "utf-8"
        self.written = 0
        """Bytes so far, including lost ones."""

    def write(self, text: str) -> int:
        """Write text, with ``?`` for characters that are not in the encoding."""
        data = text.encode(self.encoding, "replace")
        self.written += len(data)
        with suppress(OSError, ValueError):
            self._stream.write(data.decode(self.encoding))
        return len(text)

    def flush(self) -> None:
        """Flush what was written."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def size(self) -> tuple[int, int]:
        """Return the terminal's columns and lines, or 80 by 24 if they are unknown."""
        columns, lines = 0, 0
        with suppress(OSError, ValueError):
            columns, lines = os.get_terminal_size(self._stream.fileno())
        return columns or 80, lines or 24

    def in_front(self) -> bool:
        """Whether the process is in the foreground, and so may draw on the terminal."""
        # True also without a terminal, without a controlling terminal, and on Windows.
        with suppress(OSError, ValueError, AttributeError):
            return os.tcgetpgrp(self._stream.fileno()) == os.getpgrp()
        return True
