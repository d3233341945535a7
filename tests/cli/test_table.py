from __future__ import annotations

import pytest
from rich.cells import cell_len

from testery_gate.cli.table import Cell, Column, Part, parts_as_markdown, parts_as_text

HOSTILE = "<b>pays|by</b> @all #1 \x1b[31mcard\x07 [x](http://evil.test)"
PARTS = [
    Part(heading="Tests: 2", lines=["Run 2 was read.", f"It has {HOSTILE}"]),
    Part(
        heading="Failed",
        columns=[Column(heading="failed"), Column(heading="test", is_text=True)],
        rows=[(Cell(text="3 of 20", color="red"), "pays by card"), (None, HOSTILE)],
        left_out=3,
    ),
    Part(lines=["That is all."]),
]


def test_the_parts_of_a_text_stand_apart() -> None:
    assert parts_as_text(PARTS, width=None, color=False, unicode=True).splitlines() == [
        "Tests: 2",
        "Run 2 was read.",
        "It has <b>pays|by</b> @all #1 card [x](http://evil.test)",
        "",
        "Failed",
        "failed   test",
        "3 of 20  pays by card",
        "-        <b>pays|by</b> @all #1 card [x](http://evil.test)",
        "and 3 more",
        "",
        "That is all.",
    ]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_lines_are_folded_to_the_terminal(width: int) -> None:
    parts = [Part(lines=["word " * 50])]
    lines = parts_as_text(parts, width=width, color=False, unicode=True).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert " ".join(lines).split() == ["word"] * 50


def test_without_unicode_all_is_ascii() -> None:
    text = parts_as_text([*PARTS, Part(lines=["名前"])], width=80, color=False, unicode=False)
    assert text.isascii()
    assert text.endswith("\n??\n")


def test_a_terminal_gets_headings_that_stand_out() -> None:
    text = parts_as_text(PARTS, width=80, color=True, unicode=True)
    assert text.startswith("\x1b[1mTests: 2\x1b[0m\n")
    assert "\x1b[31m3 of 20" in text
    assert "\x1b[31mcard" not in text


def test_markdown_has_nothing_of_what_stands_in_a_text() -> None:
    assert parts_as_markdown(PARTS).splitlines() == [
        "## Tests: 2",
        "",
        "Run 2 was read.",
        "",
        "It has `<b>pays`&#124;`by</b>` `@all` `#1` card `[x](http://evil.test`)",
        "",
        "### Failed",
        "",
        "| failed | test |",
        "| --- | --- |",
        "| 3 of 20 | `pays by card` |",
        "| - | `<b>pays`&#124;`by</b> @all #1 card [x](http://evil.test)` |",
        "",
        "… and 3 more",
        "",
        "That is all.",
    ]
