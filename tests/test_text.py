"""How text is shortened and folded, by characters, bytes and columns."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.text import (
    columns,
    cut_off,
    fits,
    fold,
    shorten,
    shorten_to_bytes,
    shorten_to_columns,
)


@pytest.mark.parametrize(
    ("text", "shortened"),
    [("abcd", "abcd"), ("abcde", "abc…"), ("ab cd", "ab…"), ("", "")],
)
def test_what_is_too_long_ends_in_an_ellipsis(text: str, shortened: str) -> None:
    assert shorten(text, 4) == shortened


@pytest.mark.parametrize(
    ("text", "shortened"),
    [("abcdef", "abcdef"), ("abcdefg", "abc…"), ("äbcde", "äbcde"), ("ääää", "ä…")],
)
def test_bytes_are_counted_and_no_character_is_parted(text: str, shortened: str) -> None:
    assert shorten_to_bytes(text, 6) == shortened


@pytest.mark.parametrize(
    ("text", "width", "ellipsis", "shortened"),
    [
        pytest.param("日本語", 6, "…", "日本語", id="fits"),
        pytest.param("日本語", 5, "…", "日本…", id="wide"),
        pytest.param("日本語", 4, "…", "日…", id="no half of a wide one"),
        pytest.param("abcdef", 5, "...", "ab...", id="ASCII"),
        pytest.param("abcdef", 3, "...", "", id="no place for more than the ellipsis"),
    ],
)
def test_columns_are_counted(text: str, width: int, ellipsis: str, shortened: str) -> None:
    assert shorten_to_columns(text, width, ellipsis) == shortened


def test_what_is_cut_off_is_counted() -> None:
    assert cut_off("abcd", 4) == "abcd"
    assert cut_off("abcdef", 4) == "abcd\n[2 more characters are left out here]"


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        pytest.param("", 5, [""], id="nothing"),
        pytest.param("one two  three", 7, ["one two", "three"], id="between words"),
        pytest.param("abcdefgh ij", 5, ["abcde", "fgh", "ij"], id="a long word"),
        pytest.param("see https://a.test/b c", 5, ["see", "https://a.test/b", "c"], id="address"),
        pytest.param("日本", 1, ["日", "本"], id="narrower than a character"),
    ],
)
def test_lines_are_folded(text: str, width: int, lines: list[str]) -> None:
    assert list(fold(text, width)) == lines


@given(st.text(st.sampled_from("ab日 ")), st.integers(2, 9))
def test_folding_loses_nothing_and_keeps_the_width(text: str, width: int) -> None:
    lines = list(fold(text, width))
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(columns(line) <= width for line in lines)


@given(pattern=st.text("ab*", max_size=12), text=st.text("ab\n", max_size=20))
def test_a_pattern_means_what_the_regular_expression_of_it_means(pattern: str, text: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))
    assert fits(pattern, text) == bool(re.fullmatch(expression, text, re.DOTALL))


@pytest.mark.parametrize(
    ("pattern", "text", "fit"),
    [
        ("*a*a*a*a*a*a*b", "a" * 100_000, False),
        ("*" * 1000 + "b", "a" * 100_000, False),
        ("ab*ba", "aba", False),
        ("ab*ba", "abba", True),
        ("a*x*b", "ab", False),
        ("*.?[a]", "x.?[a]", True),
    ],
)
def test_a_pattern_takes_no_longer_than_the_text_is(pattern: str, text: str, fit: bool) -> None:
    assert fits(pattern, text) is fit
