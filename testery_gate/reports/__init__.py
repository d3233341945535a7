"""The reports for other programs: the registry of formats, with one module for each."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath

from testery_gate.errors import UsageError
from testery_gate.judging.judged import Judged
from testery_gate.text import clean_line

Renderer = Callable[[Sequence[Judged]], str]
"""Renders at least one judged run as a whole file."""


def _renderer(module: str, **options: int | str) -> Renderer:
    """Return the format that a module renders; it is imported when it is first called."""

    def render(runs: Sequence[Judged]) -> str:
        text: str = import_module(f"{__name__}.{module}").render(runs, **options)
        return text

    return render


FORMATS: Mapping[str, Renderer] = {
    "junit": _renderer("junit"),
    "json": _renderer("json_report"),
    "dotenv": _renderer("dotenv"),
    "markdown": _renderer("markdown"),
    "html": _renderer("html"),
    "sonar": _renderer("sonar"),
}
"""The formats with their default options."""
_BY_NAME = {
    ".xml": "junit",
    ".json": "json",
    ".html": "html",
    ".md": "markdown",
    ".env": "dotenv",
}
"""The format of a path without a format, by the path's ending."""


def with_options(
    *, markdown_limit: int, html_limit: int, junit_scope: str, junit_tolerated: str
) -> Mapping[str, Renderer]:
    """Return the formats with the user's options; the limits are in bytes."""
    return {
        **FORMATS,
        "junit": _renderer("junit", scope=junit_scope, tolerated=junit_tolerated),
        "markdown": _renderer("markdown", limit=markdown_limit),
        "html": _renderer("html", limit=html_limit),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report that was asked for; the path ``-`` is the caller's standard output."""

    format: str
    path: str
    careful: bool = False
    """Whether it may only be a new file, or replace a report, in the working directory."""


def split_report(text: str) -> tuple[str, str]:
    """Return the format and the path of ``FORMAT=PATH``, or of a path whose ending shows it.

    Either is empty where it is missing. The format may be an unknown one.
    """
    # A line end comes from the file or command that the path was read from.
    name, separator, path = text.rstrip("\r\n").partition("=")
    return (name, path) if separator else (_BY_NAME.get(PurePath(name).suffix.lower(), ""), name)


def parse_report(text: str) -> Report:
    """Return the report of ``FORMAT=PATH``, or of a path alone; raises :class:`UsageError`."""
    name, path = split_report(text)
    shown = clean_line(text)
    if not name and path == text.rstrip("\r\n"):
        raise UsageError(
            f"the report {shown!r} has a name that does not show its format",
            advice=f"Write FORMAT=PATH, for example junit=out/TEST-testery.xml. What ends with"
            f" {', '.join(_BY_NAME)} needs no format.",
        )
    before, colon, after = path.partition(":")
    if colon and before in FORMATS and path == text.rstrip("\r\n"):
        raise UsageError(
            f"the report {shown!r} has a colon behind its format",
            advice=f"Write {before}={clean_line(after)}, or ./{shown} for a file of that name.",
        )
    if name not in FORMATS:
        near = difflib.get_close_matches(name.lower(), FORMATS, n=1)
        raise UsageError(
            f"the report {shown!r} has an unknown format",
            advice=f"Did you mean {near[0]}?" if near else f"Formats are {', '.join(FORMATS)}.",
        )
    if not path:
        raise UsageError(
            f"the report {shown!r} has an empty path",
            advice=f"Name a file, for example {name}=out/report, or {name}=- for standard output.",
        )
    return Report(format=name, path=path)
