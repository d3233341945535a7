"""GitLab: a section of the log; what later jobs read is a report (``--report dotenv=PATH``).

The rules are those of GitLab's documentation, "Custom collapsible sections".
"""

from __future__ import annotations

_CLEAR_LINE = "\x1b[0K"


def section_start(name: str, title: str, time: float) -> str:
    """Begin a section; the name of letters, digits, ``_``, ``.`` and ``-`` is the job's only one.

    The time is in seconds since 1970.
    """
    return f"{_CLEAR_LINE}section_start:{int(time)}:{name}\r{_CLEAR_LINE}{title}\n"


def section_end(name: str, time: float) -> str:
    """End a section, which GitLab labels with the time it took."""
    return f"{_CLEAR_LINE}section_end:{int(time)}:{name}\r{_CLEAR_LINE}\n"
