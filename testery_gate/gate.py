"""The one walk: look until the runs are finished, judge them, tell about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TextIO

from testery_gate import reports
from testery_gate.api.client import TesteryClient
from testery_gate.errors import ApiError, ExitCode, Interrupted, ReportLost, combined
from testery_gate.judging.verdict import Policy, Verdict, decide_early, evaluate, no_verdict
from testery_gate.model import Observation, RunStatus, TestRun
from testery_gate.runs.lookup import Lookup
from testery_gate.runs.references import RunReference
from testery_gate.waiting.deadline import Deadline
from testery_gate.waiting.polling import Pace, Progress, Sighting, Watch, wait_for

if TYPE_CHECKING:
    from testery_gate.runs.selection import Query

# Runs are mostly named, and few reports show others: what finds them is imported when needed.


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What the walk does to the world besides asking the API."""

    sleep: Callable[[float], None]
    update: Callable[[Progress], None]
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How to wait, and what to ask for afterwards."""

    deadline: Deadline
    pace: Pace
    fail_fast: bool = False
    with_results: bool = True
    history: int = 0
    """How many comparable runs to find for each run that was judged, itself among them."""


def judge(
    target: Sequence[RunReference] | Query,
    policy: Policy,
    client: TesteryClient,
    effects: Effects,
    waiting: Waiting,
    *,
    appear_by: Deadline,
    follow: bool,
) -> Sequence[Verdict]:
    """Judge the runs that are named or described; a signal at any moment leaves a verdict too."""
    try:
        if isinstance(target, Sequence):
            return judge_runs(target, policy, client, effects, waiting)
        return judge_selection(
            target,
            policy,
            client,
            effects,
            waiting,
            appear_by=appear_by,
            follow=follow and not target.selection.every,
        )
    except Interrupted as cause:
        run_ids: Sequence[int | None] = [None]
        if isinstance(target, Sequence):
            run_ids = [reference.run_id for reference in target]
        return [no_verdict(run_id, cause.exit_code, f"stopped by {cause}") for run_id in run_ids]


Follow = Callable[[Sequence[TestRun]], Mapping[int, TestRun]]
"""From canceled runs to the newer ones that superseded them, by the canceled ones' ids."""


def judge_runs(
    references: Sequence[RunReference],
    policy: Policy,
    client: TesteryClient,
    effects: Effects,
    waiting: Waiting,
    follow: Follow = lambda _: {},
) -> Sequence[Verdict]:
    """Wait for the runs and judge each; however the wait ends, every run gets a verdict."""

    def early(sighting: Sighting) -> Verdict | None:
        if not waiting.fail_fast:
            return None
        return decide_early(policy, sighting.run, total_known=sighting.total_known)

    def watch_for(run_ids: Sequence[int]) -> Watch:
        return wait_for(
            run_ids,
            lookup.look,
            deadline=waiting.deadline,
            pace=waiting.pace,
            on_update=effects.update,
            sleep=effects.sleep,
            decided=lambda sighting: early(sighting) is not None,
        )

    lookup = Lookup(client, effects.say)
    started = waiting.deadline.clock()
    watch = watch_for([reference.run_id for reference in references])
    followed, watch = _followed(references, watch, watch_for, follow, effects.say)
    waited = waiting.deadline.clock() - started
    verdicts = []
    for reference, history in followed.items():
        verdict = _verdict(reference.run_id, watch, policy, early, waited)
        verdicts.append(
            replace(
                verdict,
                web_url=reference.web_url,
                notes=(*verdict.notes, *history),
                observed=_observed(watch.runs.get(reference.run_id)),
            )
        )
    if watch.ended_by is not None:
        return verdicts
    try:
        verdicts = _with_addresses(verdicts, client)
        if waiting.with_results:
            verdicts = _with_results(verdicts, client)
        return _with_histories(verdicts, client, waiting) if waiting.history else verdicts
    except Interrupted as cause:
        # Every report says how the process ended; what the verdict would have been is a note.
        return [
            replace(
                verdict,
                exit_code=cause.exit_code,
                reason=f"stopped by {cause} before the reports were complete",
                notes=(*verdict.notes, f"the verdict was {verdict.exit_code.outcome}"),
            )
            for verdict in verdicts
        ]


def _followed(
    references: Sequence[RunReference],
    watch: Watch,
    watch_for: Callable[[Sequence[int]], Watch],
    follow: Follow,
    say: Callable[[str], None],
) -> tuple[Mapping[RunReference, Sequence[str]], Watch]:
    """Replace canceled runs by those that superseded them, until none is left to replace.

    Each reference comes with notes on the runs that it stands for.
    """
    followed: dict[RunReference, Sequence[str]] = dict.fromkeys(references, ())
    while watch.ended_by is None:
        seen = [watch.runs.get(reference.run_id) for reference in followed]
        canceled = [
            one.run
            for one in seen
            if isinstance(one, Sighting) and one.run.status is RunStatus.CANCELED
        ]
        try:
            newer = follow(canceled) if canceled else {}
        except ApiError as error:
            say(f"Whether newer runs superseded canceled ones can't be told: {error.message}")
            break
        except Interrupted as cause:
            return followed, replace(watch, ended_by=cause)
        if not newer:
            break
        replaced: dict[RunReference, Sequence[str]] = {}
        for reference, history in followed.items():
            successor = newer.get(reference.run_id)
            if successor is None:
                replaced[reference] = history
                continue
            story = f"run {reference.run_id} was canceled, and newer run {successor.id} followed"
            say(story)
            replaced[RunReference(run_id=successor.id)] = (*history, story)
        followed = replaced
        later = watch_for([run.id for run in newer.values()])
        watch = Watch(runs={**watch.runs, **later.runs}, ended_by=later.ended_by)
    return followed, watch


def judge_selection(
    query: Query,
    policy: Policy,
    client: TesteryClient,
    effects: Effects,
    waiting: Waiting,
    *,
    appear_by: Deadline,
    follow: bool,
) -> Sequence[Verdict]:
    """Find the runs that are meant and do the same; finding none is a verdict too."""
    from testery_gate.runs.finding import find_runs, newer_runs

    try:
        runs = find_runs(query, client, appear_by=appear_by, sleep=effects.sleep, say=effects.say)
    except ApiError as error:
        return [no_verdict(None, error.exit_code, error.message, advice=error.advice)]
    except Interrupted as cause:
        reason = f"stopped by {cause} while there was no {query}"
        return [no_verdict(None, cause.exit_code, reason)]
    return judge_runs(
        [RunReference(run_id=run.id) for run in runs],
        policy,
        client,
        effects,
        waiting,
        follow=(lambda canceled: newer_runs(query, client, canceled)) if follow else lambda _: {},
    )


def _verdict(
    run_id: int,
    watch: Watch,
    policy: Policy,
    early: Callable[[Sighting], Verdict | None],
    waited: float,
) -> Verdict:
    seen = watch.runs.get(run_id)
    if isinstance(seen, ApiError):
        return no_verdict(run_id, seen.exit_code, seen.message, advice=seen.advice)
    if seen is not None and seen.finished:
        return replace(evaluate(policy, seen.run), notes=seen.notes)
    decided = early(seen) if seen is not None else None
    if decided is not None:
        return decided
    run = seen.run if seen is not None else None
    match watch.ended_by:
        case None:
            return no_verdict(
                run_id,
                ExitCode.TIMED_OUT,
                f"not finished within {waited:.0f} s: {_standing(run)}",
                advice="Raise --timeout, or look at the run: it may be stuck.",
                run=run,
            )
        case Interrupted() as cause:
            reason = f"stopped by {cause} while {_standing(run)}"
            return no_verdict(run_id, cause.exit_code, reason, run=run)
        case error:
            return no_verdict(run_id, error.exit_code, error.message, advice=error.advice, run=run)


def _observed(seen: Sighting | ApiError | None) -> Sequence[Observation]:
    return seen.observed if isinstance(seen, Sighting) else ()


def _standing(run: TestRun | None) -> str:
    if run is None:
        return "the run was not seen yet"
    counted = "" if run.done is None else f", {run.done} of {run.total} tests done"
    return f"the run was {run.status_text or 'without a status'}{counted}"


def _with_addresses(verdicts: Sequence[Verdict], client: TesteryClient) -> list[Verdict]:
    """Add the web address where the user did not give it; it takes the account's name."""
    if all(verdict.web_url or verdict.run is None for verdict in verdicts):
        return list(verdicts)
    try:
        account = client.account_name()
    except ApiError:
        account = None
    if account is None:
        return list(verdicts)
    return [
        replace(
            verdict,
            web_url=verdict.web_url or f"https://testery.app/{account}/test-runs/{verdict.run_id}",
        )
        if verdict.run is not None
        else verdict
        for verdict in verdicts
    ]


def _with_histories(
    verdicts: Sequence[Verdict], client: TesteryClient, waiting: Waiting
) -> list[Verdict]:
    """Add comparable runs, as far as the list of runs tells them in reasonable time."""
    from testery_gate.runs.comparable import SECONDS, find_histories

    judged = [verdict.run for verdict in verdicts if verdict.run and verdict.exit_code in _JUDGED]
    until = Deadline.after(SECONDS, waiting.deadline.clock)
    found = find_histories(judged, client, waiting.history, until=until) if judged else {}
    return [
        replace(verdict, history=found.get(verdict.run.id)) if verdict.run else verdict
        for verdict in verdicts
    ]


def _with_results(verdicts: Sequence[Verdict], client: TesteryClient) -> list[Verdict]:
    """Add the tests of each run that was judged; where the API has none to offer, say so."""
    found: list[Verdict] = []
    lacking = ""
    for verdict in verdicts:
        if verdict.run is None or verdict.exit_code not in _JUDGED:
            found.append(verdict)
            continue
        try:
            results = None if lacking else client.results(verdict.run.id)
        except ApiError as error:
            results, lacking = None, f"only counts, no single test results: {error.message}"
        notes = (*verdict.notes, lacking) if lacking else verdict.notes
        found.append(replace(verdict, results=results, notes=notes))
    return found


_JUDGED = {ExitCode.PASSED, ExitCode.FAILED, ExitCode.INCONCLUSIVE}


def publish(
    verdicts: Sequence[Verdict],
    wanted: Sequence[reports.Report],
    stdout: TextIO,
    complain: Callable[[ReportLost], None],
    formats: Mapping[str, reports.Renderer] = reports.FORMATS,
) -> ExitCode:
    """Write the reports and return the exit code; a lost report never hides a worse code."""
    code = combined({verdict.exit_code for verdict in verdicts})
    for report in wanted:
        try:
            # No name is given to the text, so that it is gone before the next one is made.
            _deliver(formats[report.format](verdicts), report.path, stdout)
        except ReportLost as error:
            complain(error)
            if code is ExitCode.PASSED:
                code = ExitCode.REPORT_LOST
    return code


def _deliver(text: str, path: str, stdout: TextIO) -> None:
    """Write a report where it is wanted; raises :class:`ReportLost`."""
    if path != "-":
        reports.write(path, text)
        return
    try:
        stdout.write(text)
        stdout.flush()
    except (OSError, ValueError) as error:
        # ValueError: a stream that is closed, or whose encoding lacks a character.
        raise ReportLost(f"standard output can't take the report: {error}") from None
