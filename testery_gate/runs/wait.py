"""Wait for the runs that are meant, and ask again which are, until nothing is new."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from testery_gate.errors import ApiError, Interrupted, NotFound
from testery_gate.model import TestRun
from testery_gate.runs.lookup import has_all_facts
from testery_gate.runs.meant import Meant, Question
from testery_gate.waiting.deadline import Deadline, utc_now
from testery_gate.waiting.interval import until_appeared
from testery_gate.waiting.polling import (
    Durations,
    PollInterval,
    Progress,
    Seen,
    Sighting,
    Watch,
    state_of,
    wait_for,
)

ASK_AGAIN_SECONDS = 30.0
"""During a wait, seconds until the gate asks again which runs are meant."""

Look = Callable[[Sequence[int]], Mapping[int, Seen]]
"""Returns by id each run or its error; raises :class:`ApiError` where there is no answer at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What the gate does to the world besides asking the API."""

    sleep: Callable[[float], None]
    update: Callable[[Progress], None]
    say: Callable[[str], None]
    now: Callable[[], datetime] = utc_now
    """The time of day, from which the age of a run is computed."""
    started: Callable[[int], None] = lambda _: None
    """Called with the id of a run that was started."""
    sleep_on: Callable[[float], None] = time.sleep
    """Sleeps after a signal too."""


class Wait:
    """One wait, and its results so far."""

    def __init__(
        self,
        question: Question,
        first: Meant,
        look: Look,
        *,
        effects: Effects,
        deadline: Deadline,
        appear_by: Deadline,
        poll_interval: PollInterval,
        follow: bool,
        decided: Callable[[Sighting], bool],
        compare: Callable[[Sequence[TestRun]], Durations],
    ) -> None:
        self.meant = first
        self.watch = Watch(runs={})
        self.unanswered: ApiError | Interrupted | None = None
        """Why the last question which runs are meant has no answer."""
        self._question = question
        self._look = look
        self._effects = effects
        self._deadline = deadline
        self._appear_by = appear_by
        self._poll_interval = poll_interval
        self._follow = follow
        self._decided = decided
        self._compare = compare
        self._asked_at = deadline.clock()
        self._waited_for: list[int] = []
        self._seen: dict[int, TestRun] = {}
        self._settled: set[tuple[object, ...]] = set()
        self._doubt_again_at: dict[int, float] = {}
        """By id of a complete run that the list shows as incomplete: when to look at it again."""

    @property
    def seconds(self) -> float:
        """How long it may last."""
        return self._deadline.seconds

    @property
    def was_cut_short(self) -> bool:
        """Whether a signal or the API ended it."""
        return self.watch.ended_by is not None or self.unanswered is not None

    def until_nothing_is_new(self) -> None:
        """Wait for the runs; each time all have ended, ask whether others are meant by now."""
        self._waited_for = [*self.meant.notes]
        while self._waited_for:
            later = wait_for(
                self._waited_for,
                self._look_at,
                deadline=self._deadline,
                poll_interval=self._poll_interval,
                on_update=self._effects.update,
                sleep=self._effects.sleep,
                decided=self._decided,
                compare=self._compare,
                now=self._effects.now,
            )
            self.watch = Watch(runs={**self.watch.runs, **later.runs}, ended_by=later.ended_by)
            again = self._follow and self._have_all_ended
            self._waited_for = [*self._ask_again()] if again else []

    @property
    def _have_all_ended(self) -> bool:
        seen = [self.watch.runs.get(run_id) for run_id in self.meant.notes]
        return self.watch.ended_by is None and all(
            isinstance(one, ApiError) or (one is not None and (one.finished or self._decided(one)))
            for one in seen
        )

    def _ask_again(self) -> Sequence[int]:
        """Ask which runs are meant by now, and return those to look at; none ends the wait."""
        try:
            joined = self._take(self._question.ask(list(self._seen.values())))
        except (ApiError, Interrupted) as cause:
            self.unanswered = cause
            return ()
        return list(dict.fromkeys([*joined, *self._changed()]))

    def _take(self, meant: Meant) -> Sequence[int]:
        """Store an answer, and return the runs that were not meant in the answer before."""
        for line in meant.news:
            self._effects.say(line)
        before, self.meant = self.meant, meant
        return [run_id for run_id in meant.notes if run_id not in before.notes]

    def _changed(self) -> Sequence[int]:
        """Return the runs that have changed, according to the answer, since they finished."""
        changed = []
        for run_id in self.meant.notes:
            shown, seen = self.meant.shown.get(run_id), self.watch.runs.get(run_id)
            if shown is None or not isinstance(seen, Sighting) or not seen.finished:
                continue
            now, then = state_of(shown), state_of(seen.run)
            # The list may only lag behind; the answer about the run itself counts. A list that
            # moves on the way to a complete run is not asked about with each of its steps.
            if seen.run.complete and shown.complete is False:
                clock = self._deadline.clock()
                if clock >= self._doubt_again_at.get(run_id, clock):
                    self._doubt_again_at[run_id] = clock + ASK_AGAIN_SECONDS
                    changed.append(run_id)
                continue
            if (run_id, *now) not in self._settled and any(
                new not in {None, "", old} for new, old in zip(now, then, strict=True)
            ):
                self._settled.add((run_id, *now))
                changed.append(run_id)
        return changed

    def _look_at(self, run_ids: Sequence[int]) -> Mapping[int, Seen]:
        """Look at those of the runs that are still meant, and at those that have joined."""
        joined, shown = self._ask_meanwhile()
        meant = self.meant.notes
        # Which runs are waited for may change meanwhile.
        self._waited_for[:] = [
            run_id for run_id in dict.fromkeys([*self._waited_for, *joined]) if run_id in meant
        ]
        wanted = [run_id for run_id in dict.fromkeys([*run_ids, *joined]) if run_id in meant]
        found: dict[int, Seen] = {run_id: shown[run_id] for run_id in wanted if run_id in shown}
        missing = [run_id for run_id in wanted if run_id not in found]
        if missing:
            found |= self._appeared(dict(self._look(missing)))
        self._seen |= {one: run for one, run in found.items() if isinstance(run, TestRun)}
        return found

    def _ask_meanwhile(self) -> tuple[Sequence[int], Mapping[int, TestRun]]:
        """Ask from time to time which runs are meant.

        Returns the runs that have joined, and the runs that the answer shows, which need no other
        request.
        """
        now = self._deadline.clock()
        due = now - self._asked_at >= ASK_AGAIN_SECONDS and not self._deadline.passed
        if not (self._follow and due):
            return (), {}
        self._asked_at = now
        # Only the last question needs an answer.
        with suppress(ApiError):
            joined = self._take(self._question.ask(list(self._seen.values()), optional=True))
            shown = self.meant.shown.items()
            return joined, {run_id: run for run_id, run in shown if has_all_facts(run)}
        return (), {}

    def _appeared(self, found: dict[int, Seen]) -> Mapping[int, Seen]:
        """Wait for runs that don't exist yet; runs that were seen once are not waited for."""
        attempt = 0
        while not self._appear_by.passed:
            missing = [
                run_id
                for run_id, seen in found.items()
                if isinstance(seen, NotFound) and run_id not in self._seen
            ]
            if not missing:
                break
            attempt += 1
            if attempt == 1:
                which = ", ".join(map(str, missing))
                within = f"{self._appear_by.remaining():.0f} s"
                self._effects.say(f"There is no run {which} yet; waiting up to {within} for it")
            self._effects.sleep(until_appeared(attempt, self._appear_by))
            try:
                found |= self._look(missing)
            except ApiError as error:
                found |= dict.fromkeys(missing, error)
        return found
