"""Where the parts of a TOML file are; that it is bounded is tested with the files themselves."""

from __future__ import annotations

import pytest

from testery_gate.toml import parse_toml


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('"""\n[[test]]\n"""', id="a text of several lines"),
        pytest.param("'''\n[[test]]\n'''", id="a literal one"),
        pytest.param('"""\n[[test]]\n"""""', id="quotes at its end"),
        pytest.param("'''\n''[[test]]\n''''", id="others at its end"),
        pytest.param('"""\\"""\n[[test]]\n"""', id="quotes in it"),
        pytest.param('"""\\\n[[test]]\\\\\n"""', id="a line that goes on"),
        pytest.param("\"\\\"'''\" # '''\n", id="quotes in a text"),
        pytest.param('\'"""\' # """\n', id="quotes in a literal text and a comment"),
        pytest.param('""""""\n# """\n', id="an empty text"),
        pytest.param("1\n# [[test]]\n #'''", id="a comment"),
    ],
)
def test_what_looks_like_a_heading_in_a_text_is_none(text: str) -> None:
    whole = f"a = {text}\n[[test]]\nb = 1\n[ x . 'y' ] # [[test]]\nb = 2\n"
    found = parse_toml(whole.encode(), "x.toml", advice="")
    below = text.count("\n") + 2
    assert [(table.heading, table.line) for table in found.tables()] == [
        ("", 1),
        ("[test]", below),
        ("x.y", below + 2),
    ]
    assert [table.keys for table in found.tables()] == [
        {"a": 1},
        {"b": below + 1},
        {"b": below + 3},
    ]
    assert found.lines("x.y") == {"b": below + 3}


def test_of_a_section_in_parts_the_first_line_of_a_key_counts() -> None:
    found = parse_toml(b"[[a]]\nx = 1\n[[a]]\nx = 2\ny = 3\n", "x.toml", advice="")
    assert found.lines("[a]") == {"x": 2, "y": 5}
