"""GitLab: a section of the log; what later jobs read is a report (``--report dotenv=PATH``).

The rules are those of GitLab's documentation, "Custom collapsible sections".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_CLEAR_LINE = "\x1b[0K"


@contextmanager
def section(
    name: str, title: str, command: Callable[[str], None], clock: Callable[[], float]
) -> Iterator[None]:
    """Make a section, which GitLab labels with the time it took; the clock is that of Unix.

    The name of letters, digits, ``_``, ``.`` and ``-`` is the job's only one.
    """
    command(f"{_CLEAR_LINE}section_start:{int(clock())}:{name}\r{_CLEAR_LINE}{title}\n")
    try:
        yield
    finally:
        command(f"{_CLEAR_LINE}section_end:{int(clock())}:{name}\r{_CLEAR_LINE}\n")
