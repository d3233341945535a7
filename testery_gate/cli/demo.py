"""``testery-gate demo``: the gate on a simulated run."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from testery_gate.cli.option_types import Command
from testery_gate.cli.wait import wait
from testery_gate.errors import ExitCode, UsageError


@click.command(
    cls=Command,
    examples=(
        "testery-gate demo",
        "testery-gate demo --folder out",
        "testery-gate demo --folder out && xdg-open out/testery.html",
    ),
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="The folder for the reports; by default a new temporary one.",
)
@click.pass_context
def demo(ctx: click.Context, /, folder: Path | None) -> ExitCode:
    """Watch the gate wait for a simulated run of about ten seconds; needs no token.

    One test of the run fails for the first time, one failed before too, and one is flaky. The gate
    ends with 1 because of the new failure; the demo itself then ends with 0.
    """
    from testery_gate import simulator

    try:
        folder = folder or Path(tempfile.mkdtemp(prefix="testery-gate-demo-"))
    except OSError as error:
        raise UsageError(
            f"can't create a folder for the reports: {error.strerror}",
            advice="Name one with --folder.",
        ) from None
    played = simulator.load_scenario("demo")
    with simulator.Simulator(played) as api:
        arguments = [
            str(played.runs[0].id),
            f"--api-url={api.url}",
            f"--token={simulator.DEFAULT_TOKEN}",
            "--only-new",
            "--history=5",
            f"--junit-xml={folder / 'TEST-testery.xml'}",
            f"--report=json={folder / 'testery.json'}",
            f"--report=html={folder / 'testery.html'}",
            "--ci=none",
        ]
        click.echo(f"$ testery-gate wait {' '.join(arguments)}", err=True)
        with wait.make_context("wait", arguments, parent=ctx) as sub:
            code: ExitCode = wait.invoke(sub)
    click.echo(f"In a pipeline this step would end with exit code {code.value}", err=True)
    click.echo(f"The reports are in {folder}", err=True)
    return ExitCode.PASSED if code is ExitCode.FAILED else code
