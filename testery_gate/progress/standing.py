"""The state of runs, in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from testery_gate.errors import ApiError
from testery_gate.model import RunStatus, TestRun
from testery_gate.text import clean_text, one_line
from testery_gate.waiting.interval import predicted_remaining
from testery_gate.waiting.polling import Progress, Sighting

Found = Sighting | ApiError

LONGEST_LINE = 1000
"""Characters of a line in a log."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was known after a poll, and the time of the poll."""

    progress: Progress
    at: float
    trusted: bool = False
    """Whether the gate tolerates failed tests of a run that is PASS."""

    def why_passing(self) -> str:
        """Return why a run with failed tests is PASS, and whether the gate accepts that."""
        runs = seen_runs(self.progress.runs.values())
        passing = [run for run in runs if run.status is RunStatus.PASS and run.failed]
        if not passing:
            return ""
        tolerated = f"{total_of(run.failed for run in passing)} tolerated"
        return tolerated if self.trusted else f"{tolerated} by Testery (no --trust-status)"

    def outlook(self, now: float) -> list[str]:
        """Return when the wait may end, and when the next poll is."""
        age = now - self.at
        if self.progress.next_look is None:
            return []
        usually = usual(self.progress, age)
        parts = [usually] if usually else []
        left = predicted(self.progress)
        if left is not None:
            parts.append(f"about {about(left - age)} to go" if left > age else "any moment now")
            if left > self.progress.remaining:
                parts.append(f"timeout in {about(max(0, self.progress.remaining - age))}")
        seconds = math.ceil(self.progress.next_look - age)
        return [*parts, f"next poll in {clock_time(seconds)}" if seconds > 0 else "polling now"]


_URGENCY = {RunStatus.RUNNING: 2, RunStatus.SUBMITTED: 3, RunStatus.QUEUED: 3, RunStatus.PASS: 4}


def urgency(found: Found) -> int:
    """Return a number, lower for more urgent: gone, failing, running, waiting, passing."""
    if isinstance(found, ApiError):
        return 0
    return 1 if found.run.failed else _URGENCY.get(found.run.status, 1)


def stamped(elapsed: float, line: str) -> str:
    """Return a line of a log; it begins with the time, so that it never begins with remote text."""
    return f"{stamp(elapsed)}{one_line(clean_text(line))[:LONGEST_LINE]}"


def stamp(elapsed: float) -> str:
    """Return what a line of a log begins with."""
    return f"[{clock_time(elapsed):>6}] "


def clock_time(seconds: float) -> str:
    """Return whole seconds as ``5s``, ``1m05s`` or ``1h00m05s``."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minute:02}m{second:02}s"
    return f"{minutes}m{second:02}s" if minutes else f"{second}s"


def brief(seconds: float) -> str:
    """Return a time without ``00s`` at its end."""
    return clock_time(seconds).removesuffix("00s")


def about(seconds: float) -> str:
    """Return a prediction, rounded because it is not exact."""
    step = 5 if seconds < 60 else 10 if seconds < 600 else 60
    return brief(math.ceil(seconds / step) * step)


def predicted(progress: Progress) -> float | None:
    """Return the predicted seconds until all runs are done, or ``None`` if one is unknown."""
    predictions = [
        predicted_remaining(found)
        for found in progress.runs.values()
        if isinstance(found, Sighting) and not found.finished
    ]
    known = [seconds for seconds in predictions if seconds is not None]
    return max(known) if known and len(known) == len(predictions) else None


def usual(progress: Progress, age: float = 0.0) -> str:
    """Return how long runs like the open ones usually take; with several, the longest.

    The text also shows if a run takes longer than all earlier ones. ``age`` is how many seconds ago
    the last poll was.
    """
    known = [
        (sorted(found.usual), found.running_since)
        for found in progress.runs.values()
        if isinstance(found, Sighting) and not found.finished and found.usual
    ]
    if not known:
        return ""
    durations, since = max(known, key=lambda one: median(one[0]))
    late = since is not None and progress.elapsed + age - since > durations[-1]
    return f"{'longer than the usual' if late else 'usually'} {span(durations)}"


def span(durations: Sequence[float]) -> str:
    """Return the range of the middle half of sorted durations."""
    quarter = len(durations) // 4
    low, high = durations[quarter], durations[-1 - quarter]
    step, unit = (5, "s") if high < 90 else (60, "min")
    least, most = (max(1, round(seconds / step)) for seconds in (low, high))
    if unit == "s":
        least, most = 5 * least, 5 * most
    return f"about {most} {unit}" if least == most else f"{least} to {most} {unit}"


def standings(runs: Mapping[int, Found]) -> list[str]:
    """Return the state of each run."""
    return [standing(run_id, found) for run_id, found in runs.items()]


def standing(run_id: int, found: Found) -> str:
    """Return the state of a run, without anything that changes with the time."""
    head = f"run {run_id} {status_of(found)}"
    if isinstance(found, ApiError):
        return f"{head}: {found.message}"
    run = found.run
    counted = run.done is not None or run.total is not None
    head += f" {done_of([run])} done, {shown(run.failed)} failed" if counted else ", no counts"
    if found.finished:
        return f"{head}, finished"
    return f"{head}, not complete yet" if run.status.is_final else head


def stage(found: Found) -> tuple[object, ...]:
    """Return values of a run; when they change, it gets a line of its own."""
    if isinstance(found, ApiError):
        return (found.message,)
    return found.run.status_text, found.run.failed, found.finished


def together(runs: Mapping[int, Found]) -> str:
    """Return the state of all runs together."""
    if len(runs) == 1:
        return standings(runs)[0]
    seen = seen_runs(runs.values())
    failed = shown(total_of(run.failed for run in seen))
    return f"{len(runs)} runs: {tally(runs.values())}, {done_of(seen)} done, {failed} failed"


def tally(found: Iterable[Found]) -> str:
    """Return how many runs have each status, the most urgent first."""
    statuses = Counter(status_of(one) for one in sorted(found, key=urgency))
    return ", ".join(f"{number} {status}" for status, number in statuses.items())


def seen_runs(found: Iterable[Found]) -> list[TestRun]:
    """Return the runs that could be read."""
    return [one.run for one in found if isinstance(one, Sighting)]


def status_of(found: Found) -> str:
    """Return the status in a word or two."""
    if isinstance(found, ApiError):
        return found.exit_code.outcome.replace("_", " ")
    return found.run.status_text[:24] or "no status"


def done_of(runs: Sequence[TestRun]) -> str:
    """Return how many tests are done, and of how many."""
    return (
        f"{shown(total_of(run.done for run in runs))}/{shown(total_of(run.total for run in runs))}"
    )


def failed_of(run: TestRun) -> str:
    """Return how many tests failed; empty for none."""
    return f"{run.failed} failed" if run.failed else ""


def total_of(counts: Iterable[int | None]) -> int | None:
    """Return the sum of the known counts; ``None`` if no count is known."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def shown(count: int | None) -> str:
    """Return a count as text, or ``?``."""
    return "?" if count is None else str(count)
