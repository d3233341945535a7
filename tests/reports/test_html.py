"""The page for people: what it shows, and that it is nothing but text and drawings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.errors import ExitCode
from testery_gate.judging.judged import Judged
from testery_gate.model import Observation, RunStatus, TestRun
from testery_gate.reports import FORMATS, html, with_options
from testery_gate.reports.budget import SizeBudget
from testery_gate.reports.html.layout import fitting
from testery_gate.reports.html.markup import breakable, element
from testery_gate.reports.html.palette import BLUE, GREY
from testery_gate.reports.html.palette import color as mark_color
from testery_gate.reports.view import Mark
from testery_gate.text import clean_text, one_line
from tests.builders import judge, make_policy, make_result, make_run, not_judged, with_unknown
from tests.reports.examples import ATTACKS, EXAMPLES, LARGE, PAGE, any_runs_judged, any_text
from tests.reports.page import Page, tag, words

HTML = {
    *("html", "head", "meta", "title", "body", "header", "main", "footer", "section"),
    *("h1", "h2", "h3", "p", "br", "hr", "b", "bdi", "code", "pre", "wbr", "a"),
    *("details", "summary", "table", "thead", "tbody", "tr", "th", "td", "font", "nobr"),
}
SVG = {
    *("svg", "g", "title", "defs", "pattern", "symbol", "use"),
    *("rect", "circle", "line", "path", "text"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "name", "content", "id", "href", "rel", "dir"),
    *("role", "aria-label", "aria-hidden", "scope", "colspan", "open"),
    # of layout
    *("face", "size", "width", "height", "align", "valign", "cellpadding", "rules", "frame"),
    *("bordercolor", "noshade", "color", "wrap"),
    # of drawings
    *("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "d", "viewBox", "overflow"),
    *("preserveAspectRatio", "patternUnits", "patternTransform", "text-anchor"),
    *("fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-linecap"),
    *("stroke-linejoin", "font-size", "font-weight"),
}
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
        for name in ("fill", "stroke"):
            assert DRAWN.fullmatch(found.get(name, "none"))
        if address := found.get("href"):
            own = address.removeprefix("#") in ids
            assert own or any(address.startswith(known.rpartition("/")[0]) for known in pages)


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


@pytest.mark.parametrize("example", [*EXAMPLES, *LARGE])
def test_an_example_is_harmless_and_accessible(example: str) -> None:
    runs = {**EXAMPLES, **LARGE}[example]
    page = Page.of(*runs)
    assert_harmless(page, runs)
    assert_accessible(page)


def test_hostile_text_is_shown_as_it_is() -> None:
    results = [
        make_result(attack, "FAIL", file=attack, error=attack, stack_trace="") for attack in ATTACKS
    ]
    run = make_run(total=99, failed=1, name=ATTACKS[12], environment=ATTACKS[13])
    page = one(judge(make_policy(), run, results))
    names = [words(name) for name in page.all("bdi", within=page.section("Failing tests"))]
    shown = [one_line(clean_text(attack)) for attack in ATTACKS]
    assert names == [" ".join(attack.split()) for attack in shown if attack]
    errors = ["".join(error.itertext()) for error in page.all("pre")]
    assert set(errors) >= {attack for attack in ATTACKS if attack == clean_text(attack).strip()}
    assert words(page.all("title")[0]).endswith(f"{ATTACKS[12]}, {ATTACKS[13]}")


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
        pytest.param("cypress/e2e/login", "cypress/<wbr>e2e/<wbr>login", id="a path"),
        pytest.param("x" * 20, f"{'x' * 8}<wbr>{'x' * 8}<wbr>xxxx", id="a long word"),
        pytest.param("&" * 11, f"{'&amp;' * 8}<wbr>{'&amp;' * 3}", id="signs that are escaped"),
        pytest.param(f"{'e' * 8}\u0301{'e' * 4}", f"{'e' * 8}\u0301<wbr>{'e' * 4}", id="an accent"),
    ],
)
def test_long_words_can_wrap(text: str, markup: str) -> None:
    assert breakable(text) == markup


def test_attributes_are_escaped_and_cleaned_too() -> None:
    told = element("p", "<", title="\"'<\x1b[31m\ufdd0", aria_label=None, colspan=2)
    assert told == '<p title="&quot;&#x27;&lt;" colspan="2">&lt;</p>\n'


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
    ("example", "banner", "title"),
    [
        pytest.param("passed", "PASSED, exit code 0", "PASSED: run 55676, nightly, dev", id="0"),
        pytest.param("failed", "FAILED, exit code 1", "FAILED: run 55676", id="1"),
        pytest.param(
            "timed-out",
            "NO VERDICT, exit code 124",
            "NO VERDICT: run 55676, nightly, dev",
            id="124",
        ),
    ],
)
def test_the_verdict_comes_first(example: str, banner: str, title: str) -> None:
    page = Page.of(*EXAMPLES[example])
    (heading,) = page.all("h1")
    assert heading[0].get("aria-label") == banner
    assert words(page.all("title")[0]) == title


def test_why_and_what_to_do_come_next() -> None:
    page = Page.of(*EXAMPLES["timed-out"])
    assert words(page.all("p")[0]) == "The run did not finish in time."
    facts = list(page.rows(page.all("main")[0][1]))
    assert facts == [
        ["Why", "not finished within 3600 s: the run was RUNNING, 18 of 30 tests done"],
        ["Next", "Raise --timeout, or look at the run: it may be stuck."],
        ["Run", "55676 nightly in dev"],
        ["Exit code", "124, timed out: not finished at the deadline"],
    ]
    assert page.links()["55676"] == PAGE


def test_a_run_of_which_nothing_is_known_has_its_reason_and_check_alone() -> None:
    page = one(not_judged(None, ExitCode.NOT_FOUND, "there is no such run"))
    assert page.headings() == ["Checks"]
    assert "there is no such run" in words(page.all("main")[0])


def test_a_run_is_told_from_the_verdict_to_its_facts() -> None:
    (passed,) = EXAMPLES["passed"]
    assert passed.run is not None
    page = one(replace(passed, run=replace(passed.run, coverage=Fraction("83.4"))))
    assert page.headings() == [
        *("Tests", "Checks", "Trend", "Timeline", "Durations by test file", "Slowest tests"),
        "Run",
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
        pytest.param("ignored == 0", "0", "1", [1, 2], id="equal"),
        pytest.param("failed != 3", "2", "4", [0, 73, 75, 25], id="unequal"),
        pytest.param("pass_rate >= 50%", "93.33%", "100%", [50, 50], id="a share"),
        pytest.param("duration <= 10m", "6m26s", "12m30s", [0, 78.8], id="a time"),
        pytest.param("duration <= 1s", "6m26s", "8m2s", [0, 2.2], id="a time far beyond"),
        pytest.param("coverage >= 80%", "an unknown value", "100%", [78.8, 21.2], id="unknown"),
    ],
)
def test_a_check_shows_what_was_found_against_its_threshold(
    required: str, found: str, end: str, good: list[float]
) -> None:
    page = one(judged(make_run(failed=2), required, "not_run >= 0"))
    metric, _, expected = required.partition(" ")
    told = f"{metric}: {found} on a scale to {end}, expected {expected}"
    (chart,) = (drawing for drawing in page.all("svg") if drawing.get("aria-label") == told)
    marks = [bar for bar in page.all("rect", within=chart) if bar.get("y") == "20"]
    places = [float(bar.get(name, "").rstrip("%")) for bar in marks for name in ("x", "width")]
    assert places == good


def test_each_check_has_its_numbers_and_result() -> None:
    policy = make_policy("failed <= 30%", warn=["coverage >= 80%"], expect=[("build-key", "24")])
    page = one(judge(policy, make_run(total=3, failed=1)))
    rows = [row for row in page.rows(page.section("Checks")) if len(row) == 3]
    assert rows == [
        ["check", "expected", "found"],
        ["status holds", "PASS, or FAIL with failed tests", "FAIL"],
        ["total holds", ">= 1", "3"],
        ["executed holds", ">= 1", "3"],
        ["counts holds", "known and consistent", "consistent"],
        ["not_run holds", "== 0", "0"],
        ["fail_rate breached, decided", "<= 30%", "33.33%"],
        ["build-key inconclusive", "24", "23"],
        ["coverage inconclusive, warns", ">= 80%", "unknown"],
    ]


def test_more_checks_than_anybody_reads_are_counted() -> None:
    page = one(judged(make_run(), *["failed <= 3"] * 130))
    assert words(page.section("Checks")).endswith("… and 35 more checks")


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
    page = one(judged(make_run(failed=2, ignored=1), observed=observed))
    section = page.section("Timeline")
    assert page.labels("Over") == ["Over 4m: queued for 1m, then running for 3m, then failed"]
    assert [path.get("d") for path in page.all("path", within=section)] == [
        "M8.33 100L8.33 100.00L25.00 100.00L37.50 66.67L100.00 0.00L100.00 100z",
        "M8.33 100L8.33 100.00L25.00 100.00L37.50 66.67L100.00 3.33L100.00 100z",
        "M8.33 100L8.33 100.00L25.00 100.00L37.50 66.67L100.00 10.00L100.00 100z",
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
    page = one(judged(make_run(), observed=observed))
    assert page.labels("Over") == ["Over 9s: queued for 9s, then running"]
    assert not page.all("path", within=page.section("Timeline"))


def test_a_single_test_is_a_test() -> None:
    observed = [look(0, "RUNNING", 1, 0, 0, 0), look(9, "PASS", 1, 1, 0, 0)]
    texts = [words(text) for text in one(judged(make_run(total=1), observed=observed)).all("text")]
    assert "1 test" in texts


def test_what_was_seen_once_is_drawn_by_its_own_times() -> None:
    page = one(judged(make_run(), observed=[look(0, "PASS", 30, 30, 0, 0)]))
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
    assert page.headings() == ["Tests", "Checks", "Failing tests: 1 of 1", "Timeline", "Run"]
    assert "a" in [words(name) for name in page.all("bdi")]


def failing(number: int, **others: object) -> Judged:
    results = [
        make_result(f"test {index}", "FAIL", id=str(index), **others) for index in range(number)
    ]
    return judge(make_policy(), make_run(total=number, failed=number), results)


def test_failing_tests_tell_their_errors_and_the_first_at_once() -> None:
    page = one(replace(failing(12, error="E", stack_trace="E\n  at x"), web_url=PAGE))
    section = page.section("Failing tests: 12 of 12")
    details = page.all("details", within=section)
    assert [found.get("open") for found in details] == ["", "", "", *[None] * 10]
    summaries = [words(found[0]) for found in details]
    assert summaries[0] == "test 0 features/calculator.feature · 1.25s"
    assert summaries[10] == "2 more failing tests"
    assert ["".join(error.itertext()) for error in page.all("pre")] == ["E\n  at x"] * 12
    assert page.links()["console of this test"] == f"{PAGE}/tests/11/console"


def test_a_failing_test_without_an_error_has_nothing_to_unfold() -> None:
    page = one(failing(1, file="", duration=None))
    assert words(page.section("Failing tests")) == "Failing tests: 1 of 1 test 0"
    assert not page.all("details", within=page.section("Failing tests"))


def test_a_long_error_is_shortened() -> None:
    (error,) = one(failing(1, error="x" * 10_050)).all("pre")
    assert "".join(error.itertext()) == f"{'x' * 10_000}\n[50 more characters are left out here]"


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
    assert page.all("h1")[0][0].get("aria-label") == "FAILED, exit code 1"
    assert words(page.all("p")[0]) == "Of 3 runs 1 failed, 1 not found, 1 passed."
    assert [words(heading) for heading in page.all("h2")] == [
        "Run 55676: failed",
        "Run 55678: not found",
        "Run 55677: passed",
    ]
    rows = list(page.rows(page.all("main")[0][1]))
    assert rows[1:] == [
        ["55676", "failed", "2 of 3"],
        ["fail_rate is 33.33%, required is fail_rate <= 30%"],
        ["55678", "not found", ""],
        ["there is no run 55678"],
        ["55677", "passed", "2 of 2"],
        ["nightly in staging 2 of 2 tests passed, 0 failed"],
    ]
    targets = {heading.get("id") for heading in page.all("h2")}
    links = {link.get("href") for link in page.all("a", within=page.all("main")[0][1])}
    assert links == {f"#{target}" for target in targets}


def test_runs_beyond_the_limit_are_counted_and_stay_in_the_table() -> None:
    runs = [replace(failing(3, error="E" * 900), run_id=number) for number in range(100)]
    page = Page.of(*runs, limit=200_000)
    assert len(page.source.encode()) <= 200_000
    told = len(page.all("h2"))
    assert 0 < told < 100
    assert f"… and {100 - told} more runs" in words(page.all("main")[0])
    assert len(page.all("a", within=page.all("main")[0][1])) == told
    assert len(page.all("pre")) == 3 * told


def test_the_format_keeps_its_limit_unless_told() -> None:
    runs = [failing(500, error="x" * 5_000)]
    formats = with_options(
        markdown_limit=1_000, html_limit=200_000, junit_scope="all", junit_tolerated="failure"
    )
    assert formats["html"](runs) == html.render(runs, limit=200_000)
    assert FORMATS["html"](runs) == html.render(runs)
