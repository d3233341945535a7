"""What the gate tells other programs: the registry of formats, with one module a format."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from testery_gate.errors import UsageError
from testery_gate.judging.judged import Judged
from testery_gate.text import clean_line


def _junit(runs: Sequence[Judged], *, scope: str = "all", tolerated: str = "failure") -> str:
    from testery_gate.reports import junit

    return junit.render(runs, scope=junit.Scope(scope), tolerated=junit.Tolerated(tolerated))


def _json(runs: Sequence[Judged]) -> str:
    from testery_gate.reports import json_report

    return json_report.render(runs)


def _dotenv(runs: Sequence[Judged]) -> str:
    from testery_gate.reports import dotenv

    return dotenv.render(runs)


def _markdown(runs: Sequence[Judged], **options: int) -> str:
    from testery_gate.reports import markdown

    return markdown.render(runs, **options)


def _html(runs: Sequence[Judged], **options: int) -> str:
    from testery_gate.reports import html

    return html.render(runs, **options)


def _sonar(runs: Sequence[Judged]) -> str:
    from testery_gate.reports import sonar

    return sonar.render(runs)


Renderer = Callable[[Sequence[Judged]], str]
"""Renders at least one judged run as a whole file."""

FORMATS: Mapping[str, Renderer] = {
    "junit": _junit,
    "json": _json,
    "dotenv": _dotenv,
    "markdown": _markdown,
    "html": _html,
    "sonar": _sonar,
}
"""The formats as they are by default; the module of each is imported when it is first called."""


def with_options(
    *, markdown_limit: int, html_limit: int, junit_scope: str, junit_tolerated: str
) -> Mapping[str, Renderer]:
    """Return the formats as a user wants them; the limits are in bytes."""
    return {
        **FORMATS,
        "junit": partial(_junit, scope=junit_scope, tolerated=junit_tolerated),
        "markdown": partial(_markdown, limit=markdown_limit),
        "html": partial(_html, limit=html_limit),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report that was asked for; the path ``-`` stands for the caller's standard output."""

    format: str
    path: str


def parse_report(text: str) -> Report:
    """Read ``FORMAT=PATH``; raises :class:`UsageError`."""
    name, separator, path = text.partition("=")
    shown = clean_line(text)
    if not separator:
        raise UsageError(
            f"the report {shown!r} has no path",
            advice="Write FORMAT=PATH, for example junit=out/TEST-testery.xml.",
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
