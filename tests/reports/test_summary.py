"""Whole summaries are compared with files; ``python -m tests.reports.test_summary`` renews them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from testery_gate.errors import ExitCode
from testery_gate.evidence.classes import FailureClass
from testery_gate.judging.judged import Judged
from testery_gate.reports.summary import render
from testery_gate.text import one_line
from tests.builders import (
    judge,
    judge_early,
    make_policy,
    make_result,
    make_run,
    not_judged,
    with_unknown,
    with_verdict,
)
from tests.reports.examples import EXAMPLES, held_against

GOLDEN = Path(__file__).parents[1] / "data" / "summary"

POLICY = make_policy(
    "failed <= 5%",
    "coverage >= 80%",
    warn=["duration <= 5m", "queue_time <= 10m"],
    expect=[("git-ref", "abcd4e8")],
)
RESULTS = (
    make_result("pays with a card"),
    make_result("pays by invoice", "FAIL", error="\n  expected 200, got 500\n  at pay.py:12"),
    make_result(
        "zeigt den Warenkorb mit 日本語 und sehr vielen Artikeln, die alle verschieden sind",
        "FAIL",
        file="features/checkout/basket/with-a-long-name/and-a-longer-one/basket.feature",
        error="AssertionError: the page with the address https://shop.example.test/basket"
        " was not there after 30 seconds",
    ),
    make_result(
        "has neither file nor error, and a name longer than this terminal is wide at all",
        "FAIL",
        file="",
    ),
    make_result("says nothing", "FAIL", error=" \n "),
    *(make_result(f"counts to {number}", "FAIL", error="off by one") for number in range(9)),
    make_result("is left out", "IGNORED"),
)
WEB = "https://testery.app/acme/test-runs/"

PASSED = replace(judge(POLICY, make_run(coverage=Fraction(80))), web_url=f"{WEB}55676")
FAILED = replace(
    judge(POLICY, make_run(id=55677, name="checkout 日本語", failed=13, ignored=1), RESULTS),
    web_url=f"{WEB}55677",
)
INCONCLUSIVE = replace(
    judge(
        make_policy(),
        make_run(
            id=55678,
            status="CANCELED",
            status_info="displaced by a newer run\nin the queue of environment dev",
            not_run=20,
            include_tags=("smoke", "eu"),
        ),
    ),
    notes=("the run is CANCELED but was not complete 60 s later; it was judged as it stood",),
    web_url=f"{WEB}55678",
)
TIMED_OUT = not_judged(
    55679,
    ExitCode.TIMED_OUT,
    "not finished within 3600 s: the run was RUNNING, 12 of 30 tests done",
    advice="The run goes on in Testery: wait again with a longer --timeout.",
    run=make_run(id=55679, status="RUNNING", not_run=18, end_time=None, name=None),
)
UNREACHABLE = not_judged(
    55680,
    ExitCode.UNAVAILABLE,
    "no usable answer for 300 s, at last: https://api.testery.io/api/test-runs/55680"
    " refused the connection",
    advice="Check the network and the proxy, or raise --outage-tolerance.",
)


@dataclass(frozen=True, kw_only=True)
class Paper:
    width: int = 80
    color: bool = False
    unicode: bool = True

    def __str__(self) -> str:
        return f"{self.width}{'-colour' * self.color}{'-ascii' * (not self.unicode)}"

    def render(self, runs: Sequence[Judged]) -> str:
        return render(runs, width=self.width, color=self.color, unicode=self.unicode)


VERDICTS = {
    "passed": [PASSED],
    "failed": [FAILED],
    "inconclusive": [INCONCLUSIVE],
    "timed-out": [TIMED_OUT],
    "unreachable": [UNREACHABLE],
    "several": [PASSED, TIMED_OUT, FAILED, UNREACHABLE, INCONCLUSIVE],
    "evidence": EXAMPLES["evidence"],
    "no-baseline": EXAMPLES["no-baseline"],
}
MORE = [Paper(width=40), Paper(width=200), Paper(color=True), Paper(unicode=False)]
CASES = [
    *((name, Paper()) for name in VERDICTS),
    *((name, paper) for name in ("failed", "several", "evidence") for paper in MORE),
    ("passed", Paper(color=True)),
    ("unreachable", Paper(width=40, unicode=False)),
]


def golden(name: str, paper: Paper) -> Path:
    return GOLDEN / f"{name}-{paper}.txt"


@pytest.mark.parametrize(
    ("name", "paper"), [pytest.param(*case, id=golden(*case).stem) for case in CASES]
)
def test_a_summary_reads_as_before(name: str, paper: Paper) -> None:
    expected = golden(name, paper).read_text(encoding="utf-8")
    assert paper.render(VERDICTS[name]) == expected


def test_every_golden_file_has_its_case() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {golden(*case).name for case in CASES}


def renew() -> None:
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name, paper in CASES:
        golden(name, paper).write_text(paper.render(VERDICTS[name]), encoding="utf-8")


def plain(runs: Sequence[Judged], **others: object) -> list[str]:
    settings = {"width": 80, "color": False, "unicode": True} | others
    return render(runs, **settings).splitlines()  # type: ignore[arg-type]


@pytest.mark.parametrize("name", VERDICTS)
def test_colour_adds_nothing_that_is_not_written(name: str) -> None:
    coloured = Paper(color=True).render(VERDICTS[name])
    assert re.sub(r"\x1b\[\d+m", "", coloured) == Paper().render(VERDICTS[name])


def test_brief_is_one_verdict_and_what_to_do() -> None:
    assert plain([TIMED_OUT], brief=True) == [
        "? exit 124, timed out: not finished within 3600 s: the run was RUNNING, 12 of 30",
        "  tests done",
        "  next: The run goes on in Testery: wait again with a longer --timeout.",
    ]


def test_brief_on_several_is_their_table() -> None:
    assert plain([PASSED, TIMED_OUT], brief=True) == [
        "    run    outcome    name     why",
        "  ? 55679  timed out           not finished within 3600 s: the run was RUNNING,…",
        "  ✓ 55676  passed     nightly  30 of 30 tests passed, 0 failed",
        "? exit 124, timed out: of 2 runs 1 timed out, 1 passed",
        "  next: The run goes on in Testery: wait again with a longer --timeout.",
    ]


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_put_into_words(code: ExitCode) -> None:
    if code in {ExitCode.USAGE, ExitCode.INTERNAL}:
        return  # there is no run then
    lines = plain([PASSED], exit_code=code, width=200)
    outcome = code.outcome.replace("_", " ")
    assert f"  exit: {code.value}, {outcome} — {code.meaning}" in lines
    last = [line for line in lines if line[1:].startswith(" exit ")]
    assert last[-1][1:] == f" exit {code.value}, {outcome}: 30 of 30 tests passed, 0 failed"
    assert lines[0].startswith("✓ PASSED") is (code is ExitCode.PASSED)


def test_a_decision_made_early_says_what_was_open() -> None:
    run = make_run(status="RUNNING", complete=False, failed=2, not_run=20)
    early = judge_early(make_policy("failed <= 0", "passed >= 20"), run, total_known=True)
    assert early is not None
    lines = plain([early])
    assert "  note: decided early, with 20 of 30 tests still open" in lines
    assert "  ✗ failed  breached, fails  <= 0      2" in lines
    assert "  ? passed  open             >= 20     8" in lines


def test_what_is_unknown_is_a_question_mark() -> None:
    run = with_unknown(make_run(), "passed", "name", "start_time", "create_time", "testing_time")
    facts = plain([judge(make_policy(), run)])
    assert "  tests:       ? passed, 0 failed, 0 ignored, ? not run, 30 in all" in facts
    assert not [line for line in facts if re.match("  (name|pass rate|started|time):", line)]


def test_where_no_run_was_found_none_is_described() -> None:
    text = render(
        [not_judged(None, ExitCode.NOT_FOUND, "no run matches", advice="Look.")],
        width=80,
        color=False,
        unicode=True,
    )
    assert "no run matches" in text
    assert "None" not in text
    assert "run:" not in text


def test_many_runs_are_bounded() -> None:
    runs = [replace(UNREACHABLE, run_id=number) for number in range(1, 100)] + [PASSED] * 100
    lines = plain(runs)
    assert len(lines) < 150
    assert "  more: of 149 runs 49 unavailable, 100 passed" in lines
    assert "and 94 more runs that did not pass" in lines


def test_runs_that_passed_do_not_push_the_others_off_the_screen() -> None:
    lines = plain([*[PASSED] * 40, FAILED])
    rows = [line.split()[2] for line in lines if re.match(r"  [✓✗] \d{5} ", line)]
    assert rows == ["failed", *["passed"] * 10]
    assert "  more: of 30 runs 30 passed" in lines


HOSTILE = st.lists(
    st.sampled_from(
        [
            "::error::x",
            "##vso[x]",
            "##[x]",
            "[red]",
            "日本",
            "e\u0301",
            "\u200d",
            "a" * 99,
            "b",
            " ",
        ]
    )
).map("".join)


@given(
    text=HOSTILE,
    width=st.integers(1, 200),
    unicode=st.booleans(),
    failure_class=st.sampled_from(FailureClass),
)
def test_remote_text_stays_in_its_place(
    text: str, width: int, unicode: bool, failure_class: FailureClass
) -> None:
    run = make_run(failed=1, name=text, status_info=text, environment=text, git_ref=text)
    results = [make_result(text, "FAIL", file=text, error=text)]
    policy = make_policy(expect=[("name", text)])
    judged = judge(policy, run, results)
    held = judge(policy, run, results, held_against(text, run, results, failure_class))
    gone = not_judged(1, ExitCode.UNAVAILABLE, text or "gone", advice=text)
    for runs in ([judged], [held], [gone], [judged, gone, held]):
        for line in plain(runs, width=width, unicode=unicode):
            assert not line.lstrip().startswith(("::", "##"))
            assert cell_len(line) <= max(width, 40)
            assert line == line.rstrip()
            assert unicode or line.isascii()


@given(st.text())
def test_no_text_brings_more_lines_than_a_word(text: str) -> None:
    word = replace(PASSED, notes=("word",))
    judged = replace(PASSED, notes=(one_line(text)[:70] or "word",))
    assert len(plain([judged], width=200)) == len(plain([word], width=200))


def test_a_long_reason_is_cut() -> None:
    lines = plain([with_verdict(TIMED_OUT, reason="word " * 10_000)], width=200)
    assert len(lines) < 50
    assert sum(line.endswith("…") for line in lines) == 2


def test_an_address_is_never_folded() -> None:
    address = "https://testery.app/" + "a" * 100
    assert f"  web:         {address}" in plain([replace(PASSED, web_url=address)], width=40)


def test_tests_with_the_same_error_are_listed_below_each_other() -> None:
    results = [make_result(f"t {n}", "FAIL", id=str(n), error=f"after {n} s") for n in range(28)]
    results += [make_result("u", "FAIL", id="x", file="", error="gone\n\n  at u.spec.js:7:1")]
    runs = [replace(judge(make_policy(), make_run(failed=29), results), web_url=f"{WEB}1")]
    lines = plain(runs, failures=3)
    start = lines.index("  failing tests: 29 of 29")
    assert lines[start + 1 : start + 11] == [
        "  ✗ t 0 (features/calculator.feature)",
        f"    {WEB}1/tests/0/console",
        "  ✗ t 1 (features/calculator.feature)",
        f"    {WEB}1/tests/1/console",
        "    and 26 more with this error",
        "    │ after 0 s",
        "  ✗ u",
        "    │ gone",
        "    │   at u.spec.js:7:1",
        "",
    ]
    assert "    and 1 more" in plain(runs, failures=1)
    everything = plain(runs, failures=40)
    assert sum(line.startswith("  ✗ t") for line in everything) == 28
    assert "    the same error in all 28:" in everything


def test_of_a_long_error_the_first_lines_and_the_frame_are_shown() -> None:
    message, frame = [f"line {word}" for word in "abcdefghijklm"], "    at own (pay.spec.js:7:1)"
    results = [make_result("t", "FAIL", error="\n".join([*message, frame]))]
    lines = plain([judge(make_policy(), make_run(failed=1), results)])
    shown = [line for line in lines if line.startswith("    │ ")]
    assert shown == [f"    │ {line}" for line in [*message[:9], frame]]


def test_a_log_has_lines_of_any_length_but_tables_that_can_be_read() -> None:
    error = "word " * 100
    results = [make_result("t", "FAIL", error=error)]
    policy = make_policy(expect=[("name", "n" * 300)])
    lines = plain([judge(policy, make_run(failed=1), results)], width=None)
    assert f"    │ {error.strip()}" in lines
    assert max(len(line) for line in lines if line.startswith("  ? name ")) <= 200


def test_a_hundred_thousand_results_take_no_more_lines() -> None:
    results = [make_result("fails", "FAIL", duration=timedelta(0))] * 100_000
    many, few = (replace(FAILED, results=results[:number]) for number in (100_000, 11))
    assert len(plain([many])) == len(plain([few])) + 1


if __name__ == "__main__":
    renew()
