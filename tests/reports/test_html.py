"""The page for people: what it shows, and that it is nothing but text and drawings."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.errors import ExitCode
from testery_gate.judging.judged import Judged
from testery_gate.model import Attachments, Observation, RunStatus, TestRun
from testery_gate.reports import FORMATS, html, with_options
from testery_gate.reports.budget import SizeBudget
from testery_gate.reports.headline import headline
from testery_gate.reports.html.layout import fitting
from testery_gate.reports.html.markup import breakable, element
from testery_gate.reports.html.palette import BLUE, GREY
from testery_gate.reports.html.palette import color as mark_color
from testery_gate.reports.view import Mark
from testery_gate.text import clean_text, one_line
from tests.builders import (
    judge,
    make_policy,
    make_result,
    make_run,
    not_judged,
    with_unknown,
    with_verdict,
)
from tests.reports.examples import ATTACKS, EXAMPLES, FILES, LARGE, PAGE, any_runs_judged, any_text
from tests.reports.page import Page, tag, words

HTML = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "noscript",
        "style",
        "body",
        "header",
        "main",
        "footer",
        "section",
    ),
    *("h1", "h2", "h3", "p", "br", "hr", "b", "bdi", "code", "pre", "wbr", "a"),
    *("details", "summary", "table", "thead", "tbody", "tr", "th", "td", "font", "nobr"),
}
SVG = {
    *("svg", "g", "title", "defs", "pattern", "symbol", "use"),
    *("rect", "circle", "line", "path", "text"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "name", "content", "id", "href", "rel", "dir", "media"),
    *("role", "aria-label", "aria-hidden", "scope", "colspan", "open", "class"),
    # of layout
    *("face", "size", "width", "height", "align", "valign", "cellpadding", "rules", "frame"),
    *("bgcolor", "cellspacing", "bordercolor", "noshade", "color", "wrap"),
    # of drawings
    *("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "d", "viewBox", "overflow"),
    *("preserveAspectRatio", "patternUnits", "patternTransform", "text-anchor"),
    *("fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-linecap"),
    *("stroke-linejoin", "font-size", "font-weight"),
}
ON_PAPER = (
    "::details-content{display:block;content-visibility:visible}"
    "h2,h3,summary{break-after:avoid}svg{break-inside:avoid}"
    "[bgcolor]{-webkit-print-color-adjust:exact;print-color-adjust:exact}"
    "@supports selector(::details-content){.excerpt{display:none}}"
)
"""The only style sheet, which no text from elsewhere is in."""
DRAWN = re.compile(r"#[0-9a-f]{3,6}|none|Canvas|currentColor|url\(#(?:failed|ignored|not-run)\)")


def one(judged: Judged) -> Page:
    return Page.of(judged)


def judged(run: TestRun, *required: str, **others: object) -> Judged:
    return replace(judge(make_policy(*required), run), **others)  # type: ignore[arg-type]


def look(at: float, status: str, *counts: int | None) -> Observation:
    total, passed, failed, ignored = counts or (None,) * 4
    return Observation(
        at=at,
        status=RunStatus(status),
        total=total,
        passed=passed,
        failed=failed,
        ignored=ignored,
    )


def assert_harmless(page: Page, runs: Sequence[Judged]) -> None:
    """Nothing runs, nothing is fetched, and nothing is there that the report does not draw."""
    pages = [judged.web_url for judged in runs if judged.web_url]
    ids = Counter(found.get("id") for found in page.root.iter() if found.get("id"))
    assert all(number == 1 for number in ids.values())
    for found in page.root.iter():
        assert tag(found) in HTML | SVG
        assert set(found.keys()) <= ATTRIBUTES, found.attrib
        if tag(found) == "style":
            assert (found.attrib, found.text) == ({"media": "print"}, ON_PAPER)
        if tag(found) == "noscript":
            assert found.text in {"<!--", "-->"}
        for name in ("fill", "stroke"):
            assert DRAWN.fullmatch(found.get(name, "none"))
        if address := found.get("href"):
            own = address.removeprefix("#") in ids
            assert (
                own
                or address.startswith(FILES)
                or any(address.startswith(known.rpartition("/")[0]) for known in pages)
            )


def assert_accessible(page: Page) -> None:
    """What is drawn is said in words, and headings are in order."""
    drawings = page.all("svg")
    parts = {part for drawing in drawings for child in drawing for part in child.iter()}
    for drawing in drawings:
        named = drawing.get("role") == "img" and drawing.get("aria-label")
        assert named or drawing.get("aria-hidden") == "true" or drawing in parts
    levels = [int(tag(heading)[1]) for heading in page.all("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert [tag(found) for found in page.all("header", "main", "footer")] == [
        "header",
        "main",
        "footer",
    ]
    assert page.root.get("lang") == "en"


@given(any_runs_judged)
def test_any_report_is_harmless_accessible_and_without_an_error(runs: list[Judged]) -> None:
    page = Page.of(*runs)
    assert_harmless(page, runs)
    assert_accessible(page)


@pytest.mark.quick(len(EXAMPLES))
@pytest.mark.parametrize("example", [*EXAMPLES, *LARGE])
def test_an_example_is_harmless_and_accessible(example: str) -> None:
    runs = {**EXAMPLES, **LARGE}[example]
    page = Page.of(*runs)
    assert_harmless(page, runs)
    assert_accessible(page)


def test_the_style_sheet_for_paper_is_not_there_in_a_sandbox() -> None:
    source = one(*EXAMPLES["failed"]).source
    everywhere, in_sandbox = (Page(source, sandbox=sandbox) for sandbox in (False, True))
    assert [style.text for style in everywhere.all("style")] == [ON_PAPER]
    # There it is part of a comment.
    assert not [found for found in in_sandbox.root.iter() if str(found.tag).endswith("style")]
    (policy,) = (
        found.get("content", "") for found in everywhere.all("meta") if found.get("http-equiv")
    )
    digest = b64encode(sha256(ON_PAPER.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy


def test_hostile_text_is_shown_as_it_is() -> None:
    results = [
        make_result(attack, "FAIL", file=attack, error=attack, stack_trace="") for attack in ATTACKS
    ]
    run = make_run(total=99, failed=1, name=ATTACKS[12], environment=ATTACKS[13])
    page = one(judge(make_policy(), run, results))
    names = [words(name) for name in page.all("bdi", within=page.section("Failing tests"))]
    shown = [one_line(clean_text(attack)) for attack in ATTACKS]
    assert sorted(names) == sorted(" ".join(attack.split()) for attack in shown if attack)
    errors = ["".join(error.itertext()) for error in page.all("pre")]
    assert set(errors) >= {attack for attack in ATTACKS if attack == clean_text(attack).strip()}
    assert f"{ATTACKS[12]} · {ATTACKS[13]}" in words(page.all("title")[0])


@given(any_text)
def test_what_wraps_anywhere_is_the_same_text(text: str) -> None:
    page = Page(f"<!DOCTYPE html><title>x</title><p>{breakable(text)}")
    (paragraph,) = page.all("p")
    cleaned = clean_text(text)
    assert re.sub("[\ufdd0-\ufdef]|[\ufffe\uffff]", "", "".join(paragraph.itertext())) == "".join(
        c for c in cleaned if not 0xFDD0 <= ord(c) <= 0xFDEF and ord(c) & 0xFFFE != 0xFFFE
    )


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        pytest.param("fail_rate", "fail_rate", id="a short word"),
        pytest.param("a b\tc", "a b\tc", id="blanks"),
        pytest.param("1 quarantined: x", "1 quarantined: x", id="a usual word"),
        pytest.param("cypress/e2e/login", "cypress/e2e/<wbr>login", id="a path"),
        pytest.param("features/checkout.x", "features/<wbr>checkout.<wbr>x", id="a longer path"),
        pytest.param("x" * 20, f"{'x' * 8}<wbr>{'x' * 8}<wbr>xxxx", id="a long word"),
        pytest.param("&" * 11, f"{'&amp;' * 8}<wbr>{'&amp;' * 3}", id="signs that are escaped"),
        pytest.param(f"{'e' * 8}\u0301{'e' * 4}", f"{'e' * 8}\u0301<wbr>{'e' * 4}", id="an accent"),
    ],
)
def test_long_words_can_wrap(text: str, markup: str) -> None:
    assert breakable(text) == markup


def test_attributes_are_escaped_and_cleaned_too() -> None:
    markup = element("p", "<", title="\"'<\x1b[31m\ufdd0", aria_label=None, colspan=2)
    assert markup == '<p title="&quot;&#x27;&lt;" colspan="2">&lt;</p>\n'


def luminance(color: str) -> float:
    """WCAG 2.2's relative luminance."""
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("color", sorted({BLUE, GREY, *map(mark_color, Mark)}))
def test_colours_stand_out_on_light_and_dark_and_below_white_text(color: str) -> None:
    assert 1.05 / (luminance(color) + 0.05) >= 4.5
    assert (luminance(color) + 0.05) / (luminance("#121212") + 0.05) >= 3


@pytest.mark.parametrize(
    ("example", "heading"),
    [
        pytest.param("passed", "PASSED: 3 of 4 passed, 1 ignored nightly · dev · abcd4e8", id="0"),
        pytest.param("failed", "FAILED: 1 of 3 failed, 30% allowed run 55676 · abcd4e8", id="1"),
        pytest.param(
            "timed-out",
            "NO VERDICT: the run did not finish in time nightly · dev · abcd4e8",
            id="124",
        ),
    ],
)
def test_the_verdict_comes_first(example: str, heading: str) -> None:
    page = Page.of(*EXAMPLES[example])
    (found,) = page.all("h1")
    assert words(found) == heading
    assert words(page.all("title")[0]) == str(headline(EXAMPLES[example]))


def test_what_to_do_comes_next() -> None:
    page = Page.of(*EXAMPLES["timed-out"])
    facts = list(page.rows(page.all("main")[0][0]))
    assert facts == [
        ["Why", "not finished within 3600 s: the run was RUNNING, 18 of 30 tests done"],
        ["Next", "The run goes on in Testery: wait again with a longer --timeout."],
        ["Run", "55676"],
    ]
    assert page.links()["55676"] == PAGE


def test_who_asks_for_something_in_a_configuration_file_is_named() -> None:
    (passed,) = EXAMPLES["passed"]
    first, *others = passed.verdict.checks
    checks = (replace(first, origin="gate.toml"), *others)
    reason = "3 of 4 tests passed (by what gate.toml asks for)"
    page = one(with_verdict(passed, checks=checks, reason=reason))
    assert ["Why", reason] in list(page.rows(page.all("main")[0]))


def test_a_run_of_which_nothing_is_known_has_its_reason_and_check_alone() -> None:
    page = one(not_judged(None, ExitCode.NOT_FOUND, "there is no such run"))
    assert page.headings() == ["Checks"]
    assert words(page.all("h1")[0]) == "NO VERDICT: there is no such run, or not yet"


def test_a_run_is_told_from_the_verdict_to_its_facts() -> None:
    (passed,) = EXAMPLES["passed"]
    assert passed.run is not None
    page = one(replace(passed, run=replace(passed.run, coverage=Fraction("83.4"))))
    assert page.headings() == [
        *("Remarks", "Tests", "Checks", "Trend", "Timeline"),
        *("Durations by test file", "Slowest tests", "Run"),
    ]
    facts = {row[0]: row[1] for row in page.rows(page.section("Run"))}
    assert facts["Tags"] == "smoke, login"
    assert facts["Coverage"] == "83.4%"
    assert facts["Started"] == "2020-05-04 23:16:33 UTC"


def test_counts_are_numbers_and_shares() -> None:
    page = one(judged(make_run(total=100_000, failed=1)))
    tiles = [drawing.get("aria-label") for drawing in page.all("svg", within=page.section("Tests"))]
    assert tiles == [
        "99999 passed",
        "1 failed",
        "0 ignored",
        "0 not run",
        "100000 in all",
        "99.999% pass rate",
        "6m26s duration",
        "99999 passed, 1 failed, 0 ignored, 0 not run",
    ]
    bar = page.all("rect", within=page.section("Tests")[2])
    assert [part.get("width") for part in bar] == ["99%", "1%"]


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(with_unknown(make_run(), "ignored"), id="unknown"),
        pytest.param(make_run(total=0), id="none"),
        pytest.param(make_run(not_run=-1), id="more than in all"),
    ],
)
def test_no_shares_are_drawn_of_what_makes_no_sense(run: TestRun) -> None:
    assert not any(", " in label for label in one(judged(run)).labels() if "ignored," in label)


@pytest.mark.parametrize(
    ("required", "found", "end", "good"),
    [
        pytest.param("failed <= 3", "2", "4", [0, 74], id="at most"),
        pytest.param("failed < 3", "2", "4", [0, 74], id="less"),
        pytest.param("passed >= 8", "28", "35", [23.94, 76.06], id="at least"),
        pytest.param("passed > 8", "28", "35", [23.94, 76.06], id="greater"),
        pytest.param("ignored == 2", "0", "3", [65, 2], id="equal"),
        pytest.param("failed != 3", "2", "4", [0, 73, 75, 25], id="unequal"),
        pytest.param("pass_rate >= 50%", "93.33%", "100%", [50, 50], id="a share"),
        pytest.param("duration <= 10m", "6m26s", "12m30s", [0, 78.8], id="a time"),
        pytest.param("duration <= 1s", "6m26s", "8m2s", [0, 2.2], id="a time far beyond"),
    ],
)
def test_a_check_shows_what_was_found_against_its_threshold(
    required: str, found: str, end: str, good: list[float]
) -> None:
    page = one(judged(make_run(failed=2), required, "not_run >= 0"))
    metric, _, expected = required.partition(" ")
    label = f"{metric}: {found} on a scale to {end}, expected {expected}"
    (chart,) = (drawing for drawing in page.all("svg") if drawing.get("aria-label") == label)
    marks = [bar for bar in page.all("rect", within=chart) if bar.get("y") == "20"]
    places = [float(bar.get(name, "").rstrip("%")) for bar in marks for name in ("x", "width")]
    assert places == good


@pytest.mark.parametrize(
    "required",
    [
        pytest.param("total >= 1", id="any"),
        pytest.param("ignored == 0", id="none"),
        pytest.param("coverage >= 80%", id="unknown"),
    ],
)
def test_nothing_is_drawn_where_it_would_say_nothing(required: str) -> None:
    page = one(judged(make_run(), required))
    assert not [label for label in page.labels() if "on a scale" in label and "failed" not in label]


def test_a_breach_is_drawn_whatever_was_asked_for() -> None:
    page = one(judged(make_run(failed=28)))
    assert "failed: 28 on a scale to 35, expected <= 0" in page.labels()


def test_each_check_has_its_numbers_and_result() -> None:
    policy = make_policy("failed <= 30%", warn=["coverage >= 80%"], expect=[("build-key", "24")])
    page = one(judge(policy, make_run(total=3, failed=1)))
    rows = [row for row in page.rows(page.section("Checks")) if len(row) == 3]
    assert rows == [
        ["check", "expected", "found"],
        ["fail_rate breached, fails", "<= 30%", "33.33%"],
        ["build-key inconclusive", "24", "23"],
        ["coverage inconclusive, warns", ">= 80%", "unknown"],
        ["check", "expected", "found"],
        ["status holds", "PASS, or FAIL by its tests", "FAIL"],
        ["total holds", ">= 1", "3"],
        ["executed holds", ">= 1", "3"],
        ["counts holds", "known and consistent", "consistent"],
        ["not_run holds", "== 0", "0"],
    ]
    (holding,) = page.all("details", within=page.section("Checks"))
    assert words(holding[0]) == "5 checks hold"
    assert holding.get("open") is None


def test_a_single_check_that_holds_is_one() -> None:
    page = one(with_verdict(judged(make_run()), checks=judged(make_run()).verdict.checks[:1]))
    assert words(page.all("summary", within=page.section("Checks"))[0]) == "1 check holds"


@pytest.mark.parametrize("failed", [0, 9])
def test_more_checks_than_anybody_reads_are_counted(failed: int) -> None:
    page = one(judged(make_run(failed=failed), *["failed <= 3"] * 130))
    assert f"… and {30 if failed else 35} more checks" in words(page.section("Checks"))


def test_an_open_check_is_neither_good_nor_bad() -> None:
    page = Page.of(*EXAMPLES["decided-early"])
    assert "pass_rate open" in words(page.section("Checks"))


def test_the_wait_is_drawn_as_it_was_watched() -> None:
    observed = [
        look(0, "SUBMITTED"),
        look(20, "QUEUED", 0, 0, 0, 0),
        look(60, "RUNNING", 30, 0, 0, 0),
        look(90, "RUNNING", 30, 10, 0, 0),
        look(240, "FAIL", 30, 27, 2, 1),
    ]
    run = with_unknown(make_run(failed=2, ignored=1), "end_time")
    page = one(judged(run, observed=observed))
    section = page.section("Timeline")
    assert page.labels("Over") == ["Over 4m: queued for 1m, then running for 3m, then failed"]
    assert [path.get("d") for path in page.all("path", within=section)] == [
        "M25.00 100L25.00 100.00L37.50 66.67L100.00 0.00L100.00 100z",
        "M25.00 100L25.00 100.00L37.50 66.67L100.00 3.33L100.00 100z",
        "M25.00 100L25.00 100.00L37.50 66.67L100.00 10.00L100.00 100z",
    ]
    assert list(page.rows(section))[1:] == [
        ["0s", "submitted", "?", "?", "?"],
        ["20s", "queued", "0", "0", "0"],
        ["1m", "running", "0", "0", "0"],
        ["1m30s", "running", "10", "0", "0"],
        ["4m", "failed", "27", "2", "1"],
    ]


@pytest.mark.parametrize(
    "observed",
    [
        pytest.param([look(0, "QUEUED"), look(9, "RUNNING")], id="no counts"),
        pytest.param(
            [look(0, "QUEUED", 0, 0, 0, 0), look(9, "RUNNING", 0, 0, 0, 0)], id="no tests"
        ),
    ],
)
def test_no_tests_are_drawn_where_none_were_counted(observed: list[Observation]) -> None:
    page = one(judged(with_unknown(make_run(), "end_time"), observed=observed))
    assert page.labels("Over") == ["Over 9s: queued for 9s, then running"]
    assert not page.all("path", within=page.section("Timeline"))


def test_a_single_test_is_a_test() -> None:
    observed = [look(0, "RUNNING", 1, 0, 0, 0), look(9, "PASS", 1, 1, 0, 0)]
    texts = [words(text) for text in one(judged(make_run(total=1), observed=observed)).all("text")]
    assert "1 test" in texts


def test_what_was_seen_once_is_drawn_by_its_own_times() -> None:
    page = one(judged(make_run(), observed=[look(0, "PASS", 30, 30, 0, 0)]))
    label = "Over 7m49s: queued for 1m23s, then running for 6m26s, then passed"
    assert page.labels("Over") == [label]
    assert not page.all("details", within=page.section("Timeline"))


def test_no_test_is_done_while_the_run_is_queued() -> None:
    observed = [
        look(0, "QUEUED", 30, 0, 0, 0),
        # The polls are far apart: the run waited until 83 s, and this one saw tests done.
        look(250, "RUNNING", 30, 10, 0, 0),
        look(480, "PASS", 30, 30, 0, 0),
    ]
    page = one(judged(make_run(), observed=observed))
    (first, *_) = (path.get("d") for path in page.all("path", within=page.section("Timeline")))
    # By Testery's own times: it ran from 83 s to 469 s.
    assert first == "M17.70 100L50.96 66.67L100.00 0.00L100.00 100z"
    assert len(page.all("details", within=page.section("Timeline"))) == 1


def test_an_unfinished_run_is_drawn_by_its_times_too() -> None:
    page = one(judged(make_run(status="RUNNING")))
    assert page.labels("Over") == ["Over 7m49s: queued for 1m23s, then running for 6m26s"]


@pytest.mark.parametrize("time", ["create_time", "start_time", "end_time"])
def test_nothing_is_drawn_of_unknown_times(time: str) -> None:
    page = one(judged(with_unknown(make_run(), time)))
    assert "Timeline" not in page.headings()


def test_nothing_is_drawn_of_a_run_of_no_time() -> None:
    run = make_run()
    page = one(judged(replace(run, start_time=run.create_time, end_time=run.create_time)))
    assert "Timeline" not in page.headings()


def earlier(days: int, **others: object) -> TestRun:
    run = make_run(id=55676 - days)
    assert run.start_time is not None
    assert run.end_time is not None
    start, end = (time - timedelta(days=days) for time in (run.start_time, run.end_time))
    return replace(replace(run, start_time=start, end_time=end), **others)  # type: ignore[arg-type]


def test_runs_before_are_drawn_and_linked() -> None:
    run = make_run()
    runs = [earlier(3, passed=27, failed=3, status=RunStatus.FAIL), earlier(1, passed=None), run]
    page = one(judged(run, comparable=runs, web_url=PAGE))
    assert page.labels("Pass rate") == [
        "Pass rate and duration of 3 runs, the oldest first: 90%, ?, 100%; 6m26s, 6m26s, 6m26s"
    ]
    section = page.section("Trend")
    assert [words(title) for title in page.all("title", within=section)] == [
        "run 55673: 90%",
        "run 55676: 100%",
    ]
    assert list(page.rows(section))[1:] == [
        ["55676, this run 2020-05-04 23:16", "PASS", "100%", "6m26s"],
        ["55675 2020-05-03 23:16", "PASS", "?", "6m26s"],
        ["55673 2020-05-01 23:16", "FAIL", "90%", "6m26s"],
    ]
    assert page.links()["55673"] == "https://testery.app/acme/test-runs/55673"


def test_runs_before_without_an_address_are_named() -> None:
    run = make_run()
    page = one(judged(run, comparable=[earlier(1, start_time=None), run]))
    rows = list(page.rows(page.section("Trend")))
    assert rows[-1][0] == "55675 at an unknown time"
    assert page.links() == {}


def test_unknown_rates_and_times_are_not_drawn() -> None:
    unknown = with_unknown(make_run(status="ODD"), "passed", "start_time")
    page = one(judged(make_run(), comparable=[unknown, unknown]))
    assert page.labels("Pass rate") == [
        "Pass rate and duration of 2 runs, the oldest first: ?, ?; ?, ?"
    ]
    assert list(page.rows(page.section("Trend")))[-1][1:] == ["?", "?", "?"]


def test_runs_of_no_time_are_drawn_too() -> None:
    run = make_run()
    run = replace(run, end_time=run.start_time)
    page = one(judged(run, comparable=[run, run]))
    assert page.labels("Pass rate")[0].endswith("; 0s, 0s")


@pytest.mark.parametrize("number", [None, 0, 1])
def test_there_is_no_trend_without_another_run(number: int | None) -> None:
    runs = None if number is None else [make_run()] * number
    assert "Trend" not in one(judged(make_run(), comparable=runs)).headings()


def test_files_and_tests_are_ranked_by_time() -> None:
    times = {"quick": 999, "slow": 61_234, "middle": 12_345, "short": 2_345, "unknown": None}
    results = [
        make_result(
            name,
            file=f"{name}.py",
            id=str(number),
            duration=None if time is None else timedelta(milliseconds=time),
        )
        for number, (name, time) in enumerate(times.items())
    ]
    page = one(replace(judge(make_policy(), make_run(), results), web_url=PAGE))
    assert list(page.rows(page.section("Durations by test file"))) == [
        ["file", "tests", "time"],
        ["slow.py", "1", "1m1s"],
        ["middle.py", "1", "12.3s"],
        ["short.py", "1", "2.34s"],
        ["quick.py", "1", "999ms"],
    ]
    assert list(page.rows(page.section("Slowest tests"))) == [
        ["test", "time"],
        ["slow slow.py", "1m1s"],
        ["middle middle.py", "12.3s"],
        ["short short.py", "2.34s"],
        ["quick quick.py", "999ms"],
    ]
    assert page.links()["slow"] == f"{PAGE}/tests/1/console"


def test_files_beyond_the_longest_are_counted() -> None:
    results = [make_result(file=f"{number}.py") for number in range(40)]
    page = one(judge(make_policy(), make_run(), results))
    assert words(page.section("Durations by test file")).endswith("… and 25 more files")


def test_no_times_are_ranked_where_none_are_known() -> None:
    results = [make_result("a", "FAIL", duration=None, file="")]
    page = one(judge(make_policy(), make_run(failed=1), results))
    assert page.headings() == ["Failing tests: 1 of 1", "Tests", "Checks", "Timeline", "Run"]
    assert "a" in [words(name) for name in page.all("bdi")]


def failing(number: int, **others: object) -> Judged:
    results = [
        make_result(f"test {index}", "FAIL", id=str(index), **others) for index in range(number)
    ]
    return judge(make_policy(), make_run(total=number, failed=number), results)


def distinct(*numbers: int) -> Judged:
    """Return a run with so many failing tests of each error, by turns."""
    left = Counter(dict(enumerate(numbers)))
    results = []
    while any(left.values()):
        for kind in [kind for kind, count in left.items() if count]:
            left[kind] -= 1
            error = f"no element {'abcdefghijklmnop'[kind]} after {left[kind]} s"
            results.append(make_result(f"test {kind}.{left[kind]}", "FAIL", error=error))
    return judge(make_policy(), make_run(total=len(results), failed=len(results)), results)


def test_failing_tests_are_shown_by_error_and_the_first_of_each_at_once() -> None:
    page = one(distinct(5, 1, 2))
    section = page.section("Failing tests: 8 of 8, 3 distinct errors")
    rows = [words(body) for body in page.all("tbody", within=section)]
    about = "features/calculator.feature · 1.25s no element"
    assert [row.partition(f" {about}")[0] for row in rows] == [
        "5 tests: no element a after 4 s",
        *("test 0.4", "test 0.3", "test 0.2"),
        "2 more tests with this error test 0.1",
        *("test 0.1", "test 0.0"),
        "test 1.0",
        "2 tests: no element c after 1 s",
        *("test 2.1", "test 2.0"),
    ]
    details = page.all("details", within=section)
    opened = [
        words(found[0]).partition(" features")[0] for found in details if found.get("open") == ""
    ]
    assert opened == ["test 0.4", "test 1.0", "test 2.1"]


def test_more_errors_than_are_seen_at_once_are_folded() -> None:
    page = one(distinct(*[1] * 12))
    section = page.section("Failing tests: 12 of 12")
    assert "2 more errors" in [words(found) for found in page.all("summary", within=section)]
    assert len(page.all("details", within=section)) == 13


def test_tests_without_an_error_are_a_group_of_their_own() -> None:
    page = one(failing(2))
    assert "2 tests: Testery gives no error" in words(page.section("Failing tests"))


def test_the_lines_that_matter_are_shown_and_the_rest_is_folded() -> None:
    frames = [f"    at run (node_modules/mocha/{number}.js:1:1)" for number in range(200)]
    error = "\n".join(["Error: x", *frames, "    at Context.x (login.cy.js:1:2)"])
    page = one(replace(failing(1, error="Error: x", stack_trace=error), web_url=PAGE))
    shown, whole = ("".join(found.itertext()) for found in page.all("pre"))
    assert shown == "Error: x\n    at Context.x (login.cy.js:1:2)"
    assert whole == error
    outer, inner = page.all("details", within=page.section("Failing tests"))
    assert (outer.get("open"), inner.get("open")) == ("", None)
    assert words(inner[0]) == "all 202 lines"
    # On paper all of them are there, and nothing twice.
    assert [found.get("class") for found in page.all("pre")] == ["excerpt", None]
    assert page.links()["console of this test"] == f"{PAGE}/tests/0/console"


def test_a_failing_test_without_an_error_has_nothing_to_unfold() -> None:
    page = one(failing(1, file="", duration=None))
    assert words(page.section("Failing tests")) == "Failing tests: 1 of 1 test 0"
    assert not page.all("details", within=page.section("Failing tests"))


def test_a_long_error_is_shortened() -> None:
    first, whole = (
        "".join(error.itertext()) for error in one(failing(1, error="x" * 10_050)).all("pre")
    )
    assert first == f"{'x' * 3_000}\n[7050 more characters are left out here]"
    assert whole.startswith("x" * 6_900)
    assert whole.endswith("more characters are left out here]")
    assert len(first) + len(whole) < 10_100


def test_a_rest_without_room_is_said_to_be_left_out() -> None:
    lines = [f"line {number}: {'x' * 70}" for number in range(60)]
    page = Page.of(failing(40, error="\n".join(lines)), limit=200_000)
    assert "The rest of the error is left out." in words(page.section("Failing tests"))


@pytest.mark.slow
def test_errors_are_the_shorter_the_more_there_are_so_that_each_test_is_named() -> None:
    judged = failing(500, error="x" * 5_000)
    page = Page.of(judged, limit=1_000_000)
    assert len(page.source.encode()) <= 1_000_000
    assert len(page.all("pre")) == 500
    assert "more characters" in words(page.all("pre")[0])


def test_tests_beyond_the_limit_are_counted() -> None:
    page = Page.of(failing(2_000, error="&" * 400), limit=100_000)
    assert len(page.source.encode()) <= 100_000
    shown = len(page.all("pre"))
    assert 0 < shown < 2_000
    assert f"… and {2_000 - shown} more failing tests" in words(page.section("Failing tests"))


def test_failing_tests_without_room_are_counted() -> None:
    page = Page.of(failing(2_000), limit=9_500)
    assert not page.all("pre")
    assert len(page.source.encode()) <= 9_500


def test_not_even_a_count_is_written_without_room() -> None:
    budget = SizeBudget(20)
    assert fitting(budget, [element("p", "x")], 1, "tests") == ([], "")
    assert budget.left == 20


@given(any_runs_judged, st.integers(10_000, 60_000))
def test_no_report_is_larger_than_its_limit(runs: list[Judged], limit: int) -> None:
    page = Page.of(*runs * 3, limit=limit)
    assert len(page.source.encode()) <= limit


def test_several_runs_are_told_worst_first() -> None:
    page = Page.of(*EXAMPLES["many-runs"])
    assert words(page.all("h1")[0]) == (
        "FAILED: of 3 runs 1 failed, 1 not found, 1 passed run 55676: 1 of 3 failed, 30% allowed"
    )
    assert [words(heading) for heading in page.all("h2")] == [
        "Run 55676: 1 of 3 failed, 30% allowed",
        "Run 55678: there is no such run, or not yet",
        "Run 55677: 2 of 2 passed",
    ]
    wrong, passed, *_ = page.all("main")[0]
    assert list(page.rows(wrong))[1:] == [["55676", "failed", "2 of 3"], ["55678", "not found", ""]]
    assert words(passed[0]) == "1 run passed"
    assert list(page.rows(passed))[1:] == [["55677 nightly in staging", "passed", "2 of 2"]]
    targets = {heading.get("id") for heading in page.all("h2")}
    links = {link.get("href") for part in (wrong, passed) for link in page.all("a", within=part)}
    assert links == {f"#{target}" for target in targets}
    assert words(page.all("main")[0][-1][0]) == "The runs that passed, one by one"


def test_runs_that_all_passed_are_folded() -> None:
    page = Page.of(judged(make_run(id=1)), judged(make_run(id=2)))
    assert [words(found) for found in page.all("summary", within=page.all("main")[0])][:1] == [
        "2 runs passed"
    ]


def test_more_runs_than_a_screen_holds_are_folded() -> None:
    page = Page.of(*(replace(failing(1), run_id=number) for number in range(15)))
    first, others, *_ = page.all("main")[0]
    assert len(list(page.rows(first))) == 11
    assert words(others[0]) == "5 more runs that did not pass"
    assert len(list(page.rows(others))) == 6


def test_runs_beyond_the_limit_are_counted_and_stay_in_the_table() -> None:
    runs = [replace(failing(3, error="E" * 900), run_id=number) for number in range(100)]
    page = Page.of(*runs, limit=200_000)
    assert len(page.source.encode()) <= 200_000
    number = len(page.all("h2"))
    assert 0 < number < 100
    assert f"… and {100 - number} more runs" in words(page.all("main")[0])
    assert sum(link.get("href", "").startswith("#") for link in page.all("a")) == number


@pytest.mark.slow  # renders 2.5 MB of errors three times
def test_the_format_keeps_its_limit_without_options() -> None:
    runs = [failing(500, error="x" * 5_000)]
    formats = with_options(
        markdown_limit=1_000, html_limit=200_000, junit_scope="all", junit_tolerated="failure"
    )
    assert formats["html"](runs) == html.render(runs, limit=200_000)
    assert FORMATS["html"](runs) == html.render(runs)


def test_what_a_failing_test_left_is_linked_below_its_error() -> None:
    (judged,) = EXAMPLES["evidence"]
    page = one(judged)
    links = page.links()
    assert links["screenshot 1"] == f"{FILES}/1.png?signature=a&b"
    assert links["screenshot 2"] == f"{FILES}/2.png"
    assert links["video"] == f"{FILES}/1.mp4"
    assert links["whole console output"] == f"{FILES}/103.txt"
    assert {link.get("rel") for link in page.all("a")} == {"noreferrer"}
    assert "1 failed: pays with a card" in [words(lines)[-26:] for lines in page.all("pre")]


def test_a_test_without_an_error_shows_what_it_left_too() -> None:
    result = make_result("signs in", "FAIL", error="", stack_trace="")
    judged = replace(
        judge(make_policy(), make_run(failed=1), [result]),
        attachments={"1": Attachments(videos=(f"{FILES}/1.mp4",))},
    )
    assert one(judged).links()["video"] == f"{FILES}/1.mp4"


def test_addresses_take_no_room_from_the_tests() -> None:
    results = [make_result(f"test {n}", "FAIL", error="x", id=str(n)) for n in range(40)]
    long = tuple(f"{FILES}/{'a' * 3_900}{n}" for n in range(10))
    judged = replace(
        judge(make_policy(), make_run(total=40, failed=40), results),
        attachments={str(n): Attachments(screenshots=long) for n in range(20)},
    )
    page = Page.of(judged, limit=200_000)
    assert len([name for name in page.all("bdi") if words(name).startswith("test ")]) >= 40
    assert len(page.source.encode()) <= 200_000
    assert 0 < sum(FILES in address for address in page.links().values()) <= 20
