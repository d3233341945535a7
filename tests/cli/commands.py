"""The commands by their names, as the group imports them."""

from __future__ import annotations

from collections.abc import Mapping

import click

from testery_gate.cli.main import COMMANDS, cli


def commands() -> Mapping[str, click.Command]:
    """Return all of them."""
    ctx = click.Context(cli)
    found = {name: cli.get_command(ctx, name) for name in cli.list_commands(ctx)}
    assert found.keys() == COMMANDS.keys()
    return {name: command for name, command in found.items() if command is not None}
