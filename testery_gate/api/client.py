"""The Testery API: its endpoints, and trying again.

An answer that can't be believed is no answer: it is retried like any other fault, until the
outage tolerance or the deadline ends it. Documented endpoints: the Testery API documentation.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar, cast

import tenacity

from testery_gate.api import faults
from testery_gate.api.transport import Answer, Bounds, Transport
from testery_gate.errors import ApiError, NoAnswer, NotFound, Unauthorized, Unavailable
from testery_gate.model import (
    MalformedAnswer,
    TestResult,
    TestRun,
    parse_account_name,
    parse_results,
    parse_run,
    parse_runs,
)
from testery_gate.text import Clean, one_line
from testery_gate.waiting.deadline import Deadline
from testery_gate.waiting.polling import Seen

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 30.0
REQUEST_TIMEOUT = 60.0
"""Seconds for one request from name resolution to the last byte, however slowly it drips."""
LAST_LOOK_SECONDS = 1.5
"""How far past the deadline requests may run, all of them together."""
ONLY_LOOK_SECONDS = 10.0
"""The same where there is only one look: a deadline of 0 must leave the API time to answer."""
OPTIONAL_PATIENCE = 5.0
"""For how long faults are tolerated where the verdict does not need the answer."""
OPTIONAL_TIMEOUT = 10.0
"""Seconds for one such request, but for test results, which are large."""
MAX_ANSWER_BYTES = 16 * 1024 * 1024
MAX_RESULTS_BYTES = 64 * 1024 * 1024
FIRST_DELAY = 1.0
LONGEST_DELAY = 30.0

_SHOWN_BYTES = 1000
"""What is looked at of an answer to say what it was instead of JSON."""

_T = TypeVar("_T")
_Parse = Callable[[object, Clean], _T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """An attempt failed and there will be another; ``delay`` is in seconds.

    ``advice`` is there the first time, where waiting alone will hardly help.
    """

    error: NoAnswer
    delay: float
    advice: str = ""

    def __str__(self) -> str:
        retry = f"{self.error.message}; next try in {self.delay:.1f} s"
        return f"{retry}. {self.advice}" if self.advice else retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how much; times in seconds, sizes in bytes after decompression."""

    deadline: Deadline
    outage_tolerance: float
    grace: float = LAST_LOOK_SECONDS
    """How far past the deadline requests may run, all of them together."""
    request: float = REQUEST_TIMEOUT
    """How long one request may take."""
    answer_bytes: int = MAX_ANSWER_BYTES

    @property
    def over(self) -> bool:
        """Whether nothing more can be asked."""
        return self._patience() <= 0

    def bounds(self) -> Bounds:
        """Return what a request may take that begins now; raises :class:`NoAnswer` if nothing."""
        patience = self._patience()
        if patience <= 0:
            raise NoAnswer("the deadline left no time to ask", advice="Raise --timeout.")
        return Bounds(
            connect=min(CONNECT_TIMEOUT, patience),
            read=min(READ_TIMEOUT, patience),
            whole=min(self.request, patience),
            size=self.answer_bytes,
        )

    def _patience(self) -> float:
        return self.deadline.at + self.grace - self.deadline.clock()


class TesteryClient:
    """Asks the API and returns what it says as :mod:`testery_gate.model` types.

    Every method raises :class:`Unauthorized`, :class:`NotFound` or :class:`Unavailable`.
    """

    def __init__(
        self,
        transport: Transport,
        limits: Limits,
        *,
        sleep: Callable[[float], None],
        on_retry: Callable[[Retry], None] = lambda _: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._transport = transport
        self._limits = limits
        self._sleep = sleep
        self._on_retry = on_retry
        self._jitter = jitter
        self._failing_since: float | None = None
        self._advised: set[str] = set()

    def run(self, run_id: int) -> TestRun:
        """Return one run."""

        def parse(data: object, clean: Clean) -> TestRun:
            run = parse_run(data, clean)
            if run.id != run_id:
                raise MalformedAnswer(f"run {run.id} was sent for run {run_id}")
            return run

        return self._get(f"test-runs/{run_id}", parse, self._limits)

    def look(self, run_ids: Sequence[int]) -> Mapping[int, Seen]:
        """Return what there is of each run; a run that can't be had is no end of the others.

        Those that the deadline leaves no time to ask for are left out.
        A token that is rejected as such is: then :class:`Unauthorized` is raised. So is an API
        that gives none of the runs: then :class:`Unavailable` is.
        """
        seen: dict[int, Seen] = {}
        for run_id in run_ids:
            if self._limits.over:
                break
            failed = [error for error in seen.values() if isinstance(error, Unavailable)]
            # Two in a row are the API's fault; asking for the rest would only take longer.
            seen[run_id] = failed[-1] if len(failed) > 1 else self._seen(run_id)
        errors = [error for error in seen.values() if isinstance(error, Unavailable)]
        if errors and len(errors) == len(seen):
            raise errors[0]
        return seen

    def _seen(self, run_id: int) -> Seen:
        try:
            return self.run(run_id)
        except (NotFound, Unavailable) as error:
            return error
        except Unauthorized as error:
            if error.token_rejected:
                raise
            return error

    def page(self, number: int, limit: int, *, optional: bool = False) -> Sequence[TestRun]:
        """Return a page of the list of runs, from page 0 on; what is optional is soon given up."""
        limits = self._optional if optional else self._limits
        # What is optional shows runs that are known; else the list is what they are chosen from.
        parse = parse_runs if optional else _parse_choice
        return self._get(f"test-runs?page={number}&limit={limit}", parse, limits)

    def deployed(self, deploy_id: int) -> Sequence[TestRun]:
        """Return the runs that a deploy triggered, from an endpoint that is not promised."""
        return self._get(f"test-runs/by-deploy/{deploy_id}", _parse_choice, self._optional)

    def results(self, run_id: int) -> Sequence[TestResult]:
        """Return the tests of a run, from an endpoint that is seen but not promised."""
        limits = replace(self._optional, request=REQUEST_TIMEOUT, answer_bytes=MAX_RESULTS_BYTES)
        return self._get(f"test-runs/{run_id}/results", parse_results, limits)

    def account_name(self) -> str | None:
        """Return the account's name in web addresses, from an endpoint that is not promised."""
        return self._get("account", parse_account_name, self._optional)

    @property
    def _optional(self) -> Limits:
        patience = min(self._limits.outage_tolerance, OPTIONAL_PATIENCE)
        return replace(self._limits, outage_tolerance=patience, request=OPTIONAL_TIMEOUT)

    def _get(self, path: str, parse: _Parse[_T], limits: Limits) -> _T:
        url = f"{self._transport.route.url}/{path}"
        clock = limits.deadline.clock

        def attempt() -> _T:
            try:
                answer = self._answer(url, parse, limits)
            except ApiError as error:
                # Whatever a message quotes, it shows neither the token nor what a terminal obeys.
                error.message = one_line(self._transport.redact(error.message))
                if not isinstance(error, NoAnswer):
                    self._failing_since = None  # a refusal is an answer too
                elif self._failing_since is None:
                    self._failing_since = clock()
                # What led to it holds the whole answer, and is held until the next collection.
                error.__context__ = None
                raise error.with_traceback(None) from None
            self._failing_since = None
            return answer

        def tolerated() -> float:
            failing = 0.0 if self._failing_since is None else clock() - self._failing_since
            return limits.outage_tolerance - failing

        def delay(state: tenacity.RetryCallState) -> float:
            backoff = min(FIRST_DELAY * 2.0 ** min(state.attempt_number - 1, 10), LONGEST_DELAY)
            asked = _no_answer(state).retry_after or 0.0
            wanted = max(backoff * (0.5 + 0.5 * self._jitter()), asked)
            return max(0.0, min(wanted, limits.deadline.remaining(), tolerated()))

        def tell(state: tenacity.RetryCallState) -> None:
            error = _no_answer(state)
            advice = error.advice if error.lasting and error.advice not in self._advised else ""
            self._advised.add(advice)
            self._on_retry(Retry(error=error, delay=state.upcoming_sleep, advice=advice))

        def give_up(state: tenacity.RetryCallState) -> _T:
            error = _no_answer(state)
            span = "" if state.attempt_number == 1 else f" ({state.attempt_number} tries in a row)"
            raise Unavailable(
                f"{error.message}{span}", advice=f"{error.advice} {faults.NEXT_STEP}"
            ) from error

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(NoAnswer),
            stop=lambda _: limits.deadline.passed or tolerated() <= 0,
            wait=delay,
            sleep=self._sleep,
            before_sleep=tell,
            retry_error_callback=give_up,
        )
        return retrying(attempt)

    def _answer(self, url: str, parse: _Parse[_T], limits: Limits) -> _T:
        answer = self._transport.get(url, limits.bounds())
        try:
            try:
                data = _decoded(answer.body)
            except MalformedAnswer:
                raise
            except (ValueError, RecursionError):
                raise NoAnswer(
                    f"{url} answered {self._described(answer)}, not JSON",
                    advice=faults.WRONG_ADDRESS,
                ) from None
            return parse(data, self._transport.redact)
        except MalformedAnswer as error:
            raise NoAnswer(
                f"{url} answered something unbelievable: {error}", advice=faults.WRONG_ADDRESS
            ) from None

    def _described(self, answer: Answer) -> str:
        if not answer.body.strip():
            return "nothing"
        cut = answer.body[:_SHOWN_BYTES].decode("utf-8", "replace")
        redact = self._transport.redact
        start = one_line(redact(cut) if len(answer.body) <= _SHOWN_BYTES else redact.beginning(cut))
        return f"{answer.content_type or 'an unnamed type'} ({start[:60]}...)"


_parse_choice = partial(parse_runs, selects=True)


def _no_answer(state: tenacity.RetryCallState) -> NoAnswer:
    """Return what the last attempt ended with; nothing else is retried."""
    return cast("NoAnswer", cast("tenacity.Future", state.outcome).exception())


def _decoded(body: bytes) -> object:
    return json.loads(body, parse_constant=_no_constant, object_pairs_hook=_object)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, object]]) -> Mapping[str, object]:
    """Refuse an object that says the same twice: readers differ in which they take (RFC 8259)."""
    found = dict(pairs)
    if len(found) < len(pairs):
        ((name, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise MalformedAnswer(f"{name} is said more than once")
    return found
