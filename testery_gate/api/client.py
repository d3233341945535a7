"""The Testery API: its endpoints, and the retries.

After a malformed answer the request is repeated, as after any other fault, until the outage
tolerance or the deadline ends that. Documented endpoints: the Testery API documentation.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar, cast

import tenacity

from testery_gate.api import faults
from testery_gate.api.transport import Bounds, Reply, Request, Transport
from testery_gate.errors import ApiError, Lost, NoAnswer, Unauthorized, Unavailable
from testery_gate.model import (
    Attachments,
    Entry,
    MalformedAnswer,
    TestResult,
    TestRun,
    decode_json,
    parse_account_name,
    parse_attachments,
    parse_entries,
    parse_results,
    parse_run,
    parse_runs,
)
from testery_gate.text import Clean, one_line
from testery_gate.waiting.deadline import Deadline
from testery_gate.waiting.polling import Seen

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 30.0
REQUEST_TIMEOUTS = (10.0, 30.0, 60.0)
"""Seconds for one request from name resolution to the last byte, however slowly it arrives.

After a request that took longer, the next one may take more time. So a stalled request costs
little, and a slow API still works.
"""
RESULTS_TIMEOUT = 60.0
START_TIMEOUT = 60.0
"""Long, because the API may carry out a start although the gate has given up the request."""
ALL_OF_IT = 0.9
"""A request has stalled if it took this share of its time; below 1, as clocks differ a little."""
LAST_LOOK_SECONDS = 1.5
"""How far past the deadline all requests together may run."""
ONLY_LOOK_SECONDS = 10.0
"""The same if there is only one poll: the API needs time to answer with a deadline of 0 too."""
OPTIONAL_PATIENCE = 5.0
"""How long faults are tolerated if the verdict does not need the answer."""
OPTIONAL_TIMEOUT = 10.0
"""Seconds for one such request, except for test results, which are large."""
MAX_ANSWER_BYTES = 16 * 1024 * 1024
MAX_RESULTS_BYTES = 64 * 1024 * 1024
MAX_ANSWER_VALUES = 500_000
MAX_RESULTS_VALUES = 2_000_000
"""JSON values, each of which takes up to 200 bytes to read, however short it is."""
FIRST_DELAY = 1.0
LONGEST_DELAY = 30.0

_SHOWN_BYTES = 1000
"""How much of an answer is read to describe what it was instead of JSON."""

_T = TypeVar("_T")
_Parse = Callable[[object, Clean], _T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of time and size: seconds, and bytes after decompression."""

    deadline: Deadline
    outage_tolerance: float
    grace: float = LAST_LOOK_SECONDS
    """How far past the deadline all requests together may run."""
    requests: tuple[float, ...] = REQUEST_TIMEOUTS
    """How long one request may take, and the next ones if it takes longer."""
    read: float = READ_TIMEOUT
    """How long the server may be silent."""
    start: float = START_TIMEOUT
    """How long the request that starts a run may take, silence included."""
    answer_bytes: int = MAX_ANSWER_BYTES
    answer_values: int = MAX_ANSWER_VALUES

    @classmethod
    def once(cls, seconds: float) -> Limits:
        """Return limits for one attempt, which may take so long."""
        past = Deadline.after(0)  # so the grace is all the time that there is
        return cls(deadline=past, outage_tolerance=0, grace=seconds, requests=(seconds,))

    def half(self) -> Limits:
        """Return the same limits for half of the time that is left."""
        end = self.deadline.clock() + self.patience / 2
        deadline = replace(self.deadline, at=min(self.deadline.at, end))
        return replace(self, deadline=deadline, grace=end - deadline.at)

    def request(self, *, stalled: int, usual: float) -> float:
        """Return how long a request may take after so many that have stalled.

        Requests that don't stall take ``usual`` seconds.
        """
        enough = [seconds for seconds in self.requests if seconds > usual] or self.requests[-1:]
        return enough[min(stalled, len(enough) - 1)]

    def bounds(self, request: float) -> Bounds:
        """Return the bounds of a request that begins now.

        Raises :class:`NoAnswer` if no time is left.
        """
        patience = self.patience
        if patience <= 0:
            raise NoAnswer(
                "no time was left before the deadline", advice="Raise --timeout.", not_done=True
            )
        return Bounds(
            connect=min(CONNECT_TIMEOUT, patience),
            read=min(self.read, patience),
            whole=min(request, patience),
            size=self.answer_bytes,
        )

    @property
    def patience(self) -> float:
        """How long requests may take from now on, all together; 0 or less where no time is left."""
        return self.deadline.at + self.grace - self.deadline.clock()


@dataclass(slots=True)
class _Outage:
    since: float
    tries: int = 0
    stalled: int = 0
    """How many of these requests took all the time that they had."""


class TesteryClient:
    """Asks the API and returns its answers as :mod:`testery_gate.model` types.

    Every method raises :class:`Unauthorized`, :class:`NotFound` or :class:`Unavailable`.
    """

    def __init__(
        self,
        transport: Transport,
        limits: Limits,
        *,
        sleep: Callable[[float], None],
        say: Callable[[str], None] = lambda _: None,
        jitter: Callable[[], float] = random.random,
        turn: AbstractContextManager[object] | None = None,
    ) -> None:
        """Clients that share a lock as ``turn`` parse one answer at a time.

        Parsing stops other threads, and does so much longer where several threads parse.
        """
        self._transport = transport
        self._limits = limits
        self._sleep = sleep
        self._say = say
        self._jitter = jitter
        self._turn = turn or nullcontext()
        self._outages: dict[str, _Outage] = {}
        """By path, for those that give no answer; each has its own outage tolerance."""
        self._usual = 0.0
        """How long the latest answer took."""
        self._advised: set[str] = set()

    def run(self, run_id: int) -> TestRun:
        """Return one run."""
        return self._get(_path_of(run_id), partial(_parse_run, run_id), self._limits)

    def look(self, run_ids: Sequence[int], *, wait: bool = True) -> Mapping[int, Seen]:
        """Return each run or its error; a fault of one run does not affect the others.

        Each run is requested once. A run without an answer is left out and requested again with
        the next poll, until it had no answer for the outage tolerance. Only if no run has an
        answer, the poll is repeated after a pause, if it may ``wait``; so an outage of the API
        takes one tolerance, however many runs there are. Runs for which no time is left before the
        deadline are left out too.

        Where the API refuses the token or gives no answer for all of them, and it may ``wait``,
        :class:`Unauthorized` or :class:`Unavailable` is raised.
        """
        paths = {run_id: _path_of(run_id) for run_id in run_ids}

        def round_() -> Mapping[int, Seen]:
            seen, failed = self._asked_once(paths)
            for run_id, error in failed.items():
                if self._tolerated(paths[run_id], self._limits) <= 0:
                    seen[run_id] = self._unavailable(paths[run_id], error)
            pending = [error for run_id, error in failed.items() if run_id not in seen]
            if pending and wait and not seen:
                raise pending[0]
            if pending:
                self._announce(pending[0], "with the next poll")
            return seen

        def tolerated() -> float:
            return max(self._tolerated(path, self._limits) for path in paths.values())

        seen = self._retried(round_, self._limits, tolerated)
        errors = [error for error in seen.values() if isinstance(error, ApiError)]
        if wait and errors and len(errors) == len(seen):
            if all(isinstance(error, Unavailable) for error in errors):
                raise errors[0]
            if all(isinstance(error, Unauthorized) and error.token_rejected for error in errors):
                raise errors[0]
        return seen

    def _asked_once(
        self, paths: Mapping[int, str]
    ) -> tuple[dict[int, Seen], Mapping[int, NoAnswer]]:
        """Return the result of each run's request, and the runs without a result."""
        seen: dict[int, Seen] = {}
        failed: dict[int, NoAnswer] = {}
        in_a_row = 0
        for run_id, path in paths.items():
            if self._limits.patience <= 0:
                break
            # A silent API must not take a minute for each of many runs.
            quick = replace(self._limits, requests=(OPTIONAL_TIMEOUT,))
            limits = self._limits if in_a_row < 2 else quick
            try:
                seen[run_id] = self._attempt(path, partial(_parse_run, run_id), limits)
            except NoAnswer as error:
                failed[run_id] = error
                in_a_row += 1
                continue
            except ApiError as error:
                seen[run_id] = error
            in_a_row = 0
        return seen, failed

    def page(self, number: int, limit: int, *, optional: bool = False) -> Sequence[TestRun]:
        """Return a page of the list of runs, from page 0 on.

        An optional page is given up soon, and takes half of the time that is left at most: the rest
        is for what it does not show.
        """
        limits = self._optional.half() if optional else self._limits
        # An optional page shows known runs; other pages are needed to choose runs from.
        parse = parse_runs if optional else _parse_choice
        return self._get(f"test-runs?page={number}&limit={limit}", parse, limits)

    def newest(self, limit: int) -> Sequence[TestRun]:
        """Return the newest runs if one request gets them; nothing depends on them."""
        path = f"test-runs?page=0&limit={limit}"
        limits = replace(self._optional, outage_tolerance=0.0)
        try:
            return self._get(path, parse_runs, limits)
        finally:
            # The outage tolerance for requests that need the list must not begin here.
            self._outages.pop(path, None)

    def deployed(self, deploy_id: int) -> Sequence[TestRun]:
        """Return the runs that a deploy triggered, from an undocumented endpoint."""
        return self._get(f"test-runs/by-deploy/{deploy_id}", _parse_choice, self._limits)

    def results(self, run_id: int, *, brief: bool = False) -> Sequence[TestResult]:
        """Return the tests of a run, from an undocumented endpoint.

        ``brief`` results have the test's identity and status only.
        """
        limits = replace(
            self._optional,
            requests=(RESULTS_TIMEOUT,),
            answer_bytes=MAX_RESULTS_BYTES,
            answer_values=MAX_RESULTS_VALUES,
        )
        parse = partial(parse_results, brief=brief)
        return self._get(f"test-runs/{run_id}/results", parse, limits)

    def attachments(self, run_id: int, result_id: str, until: Deadline) -> Attachments | None:
        """Return what a test left besides its error, from an undocumented endpoint.

        There is one attempt, which ends with ``until``.
        """
        seconds = min(OPTIONAL_TIMEOUT, until.remaining())
        limits = replace(self._limits, outage_tolerance=0.0, requests=(seconds,))
        path = f"test-runs/{run_id}/results/{result_id}"
        return self._get(path, partial(parse_attachments, result_id), limits)

    def account_name(self) -> str | None:
        """Return the account's name in web addresses, from an undocumented endpoint."""
        return self._get("account", parse_account_name, self._optional)

    def projects(self) -> Sequence[Entry]:
        """Return the account's projects, from an undocumented endpoint."""
        return self._get("projects", parse_entries, self._optional)

    def environments(self) -> Sequence[Entry]:
        """Return the account's environments, from an undocumented endpoint."""
        return self._get("environments", parse_entries, self._optional)

    def test_suites(self, project_id: int) -> Sequence[Entry]:
        """Return the test suites of a project, from an undocumented endpoint."""
        return self._get(f"projects/{project_id}/test-suites", parse_entries, self._optional)

    def start(
        self, wanted: Mapping[str, object], note_doubt: Callable[[bool], None] = lambda _: None
    ) -> TestRun:
        """Start a run, through an undocumented endpoint; never start it twice.

        The request is repeated only where it certainly started nothing. ``note_doubt`` is called
        when a run may have been started, and when none was. Raises :class:`Refused`, and
        :class:`Lost` where a run may have been started.
        """
        path = "test-run-requests-build"
        limits = replace(self._limits, requests=(self._limits.start,), read=self._limits.start)
        change = self._change("POST", path, wanted)

        def ask() -> TestRun:
            note_doubt(True)
            try:
                return self._attempt(path, _parse_started, limits, change)
            except NoAnswer as error:
                if not error.not_done:
                    raise Lost(error.message, advice=error.advice) from error
                note_doubt(False)
                if self._tolerated(path, limits) <= 0:
                    raise self._unavailable(path, error) from error
                raise
            except ApiError:
                note_doubt(False)
                raise

        return self._retried(ask, limits, lambda: self._tolerated(path, limits))

    def cancel(self, run_id: int) -> None:
        """Cancel a run, through an undocumented endpoint; one that is over stays as it is."""
        change = self._change("PATCH", _path_of(run_id), {"status": "CANCELED"})
        self._get(_path_of(run_id), lambda _data, _clean: None, self._limits, change)

    def _change(self, method: str, path: str, body: Mapping[str, object]) -> Request:
        url = f"{self._transport.route.url}/{path}"
        return Request(method=method, url=url, body=json.dumps(body).encode())

    @property
    def _optional(self) -> Limits:
        patience = min(self._limits.outage_tolerance, OPTIONAL_PATIENCE)
        return replace(self._limits, outage_tolerance=patience, requests=(OPTIONAL_TIMEOUT,))

    def _get(
        self, path: str, parse: _Parse[_T], limits: Limits, change: Request | None = None
    ) -> _T:
        def ask() -> _T:
            try:
                return self._attempt(path, parse, limits, change)
            except NoAnswer as error:
                if self._tolerated(path, limits) <= 0:
                    raise self._unavailable(path, error) from error
                raise

        return self._retried(ask, limits, lambda: self._tolerated(path, limits))

    def _attempt(
        self, path: str, parse: _Parse[_T], limits: Limits, change: Request | None = None
    ) -> _T:
        clock, before = limits.deadline.clock, self._outages.get(path)
        request = limits.request(stalled=before.stalled if before else 0, usual=self._usual)
        began = clock()
        try:
            url = f"{self._transport.route.url}/{path}"
            answer = self._answer(url, parse, limits, limits.bounds(request), change)
        except ApiError as error:
            # A message may quote the answer, but never the token or a terminal's control sequences.
            error.message = one_line(self._transport.redact(error.message))
            if isinstance(error, NoAnswer):
                outage = self._outages.setdefault(path, _Outage(since=clock()))
                outage.tries += 1
                outage.stalled += clock() - began >= ALL_OF_IT * request
            else:
                self._outages.pop(path, None)  # a refusal is an answer too
            # The cause refers to the whole answer, which would stay in memory.
            error.__context__ = None
            raise error.with_traceback(None) from None
        self._outages.pop(path, None)
        self._usual = clock() - began
        return answer

    def _tolerated(self, path: str, limits: Limits) -> float:
        """Return how many more seconds faults of this path are tolerated."""
        if limits.deadline.passed:
            return 0.0
        outage = self._outages.get(path)
        failing = limits.deadline.clock() - outage.since if outage else 0.0
        return limits.outage_tolerance - failing

    def _retried(self, ask: Callable[[], _T], limits: Limits, tolerated: Callable[[], float]) -> _T:
        """Repeat the request while it raises :class:`NoAnswer`."""

        def delay(state: tenacity.RetryCallState) -> float:
            backoff = min(FIRST_DELAY * 2.0 ** min(state.attempt_number - 1, 10), LONGEST_DELAY)
            asked = _no_answer(state).retry_after or 0.0
            wanted = max(backoff * (0.5 + 0.5 * self._jitter()), asked)
            return max(0.0, min(wanted, limits.deadline.remaining(), tolerated()))

        def report_retry(state: tenacity.RetryCallState) -> None:
            self._announce(_no_answer(state), f"in {state.upcoming_sleep:.1f} s")

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(NoAnswer),
            wait=delay,
            sleep=self._sleep,
            before_sleep=report_retry,
        )
        return retrying(ask)

    def _unavailable(self, path: str, error: NoAnswer) -> Unavailable:
        tries = self._outages[path].tries
        span = "" if tries == 1 else f" ({tries} tries in a row)"
        unavailable = Unavailable(
            f"{error.message}{span}", advice=f"{error.advice} {faults.NEXT_STEP}"
        )
        unavailable.__cause__ = error
        return unavailable

    def _announce(self, error: NoAnswer, next_try: str) -> None:
        """Print that an attempt failed and another will follow.

        The first message has advice, if waiting alone will probably not help.
        """
        message = f"{error.message}; next try {next_try}"
        if error.lasting and error.advice not in self._advised:
            self._advised.add(error.advice)
            message = f"{message}. {error.advice}"
        self._say(message)

    def _answer(
        self, url: str, parse: _Parse[_T], limits: Limits, bounds: Bounds, change: Request | None
    ) -> _T:
        def read(reply: Reply) -> _T:
            # The answer to a change may be empty.
            body = reply.body if reply.body or change is None else b"null"
            with self._turn:
                try:
                    data = decode_json(body, limits.answer_values)
                except MalformedAnswer:
                    raise
                except (ValueError, RecursionError):
                    raise NoAnswer(
                        f"{url} returned {self._described(reply)}, not JSON",
                        advice=faults.WRONG_ADDRESS,
                    ) from None
                return parse(data, self._transport.redact)

        try:
            if change is not None:
                return self._transport.change(change, bounds, read)
            return self._transport.get(url, bounds, read)
        except MalformedAnswer as error:
            raise NoAnswer(
                f"{url} returned unexpected JSON: {error}", advice=faults.WRONG_ADDRESS
            ) from None

    def _described(self, reply: Reply) -> str:
        if not reply.body.strip():
            return "nothing"
        cut = reply.body[:_SHOWN_BYTES].decode("utf-8", "replace")
        redact = self._transport.redact
        start = one_line(redact(cut) if len(reply.body) <= _SHOWN_BYTES else redact.beginning(cut))
        content_type = reply.headers.get("Content-Type", "")
        return f"{content_type[:100] or 'an unnamed type'} ({start[:60]}...)"


def _path_of(run_id: int) -> str:
    return f"test-runs/{run_id}"


def _parse_run(run_id: int, data: object, clean: Clean) -> TestRun:
    run = parse_run(data, clean)
    if run.id != run_id:
        raise MalformedAnswer(f"run {run.id} was returned instead of run {run_id}")
    return run


def _parse_started(data: object, clean: Clean) -> TestRun:
    run = parse_run(data, clean)
    if run.id < 1:
        raise MalformedAnswer(f"the run that was started has the id {run.id}")
    return run


_parse_choice = partial(parse_runs, selects=True)


def _no_answer(state: tenacity.RetryCallState) -> NoAnswer:
    """Return what the last attempt ended with; nothing else is retried."""
    return cast("NoAnswer", cast("tenacity.Future", state.outcome).exception())
