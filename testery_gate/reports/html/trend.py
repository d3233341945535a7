"""The run and those before it: pass rate and duration of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

from testery_gate.judging.criteria import (
    Criterion,
    Metric,
    Unit,
    format_percentage,
    format_value,
    measure,
)
from testery_gate.judging.judged import Judged
from testery_gate.model import RunStatus, TestRun
from testery_gate.reports.addresses import other_run_page
from testery_gate.reports.html import svg
from testery_gate.reports.html.layout import data, folded, group, link, paragraph, small, together
from testery_gate.reports.html.markup import NOTHING, Markup, element, join
from testery_gate.reports.html.palette import AMBER, BLUE, OF_RUNS, color
from testery_gate.reports.html.svg import INK
from testery_gate.reports.view import Mark

_TOP = 24
_RATES = 80
_TIMES = 60
_GAP = 34


def trend(judged: Judged) -> Markup:
    """Return the charts and their numbers; nothing if there is no other run."""
    runs = judged.comparable or ()
    if len(runs) < 2:
        return NOTHING
    required = _required(judged)
    legend = paragraph(small(_legend(runs, required)))
    return join([_chart(runs, required), legend, _table(judged, runs)])


def _required(judged: Judged) -> Criterion | None:
    """Return the criterion on the pass rate or the fail rate, if there is one."""
    criteria = [check.criterion for check in judged.verdict.checks if check.criterion]
    rates = {Metric.PASS_RATE, Metric.FAIL_RATE}
    return next((one for one in criteria if one.metric in rates), None)


def _as_pass_rate(required: Criterion) -> Fraction:
    rate = required.threshold
    return rate if required.metric is Metric.PASS_RATE else 100 - rate


def _chart(runs: Sequence[TestRun], required: Criterion | None) -> Markup:
    rates = [measure(run)[Metric.PASS_RATE] for run in runs]
    times = [measure(run)[Metric.DURATION] for run in runs]
    lower = _TOP + _RATES + _GAP
    bottom = lower + _TIMES
    own = _place(len(runs) - 1, len(runs))
    column = min(Fraction(100, len(runs)), Fraction(8))
    return svg.chart(
        bottom + 20,
        f"Pass rate and duration of {len(runs)} runs, the oldest first: "
        + ", ".join(map(_rate, rates))
        + "; "
        + ", ".join(map(_time, times)),
        svg.bar(own - column / 2, column, 0, bottom, INK, opacity=".1"),
        *_rate_marks(runs, rates, required),
        *_time_bars(times, lower),
        svg.label(100, bottom + 16, f"this run, {_date(runs[-1])}", anchor="end", bold=True),
        svg.label(0, bottom + 16, _date(runs[0])),
    )


def _place(index: int, count: int) -> Fraction:
    """Return the middle of a run's column, in percent."""
    return Fraction(100 * (2 * index + 1), 2 * count)


def _date(run: TestRun) -> str:
    return f"{run.start_time:%Y-%m-%d}" if run.start_time else "?"


def _rate_marks(
    runs: Sequence[TestRun], rates: Sequence[Fraction | None], required: Criterion | None
) -> Iterator[Markup]:
    known = [rate for rate in rates if rate is not None]
    if not known:
        return
    lowest = min(known)
    threshold = None if required is None else _as_pass_rate(required)
    floor = min([lowest, Fraction(99), *([] if threshold is None else [threshold])])

    def height(rate: Fraction) -> str:
        return f"{_TOP + float((100 - rate) / (100 - floor)) * (_RATES - 16) + 8:.1f}"

    yield svg.label(0, 13, f"pass rate, {_rate(lowest)} to {_rate(max(known))}")
    if threshold is not None:
        y = height(threshold)
        yield element("line", x1=0, y1=y, x2="100%", y2=y, stroke=AMBER, stroke_width=2)
    marks = [
        None if rate is None else (svg.share(_place(index, len(runs))), height(rate))
        for index, rate in enumerate(rates)
    ]
    for before, here in pairwise(marks):
        if before and here:
            (x1, y1), (x2, y2) = before, here
            yield element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=INK, stroke_opacity=".4")
    for run, rate, mark in zip(runs, rates, marks, strict=True):
        if mark:
            x, y = mark
            title = element("title", f"run {run.id}: {_rate(rate)}")
            yield element("svg", title, _sign(OF_RUNS[run.status]), x=x, y=y, overflow="visible")


def _sign(mark: Mark, x: int = 0, y: int = 0) -> Markup:
    """Return a disc for a run that passed, or a square, so that they differ without colours too."""
    if mark is Mark.GOOD:
        return element("circle", cx=x, cy=y, r=5, fill=color(mark))
    return element("rect", x=x - 5, y=y - 5, width=10, height=10, fill=color(mark))


def _time_bars(times: Sequence[Fraction | None], y: int) -> Iterator[Markup]:
    known = [time for time in times if time is not None]
    if not known:
        return
    longest = max(known)
    yield svg.label(0, y - 8, f"duration, {_time(min(known))} to {_time(longest)}")
    width = min(Fraction(70, len(times)), Fraction(6))
    for index, time in enumerate(times):
        if time is not None:
            height = max(2, round(time / longest * _TIMES)) if longest else 2
            x = _place(index, len(times)) - width / 2
            yield svg.bar(x, width, y + _TIMES - height, height, BLUE, round_=1)


def _legend(runs: Sequence[TestRun], required: Criterion | None) -> Markup:
    """Return the meaning of each sign of the chart."""
    marks = {OF_RUNS[run.status] for run in runs}
    signs = [_key(_sign(mark, 6, 6), name) for mark, name in _MARKS.items() if mark in marks]
    signs.append(_key(element("rect", x=3, width=6, height=12, fill=BLUE), "duration"))
    if required is not None:
        line = element("rect", y=5, width=12, height=2, fill=AMBER)
        signs.append(_key(line, f"required: {required}"))
    return join([join(signs, ", "), ". All runs are of one project, environment and name."])


_MARKS = {
    Mark.GOOD: "passed",
    Mark.BAD: "failed",
    Mark.UNSURE: "canceled or unknown",
    Mark.NEUTRAL: "not finished",
}


def _key(drawn: Markup, name: str) -> Markup:
    return together(element("svg", drawn, width=12, height=12, aria_hidden="true"), f" {name}")


def _table(judged: Judged, runs: Sequence[TestRun]) -> Markup:
    rows = (_row(judged, run) for run in reversed(runs))
    head = ("run", "status", "pass rate", "duration")
    table = data(head, rows, caption="The run and those before it")
    return folded(f"The same in numbers: {len(runs)} runs, with links", small(table))


def _row(judged: Judged, run: TestRun) -> Markup:
    values = measure(run)
    started = f"{run.start_time:%Y-%m-%d %H:%M}" if run.start_time else "at an unknown time"
    own = ", this run" if run.id == judged.run_id else ""
    return group(
        join([link(other_run_page(judged, run.id), str(run.id)), own, element("br"), started]),
        run.status.value if run.status is not RunStatus.UNKNOWN else "?",
        _rate(values[Metric.PASS_RATE]),
        _time(values[Metric.DURATION]),
    )


def _rate(rate: Fraction | None) -> str:
    return "?" if rate is None else format_percentage(rate)


def _time(seconds: Fraction | None) -> str:
    return "?" if seconds is None else format_value(Fraction(round(seconds)), Unit.TIME)
