"""What a comment says, and that it fits."""

from __future__ import annotations

import re
from dataclasses import replace

import cmarkgfm
import pytest
from hypothesis import given

from testery_gate.code_hosts import Mode, Wishes, wording
from testery_gate.code_hosts.comment import Note, marker_of, note_of
from testery_gate.errors import ExitCode
from testery_gate.evidence.classes import FailureClass
from testery_gate.reports import markdown
from testery_gate.reports.ending import Ending, overall
from tests.ci.reporting import ENDINGS, any_ending
from tests.code_hosts.memory import PLACE, Board, Host
from tests.reports.test_markdown import everywhere

HOST = Host(Board())


def body(ending: Ending, host: Host = HOST, key: str = "Deploy / gate") -> str:
    return wording.comment(ending, host, Wishes(comment=Mode.ALWAYS, key=key)).text


def test_a_comment_is_the_report_between_a_hidden_line_and_where_it_comes_from() -> None:
    lines = body(ENDINGS["unreachable"]).splitlines()
    assert lines[0] == f"<!-- {marker_of('Deploy / gate')} outcome=unavailable pipeline=900 -->"
    assert lines[1] == ""
    assert (
        lines[2]
        == "## 🔌 NO VERDICT: the network, the API or its address is at fault, not the tests"
    )
    assert lines[-2:] == [
        "",
        "testery-gate `Deploy / gate` · commit `4f7b2c9` · [pipeline](https://ci.example.test/900)",
    ]


def test_an_ending_without_a_run_has_a_report_too() -> None:
    said = body(ENDINGS["usage"])
    assert "## 🔧 NO VERDICT: the gate is set up wrong\n" in said
    assert "- **Why:** there is no API token\n" in said
    assert "- **Next:** Set TESTERY_API_TOKEN.\n" in said
    assert "- **Next" not in body(Ending(exit_code=ExitCode.INTERNAL, reason="x"))


def test_where_not_even_a_headline_fits_there_is_no_report() -> None:
    assert markdown.render_ending(ENDINGS["usage"], limit=40) == ""
    headline = markdown.render_ending(ENDINGS["report-lost"], limit=80)
    assert headline.startswith("## ⚠️ PASSED: ")
    assert headline.count("\n") == 1


def test_an_ending_that_is_none_of_its_runs_comes_first() -> None:
    said = body(ENDINGS["interrupted-late"])
    assert said.index("🛑 NO VERDICT: the gate was stopped") < said.index("## ✅ PASSED")
    assert note_of(said, marker_of("Deploy / gate")) == Note(outcome="interrupted", pipeline=900)


@pytest.mark.parametrize("limit", [300, 600, 1_000, 3_000, 65_536])
@pytest.mark.parametrize("name", ENDINGS)
def test_a_comment_fits(name: str, limit: int) -> None:
    host = Host(Board(), comment_limit=limit)
    said = body(ENDINGS[name], host)
    assert len(said.encode()) <= limit
    assert note_of(said, marker_of("Deploy / gate"))


@given(any_ending)
def test_any_ending_fits_and_is_found_again(ending: Ending) -> None:
    host = Host(Board(), comment_limit=2_000)
    said = body(ending, host, key="%s {} \N{GRINNING FACE} -->")
    assert len(said.encode()) <= 2_000
    found = note_of(said, marker_of("%s {} \N{GRINNING FACE} -->"))
    assert found == Note(outcome=ending.exit_code.outcome, pipeline=900)


def test_what_a_system_can_not_fold_is_not_folded() -> None:
    plain = body(ENDINGS["failed"], Host(Board(), folds=False))
    assert "details>" not in plain
    assert "\nError:\n\n    AssertionError: expected 401 to equal 200\n" in plain
    folded = body(ENDINGS["failed"])
    assert "<details><summary>Error</summary>" in folded
    assert "</details>" in folded


def test_what_a_test_wrote_is_not_unfolded() -> None:
    html = cmarkgfm.github_flavored_markdown_to_html(
        body(ENDINGS["hostile"], Host(Board(), folds=False))
    )
    assert "<details>" not in html
    assert "<b onclick" not in html


ACTIONS = [
    f"{before}/approve" for before in ("", "\n", "x\r\n", "x\x0b", "x\u2028", "x|\n|", " ", "`\n")
]


@pytest.mark.parametrize("folds", [True, False])
@pytest.mark.parametrize("text", ACTIONS)
def test_no_line_is_an_action_of_gitlab(text: str, folds: bool) -> None:
    """A note's line that begins with /approve, /merge or /close would be done as the token's user.

    GitLab looks for them in the text as it is, but not in what is indented
    (``lib/gitlab/quick_actions/extractor.rb``).
    """
    judged = everywhere(text, FailureClass.NEW)
    ended = Ending(exit_code=ExitCode.INTERNAL, reason=text, advice=text, runs=[judged])
    for ending in (overall([judged]), overall([judged, judged]), ended):
        said = body(ending, Host(Board(), folds=folds), key=text)
        assert "/approve" in said
        assert not re.search(r"^ {0,3}/", said, re.MULTILINE)


def test_an_odd_address_is_no_link() -> None:
    place = replace(PLACE, pipeline_url="javascript:alert(1)")
    said = body(ENDINGS["failed"], Host(Board(), place=place))
    assert "javascript" not in said


def test_a_reason_that_says_nothing_more_is_not_repeated() -> None:
    code = ExitCode.INTERNAL
    assert wording.description(Ending(exit_code=code, reason=code.meaning)) == (
        "NO VERDICT: the gate broke, not the tests"
    )


def test_several_runs_are_counted() -> None:
    assert wording.description(ENDINGS["many-runs"]) == (
        "FAILED: of 3 runs 1 failed, 1 not found, 1 passed · run 55676: 1 of 3 failed, 30% allowed"
    )
