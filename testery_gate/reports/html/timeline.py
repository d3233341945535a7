"""The run over time: how long it was queued and ran, and how many tests were done at each poll."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, pairwise

from testery_gate.judging.criteria import Metric, Unit, format_value, measure
from testery_gate.judging.judged import Judged
from testery_gate.model import Observation, RunStatus, TestRun
from testery_gate.reports.html import svg
from testery_gate.reports.html.layout import data, folded, group, paragraph, small
from testery_gate.reports.html.markup import NOTHING, Markup, element, join
from testery_gate.reports.html.palette import BLUE, GREY, OF_RUNS, color
from testery_gate.reports.html.svg import INK, KINDS

_STRIP = 24
_AREA = 110
_TOP = 46
_LABELLED = 20
"""The least percent of a part of the strip that has its name inside."""
_NAMES = {
    RunStatus.SUBMITTED: "submitted",
    RunStatus.QUEUED: "queued",
    RunStatus.RUNNING: "running",
    RunStatus.PASS: "passed",
    RunStatus.FAIL: "failed",
    RunStatus.CANCELED: "canceled",
    RunStatus.UNKNOWN: "in an unknown status",
}
_QUEUED = "queued"
_WAITING = {RunStatus.SUBMITTED, RunStatus.QUEUED}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phase:
    """A stretch of time in one status, in seconds."""

    name: str
    fill: str
    start: Fraction
    end: Fraction

    def __str__(self) -> str:
        """Return how long it was; the last status may have no duration."""
        time = self.end - self.start
        return f"{self.name} for {_time(time)}" if time else self.name


def timeline(judged: Judged) -> Markup:
    """Return the chart and its numbers, with the times of the run, or else of the polls."""
    observed = judged.observed
    watched = observed if len(observed) > 1 and observed[-1].at > observed[0].at else ()
    if own := _own_phases(judged.run):
        chart = _chart_with_tests(own, _by_own_times(watched, own))
        about = "The times are Testery's own."
    elif watched:
        phases = list(_phases(watched))
        chart = _chart_with_tests(phases, [(Fraction(look.at), look) for look in watched])
        about = "The times are those of the polls, from the first one on."
    else:
        return NOTHING
    return join([chart, paragraph(small(about)), _table(watched) if watched else NOTHING])


def _own_phases(run: TestRun | None) -> Sequence[_Phase]:
    """Return how long the run was queued and ran; nothing if Testery does not report it."""
    values = {} if run is None else measure(run)
    queued, ran = values.get(Metric.QUEUE_TIME), values.get(Metric.DURATION)
    if run is None or queued is None or ran is None or not queued + ran:
        return ()
    end = queued + ran
    phases = [
        _Phase(name=_QUEUED, fill=GREY, start=Fraction(0), end=queued),
        _Phase(name="running", fill=BLUE, start=queued, end=end),
    ]
    if run.status.is_final:
        phases.append(_Phase(name=_stage(run.status), fill=_fill(run.status), start=end, end=end))
    return phases


_Timed = Sequence[tuple[Fraction, Observation]]


def _by_own_times(watched: Sequence[Observation], own: Sequence[_Phase]) -> _Timed:
    """Return the polls with times on the run's own clock, where the last poll is at its end."""
    if not watched:
        return []
    begin, end = own[1].start, own[1].end
    ahead = end - Fraction(watched[-1].at)
    return [(min(max(Fraction(look.at) + ahead, begin), end), look) for look in watched]


def _chart_with_tests(phases: Sequence[_Phase], timed: _Timed) -> Markup:
    """Return the chart of the phases and, if they were counted, of the tests that were done."""
    # A queued run does no test, so no line may rise there between two polls.
    counted = [
        (at, look)
        for at, look in timed
        if look.status not in _WAITING and None not in _counts(look)
    ]
    highest = max((look.total or 0 for _, look in counted), default=0)
    highest = max([highest, *(sum(map(_known, _counts(look))) for _, look in counted)])
    if len(timed) < 2 or highest <= 0:
        return join([_chart(phases, _TOP), _key(phases)])
    areas = svg.stretched(_TOP + 16, _AREA, *_areas(counted, phases, highest))
    tests = "test" if highest == 1 else "tests"
    bottom = _TOP + 16 + _AREA
    return join(
        [
            _chart(
                phases,
                bottom + 4,
                svg.label(0, _TOP + 8, f"{highest} {tests}"),
                svg.bar(0, 100, _TOP + 16, _AREA, INK, opacity=".06", round_=0),
                areas,
                element("line", x1=0, x2="100%", y1=bottom, y2=bottom, stroke=INK),
            ),
            _key(phases),
            paragraph(small(*_legend())),
        ]
    )


def _phases(observed: Sequence[Observation]) -> Iterator[_Phase]:
    """Return a phase for each status, which lasts until the first poll with another status."""
    stages = groupby(observed, key=lambda look: _stage(look.status))
    starts = [next(looks) for _, looks in stages]
    for start, end in pairwise([*starts, observed[-1]]):
        yield _Phase(
            name=_stage(start.status),
            fill=_fill(start.status),
            start=Fraction(start.at),
            end=Fraction(end.at),
        )


def _stage(status: RunStatus) -> str:
    return _QUEUED if status in _WAITING else _NAMES[status]


def _fill(status: RunStatus) -> str:
    return BLUE if status is RunStatus.RUNNING else color(OF_RUNS[status])


def _chart(phases: Sequence[_Phase], height: int, *below: str) -> Markup:
    begin, end = phases[0].start, phases[-1].end
    whole = end - begin
    shapes = []
    for phase in phases:
        x, width = 100 * (phase.start - begin) / whole, 100 * (phase.end - phase.start) / whole
        if width:
            shapes.append(svg.bar(x, width, 0, _STRIP, phase.fill, stroke="Canvas"))
        if width >= _LABELLED:
            shapes.append(
                svg.label(x + width / 2, 17, phase.name, anchor="middle", bold=True, fill="#fff")
            )
    return svg.chart(
        height,
        f"Over {_time(whole)}: {', then '.join(map(str, phases))}",
        *shapes,
        svg.label(0, _STRIP + 14, _time(begin)),
        svg.label(100, _STRIP + 14, _time(end), anchor="end"),
        *below,
    )


def _key(phases: Sequence[_Phase]) -> Markup:
    """Return all phases by name, because the strip has not always room for the names."""
    parts: list[str] = []
    for phase in phases:
        parts += [", then " if parts else "", _swatch(phase.fill), f" {phase}"]
    return paragraph(small(*parts))


def _swatch(fill: str) -> Markup:
    square = element("rect", width=12, height=12, rx=2, fill=fill)
    return element("svg", square, width=12, height=12, aria_hidden="true")


def _counts(look: Observation) -> Sequence[int | None]:
    return look.passed, look.failed, look.ignored


def _known(count: int | None) -> int:
    return max(0, count or 0)


def _areas(counted: _Timed, phases: Sequence[_Phase], highest: int) -> Iterator[Markup]:
    """Return the areas of the counts, stacked; the highest area is drawn first, below the others.

    The counts are known only at the polls; between two polls the lines are straight.
    """
    begin, end = phases[0].start, phases[-1].end
    started = next((phase.start for phase in phases if phase.name != _QUEUED), counted[0][0])

    def across(at: Fraction) -> float:
        return float(100 * (at - begin) / (end - begin))

    for kinds in range(len(KINDS) - 1, 0, -1):
        points = [
            (
                across(at),
                float(100 - Fraction(100 * sum(map(_known, _counts(look)[:kinds])), highest)),
            )
            for at, look in counted
        ]
        line = "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
        outline = f"M{across(started):.2f} 100L{line}L{points[-1][0]:.2f} 100z"
        yield element("path", d=outline, fill=_AREAS[kinds - 1])


# Plain colours, because stripes would be stretched with the chart.
_AREAS = ["#1a7f37", "#cf222e", "#bf8700"]


def _legend() -> Iterator[str]:
    yield "Tests done, from below: "
    for number, ((kind, _), fill) in enumerate(zip(KINDS, _AREAS, strict=False)):
        yield ", " if number else ""
        yield _swatch(fill)
        yield f" {kind}"
    yield "."


def _table(observed: Sequence[Observation]) -> Markup:
    rows = (
        group(
            _time(Fraction(look.at)),
            _NAMES[look.status],
            *("?" if count is None else str(count) for count in _counts(look)),
        )
        for look in observed
    )
    head = ("after", "status", "passed", "failed", "ignored")
    table = data(head, rows, caption="The run at each poll")
    return folded(f"The same in numbers: {len(observed)} polls", small(table))


def _time(seconds: Fraction) -> str:
    return format_value(Fraction(round(seconds)), Unit.TIME)
