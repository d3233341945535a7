"""``testery-gate doctor``: what stands between this machine and a verdict."""

from __future__ import annotations

import sys
from fractions import Fraction
from typing import Any

import click

from testery_gate.cli.arguments import token_of
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
from testery_gate.errors import ExitCode, ReportLost


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
    """Check each step on the way to the API, and say what to do where one fails.

    Resolves, connects, checks certificates, clocks, the token and the endpoints, one line each.
    """
    # Only here, as no other command needs it.
    from testery_gate.doctor import examine, overall, rendering
    from testery_gate.doctor.checks import Subject, checks_of

    process: Process = ctx.obj
    subject = Subject(
        api_url=values["api_url"],
        source=str(given(ctx).sources["api_url"]),
        find_token=lambda: token_of(values, process.machine),
        timeout=float(step_timeout),
    )
    as_json = output == "json"
    style = rendering.Style(
        width=line_width(), **abilities(sys.stdout, process.machine.environment)
    )
    findings = []
    for finding in examine(checks_of(subject), subject.timeout):
        findings.append(finding)
        if not as_json:
            show(rendering.line(finding, style), sys.stdout)
    text = rendering.render_json(findings) if as_json else rendering.conclusion(findings)
    code = overall(findings)
    try:
        hand_over(text, "the findings")
    except ReportLost:
        if code is ExitCode.PASSED:
            raise
    return code
