"""Text from elsewhere stays text, whichever CI system reads the output.

What is printed may quote a run's name or a test's error, and a CI system executes some lines of it:

- GitHub: a line that is ``::command::`` after blanks, and ``##[command]`` anywhere in it
  (actions/runner, ActionCommand.cs); a line also ends at a lone carriage return
- Azure: ``##vso[area.action]`` anywhere in a line (azure-pipelines-agent, Command.cs)
- TeamCity: ``##teamcity[message]`` anywhere in a line (service messages)

GitLab's sections and Jenkins' console notes need an escape character, which remote text never has
when it gets here. The rules hold at all times, because a container does not see which system its
output goes to.
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

    JSON stays valid, as the blank can only come to stand in a string.
    """
    return _COMMAND.sub(r"\g<0> ", text)


_INSIDE = re.compile(r"(?<!^)\#(?=\#(?:\[|vso\[|teamcity\[))", re.MULTILINE | re.IGNORECASE)
"""What other systems obey in the middle of a line."""


def commands_alone(text: str) -> str:
    """Return lines that one system is meant to obey, with nothing in them for another.

    Only how a line begins is a command: the rest may quote what somebody else wrote, escaped for
    the one system, while the output may go to any.
    """
    return _INSIDE.sub(r"\g<0> ", text)


class OutputLost(OSError):
    """A stream of the process can't be written to, for example because its disk is full."""


class InertStream(io.TextIOBase):
    """A text stream through which nothing but inert text goes; each write has whole lines."""

    def __init__(self, raw: TextIO) -> None:
        self.raw = raw
        """The stream below, for the commands that are meant."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream below."""
        return self.raw.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """What the stream below does with characters that its encoding lacks."""
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
        """Leave the stream below alone: by default it would be flushed, be it closed or not."""

    def isatty(self) -> bool:
        """Whether the stream below is a terminal."""
        return self.raw.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the stream below."""
        return self.raw.fileno()


def guarded(stream: TextIO | None) -> TextIO | None:
    """Return the stream as an :class:`InertStream`; ``None``, a closed one, stays that."""
    return None if stream is None else cast("TextIO", InertStream(stream))


def unguarded(stream: TextIO) -> TextIO:
    """Return the stream that obeys, below a guarded one."""
    return stream.raw if isinstance(stream, InertStream) else stream
