"""Poll until every run is finished, or the deadline has passed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from testery_gate.errors import ApiError, Interrupted
from testery_gate.model import Observation, RunStatus, TestRun
from testery_gate.waiting.deadline import Deadline, utc_now

SETTLING_SECONDS = 60.0
"""Seconds after which a run with a final status that is not complete counts as finished: since its
last change, or since the end time that the API shows."""
SHORTEST_PAUSE = 1.0
"""Seconds between an answer and the next look, unless the poll interval is shorter."""
TIME_TO_COMPARE = 30.0
"""Seconds that must be left before the deadline to compare runs with others: polls come first."""
MOST_OBSERVATIONS = 200
"""The most observations that are kept of each run: more than a chart can show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A run as it was last seen, and how it has moved; all times in seconds of the wait."""

    run: TestRun
    seen_at: float
    changed_at: float
    """When the status or a count was last seen to change."""
    running_since: float | None = None
    """When the run was first seen at work, or ``None`` if it was not yet."""
    done_since: float | None = None
    """When tests were first seen to be done, or ``None`` if none was yet."""
    done_then: int = 0
    """How many tests were done at ``done_since``."""
    longest_standstill: float = 0.0
    """The longest time from one change to the next since ``done_since``."""
    settling_since: float | None = None
    """Since when it has had a final status, was not complete, and has not changed, or ``None``."""
    total_known: bool = False
    """Whether the total is above 0 and was the same in two polls in a row."""
    finished: bool = False
    usual: tuple[float, ...] | None = None
    """How many seconds each of the comparable runs took; ``None`` before the gate has asked."""
    observed: tuple[Observation, ...] = ()
    """Where the run stood from the first poll to the last."""
    notes: tuple[str, ...] = ()


Seen = TestRun | ApiError
"""The result of one poll for one run: the run, or why it is not available."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is known after a poll; times in seconds."""

    runs: Mapping[int, Sighting | ApiError]
    """By id, in the order asked for: the run as last seen, or why it is not available."""
    elapsed: float
    remaining: float
    """Until the deadline."""
    next_look: float | None
    """From now; ``None`` when there will be none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How a wait ended: what was seen of each run, and what cut the wait short, if anything."""

    runs: Mapping[int, Sighting | ApiError]
    ended_by: ApiError | Interrupted | None = None


Durations = Mapping[int, Sequence[float]]
"""By the id of a run, for how many seconds each of the comparable runs was at work."""


class PollInterval(Protocol):
    """A pure function from what was seen of the open runs to the seconds from poll to poll."""

    def __call__(self, open_runs: Sequence[Sighting], /) -> float:
        """Return seconds above 0, from the beginning of one poll to that of the next."""


def wait_for(
    run_ids: Sequence[int],
    fetch: Callable[[Sequence[int]], Mapping[int, Seen]],
    *,
    deadline: Deadline,
    poll_interval: PollInterval,
    on_update: Callable[[Progress], None],
    sleep: Callable[[float], None],
    decided: Callable[[Sighting], bool] = lambda _: False,
    compare: Callable[[Sequence[TestRun]], Durations] = lambda _: {},
    now: Callable[[], datetime] = utc_now,
) -> Watch:
    """Poll the runs until each is finished, gone or ``decided``, or the deadline has passed.

    The last poll happens at the deadline. ``fetch`` is asked for the runs that are still open, and
    again for those that it left out; when it raises :class:`ApiError`, or a signal arrives, the
    watch ends with what was seen. ``run_ids`` may change meanwhile: as runs join, and others need
    not be waited for any more. ``compare`` is asked once for each run that the first look at it
    leaves open: how long did others like it take? That is part of the time to the next look.
    """
    started = deadline.clock()
    looked_at = 0.0
    seen: dict[int, Sighting | ApiError] = {}

    def elapsed() -> float:
        return deadline.clock() - started

    def open_runs() -> list[Sighting]:
        return [
            sighting
            for sighting in seen.values()
            if isinstance(sighting, Sighting) and not sighting.finished and not decided(sighting)
        ]

    def awaited() -> Sequence[int]:
        still_open = {sighting.run.id for sighting in open_runs()}
        return [run_id for run_id in run_ids if run_id in still_open or run_id not in seen]

    def look() -> Sequence[int]:
        nonlocal looked_at
        looked_at = elapsed()
        answers = fetch(awaited())
        for run_id, found in answers.items():
            if isinstance(found, TestRun):
                at, last = elapsed(), seen.get(run_id)
                if not isinstance(last, Sighting):
                    last = Sighting(run=TestRun(id=run_id), seen_at=at, changed_at=at)
                seen[run_id] = _see(found, last, at, now())
            else:
                seen[run_id] = found
        fresh = [one for one in open_runs() if one.usual is None]
        if fresh and deadline.remaining() >= TIME_TO_COMPARE:
            durations = compare([sighting.run for sighting in fresh])
            for sighting in fresh:
                usual = tuple(durations.get(sighting.run.id, ()))
                seen[sighting.run.id] = replace(sighting, usual=usual)
        return awaited()

    def until_next_look() -> float:
        still_open = open_runs()
        settled = [
            sighting.settling_since + SETTLING_SECONDS - elapsed()
            for sighting in still_open
            if sighting.settling_since is not None
        ]
        interval = poll_interval(still_open)
        # However slow the API is, there is a pause between two polls.
        pause = max(interval - (elapsed() - looked_at), min(interval, SHORTEST_PAUSE))
        return max(0.0, min(pause, deadline.remaining(), *settled))

    def report(next_look: float | None) -> None:
        on_update(
            Progress(
                runs={run_id: seen[run_id] for run_id in run_ids if run_id in seen},
                elapsed=elapsed(),
                remaining=deadline.remaining(),
                next_look=next_look,
            )
        )

    ended_by: ApiError | Interrupted | None = None
    try:
        while look() and not deadline.passed:
            pause = until_next_look()
            report(pause)
            sleep(pause)
        report(None)
    except (ApiError, Interrupted) as cause:
        ended_by = cause
    return Watch(runs=dict(seen), ended_by=ended_by)


def _see(run: TestRun, last: Sighting, now: float, today: datetime) -> Sighting:
    """Return what is known of a run, from an answer and how it was last seen."""
    same = state_of(last.run) == state_of(run)
    settling_since = None
    if run.complete is False and run.status.is_final:
        settling_since = last.settling_since if same else None
        settling_since = now if settling_since is None else settling_since
    running_since = last.running_since
    if running_since is None and run.status is RunStatus.RUNNING:
        running_since = now
    done_since, done_then = last.done_since, last.done_then
    if done_since is None and run.done:
        done_since, done_then = now, run.done
    standstill = last.longest_standstill
    if last.done_since is not None and not same:
        standstill = max(standstill, now - last.changed_at)
    settled = ""
    if settling_since is not None:
        ended_for = (today - run.end_time).total_seconds() if run.end_time else 0.0
        if now - settling_since >= SETTLING_SECONDS:
            settled = f"nothing of it changed for {now - settling_since:.0f} s"
        elif ended_for >= SETTLING_SECONDS:
            settled = f"it ended at {run.end_time:%Y-%m-%d %H:%M:%S} UTC"
    unsaid = run.complete is None and run.status.is_final
    notes: tuple[str, ...] = ()
    if settled:
        notes = (
            f"the run is {run.status_text} but not complete; it was judged anyway, because"
            f" {settled}",
        )
    elif unsaid:
        notes = (
            f"the API does not report whether the run is complete; {run.status_text} was taken as"
            " complete",
        )
    return replace(
        last,
        run=run,
        seen_at=now,
        changed_at=last.changed_at if same else now,
        running_since=running_since,
        done_since=done_since,
        done_then=done_then,
        longest_standstill=standstill,
        settling_since=settling_since,
        total_known=bool(run.total and run.total > 0) and last.run.total == run.total,
        finished=run.complete is True or bool(settled) or unsaid,
        observed=_observed(last.observed, Observation.of(run, now)),
        notes=notes,
    )


def _observed(before: tuple[Observation, ...], latest: Observation) -> tuple[Observation, ...]:
    """Add an observation; of equal ones in a row keep the first and the last."""
    if len(before) > 1 and before[-2].same_as(before[-1]) and before[-1].same_as(latest):
        return (*before[:-1], latest)
    if len(before) == MOST_OBSERVATIONS:
        # Drop every other one, but not the first.
        before = before[::2]
    return (*before, latest)


def state_of(run: TestRun) -> tuple[object, ...]:
    """Return the fields of a run that change during a wait."""
    return run.status_text, run.complete, run.total, run.passed, run.failed, run.ignored
