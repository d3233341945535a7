"""The criterion language, what it measures, and how values are printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from testery_gate.judging.criteria import (
    OF_TESTS,
    Criterion,
    CriterionError,
    Metric,
    Operator,
    Unit,
    build_criterion,
    format_actual,
    format_percentage,
    format_value,
    measure,
    parse_criterion,
    parse_duration,
    with_percent_sign,
)
from testery_gate.model import TestRun
from tests.builders import criterion_texts, make_run, with_unknown


@pytest.mark.parametrize(
    ("text", "metric", "operator", "threshold"),
    [
        pytest.param("failed <= 0", Metric.FAILED, Operator.AT_MOST, 0, id="at most"),
        pytest.param("passed >= 30", Metric.PASSED, Operator.AT_LEAST, 30, id="at least"),
        pytest.param("ignored < 3", Metric.IGNORED, Operator.LESS, 3, id="less"),
        pytest.param("total > 29", Metric.TOTAL, Operator.GREATER, 29, id="greater"),
        pytest.param("executed == 30", Metric.EXECUTED, Operator.EQUAL, 30, id="equal"),
        pytest.param("not_run != 1", Metric.NOT_RUN, Operator.UNEQUAL, 1, id="unequal"),
        pytest.param("failed<=5", Metric.FAILED, Operator.AT_MOST, 5, id="no blanks"),
        pytest.param(" \tfailed  <=\n5 ", Metric.FAILED, Operator.AT_MOST, 5, id="any white space"),
        pytest.param(
            "failed <= 999999999999", Metric.FAILED, Operator.AT_MOST, 999999999999, id="large"
        ),
        pytest.param("failed <= 007", Metric.FAILED, Operator.AT_MOST, 7, id="leading zeros"),
        pytest.param("pass_rate >= 95%", Metric.PASS_RATE, Operator.AT_LEAST, 95, id="percentage"),
        pytest.param(
            "fail_rate < 0.5%",
            Metric.FAIL_RATE,
            Operator.LESS,
            Fraction(1, 2),
            id="percentage with decimals",
        ),
        pytest.param(
            "ignored_rate <= 33.333333%",
            Metric.IGNORED_RATE,
            Operator.AT_MOST,
            Fraction(33333333, 1000000),
            id="percentage with six decimals",
        ),
        pytest.param("coverage >= 0%", Metric.COVERAGE, Operator.AT_LEAST, 0, id="0%"),
        pytest.param("coverage <= 100%", Metric.COVERAGE, Operator.AT_MOST, 100, id="100%"),
        pytest.param("failed <= 5%", Metric.FAIL_RATE, Operator.AT_MOST, 5, id="failed in percent"),
        pytest.param(
            "passed >= 95%", Metric.PASS_RATE, Operator.AT_LEAST, 95, id="passed in percent"
        ),
        pytest.param(
            "ignored <= 5%", Metric.IGNORED_RATE, Operator.AT_MOST, 5, id="ignored in percent"
        ),
        pytest.param("duration <= 10m", Metric.DURATION, Operator.AT_MOST, 600, id="duration"),
        pytest.param("queue_time < 90s", Metric.QUEUE_TIME, Operator.LESS, 90, id="queue time"),
        pytest.param(
            "testing_time <= 1h30m", Metric.TESTING_TIME, Operator.AT_MOST, 5400, id="testing time"
        ),
    ],
)
def test_a_criterion_is_a_metric_an_operator_and_a_value(
    text: str, metric: Metric, operator: Operator, threshold: Fraction
) -> None:
    assert parse_criterion(text) == Criterion(
        metric=metric, operator=operator, threshold=Fraction(threshold)
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "failed",
        "<= 5",
        "failed 5",
        "failed = 5",
        "failed =< 5",
        "failed => 5",
        "failed <> 5",
        "failed is 5",
        "not failed <= 5",
        "failed <= 5 %",
        "failed <= 5 and passed >= 3",
        "failed <= 5, passed >= 3",
        "duration <= 1h 30m",
        "0 <= failed <= 5",
        "f\u00e4iled <= 5",
        "__import__('os') <= 5",
        "failed\u00a0<= 5",
    ],
)
def test_what_is_no_criterion_is_refused_with_the_grammar(text: str) -> None:
    with pytest.raises(CriterionError) as caught:
        parse_criterion(text)

    assert str(caught.value) == (
        f"{text!r} is not a criterion; write METRIC OP VALUE, for example 'failed <= 5%',"
        " with one of <= >= < > == !="
    )


@pytest.mark.parametrize("symbol", ["<=", ">=", "==", "!=", "<", ">"])
def test_an_operator_without_a_value_is_refused(symbol: str) -> None:
    with pytest.raises(CriterionError):
        parse_criterion(f"failed {symbol}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "faild <= 5", "unknown metric 'faild'; did you mean failed?", id="a typing error"
        ),
        pytest.param(
            "pass-rate >= 5%", "unknown metric 'pass-rate'; did you mean pass_rate?", id="a hyphen"
        ),
        pytest.param("FAILED <= 5", "unknown metric 'FAILED'; did you mean failed?", id="capitals"),
        pytest.param(
            "notrun == 0", "unknown metric 'notrun'; did you mean not_run?", id="an underscore less"
        ),
        pytest.param(
            "x <= 5",
            "unknown metric 'x'; the metrics are total, passed, failed, ignored, executed, not_run,"
            " pass_rate, fail_rate, ignored_rate, coverage, duration, queue_time, testing_time,"
            " new_failed, known_failed, flaky_failed, quarantined_failed, fixed, missing, added",
            id="near nothing",
        ),
    ],
)
def test_an_unknown_metric_is_refused_with_the_nearest_name(text: str, message: str) -> None:
    with pytest.raises(CriterionError) as caught:
        parse_criterion(text)

    assert str(caught.value) == message


NO_NUMBERS = ["NaN", "nan", "inf", "-inf", "Infinity", "-1", "+1", "1e3", "0x10", "1_000", "five"]
MALFORMED = [*NO_NUMBERS, "=5", "1,5", ".5", "5.", "1/2", "\u0665", "9999999999999", "0.1234567"]


@pytest.mark.parametrize("metric", [m for m in Metric if m.unit is Unit.TESTS])
@pytest.mark.parametrize("value", [*MALFORMED, "5.0", "90s", "10m"])
def test_a_count_takes_a_whole_number(metric: Metric, value: str) -> None:
    with pytest.raises(CriterionError) as caught:
        parse_criterion(f"{metric.value} <= {value}")

    if metric in {Metric.PASSED, Metric.FAILED, Metric.IGNORED}:
        expected = (
            f"{metric.value!r} takes a whole number or a percentage, such as 5 or 5%, not {value!r}"
        )
    else:
        expected = f"{metric.value} counts tests: write a whole number, not {value!r}"
    assert str(caught.value) == expected


@pytest.mark.parametrize("metric", [Metric.TOTAL, Metric.EXECUTED, Metric.NOT_RUN])
def test_a_percentage_of_a_count_without_a_rate_is_refused(metric: Metric) -> None:
    with pytest.raises(CriterionError) as caught:
        parse_criterion(f"{metric.value} >= 5%")

    assert str(caught.value) == (
        f"{metric.value} counts tests and has no percentage; only passed, failed, ignored have"
    )


RATES = [m for m in Metric if m.unit is Unit.PERCENT]


@pytest.mark.parametrize("metric", RATES)
@pytest.mark.parametrize(
    "value",
    [
        *(f"{text}%" for text in MALFORMED),
        *("95", "0", "100.000001%", "101%", "5%%", "%", "%5", "5s", "5%s"),
    ],
)
def test_a_rate_takes_a_percentage_up_to_100(metric: Metric, value: str) -> None:
    with pytest.raises(CriterionError) as caught:
        parse_criterion(f"{metric.value} >= {value}")

    assert str(caught.value) == (
        f"{metric.value} takes a percentage from 0% to 100%, for example 95%, not {value!r}"
    )


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("pass_rate >= 0.95", "95%"),
        ("coverage >= 0.8", "80%"),
        ("ignored_rate <= 0.005", "0.5%"),
        ("failed <= 0.05", "5%"),
        ("passed >= 0.999", "99.9%"),
    ],
)
def test_a_share_is_taken_for_no_percentage(text: str, meant: str) -> None:
    with pytest.raises(CriterionError, match=re.escape(f"; did you mean {meant}?")):
        parse_criterion(text)


def test_a_percentage_below_1_is_taken_as_it_is_written() -> None:
    assert parse_criterion("pass_rate >= 0.95%").threshold == Fraction("0.95")
    assert with_percent_sign("0.95%") == "0.95%"
    assert (with_percent_sign("0"), with_percent_sign("1"), with_percent_sign("95")) == (
        *("0%", "1%", "95%"),
    )
    with pytest.raises(CriterionError) as caught:
        with_percent_sign("0.95")
    assert str(caught.value) == "'0.95' is below 1%; did you mean 95%? If not, write 0.95%"


def test_a_count_in_percent_is_refused_in_the_words_of_its_rate() -> None:
    with pytest.raises(CriterionError, match=r"^fail_rate takes a percentage .* not 'inf%'$"):
        parse_criterion("failed <= inf%")


@pytest.mark.parametrize("metric", [m for m in Metric if m.unit is Unit.TIME])
@pytest.mark.parametrize("value", ["5", "5%", "NaN", "inf"])
def test_a_time_takes_a_duration(metric: Metric, value: str) -> None:
    with pytest.raises(CriterionError) as caught:
        parse_criterion(f"{metric.value} <= {value}")

    assert str(caught.value) == (
        f"{metric.value} takes a duration: {value!r} is not a duration;"
        " write 90s, 10m, 1h30m or 500ms"
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("500ms", Fraction(1, 2)),
        ("2h", 7200),
        ("1h2m3s4ms", Fraction(3723004, 1000)),
        ("1h5ms", Fraction(3600005, 1000)),
        ("90m", 5400),
        ("1.5h", 5400),
        ("0.1s", Fraction(1, 10)),
        ("0.000001s", Fraction(1, 1000000)),
        ("0.001ms", Fraction(1, 1000000)),
        ("0.000001h", Fraction(36, 10000)),
        ("1000000h", 3_600_000_000),
        ("999999h60m", 3_600_000_000),
        ("000001s", 1),
    ],
)
def test_a_duration_is_read_exactly_in_seconds(text: str, seconds: Fraction) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "s", "90", "00", "0.0", "1d", "1w", "1 s", " 1s", "1s ", "1h 30m", "-1s", "+1s"),
        *("1h1h", "1m1h", "1s1m", "1ms1s", "1m30", "30m1", "1.s", ".5s", "1..5s", "1e3s", "1S"),
        *("\u0661s", "12.1234567s", "1234567890123s", "infs", "nans", "1x2s", "PT1H", "1:30"),
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(CriterionError) as caught:
        parse_duration(text)

    assert str(caught.value) == f"{text!r} is not a duration; write 90s, 10m, 1h30m or 500ms"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("0.0001ms", id="too fine"),
        pytest.param("1s0.000001ms", id="too fine at the end"),
        pytest.param("1000000h0.001ms", id="just too long"),
        pytest.param("999999999999h", id="too long"),
    ],
)
def test_what_no_clock_measures_is_refused(text: str) -> None:
    with pytest.raises(CriterionError) as caught:
        parse_duration(text)

    assert str(caught.value) == f"{text!r} is finer than a microsecond or longer than 1000000h"


@pytest.mark.parametrize(
    ("symbol", "below", "at", "above"),
    [
        ("<=", True, True, False),
        (">=", False, True, True),
        ("<", True, False, False),
        (">", False, False, True),
        ("==", False, True, False),
        ("!=", True, False, True),
    ],
)
def test_an_operator_compares_exactly(symbol: str, below: bool, at: bool, above: bool) -> None:
    criterion = parse_criterion(f"coverage {symbol} 33.333333%")
    threshold = Fraction(33333333, 1000000)
    little = Fraction(1, 10**30)

    assert criterion.holds(threshold - little) is below
    assert criterion.holds(threshold) is at
    assert criterion.holds(threshold + little) is above


def test_a_flag_builds_the_same_criterion_as_the_expression() -> None:
    for value in ("5", "5%", "0.5%"):
        built = build_criterion(Metric.FAILED, Operator.AT_MOST, value)
        assert built == parse_criterion(f"failed <= {value}")


@given(criterion_texts())
@example("duration <= 1s0.001ms")
@example("duration <= 0.001ms")
@example("duration <= 1m0.000001s")
@example("duration <= 999999h59m59.999999s")
@example("duration <= 0")
def test_a_printed_criterion_reads_back_as_itself(text: str) -> None:
    criterion = parse_criterion(text)
    printed = str(criterion)

    assert parse_criterion(printed) == criterion
    assert str(parse_criterion(printed)) == printed


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("failed<=007", "failed <= 7"),
        ("failed <= 5%", "fail_rate <= 5%"),
        ("passed >= 95.50%", "pass_rate >= 95.5%"),
        ("ignored <= 00.0%", "ignored_rate <= 0%"),
        ("coverage >= 33.333333%", "coverage >= 33.333333%"),
        ("duration <= 90m", "duration <= 1h30m"),
        ("duration <= 3600s", "duration <= 1h"),
        ("duration <= 3601s", "duration <= 1h1s"),
        ("duration <= 0m", "duration <= 0s"),
        ("duration <= 60s", "duration <= 1m"),
        ("duration <= 1000ms", "duration <= 1s"),
        ("duration <= 1s500ms", "duration <= 1.5s"),
        ("duration <= 1m500ms", "duration <= 1m0.5s"),
        ("duration <= 0.5s", "duration <= 500ms"),
        ("duration <= 0.0005s", "duration <= 0.5ms"),
    ],
)
def test_a_criterion_is_printed_in_one_way(text: str, printed: str) -> None:
    assert str(parse_criterion(text)) == printed


def test_every_metric_has_its_unit() -> None:
    units = {unit.value: {m.value for m in Metric if m.unit is unit} for unit in Unit}

    assert units == {
        "tests": {"total", "passed", "failed", "ignored", "executed", "not_run"}
        | {metric.value for metric in OF_TESTS},
        "%": {"pass_rate", "fail_rate", "ignored_rate", "coverage"},
        "time": {"duration", "queue_time", "testing_time"},
    }


def test_every_metric_is_measured() -> None:
    run = make_run(total=40, failed=3, ignored=5, not_run=2, coverage=Fraction(163, 2))

    assert measure(run) == {
        Metric.TOTAL: 40,
        Metric.PASSED: 30,
        Metric.FAILED: 3,
        Metric.IGNORED: 5,
        Metric.EXECUTED: 33,
        Metric.NOT_RUN: 2,
        Metric.PASS_RATE: Fraction(3000, 33),
        Metric.FAIL_RATE: Fraction(300, 33),
        Metric.IGNORED_RATE: Fraction(500, 40),
        Metric.COVERAGE: Fraction(163, 2),
        Metric.DURATION: 386,
        Metric.QUEUE_TIME: 83,
        Metric.TESTING_TIME: 1036,
    }


def unknown_in(metrics: Mapping[Metric, Fraction | None]) -> set[str]:
    return {metric.value for metric, value in metrics.items() if value is None}


COVERED = make_run(total=40, failed=3, ignored=5, not_run=2, coverage=Fraction(80))


@pytest.mark.parametrize(
    ("field", "metrics"),
    [
        ("total", {"total", "not_run", "ignored_rate"}),
        ("passed", {"passed", "executed", "not_run", "pass_rate", "fail_rate"}),
        ("failed", {"failed", "executed", "not_run", "pass_rate", "fail_rate"}),
        ("ignored", {"ignored", "not_run", "ignored_rate"}),
        ("coverage", {"coverage"}),
        ("start_time", {"duration", "queue_time"}),
        ("end_time", {"duration"}),
        ("create_time", {"queue_time"}),
        ("testing_time", {"testing_time"}),
    ],
)
def test_a_metric_without_its_source_is_unknown(field: str, metrics: set[str]) -> None:
    known, measured = measure(COVERED), measure(with_unknown(COVERED, field))

    assert unknown_in(known) == set()
    assert unknown_in(measured) == metrics
    assert all(
        value == known[metric] for metric, value in measured.items() if metric.value not in metrics
    )


@pytest.mark.parametrize(
    ("changes", "metrics"),
    [
        pytest.param({"total": -1}, {"total", "not_run", "ignored_rate"}, id="total below 0"),
        pytest.param(
            {"passed": -1},
            {"passed", "executed", "not_run", "pass_rate", "fail_rate"},
            id="passed below 0",
        ),
        pytest.param(
            {"failed": -1},
            {"failed", "executed", "not_run", "pass_rate", "fail_rate"},
            id="failed below 0",
        ),
        pytest.param({"ignored": -1}, {"ignored", "not_run", "ignored_rate"}, id="ignored below 0"),
        pytest.param({"total": 37}, {"not_run"}, id="more tests counted than there are"),
        pytest.param({"total": 38}, set(), id="just as many counted as there are"),
        pytest.param({"passed": 0, "failed": 0}, {"pass_rate", "fail_rate"}, id="nothing executed"),
        pytest.param(
            {"total": 0, "passed": 0, "failed": 0, "ignored": 0},
            {"pass_rate", "fail_rate", "ignored_rate"},
            id="no tests",
        ),
        pytest.param({"coverage": Fraction(-1, 100)}, {"coverage"}, id="coverage below 0"),
        pytest.param({"coverage": Fraction(10001, 100)}, {"coverage"}, id="coverage above 100"),
        pytest.param({"coverage": Fraction(0)}, set(), id="coverage of 0"),
        pytest.param({"coverage": Fraction(100)}, set(), id="coverage of 100"),
        pytest.param(
            {"end_time": datetime(2020, 5, 4, 23, 16, 32, tzinfo=UTC)},
            {"duration"},
            id="over before it began",
        ),
        pytest.param(
            {"end_time": datetime(2020, 5, 4, 23, 16, 33, tzinfo=UTC)}, set(), id="over at once"
        ),
        pytest.param(
            {"create_time": datetime(2020, 5, 4, 23, 16, 34, tzinfo=UTC)},
            {"queue_time"},
            id="begun before it was created",
        ),
        pytest.param({"testing_time": timedelta(-1)}, {"testing_time"}, id="testing time below 0"),
    ],
)
def test_a_metric_that_can_not_be_true_is_unknown(
    changes: dict[str, object], metrics: set[str]
) -> None:
    assert unknown_in(measure(replace(COVERED, **changes))) == metrics  # type: ignore[arg-type]


def test_times_are_measured_to_the_microsecond() -> None:
    run = replace(COVERED, testing_time=timedelta(days=400, microseconds=1))

    assert measure(run)[Metric.TESTING_TIME] == 400 * 86400 + Fraction(1, 10**6)


@pytest.mark.parametrize(
    ("actual", "criterion", "printed"),
    [
        pytest.param(Fraction(9996, 100), "pass_rate >= 100%", "99.96%", id="just short"),
        pytest.param(Fraction(99996, 1000), "pass_rate >= 100%", "99.996%", id="shorter yet"),
        pytest.param(
            100 - Fraction(100, 3 * 10**9), "pass_rate >= 100%", "99.99999997%", id="nearly there"
        ),
        pytest.param(Fraction(200, 3), "pass_rate >= 95%", "66.67%", id="two decimals suffice"),
        pytest.param(Fraction(50), "pass_rate >= 95%", "50%", id="none are needed"),
        pytest.param(Fraction(505, 10), "pass_rate >= 95%", "50.5%", id="one is needed"),
        pytest.param(Fraction(100), "pass_rate >= 100%", "100%", id="equal"),
        pytest.param(
            Fraction("33.333333"), "pass_rate == 33.333333%", "33.333333%", id="equal to the end"
        ),
        pytest.param(
            Fraction(100, 3), "pass_rate == 33.333333%", "33.3333333%", id="above by a little"
        ),
        pytest.param(Fraction(1, 1000), "fail_rate <= 0%", "0.001%", id="just above 0"),
        pytest.param(Fraction(99955, 1000), "coverage >= 99.96%", "99.955%", id="not rounded up"),
        pytest.param(Fraction(2), "failed <= 0", "2", id="tests"),
        pytest.param(Fraction(386), "duration <= 5m", "6m26s", id="time"),
        pytest.param(Fraction(300000001, 10**6), "duration <= 5m", "5m0.000001s", id="exact time"),
    ],
)
def test_what_was_found_is_printed_with_enough_digits(
    actual: Fraction, criterion: str, printed: str
) -> None:
    assert format_actual(actual, parse_criterion(criterion)) == printed


def read(printed: str, unit: Unit) -> Fraction:
    match unit:
        case Unit.TIME:
            return parse_duration(printed)
        case Unit.PERCENT:
            assert re.fullmatch(r"\d+(\.\d+)?%", printed)
            return Fraction(printed.removesuffix("%"))
        case Unit.TESTS:
            return Fraction(int(printed))


def order(one: Fraction, other: Fraction) -> int:
    return (one > other) - (one < other)


LARGEST = {
    Unit.TESTS: Fraction(10**18),
    Unit.PERCENT: Fraction(100),
    Unit.TIME: Fraction(3_600_000_000),
}


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[Criterion, Fraction]:
    """Draw a criterion and what was found, often very near to each other."""
    criterion = parse_criterion(draw(criterion_texts()))
    unit = criterion.metric.unit
    finest = {Unit.TESTS: 1, Unit.TIME: 10**6}.get(unit) or draw(st.integers(1, 10**30))
    anywhere = st.integers(0, int(LARGEST[unit]) * finest)
    nearby = st.integers(-2, 2).map(lambda steps: round(criterion.threshold * finest) + steps)
    actual = Fraction(draw(anywhere | nearby), finest)
    return criterion, max(Fraction(0), min(actual, LARGEST[unit]))


@given(comparisons())
def test_a_breach_never_reads_as_equality(comparison: tuple[Criterion, Fraction]) -> None:
    criterion, actual = comparison
    unit = criterion.metric.unit
    shown = read(format_actual(actual, criterion), unit)
    threshold = read(format_value(criterion.threshold, unit), unit)

    assert threshold == criterion.threshold
    assert order(shown, threshold) == order(actual, criterion.threshold)
    assert criterion.holds(shown) == criterion.holds(actual)
    assert abs(shown - actual) <= Fraction(1, 200)


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (Fraction(0), "0%"),
        (Fraction(1, 1000), "0.001%"),
        (Fraction(50), "50%"),
        (Fraction(200, 3), "66.67%"),
        (Fraction(99996, 1000), "99.996%"),
        (Fraction(100), "100%"),
    ],
)
def test_a_rate_reads_as_none_or_all_only_where_it_is(value: Fraction, printed: str) -> None:
    assert format_percentage(value) == printed


@given(st.fractions(0, 100, max_denominator=10**12))
def test_a_printed_rate_is_near_and_on_its_side_of_the_edges(value: Fraction) -> None:
    shown = read(format_percentage(value), Unit.PERCENT)

    assert (shown == 0) == (value == 0)
    assert (shown == 100) == (value == 100)
    assert abs(shown - value) <= Fraction(1, 200)


def test_a_fraction_without_an_end_is_printed_with_twelve_decimals_at_the_most() -> None:
    assert format_value(Fraction(100, 3), Unit.PERCENT) == "33.333333333333%"


def test_nothing_is_known_of_a_run_that_has_only_an_id() -> None:
    assert unknown_in(measure(TestRun(id=1))) == {
        metric.value for metric in Metric if metric not in OF_TESTS
    }
