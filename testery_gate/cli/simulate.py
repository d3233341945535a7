"""``testery-gate simulate``: a stand-in API to rehearse with."""

from __future__ import annotations

import sys

import click
from click.shell_completion import CompletionItem

from testery_gate.cli.option_types import Command, any_file, suggestions
from testery_gate.cli.output import show
from testery_gate.errors import UsageError

# The simulator is imported by the functions that need it: it is of no use to other commands.


def _suggest_scenarios(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    from testery_gate import simulator

    return [
        *suggestions(simulator.scenarios(), incomplete),
        *any_file(ctx, param, incomplete),
    ]


@click.command(
    cls=Command,
    examples=(
        "testery-gate simulate",
        "testery-gate simulate --list",
        "testery-gate simulate --scenario failing --port 8099 --speed 10",
    ),
    page="simulator.md",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8099,
    show_default=True,
    help="Port on 127.0.0.1; 0 chooses a free one.",
)
@click.option(
    "--scenario",
    default="documented",
    show_default=True,
    metavar="NAME|FILE",
    shell_complete=_suggest_scenarios,
    help="The scenario to play; --list shows the built-in ones.",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True, max=1_000_000),
    default=1.0,
    show_default=True,
    help="How many times faster than real time.",
)
@click.option(
    "--token",
    default="simulator-token",
    show_default=True,
    help="The token to accept; any other is refused, as by the API.",
)
@click.option("--list", "listing", is_flag=True, help="List the built-in scenarios and exit.")
@click.option("--quiet", "-q", is_flag=True, help="Don't print a line for every request.")
def simulate(
    port: int, scenario: str, speed: float, token: str, *, listing: bool, quiet: bool
) -> None:
    """Serve a simulated Testery API on this machine, to try out a pipeline's settings.

    Plays a scenario, a built-in one or a file of your own (docs/simulator.md).
    """
    from testery_gate import simulator

    if listing:
        for name, description in simulator.scenarios().items():
            click.echo(f"{name:<20} {description}")
        return
    try:
        played = simulator.load_scenario(scenario)
        api = simulator.Simulator(
            played,
            token=token,
            port=port,
            speed=speed,
            on_exchange=lambda exchange: None if quiet else show(f"{exchange}\n", sys.stderr),
        )
    except simulator.ScenarioError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(
            f"can't open port {port}: {error.strerror}", advice="Name another with --port."
        ) from None
    with api:
        click.echo(f"Playing {scenario!r} at {api.url} until Ctrl-C. In another terminal:")
        click.echo(f"  export TESTERY_API_URL={api.url} TESTERY_API_TOKEN={token}")
        click.echo(f"  testery-gate wait {played.runs[0].id if played.runs else 'RUN'}")
        sys.stdout.flush()
        api.serve_forever()
