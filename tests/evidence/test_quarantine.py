from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.errors import UsageError
from testery_gate.evidence.outcomes import TestId, TestOutcome
from testery_gate.evidence.quarantine import (
    LARGEST_FILE,
    Entry,
    Quarantine,
    State,
    parse_quarantine,
)

TODAY = date(2026, 11, 28)
ENTRY = {
    "file": '"features/checkout.feature"',
    "name": '"pays by card"',
    "reason": '"payment sandbox is down"',
    "owner": '"payments"',
    "expires": "2026-12-31",
}


def entry_text(**changed: str) -> str:
    """An entry in the file's own words; an empty value leaves its key out."""
    lines = [f"{key} = {value}" for key, value in (ENTRY | changed).items() if value]
    return "\n".join(["[[test]]", *lines, ""])


def parse(text: str, most_days: int = 90) -> Quarantine:
    return parse_quarantine(text.encode(), "q.toml", today=TODAY, most_days=most_days)


def make_entry(file: str = "*", name: str = "pays by card", expires: date = TODAY) -> Entry:
    return Entry(file=file, name=name, reason="down", owner="payments", expires=expires, line=1)


def quarantine(*entries: Entry) -> Quarantine:
    return Quarantine(entries=entries, source="q.toml", today=TODAY)


def test_an_entry_is_read_with_its_line() -> None:
    other = entry_text(name="'*'", issue="'https://tracker.example/1'")
    found = parse(f"# ours\n\n{entry_text()}\n{other}")
    assert found.source == "q.toml"
    assert found.entries == (
        Entry(
            file="features/checkout.feature",
            name="pays by card",
            reason="payment sandbox is down",
            owner="payments",
            expires=date(2026, 12, 31),
            line=3,
        ),
        Entry(
            file="features/checkout.feature",
            name="*",
            reason="payment sandbox is down",
            owner="payments",
            expires=date(2026, 12, 31),
            issue="https://tracker.example/1",
            line=10,
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("# nothing is in quarantine\n", id="a comment"),
        pytest.param("test = []\n", id="no entry"),
    ],
)
def test_an_empty_file_tolerates_nothing(text: str) -> None:
    assert not parse(text).entries


def test_texts_are_read_as_the_names_of_tests_are() -> None:
    text = entry_text(
        name=r'" pays\tby \u001b[31mcard\u202e "', owner="'''the\n\n[[test]]\nteam'''"
    )
    (found,) = parse(f"{text}").entries
    assert (found.name, found.owner) == ("pays by card", "the [[test]] team")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("[[test", "q.toml is not valid TOML: ", id="no TOML"),
        pytest.param("a = " + "9" * 5000, "q.toml is not valid TOML: ", id="an endless number"),
        pytest.param("a = " + "[" * 9999, "q.toml is not valid TOML: ", id="nested deeply"),
        pytest.param(
            f"a{'.a' * 200} = 1", "line 1, has more than 100 dots", id="a key of many parts"
        ),
        pytest.param(
            "\nowner = 'x'", "line 2: 'owner' is unknown; an entry begins with", id="no heading"
        ),
        pytest.param("\n[[tests]]", "line 2: 'tests' is unknown", id="a slip in the heading"),
        pytest.param("\n[x.y]\n", "line 2: 'x' is unknown", id="another table"),
        pytest.param("x.y = 1", "q.toml: 'x' is unknown", id="a key of several parts"),
        pytest.param("[test]\n", "begin with [[test]] on a line", id="one table"),
        pytest.param("test = 1", "begin with [[test]] on a line", id="no tables"),
        pytest.param("test = [{}]", "begin with [[test]] on a line", id="inline"),
        pytest.param(
            '[["\\u0074est"]]', "begin with [[test]] on a line", id="a heading in disguise"
        ),
        pytest.param('test = [\n[["test"]]\n]', "line 2: an entry is a line [[test]]", id="a list"),
        pytest.param(
            entry_text(onwer="'x'"), "line 7: 'onwer' is unknown; did you mean owner?", id="a slip"
        ),
        pytest.param(
            entry_text(zzz="1"), "line 7: 'zzz' is unknown; the keys are file, name,", id="a key"
        ),
        pytest.param(
            f"{entry_text()}[test.more]\nx = 1", "line 1: 'more' is unknown", id="a table within"
        ),
        pytest.param(
            f"{entry_text()}'\u202e{'x' * 500}' = 1",
            f"'\\u202e{'x' * 98}…' is unknown",
            id="an absurd key",
        ),
        *(
            pytest.param(entry_text(**{key: ""}), f"line 1: the entry has no {key}", id=f"no {key}")
            for key in ENTRY
        ),
        pytest.param(
            "\n\n[[test]]", "line 3: the entry has no file and no name and no reason", id="no key"
        ),
        *(
            pytest.param(entry_text(**{key: '" \\t"'}), f": {key} is empty", id=f"blank {key}")
            for key in (*ENTRY, "issue")
            if key != "expires"
        ),
        pytest.param(entry_text(owner="1"), "line 5: owner has to be a text", id="a number"),
        pytest.param(
            entry_text(file="['a', 'b']"), "line 2: file has to be a text in quotes", id="two files"
        ),
        *(
            pytest.param(
                entry_text(expires=value),
                "line 6: expires has to be a date without quotes, such as 2026-12-31",
                id=f"expires = {value}",
            )
            for value in ('"2026-12-31"', "2026-12-31T00:00:00", "12:00:00", "20261231", "true")
        ),
        pytest.param(
            entry_text(expires="2027-02-27"),
            "line 6: expires is 2027-02-27, and 2027-02-26 is the latest day",
            id="too far ahead",
        ),
        *(
            pytest.param(
                entry_text(issue=value), "line 7: issue has to be an address", id=f"issue {value}"
            )
            for value in ("'JIRA-1'", "'javascript:alert(1)'", "'https://'", "'http://a b'")
        ),
        pytest.param(
            entry_text() + entry_text(reason="'other'"),
            "line 7: the entry for pays by card (features/checkout.feature) is there already, in"
            " line 1",
            id="twice",
        ),
        pytest.param(
            entry_text(file="'*'", name="' ** '"), "which would tolerate every failure", id="all"
        ),
        pytest.param("#" * (LARGEST_FILE + 1), "it is larger than 512 KiB", id="too large"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.message.startswith("q.toml")
    assert said in caught.value.message
    assert caught.value.advice


def test_a_file_that_is_no_text_is_an_error() -> None:
    with pytest.raises(UsageError, match="not valid TOML"):
        parse_quarantine(b"\xff\xfe", "q.toml", today=TODAY, most_days=90)


@pytest.mark.parametrize(
    ("expires", "most_days"),
    [
        pytest.param("2027-02-26", 90, id="by default"),
        pytest.param("2027-02-27", 91, id="as the user says"),
        pytest.param("0001-01-01", 1, id="long ago"),
    ],
)
def test_a_day_is_allowed_up_to_so_many_days_ahead(expires: str, most_days: int) -> None:
    assert parse(entry_text(expires=expires), most_days=most_days).entries


@pytest.mark.parametrize(
    ("days", "state"),
    [
        pytest.param(-1, State.EXPIRED, id="yesterday"),
        pytest.param(0, State.EXPIRING, id="today"),
        pytest.param(7, State.EXPIRING, id="in a week"),
        pytest.param(8, State.VALID, id="later"),
    ],
)
def test_an_entry_counts_up_to_its_day(days: int, state: State) -> None:
    entry = make_entry(expires=TODAY + timedelta(days=days))
    assert entry.state(TODAY) is state
    expired = state is State.EXPIRED
    found, test = quarantine(entry), TestId("a", "pays by card")
    assert found.tolerates(test) == (None if expired else entry)
    why = f"down (owner payments, until {entry.expires})"
    assert found.why_tolerated(test) == ("" if expired else why)


def test_the_first_entry_that_counts_is_the_one() -> None:
    past = make_entry(expires=TODAY - timedelta(days=1))
    first, second = make_entry("a*"), make_entry("*a")
    found = quarantine(past, first, second)
    assert found.tolerates(TestId("aa", "pays by card")) is first
    assert found.tolerates(TestId("ba", "pays by card")) is second
    assert found.tolerates(TestId("bb", "pays by card")) is None
    assert found.tolerates(TestId("aa", "Pays by card")) is None


_PIECES = st.lists(st.sampled_from(["*", "a", "b", ".", "/", "[", "\\", "é", "A"]), max_size=6)
_TEXTS = _PIECES.map("".join)


def named(entry: Entry, test: TestId) -> bool:
    """What the documents say, by a regular expression."""
    return all(
        re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL)
        for pattern, text in ((entry.file, test.file), (entry.name, test.name))
    )


@given(
    st.lists(st.builds(make_entry, _TEXTS, _TEXTS), max_size=6),
    st.lists(st.builds(TestId, _TEXTS, _TEXTS), max_size=6),
)
def test_what_an_entry_names_is_what_its_patterns_say(
    entries: Sequence[Entry], tests: Sequence[TestId]
) -> None:
    found = quarantine(*entries)
    for test in tests:
        assert list(found.naming(test)) == [one for one in entries if named(one, test)]
    assert found.unmatched(tests) == [
        one for one in entries if not any(named(one, test) for test in tests)
    ]


def test_a_pattern_of_many_stars_is_tried_once() -> None:
    found = quarantine(make_entry(name="*a" * 1000 + "*b"))
    assert found.tolerates(TestId("x", "a" * 100_000)) is None


def test_a_run_is_told_what_has_expired_and_the_first_one_what_names_nothing() -> None:
    past = make_entry("features/*", expires=TODAY - timedelta(days=1))
    found = quarantine(past, make_entry(name="gone"))
    card = TestId("features/checkout.feature", "pays by card")
    assert found.notes({card: TestOutcome.BOTH}) == (
        "q.toml, line 1: the entry for pays by card (features/*) expired on 2026-11-27 and"
        " tolerates nothing; its owner is payments",
    )
    assert found.notes({card: TestOutcome.PASSED}) == ()
    assert found.note_of_unmatched([card], 1) == (
        "q.toml: an entry names no test of this run: line 1 for gone (*)"
    )
    assert "no test of these 2 runs: line 1" in found.note_of_unmatched([card], 2)


def test_what_is_said_of_many_entries_is_bounded() -> None:
    past = TODAY - timedelta(days=1)
    many = [make_entry(name=f"{number}{'x' * 500}", expires=past) for number in range(100)]
    failed = {TestId("a", entry.name): TestOutcome.FAILED for entry in many}
    notes = quarantine(*many).notes(failed)
    assert len(notes) == 6
    assert notes[-1] == "q.toml: 95 more entries expired"
    unmatched = quarantine(*many).note_of_unmatched([], 1)
    assert unmatched.startswith("q.toml: 100 entries name no test of this run: line 1 for 0xxx")
    assert unmatched.endswith(", 95 more")
    assert max(map(len, (*notes, unmatched))) < 1000


def test_nothing_is_said_where_all_is_well() -> None:
    card = {TestId("a", "pays by card"): TestOutcome.FAILED}
    assert quarantine(make_entry()).notes(card) == ()
    assert quarantine(make_entry()).note_of_unmatched(card, 1) == ""
