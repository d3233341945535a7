"""How wide what is printed may be."""

from __future__ import annotations

from io import StringIO

from testery_gate.cli.output import line_width


def test_a_log_has_no_width_unless_it_is_told() -> None:
    assert line_width(StringIO()) is None
    assert line_width(StringIO(), {"COLUMNS": ""}) is None
    assert isinstance(line_width(StringIO(), {"COLUMNS": "50"}), int)
