"""What commands print: lines and tables as text for a terminal or as Markdown, and JSON."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from io import StringIO
from typing import TypeAlias

from testery_gate.cli.output import abilities, line_width
from testery_gate.judging.criteria import Unit, format_value
from testery_gate.reports import json_report, markdown, view
from testery_gate.text import clean_line, clean_text, fold

LONGEST = 1000
"""Characters of a name, so that one very long name does not make all lines as long."""
NARROWEST = 80
"""Columns; in a narrower terminal the lines of a table wrap."""
NARROWEST_LINE = 40
"""Columns of a line of text, likewise."""
_ANY_WIDTH = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table."""

    heading: str
    is_text: bool = False
    """Whether it holds names and the like: a narrow terminal cuts them, and Markdown shows them as
    code."""


def plain(*headings: str) -> Sequence[Column]:
    """Return columns of what is shown whole: numbers, states, times."""
    return [Column(heading=heading) for heading in headings]


def texts(*headings: str) -> Sequence[Column]:
    """Return columns of texts."""
    return [Column(heading=heading, is_text=True) for heading in headings]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What a cell shows; what is unknown or empty is ``-``."""

    text: str | None
    color: str = ""


Row: TypeAlias = Sequence[Cell | str | None]
"""A text alone is a cell without a colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of what is printed; its empty fields are left out."""

    heading: str = ""
    lines: Sequence[str] = ()
    columns: Sequence[Column] = ()
    """Of a table, which may have no rows."""
    rows: Sequence[Row] = ()
    left_out: int = 0
    """How many rows there are beyond."""


def document(schema_version: str, content: Mapping[str, object]) -> str:
    """Return JSON for programs.

    The second number of its version grows when a field is added, the first when one changes or
    goes.
    """
    return f"{json_report.dumped({**json_report.head(schema_version), **content})}\n"


def rendered(parts: Sequence[Part], form: str, environment: Mapping[str, str]) -> str:
    """Return the parts in Markdown, or as text for standard output."""
    if form == "markdown":
        return parts_as_markdown(parts)
    return parts_as_text(parts, width=line_width(), **abilities(sys.stdout, environment))


def parts_as_text(parts: Sequence[Part], *, width: int | None, color: bool, unicode: bool) -> str:
    """Return the parts with an empty line between them.

    Lines are folded to a terminal's ``width``. Without ``unicode`` the text is ASCII.
    """

    def folded(line: str) -> str:
        line = clean_line(line)
        line = line if unicode else line.encode("ascii", "replace").decode()
        return line if width is None else "\n".join(fold(line, max(width, NARROWEST_LINE)))

    def strong(line: str) -> str:
        return f"\x1b[1m{line}\x1b[0m" if color else line

    blocks = []
    for part in parts:
        heading = [strong(folded(part.heading))] if part.heading else []
        lines = [*heading, *map(folded, part.lines)]
        if part.columns:
            table = as_text(part.columns, part.rows, width=width, color=color, unicode=unicode)
            lines.append(table.removesuffix("\n"))
        if part.left_out:
            lines.append(view.more(part.left_out))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def parts_as_markdown(parts: Sequence[Part]) -> str:
    """Return the parts in Markdown."""
    blocks = []
    for number, part in enumerate(parts):
        if part.heading:
            blocks.append(f"{'###' if number else '##'} {markdown.prose(part.heading)}")
        blocks += map(markdown.prose, part.lines)
        if part.columns:
            blocks.append(as_markdown(part.columns, part.rows).removesuffix("\n"))
        if part.left_out:
            blocks.append(f"… {view.more(part.left_out)}")
    return "\n\n".join(blocks) + "\n"


def as_text(
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    width: int | None,
    color: bool,
    unicode: bool,
) -> str:
    """Return a line for each row below the headings.

    Texts are cut where lines would be wider than a terminal's ``width``; ``None`` is no terminal.
    Without ``unicode`` the text is ASCII.
    """
    # Imported here, because it takes longer than all the rest.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def shown(cell: Cell | str | None) -> Text:
        cell = _cell(cell)
        text = clean_text((cell.text or "-")[:LONGEST])
        text = text if unicode else text.encode("ascii", "replace").decode()
        # Columns of texts may be narrowed: then a text is cut, and never folded.
        return Text(text, cell.color, no_wrap=True, overflow="ellipsis" if unicode else "crop")

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(shown(column.heading), no_wrap=not column.is_text)
    for row in rows:
        table.add_row(*map(shown, row))
    paper = Console(
        file=StringIO(),
        width=_ANY_WIDTH if width is None else max(width, NARROWEST),
        color_system="standard" if color else None,
        force_terminal=color,
        _environ={},
    )
    with paper.capture() as captured:
        paper.print(table)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def as_markdown(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """Return the table in Markdown."""
    lines = [
        markdown.table_row(*(column.heading for column in columns)),
        markdown.table_row(*("---" for _ in columns)),
    ]
    for row in rows:
        texts = [_cell(cell).text or "-" for cell in row]
        cells = [
            # ``-`` for an unknown value needs no escape, also where a name is ``-``.
            text if text == "-" else markdown.code(text) if column.is_text else markdown.prose(text)
            for column, text in zip(columns, texts, strict=True)
        ]
        lines.append(markdown.table_row(*cells))
    return "".join(f"{line}\n" for line in lines)


def _cell(cell: Cell | str | None) -> Cell:
    return cell if isinstance(cell, Cell) else Cell(text=cell)


def duration(time: timedelta) -> str:
    """Return the duration of a test, in milliseconds at the finest."""
    milliseconds = round(time / timedelta(milliseconds=1))
    return format_value(Fraction(milliseconds, 1000), Unit.TIME)
