"""What came of tests as bytes, and bytes that are something else."""

from __future__ import annotations

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.evidence.outcomes import Outcomes, TestId, TestOutcome
from testery_gate.evidence.packing import packed, unpacked

# Half of a character is a text of Python's as well.
TEXTS = st.text(st.characters(codec=None), max_size=10)
OUTCOMES = st.dictionaries(st.builds(TestId, TEXTS, TEXTS), st.sampled_from(TestOutcome))


@given(OUTCOMES)
def test_nothing_is_lost(outcomes: Outcomes) -> None:
    assert unpacked(packed(outcomes)) == outcomes


def test_the_tests_of_a_file_keep_their_order() -> None:
    outcomes = {TestId("a", name): TestOutcome.PASSED for name in "zax"}
    assert list(unpacked(packed(outcomes)) or ()) == list(outcomes)


@given(st.binary())
def test_other_bytes_are_nothing(data: bytes) -> None:
    assert unpacked(data) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        "[" * 100_000,
        '{"a": 1}',
        '{"a": []}',
        '{"a": ["PP", "one"]}',
        '{"a": ["P", "one", "two"]}',
        '{"a": ["X", "one"]}',
        '{"a": [["P"]]}',
        '{"a": [["P", 1], "one", "two"]}',
        '{"a": [[["P"]], "one"]}',
    ],
)
def test_other_json_is_nothing(text: str) -> None:
    assert unpacked(zlib.compress(text.encode())) is None


def test_a_beginning_is_nothing() -> None:
    whole = packed({TestId("a", "one"): TestOutcome.PASSED})
    assert all(unpacked(whole[:length]) is None for length in range(len(whole)))


def test_what_would_fill_the_memory_is_nothing() -> None:
    text = json.dumps({"a": ["P", "one" * 1000]}).encode()
    bomb = zlib.compress(text)
    assert unpacked(bomb, most_text=len(text)) is not None
    assert unpacked(bomb, most_text=len(text) - 1) is None
