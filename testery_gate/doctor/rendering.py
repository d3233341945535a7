"""What was found, for people and for programs (``docs/doctor.md``)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import click

from testery_gate import __version__
from testery_gate.doctor import Finding, State, overall
from testery_gate.errors import ExitCode
from testery_gate.text import fold

SCHEMA_VERSION = "1.0"
"""The second number grows when a field is added, the first when one changes or goes."""
_WORDS = {State.FAILED: "FAILED"}
_COLORS = {State.OK: "green", State.WARNING: "yellow", State.FAILED: "red"}
_NARROWEST, _ANY_WIDTH = 40, 100_000
_INDENT = " " * 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What a stream can show; ``width`` is ``None`` where lines may have any."""

    width: int | None
    color: bool
    unicode: bool


def line(finding: Finding, style: Style) -> str:
    """Return a finding in a line, with its advice below."""
    state = _WORDS.get(finding.state, finding.state.value).ljust(7)
    color = _COLORS.get(finding.state)
    shown = click.style(state, fg=color) if style.color and color else state
    text = f"{shown}  {finding.check:<12}  {finding.found}\n"
    if finding.advice:
        width = _ANY_WIDTH if style.width is None else max(style.width, _NARROWEST)
        text += "".join(f"{_INDENT}{row}\n" for row in fold(finding.advice, width - len(_INDENT)))
    return text if style.unicode else text.encode("ascii", "replace").decode()


def conclusion(findings: Sequence[Finding]) -> str:
    """Return the last line: whether a gate can reach a verdict here."""
    code = overall(findings)
    if code is not ExitCode.PASSED:
        failed = ", ".join(one.check for one in findings if one.state is State.FAILED)
        return f"A gate can't reach a verdict here: {failed} failed (exit code {code.value}).\n"
    warnings = sum(finding.state is State.WARNING for finding in findings)
    also = "" if not warnings else f", with {warnings} warning{'s' if warnings > 1 else ''}"
    return f"A gate can reach a verdict here{also}.\n"


def render_json(findings: Sequence[Finding]) -> str:
    """Return all findings as JSON, in ASCII alone."""
    code = overall(findings)
    report = {
        "schemaVersion": SCHEMA_VERSION,
        "tool": {"name": "testery-gate", "version": __version__},
        "outcome": code.outcome,
        "exitCode": code.value,
        "checks": [
            {
                "check": finding.check,
                "state": finding.state.value,
                "found": finding.found,
                "advice": finding.advice or None,
                "details": dict(finding.details),
            }
            for finding in findings
        ],
    }
    # Some CI systems obey '##[' and '##vso[' anywhere in a log.
    return json.dumps(report, indent=2).replace("##", r"#\u0023") + "\n"
