"""The one walk: find the runs, wait for them, judge them, gather what the reports show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from testery_gate.api.client import TesteryClient
from testery_gate.errors import ApiError, ExitCode, Interrupted
from testery_gate.judging.judged import Judged
from testery_gate.judging.verdict import (
    Policy,
    Verdict,
    decide_early,
    evaluate,
    no_verdict,
    stopped,
)
from testery_gate.model import RunStatus, TestRun
from testery_gate.runs.comparable import SECONDS, find_comparable
from testery_gate.runs.finding import find_runs, newer_runs
from testery_gate.runs.lookup import Lookup
from testery_gate.runs.references import RunReference
from testery_gate.runs.selection import Query
from testery_gate.waiting.deadline import Deadline, utc_now
from testery_gate.waiting.polling import PollInterval, Progress, Sighting, Watch, wait_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What the walk does to the world besides asking the API."""

    sleep: Callable[[float], None]
    update: Callable[[Progress], None]
    say: Callable[[str], None]
    now: Callable[[], datetime] = utc_now
    """The time of day, by which the age of a run is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How to wait, and what to ask for afterwards."""

    deadline: Deadline
    poll_interval: PollInterval
    appear_by: Deadline
    """Until when a run that is described may take to be there."""
    follow: bool = True
    """Whether a newer run stands in for one that was canceled."""
    fail_fast: bool = False
    with_results: bool = True
    comparable: int = 0
    """How many comparable runs to find for each run that was judged, itself among them."""


_Notes = Mapping[RunReference, tuple[str, ...]]
"""The runs that are meant, in their order, each with notes on the runs that it stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waited:
    """How the wait went: the runs that are meant at its end, and what was seen of them."""

    meant: _Notes
    watch: Watch
    seconds: float


class Gate:
    """Judges the runs that are named or described."""

    def __init__(
        self, policy: Policy, client: TesteryClient, effects: Effects, waiting: Waiting
    ) -> None:
        self._policy = policy
        self._client = client
        self._effects = effects
        self._waiting = waiting
        self._lookup = Lookup(client, effects.say)

    def judge(self, target: Sequence[RunReference] | Query) -> Sequence[Judged]:
        """Return each run with its verdict, however the wait ends: by a signal at any moment too.

        Where no run is found there is one verdict that says so.
        """
        try:
            if isinstance(target, Sequence):
                return self._wait_and_judge(target)
            try:
                found = self._find(target)
            except ApiError as error:
                return [Judged(run_id=None, verdict=_of_error(error))]
            except Interrupted as cause:
                reason = f"stopped by {cause} while there was no {target}"
                return [Judged(run_id=None, verdict=no_verdict(cause.exit_code, reason))]
            return self._wait_and_judge(found, target)
        except Interrupted as cause:
            verdict = no_verdict(cause.exit_code, f"stopped by {cause}")
            named = [run.run_id for run in target] if isinstance(target, Sequence) else [None]
            return [Judged(run_id=run_id, verdict=verdict) for run_id in named]

    def _find(self, query: Query) -> Sequence[RunReference]:
        """Return the runs that are meant today; raises what the API raises."""
        runs = find_runs(
            query,
            self._client,
            appear_by=self._waiting.appear_by,
            sleep=self._effects.sleep,
            say=self._effects.say,
        )
        return [RunReference(run_id=run.id) for run in runs]

    def _wait_and_judge(
        self, first: Sequence[RunReference], query: Query | None = None
    ) -> Sequence[Judged]:
        waited = self._wait(first, query)
        runs = [self._judge(reference, waited) for reference in waited.meant]
        return runs if waited.watch.ended_by else self._gather(runs)

    def _wait(self, first: Sequence[RunReference], query: Query | None) -> _Waited:
        """Wait for the runs; each time all are finished, ask whether others are meant by now."""
        started = self._waiting.deadline.clock()
        meant: _Notes = dict.fromkeys(first, ())
        watch = self._watch([reference.run_id for reference in first])
        while watch.ended_by is None:
            try:
                newer = {} if query is None else self._newer(query, meant, watch)
            except Interrupted as cause:
                watch = replace(watch, ended_by=cause)
                break
            if not newer:
                break
            meant = self._with_newer(meant, newer)
            later = self._watch([run.id for run in newer.values()])
            watch = Watch(runs={**watch.runs, **later.runs}, ended_by=later.ended_by)
        seconds = self._waiting.deadline.clock() - started
        return _Waited(meant=meant, watch=watch, seconds=seconds)

    def _watch(self, run_ids: Sequence[int]) -> Watch:
        return wait_for(
            run_ids,
            self._lookup.look,
            deadline=self._waiting.deadline,
            poll_interval=self._waiting.poll_interval,
            on_update=self._effects.update,
            sleep=self._effects.sleep,
            decided=lambda sighting: self._early(sighting) is not None,
            now=self._effects.now,
        )

    def _newer(self, query: Query, meant: _Notes, watch: Watch) -> Mapping[int, TestRun]:
        """Return the newer runs that superseded canceled ones, by the canceled ones' ids."""
        seen = [watch.runs.get(reference.run_id) for reference in meant]
        canceled = [
            one.run
            for one in seen
            if isinstance(one, Sighting) and one.run.status is RunStatus.CANCELED
        ]
        if not canceled or not self._waiting.follow or query.selection.every:
            return {}
        try:
            return newer_runs(query, self._client, canceled)
        except ApiError as error:
            self._effects.say(
                f"Whether newer runs superseded canceled ones can't be told: {error.message}"
            )
            return {}

    def _with_newer(self, meant: _Notes, newer: Mapping[int, TestRun]) -> _Notes:
        replaced: dict[RunReference, tuple[str, ...]] = {}
        for reference, notes in meant.items():
            successor = newer.get(reference.run_id)
            if successor is None:
                replaced[reference] = notes
                continue
            note = f"run {reference.run_id} was canceled, and newer run {successor.id} followed"
            self._effects.say(note)
            replaced[RunReference(run_id=successor.id)] = (*notes, note)
        return replaced

    def _judge(self, reference: RunReference, waited: _Waited) -> Judged:
        seen = waited.watch.runs.get(reference.run_id)
        judged = Judged(
            run_id=reference.run_id,
            verdict=self._verdict(seen, waited),
            notes=waited.meant[reference],
            web_url=reference.web_url,
        )
        if not isinstance(seen, Sighting):
            return judged
        notes = (*seen.notes, *judged.notes)
        return replace(judged, run=seen.run, notes=notes, observed=seen.observed)

    def _verdict(self, seen: Sighting | ApiError | None, waited: _Waited) -> Verdict:
        if isinstance(seen, ApiError):
            return _of_error(seen)
        if seen is None:
            return _unfinished(None, waited)
        if seen.finished:
            return evaluate(self._policy, seen.run, self._effects.now())
        return self._early(seen) or _unfinished(seen.run, waited)

    def _early(self, sighting: Sighting) -> Verdict | None:
        if not self._waiting.fail_fast:
            return None
        return decide_early(self._policy, sighting.run, total_known=sighting.total_known)

    def _gather(self, runs: Sequence[Judged]) -> Sequence[Judged]:
        """Add what the reports show besides; a signal meanwhile is how every run ends."""
        try:
            runs = self._with_addresses(runs)
            if self._waiting.with_results:
                runs = self._with_results(runs)
            return self._with_comparable(runs) if self._waiting.comparable else runs
        except Interrupted as cause:
            return [
                replace(
                    judged,
                    verdict=stopped(judged.verdict, cause),
                    notes=(*judged.notes, f"the verdict was {judged.exit_code.outcome}"),
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
        """Add the tests of each run that was judged; where the API has none to offer, say so."""
        found: list[Judged] = []
        lacking = ""
        for judged in runs:
            if judged.run is None or judged.exit_code not in _BY_EVIDENCE:
                found.append(judged)
                continue
            try:
                results = None if lacking else self._client.results(judged.run.id)
            except ApiError as error:
                results, lacking = None, f"only counts, no single test results: {error.message}"
            notes = (*judged.notes, lacking) if lacking else judged.notes
            found.append(replace(judged, results=results, notes=notes))
        return found

    def _with_comparable(self, runs: Sequence[Judged]) -> Sequence[Judged]:
        """Add comparable runs, as far as the list of runs shows them in reasonable time."""
        known = [judged.run for judged in runs if judged.run and judged.exit_code in _BY_EVIDENCE]
        until = Deadline.after(SECONDS, self._waiting.deadline.clock)
        count = self._waiting.comparable
        found = find_comparable(known, self._client, count, until=until) if known else {}
        return [
            replace(judged, comparable=found.get(judged.run.id)) if judged.run else judged
            for judged in runs
        ]


_BY_EVIDENCE = {ExitCode.PASSED, ExitCode.FAILED, ExitCode.INCONCLUSIVE}
"""How runs end that were judged by what they brought."""


def _of_error(error: ApiError) -> Verdict:
    return no_verdict(error.exit_code, error.message, advice=error.advice)


def _unfinished(run: TestRun | None, waited: _Waited) -> Verdict:
    match waited.watch.ended_by:
        case None:
            return no_verdict(
                ExitCode.TIMED_OUT,
                f"{_failed_already(run)}not finished within {waited.seconds:.0f} s:"
                f" {_standing(run)}",
                advice="Raise --timeout, or look at the run: it may be stuck.",
            )
        case Interrupted() as cause:
            return no_verdict(cause.exit_code, f"stopped by {cause} while {_standing(run)}")
        case error:
            return _of_error(error)


def _standing(run: TestRun | None) -> str:
    if run is None:
        return "the run was not seen yet"
    counted = "" if run.done is None else f", {run.done} of {run.total} tests done"
    settling = " but not complete" if run.status.is_final else ""
    return f"the run was {run.status_text or 'without a status'}{settling}{counted}"


def _failed_already(run: TestRun | None) -> str:
    """Return the beginning of a reason: failures come first, whatever else is to be said."""
    failed = (run and run.failed) or 0
    if failed <= 0:
        return ""
    return f"{failed} {'test' if failed == 1 else 'tests'} had failed already; "
