"""How wide what is printed may be."""

from __future__ import annotations

from io import StringIO

import pytest

from testery_gate.cli.output import folded, line_width


def test_a_log_has_no_width_unless_it_is_told() -> None:
    assert line_width(StringIO()) is None
    assert line_width(StringIO(), {"COLUMNS": ""}) is None
    assert isinstance(line_width(StringIO(), {"COLUMNS": "50"}), int)


@pytest.mark.parametrize(
    ("width", "rows"),
    [
        (None, ["  next: try again"]),
        (17, ["  next: try again"]),
        (16, ["  next: try", "  again"]),
    ],
)
def test_an_error_is_parted_between_words_on_a_terminal_alone(
    width: int | None, rows: list[str]
) -> None:
    assert list(folded("  next: try again", width)) == rows
