"""``testery-gate doctor``: what stands between this machine and a verdict."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import click

from testery_gate.cli.connection import token_of
from testery_gate.cli.option_types import ASKING_CODES, SectionedCommand
from testery_gate.cli.options import (
    CHECKING,
    CONFIGURATION,
    CONNECTION,
    given,
    settings,
)
from testery_gate.cli.output import abilities, hand_over, line_width, show
from testery_gate.cli.process import Process
from testery_gate.cli.table import document
from testery_gate.doctor import Finding, State, examine, overall
from testery_gate.doctor.checks import Subject, checks_of
from testery_gate.errors import ExitCode, ReportLost
from testery_gate.text import fold

_COLORS = {State.OK: "green", State.WARNING: "yellow", State.FAILED: "red"}
_NARROWEST, _ANY_WIDTH = 40, 100_000
_INDENT = " " * 9


@click.command(
    cls=SectionedCommand,
    params=settings(CHECKING, CONNECTION, CONFIGURATION, also=["--output"]),
    examples=(
        "testery-gate doctor",
        "testery-gate doctor --token-file /run/secrets/testery --step-timeout 30s",
        "testery-gate doctor --output json",
    ),
    codes=ASKING_CODES
    | {
        ExitCode.PASSED: "nothing failed, even with warnings",
        ExitCode.USAGE: "a setting is wrong, or there is no token",
        ExitCode.UNAVAILABLE: "the API can't be reached",
        ExitCode.REPORT_LOST: "nothing failed, but that could not be printed",
    },
    page="doctor.md",
)
@click.pass_context
def doctor(
    ctx: click.Context, /, *, output: str, step_timeout: Fraction, **values: Any
) -> ExitCode:
    """Check each step on the way to the API, and say what to do if one fails.

    Resolves, connects, checks certificates, clocks, the token and the endpoints, one line each.
    """
    process: Process = ctx.obj
    subject = Subject(
        api_url=values["api_url"],
        source=str(given(ctx).sources["api_url"]),
        find_token=lambda: token_of(values, process.machine),
        timeout=float(step_timeout),
    )
    as_json = output == "json"
    width, style = line_width(), abilities(sys.stdout, process.machine.environment)
    findings = []
    for finding in examine(checks_of(subject), subject.timeout):
        findings.append(finding)
        if not as_json:
            show(line(finding, width=width, **style), sys.stdout)
    text = render_json(findings) if as_json else conclusion(findings)
    code = overall(findings)
    try:
        hand_over(text, "the findings")
    except ReportLost:
        if code is ExitCode.PASSED:
            raise
    return code


def line(finding: Finding, *, width: int | None, color: bool, unicode: bool) -> str:
    """Return a finding in a line, with its advice below."""
    word = "FAILED" if finding.state is State.FAILED else finding.state.value
    state = word.ljust(7)
    fg = _COLORS.get(finding.state)
    shown = click.style(state, fg=fg) if color and fg else state
    text = f"{shown}  {finding.check:<12}  {finding.found}\n"
    if finding.advice:
        most = _ANY_WIDTH if width is None else max(width, _NARROWEST)
        text += "".join(f"{_INDENT}{row}\n" for row in fold(finding.advice, most - len(_INDENT)))
    return text if unicode else text.encode("ascii", "replace").decode()


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
    """Return all findings as ``docs/doctor.md`` describes them."""
    code = overall(findings)
    report = {
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
    return document("1.0", report)
