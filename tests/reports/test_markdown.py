"""Markdown as others render it.

Two renderers that this project did not write read it: GitHub's own, with raw HTML let through and
all its extensions, so that whatever markup is in a text would show; and markdown-it with raw HTML
off and the most eager search for addresses there is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from cmarkgfm import markdown_to_html_with_extensions
from cmarkgfm.cmark import Options
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from markdown_it import MarkdownIt

from testery_gate.errors import ExitCode
from testery_gate.evidence.classes import Evidence, FailureClass
from testery_gate.judging.judged import Judged
from testery_gate.model import (
    ResultStatus,
    RunStatus,
    TestResult,
    TestRun,
    parse_results,
    parse_run,
)
from testery_gate.reports import FORMATS, markdown, view, with_options
from testery_gate.reports.headline import further_reason, headline
from testery_gate.simulator import load_scenario
from testery_gate.simulator.api import Api, Now
from testery_gate.simulator.exchange import Request
from testery_gate.text import clean_text, one_line
from tests.acceptance import command
from tests.builders import (
    judge,
    make_policy,
    make_result,
    make_run,
    not_judged,
    with_unknown,
    with_verdict,
)
from tests.canary import FINISHED, Simulator
from tests.reports.examples import (
    ATTACKS,
    EXAMPLES,
    LARGE,
    PAGE,
    any_runs_judged,
    held_against,
    hostile_tests,
)

COMMENT = 65_536
"""Bytes of a comment on GitHub."""

EXTENSIONS = ["table", "autolink", "strikethrough", "tasklist"]
GITHUB = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
WITHOUT_HTML = MarkdownIt("gfm-like", {"html": False, "linkify": True})

OURS = {"h2", "h3", "h4", "ul", "li", "strong", "p", "code", "pre", "details", "summary"} | {
    "table", "thead", "tbody", "tr", "th", "td"
}  # fmt: skip
LIVE = re.compile(
    r"""
    (?<!\w) @ \w | \w @ \w                # mentions, mail
    | \# \w | \b GH- \d                   # issues
    | (?<!\w) [!$&^] \w | [~%] [\w"{]     # GitLab's merge requests, labels, milestones, ...
    | : (?! \d\d: ) [\w+-]+ :             # emoji, but not a time
    | www\. | ://                         # addresses
    | \b (?= \w* [a-f] ) [\da-f]{7,} \b   # commits
    | \[ \w | \$                          # references, formulas
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What GitHub and GitLab look for in text that is not code, after Markdown is done with it."""


def github(text: str) -> html.HtmlElement:
    return html.fragment_fromstring(
        markdown_to_html_with_extensions(text, GITHUB, EXTENSIONS), create_parent="div"
    )


def without_html(text: str) -> html.HtmlElement:
    return html.fragment_fromstring(WITHOUT_HTML.render(text), create_parent="div")


def shown(element: html.HtmlElement) -> str:
    return one_line(element.text_content())


def running_text(element: html.HtmlElement) -> Iterator[str]:
    """All text that is neither code nor a link, piece by piece."""
    for part in element.iter():
        if part.tag not in {"code", "pre", "a"}:
            yield part.text or ""
        if part is not element:
            yield part.tail or ""


def assert_inert(page: html.HtmlElement, runs: Sequence[Judged]) -> None:
    """Nothing is there but what this project writes, and its links lead to the runs' pages."""
    pages = "|".join(re.escape(judged.web_url or "nowhere") for judged in runs)
    for element in page.iterdescendants():
        assert isinstance(element.tag, str), html.tostring(element)  # no comment
        if element.tag == "a":
            assert element.keys() == ["href"]
            assert re.fullmatch(rf"(?:{pages})(?:/tests/\d+/console)?", element.attrib["href"])
        else:
            assert element.tag in OURS
            assert not element.attrib
    for text in running_text(page):
        assert not LIVE.search(text), text


def assert_readable(page: html.HtmlElement, judged: Judged) -> None:
    """Every text of a verdict is there as it was, and every check stands in its row."""
    page_text = shown(page)
    run = judged.run
    texts = [further_reason(judged), judged.verdict.advice, *judged.notes]
    names = [result.name for result in failing(judged)]
    names += [result.file for result in failing(judged)]
    for part in ("file", "name"):
        missing = view.missing_tests(judged, attrgetter(part))
        names += missing[: view.LISTED_TESTS]
    texts += [test.details for test in view.failing_tests(judged)]
    if run is not None:
        texts.append(run.status_info or "")
        names += [run.name or "", run.environment or "", run.git_ref or "", run.build_key or ""]
        names += run.include_tags
    for text, limit in (
        *((text, markdown.LONGEST_TEXT) for text in texts),
        *((name, markdown.LONGEST_NAME) for name in names),
    ):
        line = one_line(clean_text(text))
        assert len(line.encode()) > limit or line in page_text, line
    (table,) = (table for table in page.iter("table") if shown(table).startswith("check "))
    rows = [[shown(cell) for cell in row] for row in table.iter("tr")][1:]
    assert [row[1:4] for row in rows] == [
        [one_line(clean_text(text)) for text in texts]
        for check in judged.verdict.checks
        for texts in [(view.subject(check), check.expected_text, check.actual_text)]
    ]


def failing(judged: Judged) -> Sequence[TestResult]:
    return [result for result in judged.results or () if result.status is ResultStatus.FAIL]


SIGNS = "`|\\[](){}<>!&;@#:_*~-+=.,^$%/\"'? \n\tawGHx17é日"
markup = st.lists(st.sampled_from(ATTACKS) | st.text(SIGNS, max_size=12), max_size=4).map("".join)
any_result = st.builds(
    make_result,
    markup,
    st.just("FAIL"),
    file=markup,
    error=markup,
    stack_trace=markup,
    id=st.just("7") | markup,
)


@st.composite
def attack(draw: st.DrawFn) -> Judged:
    """Draw a verdict with markup in every text that it has."""
    run = make_run(
        failed=draw(st.integers(0, 3)),
        name=draw(markup),
        environment=draw(markup),
        git_ref=draw(markup),
        build_key=draw(markup),
        status=draw(st.sampled_from(["FAIL", "CANCELED"]) | markup),
        status_info=draw(markup),
        include_tags=tuple(draw(st.lists(markup, max_size=2))),
    )
    policy = make_policy(expect=[("name", draw(markup)), ("environment", draw(markup))])
    results = draw(st.lists(any_result, max_size=3))
    failure_class = draw(st.none() | st.sampled_from(FailureClass))
    evidence = failure_class and held_against(draw(markup), run, results, failure_class)
    judged = judge(policy, run, results, evidence)
    reason = draw(st.just(judged.verdict.reason) | markup)
    return replace(
        with_verdict(judged, reason=reason, advice=draw(markup)),
        notes=tuple(draw(st.lists(markup, max_size=2))),
        web_url=draw(st.sampled_from([PAGE, None]) | markup),
    )


def everywhere(text: str, failure_class: FailureClass) -> Judged:
    """Return a run that has one text wherever there can be one."""
    run = make_run(
        failed=1,
        name=text,
        environment=text,
        git_ref=text,
        build_key=text,
        status=text,
        status_info=text,
        include_tags=(text,),
    )
    result = make_result(text, "FAIL", file=text, error=text, stack_trace=text)
    evidence = held_against(text, run, [result], failure_class)
    judged = judge(make_policy(expect=[("name", text)]), run, [result], evidence)
    check = replace(judged.verdict.checks[0], name=text, expected_text=text, actual_text=text)
    checks = (*judged.verdict.checks, check)
    judged = with_verdict(judged, reason=text, advice=text, checks=checks)
    return replace(judged, notes=(text,), web_url=PAGE)


@pytest.mark.parametrize("failure_class", [FailureClass.KNOWN, FailureClass.QUARANTINED])
@pytest.mark.parametrize("text", ATTACKS)
def test_no_known_attack_gets_through(text: str, failure_class: FailureClass) -> None:
    judged = everywhere(text, failure_class)
    rendered = markdown.render([judged])
    assert_inert(github(rendered), [judged])
    assert_inert(without_html(rendered), [judged])
    assert_readable(github(rendered), judged)
    assert_readable(without_html(rendered), judged)


@given(attack())
def test_no_markup_from_elsewhere_gets_through_and_all_of_it_can_be_read(judged: Judged) -> None:
    rendered = markdown.render([judged])
    assert_inert(github(rendered), [judged])
    assert_inert(without_html(rendered), [judged])
    assert_readable(github(rendered), judged)
    assert_readable(without_html(rendered), judged)


@given(st.lists(attack(), min_size=2, max_size=3), st.integers(0, 20_000))
def test_what_is_cut_is_inert_as_well(runs: Sequence[Judged], limit: int) -> None:
    rendered = markdown.render(runs, limit=limit)
    assert_inert(github(rendered), runs)
    assert_inert(without_html(rendered), runs)


@given(any_runs_judged)
def test_whatever_the_verdicts_every_character_is_text(runs: Sequence[Judged]) -> None:
    rendered = markdown.render(runs)
    assert clean_text(rendered) == rendered
    assert_inert(github(rendered), runs)


@given(markup)
def test_an_error_is_shown_line_by_line(error: str) -> None:
    lines = [line.rstrip() for line in clean_text(error).splitlines()]
    page = github(failing_test(error=error))
    blocks = [block.text_content() for block in page.iter("pre")]
    longest = max((len(line.encode()) for line in lines), default=0)
    if any(lines) and len(lines) <= markdown.ERROR_LINES and longest <= markdown.LONGEST_LINE:
        assert blocks == ["\n".join(lines).strip("\n") + "\n"]
    assert bool(blocks) == any(lines)


@pytest.mark.parametrize(
    ("error", "stack_trace", "block"),
    [
        pytest.param("wrong", "wrong\n  at x", "wrong\n  at x\n", id="stack with the error"),
        pytest.param("wrong", "at x", "wrong\n\nat x\n", id="stack without the error"),
        pytest.param(None, "at x", "at x\n", id="stack alone"),
        pytest.param("\n \n  wrong\t\n\n", None, "  wrong\n", id="empty lines around"),
        pytest.param("é" * 150, None, "é" * 98 + "…\n", id="long line"),
    ],
)
def test_an_error_is_shown_once(error: str | None, stack_trace: str | None, block: str) -> None:
    page = github(failing_test(error=error, stack_trace=stack_trace))
    assert [element.text_content() for element in page.iter("pre")] == [block]
    assert [shown(summary) for summary in page.iter("summary")] == ["Error"]


def test_of_a_long_error_the_first_lines_are_shown() -> None:
    page = github(failing_test(error="\n".join(map(str, range(1, 41)))))
    (block,) = page.iter("pre")
    assert block.text_content().split() == [str(number) for number in range(1, 13)]
    assert "Error, the first 12 of 40 lines" in shown(page)


@pytest.mark.parametrize("text", [None, "", " \n\t\n", "\x1b[0m"])
def test_a_test_without_an_error_has_no_block(text: str | None) -> None:
    rendered = failing_test(error=text, stack_trace=text)
    assert "details" not in rendered
    assert "❌ `adds two numbers` in `features/calculator.feature` · 1.25s\n" in rendered


@pytest.mark.parametrize(
    ("facts", "facts_line"),
    [
        pytest.param({"name": "", "file": ""}, "❌ (no name) · 1.25s\n", id="no name"),
        pytest.param({"name": "x", "duration": None}, "❌ `x` in `f`\n", id="no duration"),
        pytest.param(
            {"name": "x", "duration": timedelta(seconds=-1)}, "❌ `x` in `f`\n", id="negative"
        ),
        pytest.param(
            {"name": "x", "duration": timedelta(seconds=61, microseconds=5)},
            "❌ `x` in `f` · 1m1s\n",
            id="minutes",
        ),
    ],
)
def test_what_is_known_of_a_failing_test_is_shown(facts: dict[str, Any], facts_line: str) -> None:
    assert failing_test(**{"file": "f", **facts}).endswith(f"\n\n{facts_line}")


def failing_test(**facts: Any) -> str:
    """Render a run with one failing test, up to the end of its section."""
    rendered = markdown.render(
        [judge(make_policy(), make_run(failed=1), [make_result(status="FAIL", **facts)])]
    )
    return rendered.partition("\n\n### Checks")[0] + "\n"


@given(any_runs_judged, st.integers(-10, 6_000))
def test_a_report_has_room_in_its_limit(runs: Sequence[Judged], limit: int) -> None:
    rendered = markdown.render(runs, limit=limit)
    assert len(rendered.encode()) <= max(limit, 0)
    page = github(rendered)
    assert rendered == "" or page[0].tag == "h2"
    assert (
        rendered.count("<details>") == rendered.count("</details>") == len(list(page.iter("pre")))
    )


@pytest.mark.parametrize("limit", range(40, 80))
def test_no_report_begins_without_its_headline(limit: int) -> None:
    run = TestRun(id=1, status=RunStatus.SUBMITTED)
    judged = judge(make_policy(), run, evidence=Evidence(results=()))
    rendered = markdown.render([judged], limit=limit)
    assert rendered == "" or rendered.startswith("## ")


def hostile_simulation() -> Sequence[Judged]:
    """Return the verdict on the simulator's hostile run, as it ends on a certain day."""
    scenario = load_scenario("hostile")
    api = Api(scenario, token="t")
    now = Now(started=datetime(2020, 5, 4, 23, 15, tzinfo=UTC), elapsed=60)
    (run,) = scenario.runs

    def get(path: str) -> object:
        target = f"/api/test-runs/{run.id}{path}"
        request = Request(method="GET", target=target, authorization="Bearer t")
        return json.loads(api.answer(request, now).body)

    judged = judge(make_policy(), parse_run(get("")), parse_results(get("/results")))
    return [replace(judged, web_url=PAGE)]


def many_tests(failed: int = 5_000) -> Sequence[Judged]:
    run = make_run(total=failed + 1, failed=failed)
    return [replace(judge(make_policy(), run, hostile_tests(failed, "FAIL")), web_url=PAGE)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_inert_and_readable(name: str) -> None:
    page = github(markdown.render(EXAMPLES[name]))
    assert_inert(page, EXAMPLES[name])
    if len(EXAMPLES[name]) == 1:
        assert_readable(page, EXAMPLES[name][0])


def test_the_large_example_is_inert_and_readable() -> None:
    (judged,) = LARGE["5000-tests"]
    page = github(markdown.render([judged]))
    assert_inert(page, [judged])
    assert_readable(page, replace(judged, results=None))


def test_the_simulators_hostile_run_is_inert_and_readable() -> None:
    runs = hostile_simulation()
    page = github(markdown.render(runs))
    assert_inert(page, runs)
    assert_readable(page, runs[0])


@pytest.mark.parametrize("limit", [2_000, COMMENT, markdown.LIMIT])
def test_tests_beyond_the_limit_are_counted(limit: int) -> None:
    runs = many_tests()
    rendered = markdown.render(runs, limit=limit)
    page = github(rendered)
    assert_inert(page, runs)
    assert_readable(page, replace(runs[0], results=None))
    more = re.search(r"\n… and (\d+) more failing tests\n\n### Checks\n", rendered)
    assert more is not None
    assert int(more[1]) + sum(shown(item).startswith("❌ ") for item in page.iter("p")) == 5_000
    assert limit - 1_000 < len(rendered.encode()) <= limit


def test_no_limit_leaves_tests_uncounted() -> None:
    runs = many_tests(30)
    for limit in range(1_000, 3_000, 13):
        rendered = markdown.render(runs, limit=limit)
        tests = rendered.partition("### Failing tests")[2].partition("### Checks")[0]
        more = re.search(r"… and (\d+) more(?: failing tests)?\n\n\Z", tests)
        listed = rendered.count("\n❌ ") + int(more[1] if more else 0)
        assert listed == (30 if "### Failing tests" in rendered else 0)


def test_as_many_tests_are_shown_as_have_room() -> None:
    runs = many_tests(30)
    whole = markdown.render(runs)
    size = len(whole.encode())
    assert "… and" not in whole
    assert markdown.render(runs, limit=size + 30) == whole  # it reckons with longer line ends
    assert markdown.render(runs, limit=size - 1).count("\n\n… and 1 more\n\n### Checks\n") == 1


def test_checks_come_before_what_is_known_of_the_run_and_before_tests() -> None:
    runs = many_tests()
    rendered = markdown.render(runs, limit=1000)
    assert "### Checks" in rendered
    assert "| ❌ | failed | <= 0 | 5000 | breached, fails |" in rendered
    assert "### Run" not in rendered


def test_little_room_is_for_the_headline_and_the_run() -> None:
    rendered = markdown.render(many_tests(), limit=200)
    assert rendered == (
        "## ❌ FAILED: 5000 of 5001 failed\n\n"
        f"- **Run:** [55676]({PAGE}) `nightly` in `dev`\n\n"
        "… and 2 more remarks\n"
    )


def test_no_room_leaves_nothing() -> None:
    assert markdown.render(many_tests(), limit=30) == ""
    assert markdown.render(EXAMPLES["many-runs"], limit=30) == ""


def test_several_runs_share_the_room_for_their_tests() -> None:
    (judged,) = many_tests(1_000)
    (small,) = many_tests(2)
    runs = [replace(judged, run_id=1), replace(judged, run_id=2), replace(small, run_id=3)]
    page = github(markdown.render(runs, limit=COMMENT))
    listed: list[int] = []
    for element in page:
        if element.tag == "h3":
            listed.append(0)
        elif element.tag == "p" and shown(element).startswith("❌ "):
            listed[-1] += 1
    first, second, third = listed
    assert third == 2
    assert 50 < first <= second
    assert len(re.findall(r"… and \d+ more failing tests", shown(page))) == 2


def test_runs_beyond_the_limit_are_counted() -> None:
    (judged,) = EXAMPLES["failed"]
    runs = [replace(judged, run_id=number) for number in range(200)]
    rendered = markdown.render(runs, limit=30_000)
    shown_runs = rendered.count("\n### ❌ Run ")
    assert 0 < shown_runs < 200
    assert f"… and {200 - shown_runs} more runs that did not pass" in rendered
    rendered = markdown.render(runs, limit=5_000)
    rows = rendered.count("\n| ❌ | [")
    assert 0 < rows < 200
    assert f"\n… and {200 - rows} more runs\n" in rendered


def test_runs_that_need_attention_come_first_and_passed_ones_have_no_details() -> None:
    rendered = markdown.render(EXAMPLES["many-runs"])
    rows = re.findall(r"^\| (.+?) \| .*?(\d{5})", rendered, re.MULTILINE)
    assert rows == [("❌", "55676"), ("🔧", "55678"), ("✅", "55677")]
    assert re.findall(r"^### .*?Run (\d+)", rendered, re.MULTILINE) == ["55676", "55678"]


def test_runs_that_passed_are_folded_and_what_is_folded_ends() -> None:
    runs = [judge(make_policy(), make_run(id=number)) for number in range(1, 6)]
    shown = set()
    for limit in range(100, 1_500, 20):
        rendered = markdown.render(runs, limit=limit)
        begun, ended = (rendered.count(tag) for tag in ("<details>", "</details>"))
        assert begun == ended
        assert len(rendered.encode()) <= limit
        shown.add(begun)
    assert shown == {0, 1}
    assert "<details><summary>✅ 5 runs passed</summary>" in markdown.render(runs)


def test_where_no_run_was_found_none_is_named() -> None:
    lost = not_judged(None, ExitCode.NOT_FOUND, "no run matches git-ref abc1234")
    rendered = markdown.render([lost])
    assert rendered.startswith("## 🔧 NO VERDICT: there is no such run, or not yet\n")
    assert "- **Run:** none\n" in rendered
    assert "no run matches git-ref `abc1234`" in rendered


@pytest.mark.parametrize("code", ExitCode)
def test_every_ending_of_a_run_has_a_headline(code: ExitCode) -> None:
    if code in {ExitCode.USAGE, ExitCode.REPORT_LOST, ExitCode.INTERNAL}:
        return  # no run ends so
    judged = with_verdict(EXAMPLES["failed"][0], exit_code=code, case="")
    heading = markdown.render([judged]).splitlines()[0]
    assert re.fullmatch(rf"## \S {re.escape(headline([judged]).short)}", heading.replace("`", ""))


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "//testery.app/acme/test-runs/1",
        "ftp://testery.app/acme/test-runs/1",
        "https://testery.app@evil.test/test-runs/1",
        "https://testery.app/test-runs/1)(x",
        'https://testery.app/test-runs/1 "x"',
        "https://testery.app/test-runs/1?x=1",
        "https://testery.app/test-runs/1\n",
        "https://testery.app/test-runs/1`",
        "https://testéry.app/test-runs/1",
        "https:///test-runs/1",
    ],
)
def test_what_is_no_plain_web_address_is_no_link(url: str | None) -> None:
    judged = replace(EXAMPLES["failed"][0], web_url=url)
    assert not list(github(markdown.render([judged])).iter("a"))


@pytest.mark.parametrize(
    "url", [PAGE, "http://127.0.0.1:8099/a-b/test-runs/1", "HTTPS://testery.app/~a_b.c/test-runs/1"]
)
def test_a_plain_web_address_leads_to_the_run_and_its_tests(url: str) -> None:
    judged = replace(EXAMPLES["failed"][0], web_url=url)
    links = [link.attrib["href"] for link in github(markdown.render([judged])).iter("a")]
    assert links == [url, f"{url}/tests/11/console"]


@pytest.mark.parametrize("test_id", ["", "1/../../x", "x", "1 ", "٣"])
def test_a_test_without_a_number_has_no_link(test_id: str) -> None:
    run = make_run(failed=1)
    judged = judge(make_policy(), run, [make_result("x", "FAIL", id=test_id)])
    assert "console" not in markdown.render([replace(judged, web_url=PAGE)])


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("3 of 30 tests failed", "3 of 30 tests failed", id="plain"),
        pytest.param(
            "fail_rate is 6.67%, required is fail_rate <= 5%",
            "fail_rate is 6.67%, required is `fail_rate <= 5%`",
            id="criterion",
        ),
        pytest.param(
            "never ran (--require 'not_run <= N' would allow some): failed <= 5.",
            "never ran (`--require` '`not_run <= N`' would allow some): `failed <= 5`.",
            id="in parentheses and quotes",
        ),
        pytest.param("at last: http://a.test.", "at last: `http://a.test`.", id="address"),
        pytest.param("ended 2020-05-04 23:22:59 UTC", "ended 2020-05-04 23:22:59 UTC", id="time"),
        pytest.param("took 6m26.5s, not 90s", "took 6m26.5s, not 90s", id="durations"),
        pytest.param("it's a re-run — \u201clast\u201d", "it's a re-run `—` `“last”`", id="signs"),
        pytest.param("commit abcdef1 of www", "commit `abcdef1` of `www`", id="commit"),
        pytest.param("a | b|c", "a &#124; `b`&#124;`c`", id="pipes"),
        pytest.param(" \n ", "", id="nothing"),
    ],
)
def test_only_what_may_have_a_meaning_is_code(text: str, written: str) -> None:
    assert markdown.prose(text) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("signs in", "`signs in`", id="words"),
        pytest.param("", "", id="nothing"),
        pytest.param("a`b", "``a`b``", id="backtick"),
        pytest.param("a``b", "`a``b`", id="two backticks"),
        pytest.param("`a", "`` `a ``", id="at the start"),
        pytest.param("a`", "`` a` ``", id="at the end"),
        pytest.param("a`b``c", "```a`b``c```", id="of two lengths"),
        pytest.param("a|b", "`a`&#124;`b`", id="pipe"),
        pytest.param("| a |", "&#124;`  a  `&#124;", id="blanks within pipes"),
        pytest.param("| |", "&#124;` `&#124;", id="a blank alone"),
        pytest.param("||", "&#124;&#124;", id="pipes alone"),
        pytest.param("x" * 201, f"`{'x' * 197}…`", id="too long"),
    ],
)
def test_a_name_is_code(text: str, written: str) -> None:
    assert markdown.code(text) == written


@given(markup)
def test_code_of_any_text_is_that_text(text: str) -> None:
    page = github(f"- {markdown.code(text)}")
    line = one_line(clean_text(text))
    if len(line.encode()) <= markdown.LONGEST_NAME:
        assert page.text_content().strip("\n") == line


@pytest.mark.parametrize(
    ("counts", "bar"),
    [
        pytest.param({"total": 24}, "🟩" * 16, id="all passed"),
        pytest.param({"total": 4, "failed": 1}, "🟩" * 12 + "🟥" * 4, id="a quarter failed"),
        pytest.param({"total": 5_000, "failed": 1}, "🟩" * 15 + "🟥", id="one of many failed"),
        pytest.param(
            {"total": 9_999, "failed": 9_996, "ignored": 1, "not_run": 1},
            "🟩" + "🟥" * 13 + "🟨⬜",
            id="one of many of each",
        ),
        pytest.param(
            {"total": 7, "failed": 2, "ignored": 2, "not_run": 1},
            "🟩" * 6 + "🟥" * 4 + "🟨" * 4 + "⬜" * 2,
            id="no round numbers",
        ),
        pytest.param({"total": 0}, "", id="no tests"),
        pytest.param({"total": 3, "failed": 5}, "", id="more than there are"),
        pytest.param({"total": 3, "passed": None}, "", id="unknown"),
    ],
)
def test_the_bar_shows_the_proportions(counts: dict[str, Any], bar: str) -> None:
    run = make_run(**counts)
    lines = markdown.render([judge(make_policy(), run)]).splitlines()
    assert [line for line in lines if re.fullmatch("[🟩🟥🟨⬜]+", line)] == ([bar] if bar else [])


def test_what_is_unknown_is_not_made_up() -> None:
    run = with_unknown(make_run(), "passed", "environment", "start_time", "git_ref")
    rendered = markdown.render([judge(make_policy(), run)])
    assert "🟩 ? passed · 🟥 0 failed · 🟨 0 ignored · ⬜ ? not run · 30 in all\n" in rendered
    assert "- **Run:** 55676 `nightly`\n" in rendered
    assert "### Run\n\nbuild key `23` · status `PASS` · ended 2020-05-04" in rendered


def test_a_run_of_which_nothing_is_known_has_no_section() -> None:
    rendered = markdown.render([judge(make_policy(), TestRun(id=7))])
    assert "- **Run:** 7\n" in rendered
    assert "### Run" not in rendered


def test_checks_are_marked_by_what_came_of_them() -> None:
    policy = make_policy("failed <= 0", "coverage >= 1%", warn=["coverage >= 2%", "failed <= 0"])
    judged = judge(policy, make_run(failed=1))
    (early,) = EXAMPLES["decided-early"]
    rows = [
        line
        for rendered in (markdown.render([judged]), markdown.render([early]))
        for line in rendered.splitlines()
        if re.search("failed|coverage|pass_rate >=", line) and line.startswith("| ")
    ]
    assert rows == [
        "| ❌ | failed | <= 0 | 1 | breached, fails |",
        "| ❓ | coverage | >= 1% | unknown | inconclusive |",
        "| ⚠️ | coverage | >= 2% | unknown | inconclusive, warns |",
        "| ⚠️ | failed | <= 0 | 1 | breached, warns |",
        "| ❌ | failed | <= 2 | 3 | breached, fails |",
    ]
    assert "| ⏳ | pass_rate | >= 50% | 70% | open |" in markdown.render([early])


@pytest.mark.quick(1)
@pytest.mark.parametrize("limit", [2_000, None])
def test_the_command_writes_it_within_the_limit(tmp_path: Path, limit: int | None) -> None:
    played = load_scenario("hostile")
    (run,) = played.runs
    with Simulator(played, speed=FINISHED) as api:
        done = command.run(
            "wait",
            str(run.id),
            "--report=markdown=out/report.md",
            *([] if limit is None else [f"--markdown-limit={limit}"]),
            cwd=tmp_path,
            api_url=api.url,
        )
    assert done.code == ExitCode.FAILED, done.output
    rendered = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert rendered.startswith("## ❌ FAILED: ")
    assert "- **Exit code:** 1, failed: " in rendered
    assert ("more failing tests" in rendered) == (limit is not None)
    assert len(rendered.encode()) <= (limit or markdown.LIMIT)
    judged = replace(
        hostile_simulation()[0], web_url=f"https://testery.app/acme/test-runs/{run.id}"
    )
    assert_inert(github(rendered), [judged])


@pytest.mark.parametrize("limit", ["999", "0", "-1", "1e6", "many"])
def test_a_limit_that_is_none_is_refused(tmp_path: Path, limit: str) -> None:
    done = command.run("wait", "1", f"--markdown-limit={limit}", cwd=tmp_path)
    assert done.code == ExitCode.USAGE
    assert "--markdown-limit" in done.stderr


def test_the_documentation_shows_what_is_written() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
    assert f"```markdown\n{markdown.render(EXAMPLES['failed'])}```\n" in page
    for name in FORMATS:
        assert f"[`{name}`](" in page


def test_the_formats_keep_their_defaults_without_options() -> None:
    runs = many_tests(20)
    formats = with_options(
        markdown_limit=3_000, html_limit=100_000, junit_scope="gate", junit_tolerated="skipped"
    )
    assert formats["markdown"](runs) == markdown.render(runs, limit=3_000)
    assert FORMATS["markdown"](runs) == markdown.render(runs)
    changed = {name for name in FORMATS if formats[name] != FORMATS[name]}
    assert changed == {"junit", "markdown", "html"}
