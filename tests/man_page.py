"""The man pages, from the help texts: ``python -m tests.man_page FOLDER``.

There is one for each command besides, which ``man testery-gate wait`` finds.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from testery_gate import __version__
from testery_gate.cli.main import COMMANDS, cli
from testery_gate.cli.option_types import Command, SectionedCommand, Setting
from tests.cli.commands import commands

NAME = "testery-gate"


def pages() -> Mapping[str, str]:
    """Return each page by the name of its file."""
    found: dict[str, click.Command] = {"": cli, **commands()}
    return {
        f"{'-'.join(filter(None, (NAME, name)))}.1": "\n".join(_page(name, command)) + "\n"
        for name, command in found.items()
        if isinstance(command, Command)
    }


def _page(name: str, command: Command) -> Iterator[str]:
    title = "-".join(filter(None, (NAME, name)))
    summary, *paragraphs = re.split(r"\n{2,}", inspect.cleandoc(command.help or ""))
    with click.Context(command, info_name=f"{NAME} {name}".strip()) as ctx:
        usage = " ".join(command.collect_usage_pieces(ctx))
        yield f'.TH {_text(title.upper())} 1 "" "{_text(f"{NAME} {__version__}")}"'
        yield from (".ad l", ".nh")  # lines are filled with no blanks, and no word is cut
        yield from (".SH NAME", f"{_text(title)} \\- {_text(summary[:1].lower() + summary[1:-1])}")
        yield from (".SH SYNOPSIS", f"\\fB{_text(ctx.info_name or '')}\\fR {_text(usage)}")
        yield ".SH DESCRIPTION"
        for paragraph in (summary, *paragraphs):
            yield from (".PP", _text(" ".join(paragraph.split())))
        yield ".SH EXAMPLES"
        for example in command.examples:
            yield from (".PP", ".nf", _text(example), ".fi")
        yield from _options(command, ctx)
    if not name:
        yield ".SH COMMANDS"
        for other, short in COMMANDS.items():
            yield from (".TP", f"\\fB{_text(f'{NAME}-{other}')}\\fR(1)", _text(short))
    if command.codes:
        yield ".SH EXIT STATUS"
        for code, meaning in command.exit_codes():
            yield from (".TP", code, _text(meaning))
    yield ".SH SEE ALSO"
    yield from ([] if not name else [f"\\fB{_text(NAME)}\\fR(1)", ".PP"])
    yield from (".nf", _text(command.address), ".fi")  # an address is not folded


def _options(command: click.Command, ctx: click.Context) -> Iterator[str]:
    yield ".SH OPTIONS"
    section = ""
    for option in command.get_params(ctx):
        record = option.get_help_record(ctx) if isinstance(option, click.Option) else None
        if record is None:
            continue
        own = option.section if isinstance(option, Setting) else "Other"
        if own != section and isinstance(command, SectionedCommand):
            yield f".SS {_text(own)}"
        section = own
        names = _text(record[0]).replace("|", r"|\:")  # where a long one may be folded
        yield from (".TP", f"\\fB{names}\\fR", _text(" ".join(record[1].split())))


def _text(text: str) -> str:
    """Escape a line, which must be no request; a hyphen stays one that can be copied."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("~", r"\(ti").replace("^", r"\(ha")
    text = text.replace("'", r"\(aq").replace("`", r"\(ga").replace('"', r"\(dq")
    return f"\\&{text}" if text.startswith(".") else text


def write(folder: Path) -> None:
    """Write the pages into a folder, which may have to be made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="ascii")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
