"""All the steps: find or start the runs, wait for them, judge them, gather what reports show."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from testery_gate.api.client import ONLY_LOOK_SECONDS, TesteryClient
from testery_gate.api.time_limit import TookTooLong
from testery_gate.errors import ApiError, ExitCode, Interrupted, NotFound
from testery_gate.evidence.classes import Evidence
from testery_gate.judging import unjudged
from testery_gate.judging.judged import Judged
from testery_gate.judging.policy import Policy
from testery_gate.judging.verdict import Verdict, decide_early, evaluate
from testery_gate.model import TestRun
from testery_gate.runs.cancellation import CANCEL_SECONDS, OTHER_BUILD, Cancellation
from testery_gate.runs.comparable import (
    SECONDS,
    comparable_before,
    find_earlier,
    usual_durations,
)
from testery_gate.runs.listing import PAGE_SIZE, Pages
from testery_gate.runs.lookup import Lookup
from testery_gate.runs.meant import Meant, Named, Question
from testery_gate.runs.references import PipedRuns, RunReference
from testery_gate.runs.wait import Effects as Effects
from testery_gate.runs.wait import Wait
from testery_gate.waiting.deadline import Deadline
from testery_gate.waiting.polling import Durations, PollInterval, Sighting

if TYPE_CHECKING:
    from testery_gate.evidence.gathering import Gathering
    from testery_gate.runs.selection import Query
    from testery_gate.runs.start import Start, Starter

    Target = Sequence[RunReference] | PipedRuns | Query | Start
    """Which runs to judge: runs that are named or described, or one that the gate starts."""

APPEARING_SECONDS = 10.0
"""Seconds that a run may take to appear after it was started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How to wait, and what to ask for afterwards."""

    deadline: Deadline
    poll_interval: PollInterval
    appear_by: Deadline
    """Until when runs may appear."""
    follow: bool = True
    """Whether the gate asks again which runs are meant, and newer ones replace canceled ones."""
    fail_fast: bool = False
    cancel_on_interrupt: bool = False
    """Whether runs that have not finished are canceled in Testery after a signal."""
    cancel_when_decided: bool = False
    """The same for a run that was decided early."""
    with_results: bool = True
    with_attachments: Callable[[Sequence[Judged]], Iterable[tuple[int, str]]] | None = None
    """Which tests to ask for screenshots and the like, by run and result, the first ones first."""
    comparable: int = 0
    """How many comparable runs to find for each run that was judged, itself among them."""


class Gate:
    """Judges the runs that are named or described."""

    def __init__(
        self,
        policy: Policy,
        client: TesteryClient,
        effects: Effects,
        waiting: Waiting,
        gathering: Gathering | None = None,
        *,
        aside: Callable[[float], TesteryClient] | None = None,
    ) -> None:
        """``aside`` returns a client for so many seconds, which goes on after a signal too."""
        self._policy = policy
        self._client = client
        self._effects = effects
        self._waiting = waiting
        self._gathering = gathering
        """What reads the evidence of single tests, where that was asked for."""
        self._aside = aside or (lambda _: client)
        self._cancellation = Cancellation(self._aside, effects.say)
        self._started: int | None = None
        self._wanted: Start | None = None
        """What was to be started, if anything was."""
        self._newest: Sequence[TestRun] | None = None
        """The newest runs when the wait began, once they were asked for."""
        self._before: Mapping[int, Sequence[TestRun]] = {}
        """By id the comparable runs before those that were judged, once they were looked for."""

    def judge(self, target: Target) -> Sequence[Judged]:
        """Return each run with its verdict, however the wait ends, also by a signal.

        Where no run is found, there is one verdict that says so. Raises :class:`UsageError` where
        standard input names no runs, or what is to be started is not there.
        """
        try:
            if isinstance(target, PipedRuns):
                # Even with a deadline of 0, the program that writes the input needs time to start.
                seconds = self._waiting.deadline.remaining() or ONLY_LOOK_SECONDS
                try:
                    target = target.read(seconds)
                except TookTooLong:
                    return [Judged(run_id=None, verdict=unjudged.of_endless_input(seconds))]
            if isinstance(target, Sequence):
                return self._judge_named(target)
            from testery_gate.runs.start import Start  # of no use to a run that is named

            if isinstance(target, Start):
                return self._judge_started(target)
            return self._judge_described(target)
        except Interrupted as cause:
            verdict = unjudged.no_verdict(cause.exit_code, f"stopped by {cause}")
            named = [run.run_id for run in target] if isinstance(target, Sequence) else [None]
            return [Judged(run_id=run_id, verdict=verdict) for run_id in named]

    def _judge_named(self, runs: Sequence[RunReference]) -> Sequence[Judged]:
        addresses = {run.run_id: run.web_url for run in runs}
        question = Named(addresses, self._client)
        wait = self._wait(question, Meant(notes=dict.fromkeys(addresses, ())))
        return self._gather(
            [
                replace(judged, web_url=addresses.get(judged.run_id or 0))
                for judged in self._judged(wait)
            ],
            wait,
        )

    def _judge_started(self, wanted: Start) -> Sequence[Judged]:
        from testery_gate.runs.start import Starter

        effects, deadline = self._effects, self._waiting.deadline
        self._wanted = wanted
        starter = Starter(
            wanted,
            self._client,
            clock=deadline.clock,
            sleep=effects.sleep,
            say=effects.say,
        )
        try:
            run_id = self._started = starter.start(self._aside)
            effects.started(run_id)
            seconds = min(APPEARING_SECONDS, deadline.remaining())
            appear_by = Deadline.after(seconds, deadline.clock)
            self._waiting = replace(self._waiting, appear_by=appear_by)
            runs = self._judge_named([RunReference(run_id=run_id)])
        except ApiError as error:
            return [Judged(run_id=None, verdict=unjudged.of_error(error))]
        except Interrupted as cause:
            return [self._stopped_start(starter, cause)]
        runs = [_not_ours(one) if one.run and wanted.is_not(one.run) else one for one in runs]
        return [replace(one, notes=(*starter.notes, *one.notes)) for one in runs]

    def _stopped_start(self, starter: Starter, cause: Interrupted) -> Judged:
        """Say how far a start had come when a signal stopped it, and cancel what was started."""
        run_id, doubt = starter.run_id, ""
        if run_id is None and starter.in_doubt and self._waiting.cancel_on_interrupt:
            try:
                client = self._aside(CANCEL_SECONDS)
                runs = starter.look(client, CANCEL_SECONDS, self._effects.sleep_on)
            except ApiError as error:
                doubt = f"nothing was canceled, because the list can't be read: {error.message}"
            else:
                run_id = starter.certain(runs)
                doubt = "" if run_id else "nothing was canceled: no run is surely the one"
        if run_id is not None:
            if self._waiting.cancel_on_interrupt:
                self._cancel([run_id], str(cause))
            reason = f"stopped by {cause} when run {run_id} had just been started"
            advice = self._after_a_signal(run_id)
        elif starter.in_doubt:
            reason = f"stopped by {cause} while a run was being started: it may be there"
            advice = starter.wanted.how_to_look
        else:
            reason = f"stopped by {cause} before a run was started"
            advice = "Start the gate again."
        verdict = unjudged.no_verdict(cause.exit_code, reason, advice=advice)
        notes = (*starter.notes, *self._cancellation.note(run_id), *([doubt] if doubt else []))
        return Judged(run_id=run_id, verdict=verdict, notes=notes)

    def _judge_described(self, query: Query) -> Sequence[Judged]:
        from testery_gate.runs.described import Described
        from testery_gate.runs.finding import Search, appeared

        search = Search(query, self._client, self._effects.now)
        try:
            choice = appeared(
                search,
                appear_by=self._waiting.appear_by,
                sleep=self._effects.sleep,
                say=self._effects.say,
            )
        except ApiError as error:
            return [Judged(run_id=None, verdict=unjudged.of_error(error))]
        except Interrupted as cause:
            reason = f"stopped by {cause} while there was no {query}"
            return [Judged(run_id=None, verdict=unjudged.no_verdict(cause.exit_code, reason))]
        if not choice.runs:
            return [Judged(run_id=None, verdict=unjudged.of_error(search.not_found()))]
        question = Described(search)
        too_few = len(choice.runs) < query.min_runs
        # The gate can't pass any more; only runs that failed already can change the exit code.
        wait = self._wait(question, question.take(choice), only_look=too_few)
        runs = self._judged(wait)
        if len(runs) < query.min_runs:
            lacking = unjudged.of_error(search.too_few(len(runs)), "too few runs were found")
            runs = [_withheld(judged, lacking, _BUT_A_FAILURE) for judged in runs]
        return self._gather(_with_note(runs, search.cut_off()), wait)

    def _wait(self, question: Question, first: Meant, *, only_look: bool = False) -> Wait:
        waiting = self._waiting
        deadline = waiting.deadline
        wait = Wait(
            question,
            first,
            Lookup(self._client, self._effects.say).look,
            effects=self._effects,
            deadline=Deadline.after(0, deadline.clock) if only_look else deadline,
            appear_by=waiting.appear_by,
            poll_interval=waiting.poll_interval,
            follow=waiting.follow and not only_look,
            decided=lambda sighting: self._early(sighting) is not None,
            compare=self._usual_durations,
        )
        wait.until_nothing_is_new()
        return wait

    def _usual_durations(self, runs: Sequence[TestRun]) -> Durations:
        """Return how long runs like these took lately; one request serves the whole wait."""
        if self._newest is None:
            try:
                self._newest = self._client.newest(PAGE_SIZE)
            except ApiError:
                self._newest = ()
        newest = self._newest
        if self._gathering:
            for run in runs:
                self._gathering.read_ahead(run, comparable_before(run, newest))
        return {run.id: usual_durations(run, newest) for run in runs}

    def _judged(self, wait: Wait) -> Sequence[Judged]:
        try:
            if self._waiting.cancel_when_decided:
                self._cancel(self._decided_early(wait), "the verdict was decided")
            evidence = self._evidence(wait)
        except Interrupted as signal:
            evidence, wait.unanswered = {}, signal
        for ended_by in (wait.watch.ended_by, wait.unanswered):
            if isinstance(ended_by, Interrupted):
                self._cancel_after(ended_by, wait)
        runs = [self._judge(run_id, wait, evidence.get(run_id)) for run_id in wait.meant.notes]
        match wait.unanswered:
            case None:
                return runs
            case Interrupted() as cause:
                return [_stopped(judged, cause) for judged in runs]
            case error:
                reason = f"it is unknown whether other runs are meant by now: {error.message}"
                lacking = unjudged.no_verdict(error.exit_code, reason, advice=error.advice)
                return [_withheld(judged, lacking, {ExitCode.PASSED}) for judged in runs]

    def _decided_early(self, wait: Wait) -> Sequence[int]:
        seen = [wait.watch.runs.get(run_id) for run_id in wait.meant.notes]
        return [
            one.run.id
            for one in seen
            if isinstance(one, Sighting)
            and not one.finished
            and one.run.id not in wait.meant.doubts
            and self._early(one)
        ]

    def _cancel_after(self, cause: Interrupted, wait: Wait) -> None:
        """Cancel the runs that may still be going, where the user asked for that."""
        seen = {run_id: wait.watch.runs.get(run_id) for run_id in wait.meant.notes}
        if self._waiting.cancel_on_interrupt:
            still_open = [
                run_id
                for run_id, one in seen.items()
                if not (isinstance(one, NotFound) or (isinstance(one, Sighting) and one.finished))
            ]
            self._cancel(still_open, str(cause))

    def _cancel(self, run_ids: Sequence[int], why: str) -> None:
        is_not_ours = self._wanted.is_not if self._wanted else lambda _: False
        self._cancellation.cancel(run_ids, why, is_not_ours=is_not_ours)

    def _after_a_signal(self, run_id: int) -> str:
        """Say what to do about a run that goes on without the gate, if it does."""
        if self._cancellation.canceled(run_id):
            return "The run was canceled in Testery: start another one."
        if run_id == self._started:
            return f"The run goes on without the gate: 'testery-gate wait {run_id}' waits for it."
        return ""

    def _evidence(self, wait: Wait) -> Mapping[int, Evidence]:
        """Read the tests of the runs that have finished, and of those that they are compared with.

        After a signal, or when the API gives no more answers, nothing is read.
        """
        if self._gathering is None or wait.was_cut_short:
            return {}
        seen = [wait.watch.runs.get(run_id) for run_id in wait.meant.notes]
        runs = [one.run for one in seen if isinstance(one, Sighting) and one.finished]
        gathering = self._gathering

        def is_enough(run: TestRun, found: Sequence[TestRun]) -> bool:
            shown = self._waiting.comparable - 1
            return len(found) >= shown and gathering.is_enough(run, found)

        self._before, fault = self._find_earlier(runs, is_enough, gathering.api)
        return gathering.gather(runs, self._before, fault, meant=len(seen))

    def _find_earlier(
        self,
        runs: Sequence[TestRun],
        is_enough: Callable[[TestRun, Sequence[TestRun]], bool],
        source: Pages,
    ) -> tuple[Mapping[int, Sequence[TestRun]], ApiError | None]:
        until = Deadline.after(SECONDS, self._waiting.deadline.clock)
        known = self._newest or ()
        return find_earlier(runs, source, is_enough, until=until, known=known)

    def _judge(self, run_id: int, wait: Wait, evidence: Evidence | None) -> Judged:
        seen = wait.watch.runs.get(run_id)
        judged = Judged(
            run_id=run_id,
            verdict=self._verdict(run_id, wait, evidence),
            evidence=evidence,
            results=evidence.results if evidence and self._waiting.with_results else None,
            notes=(
                *wait.meant.notes[run_id],
                *self._cancellation.note(run_id),
                *(evidence.notes if evidence else ()),
            ),
        )
        if not isinstance(seen, Sighting):
            return judged
        doubt = wait.meant.doubts.get(run_id)
        if doubt is not None and (seen.finished or judged.verdict.decided_early):
            judged = replace(judged, verdict=unjudged.of_a_doubt(seen.run, doubt))
        notes = (*seen.notes, *judged.notes)
        return replace(judged, run=seen.run, notes=notes, observed=seen.observed)

    def _verdict(self, run_id: int, wait: Wait, evidence: Evidence | None) -> Verdict:
        seen = wait.watch.runs.get(run_id)
        if isinstance(seen, ApiError):
            return unjudged.of_error(seen)
        if seen is None:
            return self._unfinished(None, run_id, wait)
        if seen.finished:
            return evaluate(self._policy, seen.run, self._effects.now(), evidence)
        return self._early(seen) or self._unfinished(seen.run, run_id, wait)

    def _unfinished(self, run: TestRun | None, run_id: int, wait: Wait) -> Verdict:
        after_a_signal = self._after_a_signal(run_id)
        return unjudged.of_unfinished(run, wait.watch.ended_by, wait.seconds, after_a_signal)

    def _early(self, sighting: Sighting) -> Verdict | None:
        if not self._waiting.fail_fast:
            return None
        return decide_early(self._policy, sighting.run, total_known=sighting.total_known)

    def _gather(self, runs: Sequence[Judged], wait: Wait) -> Sequence[Judged]:
        """Add what else the reports show; after a signal meanwhile, every run ends as stopped."""
        if wait.was_cut_short:
            return runs
        try:
            runs = self._with_addresses(runs)
            if self._waiting.with_results:
                runs = self._with_results(runs)
            if self._waiting.with_attachments:
                runs = self._with_attachments(runs, self._waiting.with_attachments(runs))
            return self._with_comparable(runs) if self._waiting.comparable else runs
        except Interrupted as cause:
            noted = {judged.run_id for judged in runs if self._cancellation.note(judged.run_id)}
            self._cancel_after(cause, wait)
            return [
                _stopped(
                    judged,
                    cause,
                    () if judged.run_id in noted else self._cancellation.note(judged.run_id),
                )
                for judged in runs
            ]

    def _with_addresses(self, runs: Sequence[Judged]) -> Sequence[Judged]:
        """Add the web address where the user did not give it; it takes the account's name."""
        if all(judged.web_url or judged.run is None for judged in runs):
            return runs
        try:
            account = self._client.account_name()
        except ApiError:
            account = None
        if account is None:
            return runs
        page = f"https://testery.app/{account}/test-runs"
        return [
            replace(judged, web_url=judged.web_url or f"{page}/{judged.run_id}")
            if judged.run is not None
            else judged
            for judged in runs
        ]

    def _with_results(self, runs: Sequence[Judged]) -> Sequence[Judged]:
        """Add the tests of each run that was judged; add a note where the API offers none."""
        found: list[Judged] = []
        lacking = ""
        for judged in runs:
            if judged.run is None or judged.exit_code not in _BY_EVIDENCE or judged.evidence:
                found.append(judged)
                continue
            try:
                results = None if lacking else self._client.results(judged.run.id)
            except ApiError as error:
                results, lacking = None, f"only counts, no individual test results: {error.message}"
            notes = (*judged.notes, lacking) if lacking else judged.notes
            found.append(replace(judged, results=results, notes=notes))
        return found

    def _with_attachments(
        self, runs: Sequence[Judged], wanted: Iterable[tuple[int, str]]
    ) -> Sequence[Judged]:
        """Add the tests' screenshots and the like; add a note where the API offers none."""
        from testery_gate.evidence.attachments import ATTACHMENT_SECONDS, collect

        until = Deadline.after(ATTACHMENT_SECONDS, self._waiting.deadline.clock)
        found = collect(wanted, self._client, until)

        def completed(judged: Judged) -> Judged:
            of_run = found.get(judged.run_id or 0)
            if of_run is None:
                return judged
            notes = (*judged.notes, of_run.note) if of_run.note else judged.notes
            return replace(judged, attachments=of_run.by_result, notes=notes)

        return list(map(completed, runs))

    def _with_comparable(self, runs: Sequence[Judged]) -> Sequence[Judged]:
        """Add comparable runs, as far as the list of runs shows them in reasonable time."""
        known = [judged.run for judged in runs if judged.run and judged.exit_code in _BY_EVIDENCE]
        count = self._waiting.comparable - 1
        if self._gathering is None and known:
            self._before, _ = self._find_earlier(
                known, lambda _, found: len(found) >= count, self._client
            )

        def comparable(run: TestRun) -> Sequence[TestRun] | None:
            before = self._before.get(run.id) if run in known else None
            return None if before is None else [*reversed(before[:count]), run]

        return [
            replace(judged, comparable=comparable(judged.run)) if judged.run else judged
            for judged in runs
        ]


_BY_EVIDENCE = {ExitCode.PASSED, ExitCode.FAILED, ExitCode.INCONCLUSIVE}
"""The exit codes of runs that were judged by their own results."""
_BUT_A_FAILURE = {ExitCode.PASSED, ExitCode.INCONCLUSIVE, ExitCode.TIMED_OUT}


def _not_ours(judged: Judged) -> Judged:
    lacking = unjudged.of_another_run(judged.run_id, OTHER_BUILD)
    return _withheld(judged, lacking, {ExitCode.PASSED, ExitCode.FAILED})


def _withheld(judged: Judged, lacking: Verdict, instead_of: Collection[ExitCode]) -> Judged:
    """Replace the verdicts that end with these codes; add a note to the others."""
    if judged.exit_code not in instead_of:
        return replace(judged, notes=(*judged.notes, lacking.reason))
    checks = (*lacking.checks, *judged.verdict.checks)
    return replace(judged, verdict=replace(lacking, checks=checks))


def _stopped(judged: Judged, cause: Interrupted, more: tuple[str, ...] = ()) -> Judged:
    notes = (*judged.notes, f"the verdict was {judged.exit_code.outcome}", *more)
    return replace(judged, verdict=unjudged.stopped(judged.verdict, cause), notes=notes)


def _with_note(runs: Sequence[Judged], note: str) -> Sequence[Judged]:
    """Add a note that is about all runs to the first one."""
    first, *others = runs
    return [replace(first, notes=(*first.notes, note)), *others] if note else runs
