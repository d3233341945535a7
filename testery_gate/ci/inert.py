"""Text from elsewhere stays text, whichever CI system reads the output.

What is printed may quote a run's name or a test's error, and a CI system executes some lines of it:

- GitHub: a line that is ``::command::`` after blanks, and ``##[command]`` anywhere in it
  (actions/runner, ActionCommand.cs); a line also ends at a lone carriage return
- Azure: ``##vso[area.action]`` anywhere in a line (azure-pipelines-agent, Command.cs)
- TeamCity: ``##teamcity[message]`` anywhere in a line (service messages)

GitLab's sections and Jenkins' console notes need an escape character. Remote text has none when it
gets here. All rules are always applied, because a container can't see which system reads its
output.
"""

from __future__ import annotations

import io
import re
from typing import TextIO, cast

_COMMAND = re.compile(
    r"""
    (?: (?: ^ | \r ) [^\S\r\n]* : (?= : ) )       # a blank goes between ::
    | \# (?= \# (?: \[ | vso\[ | teamcity\[ ) )   # ... and between ##
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)


def inert(text: str) -> str:
    """Return whole lines with a blank in everything that a CI system would execute.

    JSON stays valid, because the blank is always inside a string.
    """
    return _COMMAND.sub(r"\g<0> ", text)


_INSIDE = re.compile(r"(?<!^)\#(?=\#(?:\[|vso\[|teamcity\[))", re.MULTILINE | re.IGNORECASE)
"""What some systems execute in the middle of a line."""


def commands_alone(text: str) -> str:
    """Return lines with commands for one system, without anything that another would execute.

    Only the beginning of a line is a command. The rest may quote remote text, which is escaped for
    this one system, while the output may go to any.
    """
    return _INSIDE.sub(r"\g<0> ", text)


class OutputLost(OSError):
    """A stream of the process can't be written to, for example because its disk is full."""


class InertStream(io.TextIOBase):
    """A text stream that makes all text inert; each write must have whole lines."""

    def __init__(self, raw: TextIO) -> None:
        self.raw = raw
        """The stream below, for the gate's own commands."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream below."""
        return self.raw.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """What the stream below does with characters that are not in its encoding."""
        return self.raw.errors

    def write(self, text: str, /) -> int:
        """Write the text, inert; raises :class:`OutputLost`."""
        try:
            self.raw.write(inert(text))
        except OSError as error:
            raise OutputLost(*error.args) from error
        return len(text)

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def flush(self) -> None:
        """Flush the stream below; raises :class:`OutputLost`."""
        try:
            self.raw.flush()
        except OSError as error:
            raise OutputLost(*error.args) from error

    def __del__(self) -> None:
        """Leave the stream below alone: by default it would be flushed, even when it is closed."""

    def isatty(self) -> bool:
        """Whether the stream below is a terminal."""
        return self.raw.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the stream below."""
        return self.raw.fileno()


def guarded(stream: TextIO | None) -> TextIO | None:
    """Return the stream as an :class:`InertStream`, or ``None`` for ``None``, a closed stream."""
    return None if stream is None else cast("TextIO", InertStream(stream))


def unguarded(stream: TextIO) -> TextIO:
    """Return the stream below a guarded one; another stream is returned as it is."""
    return stream.raw if isinstance(stream, InertStream) else stream
