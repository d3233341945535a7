"""GitLab: a section of the log. Later jobs read a report (``--report dotenv=PATH``).

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
    """Make a section, which GitLab labels with the time it took; the clock gives Unix time.

    The name has letters, digits, ``_``, ``.`` and ``-``, and is unique in the job.
    """
    command(f"{_CLEAR_LINE}section_start:{int(clock())}:{name}\r{_CLEAR_LINE}{title}\n")
    try:
        yield
    finally:
        command(f"{_CLEAR_LINE}section_end:{int(clock())}:{name}\r{_CLEAR_LINE}\n")
