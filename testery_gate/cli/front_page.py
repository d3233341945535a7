"""What the command is, on a page: ``--help`` and ``--version`` of ``testery-gate`` itself.

Neither waits for click, which takes twice as long to import as the interpreter takes to start.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from testery_gate import __version__
from testery_gate.errors import ExitCode

ABOUT = (
    "The gate between a Testery test run and a deploy.",
    "Waits for a test run in Testery's cloud, holds its counts against your criteria, writes a"
    " JUnit report, and exits with a code that a pipeline can act on: 0 only when the evidence is"
    " there and meets the criteria, 1 only when tests really fell short.",
    "Start with 'testery-gate demo', then 'testery-gate wait RUN'.",
)
COMMANDS = {
    "check": "Judge what is there now, without waiting: the check before a deploy.",
    "completion": "Print the script that completes this command in a shell (docs/terminal.md).",
    "demo": "Watch the gate wait for a simulated run of about ten seconds; needs no token.",
    "doctor": "Check each step on the way to the API, and say what to do where one fails.",
    "explain": "Show the settings in effect and where each comes from; contacts nothing.",
    "list": "List recent runs, the newest first.",
    "simulate": "Serve a stand-in Testery API on this machine, to rehearse a pipeline's settings.",
    "wait": "Wait for runs to finish, judge them, and exit with the verdict.",
}
VERSION = f"testery-gate {__version__}"
WIDEST = 100
_OPTIONS = {
    "--version": "Show the version and exit.",
    "-h, --help": "Show this message and exit.",
}


def answer(arguments: Sequence[str]) -> str | None:
    """Return what these arguments ask for, or ``None`` where they ask for more than a page."""
    match arguments:
        case ["--version"]:
            return f"{VERSION}\n"
        case ["--help" | "-h"]:
            import shutil  # only here, as it takes its time too

            return render(shutil.get_terminal_size().columns)
        case _:
            return None


def render(columns: int) -> str:
    """Return the page for a terminal of that many columns."""
    width = max(50, min(columns, WIDEST) - 2)
    codes = {
        str(int(code)): f"{code.outcome.replace('_', ' ')}: {code.meaning}" for code in ExitCode
    }
    blocks = [
        ["Usage: testery-gate [OPTIONS] COMMAND [ARGS]..."],
        *(_wrapped(paragraph, width, "  ", "  ") for paragraph in ABOUT),
        ["Options:", *_table(_OPTIONS, width)],
        ["Commands:", *_table(COMMANDS, width)],
        ["Exit codes:", *_table(codes, width)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _table(rows: Mapping[str, str], width: int) -> Iterator[str]:
    indent = max(map(len, rows)) + 4
    for name, text in rows.items():
        yield from _wrapped(text, width, f"  {name}".ljust(indent), " " * indent)


def _wrapped(text: str, width: int, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )
