"""Verdicts to render: the ones whose reports are kept, and any at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from fractions import Fraction

from hypothesis import strategies as st

from testery_gate.errors import ExitCode
from testery_gate.evidence.baseline import Baseline
from testery_gate.evidence.classes import Evidence, FailureClass
from testery_gate.evidence.failures import evidence_of
from testery_gate.evidence.flakiness import History
from testery_gate.evidence.outcomes import EarlierRun, Outcomes, TestId, TestOutcome
from testery_gate.judging.criteria import parse_criterion
from testery_gate.judging.judged import Judged
from testery_gate.judging.policy import EXPECTABLE, Expectation, Policy
from testery_gate.model import (
    Attachments,
    Observation,
    ResultStatus,
    RunStatus,
    TestResult,
    TestRun,
)
from tests.builders import (
    criterion_texts,
    judge,
    judge_early,
    make_policy,
    make_result,
    make_run,
    not_judged,
)

PAGE = "https://testery.app/acme/test-runs/55676"

ERROR = "AssertionError: expected 401 to equal 200"
STACK_TRACE = f"{ERROR}\n    at Context.<anonymous> (cypress/e2e/login.cy.js:12:34)"


def watched(run: TestRun, *seconds: float) -> Sequence[Observation]:
    """Look at a run that is queued, then runs its tests at a steady pace, and ends as it is."""

    def look(number: int, at: float) -> Observation:
        done = Fraction(number, len(seconds) - 1)
        counts = {name: int(done * getattr(run, name)) for name in ("passed", "failed", "ignored")}
        status = RunStatus.RUNNING if number else RunStatus.QUEUED
        status = run.status if done == 1 else status
        return Observation(at=at, status=status, total=run.total, **counts)

    return [look(number, at) for number, at in enumerate(seconds)]


def followed(run: TestRun) -> Sequence[TestRun]:
    """Return runs like it, of the days before, and the run itself."""
    assert run.start_time is not None
    before = []
    for days, failed in ((4, 0), (3, 1), (2, None), (1, 0)):
        start = run.start_time - timedelta(days=days)
        status = {0: RunStatus.PASS, None: RunStatus.CANCELED}.get(failed, RunStatus.FAIL)
        other = replace(run, id=run.id - days, status=status, failed=failed, start_time=start)
        before.append(replace(other, end_time=start + timedelta(minutes=days + 2)))
    return [*before, run]


class Tolerated:
    """A quarantine of tests with these names."""

    def __init__(
        self, *names: str, why: str = "the sandbox is down (owner payments, until 2020-06-30)"
    ) -> None:
        self._names = names
        self._why = why

    def why_tolerated(self, test: TestId, /) -> str:
        """Return why a failure of this test is tolerated; empty if it is not."""
        return self._why if test.name in self._names else ""

    def notes(self, _: Outcomes, /) -> tuple[str, ...]:
        """Return nothing that would be said besides."""
        return ()

    def note_of_unmatched(self, _: Iterable[TestId], __: int, /) -> str:
        """Return nothing either."""
        return ""


_CHECKOUT = "features/checkout.feature"
_BEFORE = {
    "pays with a card": "PPPPPPPPPP",
    "pays by invoice": "PPFPPPFPPP",
    "shows the basket": "PPPPPPPFFF",
    "sorts by price": "FFFFFFFFFF",
    "pays in the sandbox": "PPFFFF FFF",
    "remembers the address": "PPPPPPPPPF",
    "pays with a voucher": "PPPPPPPPPP",
}
"""What came of some tests in ten runs, the oldest first."""


def _past(run: TestRun, outcomes: Mapping[str, str] = _BEFORE) -> Sequence[EarlierRun]:
    """Return the runs of the ten days before a run, the oldest first."""
    assert run.start_time is not None
    past = []
    for number in range(10):
        time = run.start_time - timedelta(days=10 - number)
        earlier = replace(
            run,
            id=run.id - 10 + number,
            git_ref=f"{number + 1}" * 40,
            build_key=str(number),
            create_time=time,
            start_time=time,
            end_time=time + timedelta(minutes=6),
        )
        seen = {
            TestId(_CHECKOUT, name): TestOutcome(strip[number])
            for name, strip in outcomes.items()
            if strip[number] != " "
        }
        past.append(EarlierRun(run=earlier, outcomes=seen))
    return past


def _with_evidence() -> Sequence[Judged]:
    run = make_run(total=30, failed=5, ignored=1, name="shop", environment="staging", branch="main")
    errors = {
        "pays with a card": "AssertionError: expected 402 to equal 200",
        "pays by invoice": "TimeoutError: no element #invoice after 5000 ms",
        "shows the basket": "AssertionError: expected 2 articles, found 3",
        "sorts by price": "AssertionError: expected 9.90 before 19.90",
        "pays in the sandbox": "Error: connect ECONNREFUSED 192.0.2.7:443",
    }
    failing = [
        make_result(name, "FAIL", file=_CHECKOUT, id=str(number), error=error)
        for number, (name, error) in enumerate(reversed(errors.items()), start=100)
    ]
    passed = [
        make_result(name, file=_CHECKOUT)
        for name in ("remembers the address", *(f"shows article {n}" for n in range(1, 24)))
    ]
    results = [*failing, *passed, make_result("prints the invoice", "IGNORED", file=_CHECKOUT)]
    others = dict.fromkeys((test.name for test in passed[2:]), "P" * 10)
    past = _past(run, {**_BEFORE, **others, "prints the invoice": "O" * 10})
    evidence = evidence_of(
        run,
        results,
        baseline=Baseline(earlier=past[-1]),
        history=History.of(past),
        quarantine=Tolerated("pays in the sandbox"),
    )
    judged = judge(make_policy("new_failed <= 0", warn=["missing <= 0"]), run, results, evidence)
    attachments = {
        "104": Attachments(
            screenshots=(f"{FILES}/1.png?signature=a&b", f"{FILES}/2.png"),
            videos=(f"{FILES}/1.mp4",),
            output="1 scenario\n1 failed: pays with a card",
        ),
        "103": Attachments(output_url=f"{FILES}/103.txt"),
    }
    judged = replace(judged, attachments=attachments)
    return (replace(judged, web_url=PAGE, comparable=followed(run)),)


FILES = "https://files.example.test/runs"


def held_against(
    text: str, run: TestRun, results: Sequence[TestResult], failure_class: FailureClass
) -> Evidence:
    """Return evidence that has this text everywhere, by which all failures are of one class."""
    before = replace(run, id=run.id - 1, git_ref=text, branch=text or None, build_key=None)
    missing = [TestId(text, f"{text}{number}") for number in range(7)]
    known = map(TestId.of, results) if failure_class is FailureClass.KNOWN else ()
    earlier = EarlierRun(run=before, outcomes=dict.fromkeys([*missing, *known], TestOutcome.FAILED))
    older = EarlierRun(run=replace(before, id=run.id - 2), outcomes={})
    tolerated = failure_class is FailureClass.QUARANTINED
    names = [result.name for result in results] if tolerated else ()
    return evidence_of(
        run,
        results,
        baseline=Baseline(earlier=earlier, source=text),
        history=History.of([older, earlier]),
        quarantine=Tolerated(*names, why=text or "no reason"),
    )


def _without_baseline() -> Sequence[Judged]:
    run = make_run(total=3, failed=2)
    results = (
        make_result("signs in", "FAIL", error=ERROR, stack_trace=STACK_TRACE, id="11"),
        make_result("signs out", "FAIL", id="12"),
        make_result("stays signed in", id="13"),
    )
    why = "no earlier run of the same project, environment and name was found"
    evidence = evidence_of(
        run,
        results,
        baseline=Baseline(why_none=why),
        history=History(),
        notes=(f"there is no run to compare with: {why}",),
    )
    judged = judge(make_policy("new_failed <= 0"), run, results, evidence)
    return (replace(judged, notes=evidence.notes, web_url=PAGE),)


def _passed() -> Sequence[Judged]:
    run = make_run(total=4, ignored=1, include_tags=("smoke", "login"))
    results = (
        make_result("signs in", file="cypress/e2e/login.cy.js"),
        make_result("signs out", file="cypress/e2e/login.cy.js", duration=timedelta(0)),
        make_result("adds two numbers"),
        make_result("divides by zero", "IGNORED", duration=None),
    )
    policy = make_policy("pass_rate >= 95%", warn=["duration <= 5m", "coverage >= 80%"])
    judged = judge(policy, run, results)
    judged = replace(judged, web_url=PAGE, notes=("complete was never true",))
    observed = watched(run, 0, 60, 180, 330, 480)
    return (replace(judged, observed=observed, comparable=followed(run)),)


def _failed() -> Sequence[Judged]:
    run = make_run(total=3, failed=1, name=None, environment=None)
    results = (
        make_result("signs in", "FAIL", error=ERROR, stack_trace=STACK_TRACE, id="11"),
        make_result("signs out", id="12"),
        make_result("signs out", id="13"),
    )
    policy = make_policy("failed <= 30%", expect=[("build-key", "24")])
    return (replace(judge(policy, run, results), web_url=PAGE),)


def _inconclusive() -> Sequence[Judged]:
    info = "due to newer test run\nsee the queue"
    run = make_run(total=30, not_run=12, status="CANCELED", status_info=info)
    results = (
        make_result("signs in", "NOT_RUN", error="the runner was stopped"),
        make_result("signs out", "RUNNING", file=""),
        make_result("stays signed in", "PENDING", file=""),
        make_result("is remembered", "", file="", status_text="QUARANTINED"),
    )
    return (judge(make_policy(), run, results),)


def _timed_out() -> Sequence[Judged]:
    run = make_run(status="RUNNING", not_run=12, complete=False, end_time=None)
    reason = "not finished within 3600 s: the run was RUNNING, 18 of 30 tests done"
    advice = "The run goes on in Testery: wait again with a longer --timeout."
    judged = not_judged(55676, ExitCode.TIMED_OUT, reason, advice=advice, run=run)
    return (replace(judged, web_url=PAGE, observed=watched(run, 0, 60, 1800, 3600)),)


def _unreachable() -> Sequence[Judged]:
    return (
        not_judged(
            55676,
            ExitCode.UNAVAILABLE,
            "no answer from https://api.testery.io/api for 300 s: connection refused",
            advice="Look whether the address is right and reachable from here.",
        ),
    )


def _decided_early() -> Sequence[Judged]:
    run = make_run(total=30, failed=3, not_run=20, status="RUNNING", complete=False, end_time=None)
    policy = make_policy("failed <= 2", "pass_rate >= 50%")
    judged = judge_early(policy, run, total_known=True)
    assert judged is not None
    return (judged,)


def _many_runs() -> Sequence[Judged]:
    (failed,) = _failed()
    shop = make_run(total=2, id=55677, environment="staging")
    shop_results = [make_result("signs in"), make_result("pays", file="shop/pay.feature")]
    missing = not_judged(55678, ExitCode.NOT_FOUND, "there is no run 55678")
    return (judge(make_policy(), shop, shop_results), failed, missing)


HOSTILE = (
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 <b onclick='x'>&amp;]]></b> \"quoted\"\r\n"
    "::error::owned \x00\x07\x7f\x9b2J \ud800 \ufffe\uffff \u202etxt.exe \U0001f4a9 é\t|`*_[x](y)"
)


def _hostile() -> Sequence[Judged]:
    run = make_run(
        total=3,
        failed=1,
        name=HOSTILE,
        environment=HOSTILE,
        git_ref=HOSTILE,
        build_key="x" * 1_000,
        status_info=HOSTILE,
        include_tags=(HOSTILE, "", ","),
    )
    results = (
        make_result(HOSTILE, "FAIL", file=HOSTILE, error=HOSTILE, stack_trace=HOSTILE * 3),
        make_result(HOSTILE, file=HOSTILE, id=""),
        make_result("", "IGNORED", file="../..\\a/b.c/.d", error="y" * 2_000),
        make_result(f"\x1b {HOSTILE} (2)", "", file="testery-gate", status_text=HOSTILE),
        make_result("\x00", "FAIL", file="testery-gate", duration=timedelta(seconds=-1)),
    )
    policy = make_policy(expect=[("name", HOSTILE), ("name", HOSTILE)], warn=["failed < 1"])
    return (replace(judge(policy, run, results), web_url=HOSTILE, notes=(HOSTILE, "z")),)


# What other people have tried, and what else has a meaning somewhere.
ATTACKS = (
    "[x](javascript:alert(1))",
    "[x]: https://evil.test",
    "![x](https://evil.test/x.png)",
    "<https://evil.test>",
    "https://evil.test",
    "http://evil.test/a_(b)",
    "www.evil.test",
    "www. x",
    "a_www. x (www.) 'www.'",
    "evil.com",
    "a@b mail@evil.test",
    "mailto:mail@evil.test",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</details></td></table>",
    "<!-- ",
    "--> ]]> ?> <![CDATA[x]]> <?xml version='1.0'?>",
    "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>&y;",
    "</script><script src=//evil.test></script>",
    "</style><style>*{display:none}</style>",
    "</title></text></svg><svg onload=alert(1)>",
    "\" onmouseover=\"alert(1)\" x=' style='background:url(//evil.test)'",
    "%s %(x)s {0} {x} {{x}} ${x} #{x} <%= x %>",
    "<details open>",
    "&#60;b&#62; &lt;i&gt; &amp;amp; &copy;",
    "@somebody",
    "#123",
    "GH-1",
    "owner/repo#1",
    "!1 ~bug $1 %1 &1 ^x",
    '5%" x" ~"a b" %"a b"',
    ":tada: :+1: :100:",
    "abcd4e87d8d928a21a393b0def6ab0c0a21d35a2",
    "deadbeef",
    "$x$ $`x`$ $$x$$",
    "[^1] [^1]: note",
    "- [x] task",
    "# heading",
    "> quote",
    "1. item",
    "a\n===",
    "a | b\n--- | ---\n1 | 2",
    "\\| \\\\| |",
    "``` ````",
    "```\ncode\n```",
    "~~~",
    "~~gone~~ **bold** _slanted_ *x*",
    "    indented",
    "\ttab",
    "\\",
    "`",
    "``",
    "` `",
    "| ` |` |",
    "``|`|",
    "\u2028\u2029\x85\u00a0\u200b",
    HOSTILE,
)


def hostile_tests(number: int, *statuses: str) -> Sequence[TestResult]:
    """Return tests that have markup in every text, with these statuses by turns."""

    def attack(index: int) -> str:
        return ATTACKS[index % len(ATTACKS)]

    return [
        make_result(
            f"{attack(index)} {index}",
            statuses[index % len(statuses)],
            id=str(index),
            file=f"features/{attack(index // 3)}.feature",
            duration=timedelta(milliseconds=index * 7 % 90_001),
            error=f"{attack(index * 7)}\nexpected {index}",
            stack_trace="\n".join(f"at {attack(index * step)}" for step in (2, 11, 17, 23)),
        )
        for index in range(number)
    ]


def _many_tests() -> Sequence[Judged]:
    (hostile,) = _hostile()
    assert hostile.run is not None
    results = hostile_tests(5_000, *["FAIL"] * 7, *(status.value for status in ResultStatus))
    counts = Counter(result.status for result in results)
    run = replace(
        hostile.run,
        total=len(results),
        passed=counts[ResultStatus.PASS],
        failed=counts[ResultStatus.FAIL],
        ignored=counts[ResultStatus.IGNORED],
    )
    policy = make_policy(
        "failed < 2%", expect=[("name", HOSTILE), ("environment", ATTACKS[0])], warn=["total > 1"]
    )
    return (replace(judge(policy, run, results), web_url=PAGE, notes=ATTACKS),)


EXAMPLES: Mapping[str, Sequence[Judged]] = {
    "passed": _passed(),
    "failed": _failed(),
    "inconclusive": _inconclusive(),
    "timed-out": _timed_out(),
    "unreachable": _unreachable(),
    "decided-early": _decided_early(),
    "many-runs": _many_runs(),
    "hostile": _hostile(),
    "evidence": _with_evidence(),
    "no-baseline": _without_baseline(),
}
LARGE: Mapping[str, Sequence[Judged]] = {"5000-tests": _many_tests()}
"""Examples that most tests are too many for."""


# Every code point, surrogates and controls too.
any_text = st.text(st.characters(exclude_categories=())) | st.sampled_from(["", HOSTILE, "a (2)"])
_maybe_text = st.none() | any_text
_counts = st.none() | st.integers(-3, 30) | st.integers(10**17, 10**18)
_times = st.none() | st.datetimes(timezones=st.just(UTC))
_durations = st.none() | st.timedeltas(timedelta(days=-1), timedelta(days=900_000))

any_run = st.builds(
    TestRun,
    id=st.integers(1, 10**18),
    name=_maybe_text,
    status=st.sampled_from(RunStatus),
    status_text=any_text,
    status_info=_maybe_text,
    complete=st.none() | st.booleans(),
    total=_counts,
    passed=_counts,
    failed=_counts,
    ignored=_counts,
    coverage=st.none() | st.fractions(-1, 101),
    testing_time=_durations,
    create_time=_times,
    start_time=_times,
    end_time=_times,
    project_id=st.none() | st.integers(),
    environment=_maybe_text,
    git_ref=_maybe_text,
    build_key=_maybe_text,
    branch=_maybe_text,
    include_tags=st.lists(any_text, max_size=2).map(tuple),
)
_results = st.lists(
    st.builds(
        TestResult,
        id=any_text,
        name=any_text,
        file=any_text,
        status=st.sampled_from(ResultStatus),
        status_text=any_text,
        duration=_durations,
        error=_maybe_text,
        stack_trace=_maybe_text,
    ),
    max_size=4,
)
any_results = st.none() | _results
_any_observed = st.lists(
    st.builds(
        Observation,
        at=st.floats(0, 10**6),
        status=st.sampled_from(RunStatus),
        total=_counts,
        passed=_counts,
        failed=_counts,
        ignored=_counts,
    ),
    max_size=5,
).map(lambda looks: sorted(looks, key=lambda look: look.at))
any_policy = st.builds(
    Policy,
    required=st.lists(criterion_texts().map(parse_criterion), max_size=3).map(tuple),
    warned=st.lists(criterion_texts().map(parse_criterion), max_size=2).map(tuple),
    expected=st.lists(
        st.builds(Expectation, field=st.sampled_from(EXPECTABLE), value=any_text), max_size=2
    ).map(tuple),
    trust_status=st.booleans(),
)


@st.composite
def _any_evidence(draw: st.DrawFn, run: TestRun, results: Sequence[TestResult]) -> Evidence:
    """Draw what the results of a run are held against."""
    if draw(st.integers(0, 4)) == 0:
        return Evidence(unknown=draw(any_text), results=results)
    tests = [TestId.of(result) for result in results]
    any_test = st.builds(TestId, any_text, any_text)
    any_test = st.sampled_from(tests) | any_test if tests else any_test
    outcomes = st.dictionaries(any_test, st.sampled_from(TestOutcome), max_size=8)
    any_earlier = st.builds(EarlierRun, run=any_run, outcomes=outcomes)
    return evidence_of(
        run,
        results,
        baseline=draw(
            st.builds(Baseline, earlier=any_earlier, source=any_text)
            | st.builds(Baseline, why_none=any_text)
        ),
        history=History.of(draw(st.lists(any_earlier, max_size=3))),
        quarantine=Tolerated(
            *draw(st.lists(st.sampled_from([test.name for test in tests]))) if tests else ()
        ),
        trust_status=draw(st.booleans()),
        notes=draw(st.lists(any_text, max_size=1).map(tuple)),
    )


@st.composite
def any_finished(draw: st.DrawFn) -> Judged:
    """Draw the verdict on a finished run, whose tests may be held against earlier ones."""
    policy, run, results = draw(any_policy), draw(any_run), draw(any_results)
    if draw(st.booleans()):
        return judge(policy, run, results)
    # Without a list of tests they are read for the evidence all the same.
    evidence = draw(_any_evidence(run, draw(_results) if results is None else results))
    return judge(policy, run, results, evidence)


@st.composite
def _early(draw: st.DrawFn) -> Judged:
    policy, run = draw(any_policy), draw(any_run)
    judged = judge_early(policy, run, total_known=draw(st.booleans()))
    return judge(policy, run) if judged is None else judged


_without_verdict = st.builds(
    not_judged,
    st.integers(1, 10**18),
    st.sampled_from(
        [
            ExitCode.UNAUTHORIZED,
            ExitCode.UNAVAILABLE,
            ExitCode.NOT_FOUND,
            ExitCode.TIMED_OUT,
            ExitCode.INTERRUPTED,
            ExitCode.TERMINATED,
        ]
    ),
    any_text,
    advice=any_text,
    run=st.none() | any_run,
)
any_judged = st.builds(
    replace,
    any_finished() | _early() | _without_verdict,
    notes=st.lists(any_text, max_size=2).map(tuple),
    web_url=_maybe_text | st.just(PAGE),
    observed=_any_observed,
    attachments=st.dictionaries(
        st.sampled_from("123"),
        st.builds(
            Attachments,
            screenshots=st.sampled_from([(), (f"{FILES}/1",), (f"{FILES}/1", f"{FILES}/2?'&=")]),
            output_url=st.sampled_from([None, f"{FILES}/3"]),
            output=any_text,
        ),
    ),
    comparable=st.none() | st.lists(any_run, max_size=4),
)
any_runs_judged = st.lists(any_judged, min_size=1, max_size=3)
