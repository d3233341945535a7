"""Reports one gate to a code host: a status from the beginning, a comment at the end.

Nothing here may change the verdict: what could not be reported is returned, each thing once. All
work is done in threads, one after the other, so that the status at the beginning never comes last.
The caller waits for them only a limited time, even if the code host, the network or git is slow.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from testery_gate.code_hosts import Mode, Wishes, wording
from testery_gate.code_hosts.comment import keep_one
from testery_gate.code_hosts.host import Bare, CodeHost, Status
from testery_gate.code_hosts.http import HostError, NoRights
from testery_gate.errors import ExitCode
from testery_gate.reports.ending import Ending
from testery_gate.waiting.deadline import Deadline

SECONDS = 10.0
"""For everything that is reported at the end of one process."""
BEGINNING_SECONDS = 4.0
"""For the status at the beginning, which is set while the gate is already waiting."""
_CHECK_AGAIN = 0.05
"""Seconds between two checks whether there is another ending, or no time is left."""
_SPARE = 0.2
"""Seconds that requests end before the caller stops waiting, so that it is known what was slow."""
_RIGHTS = "docs/pull-requests.md lists the rights that the token needs."
_DETAILS = "details of the status"
_NO_TIME = "it took too long"


class Announcer:
    """Reports the state of one gate."""

    def __init__(
        self,
        connect: Callable[[], CodeHost],
        wishes: Wishes,
        *,
        debug: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Store the parameters; ``connect`` may raise :class:`HostError`.

        With ``debug`` a defect is returned with its traceback.
        """
        self._connect = connect
        self._wishes = wishes
        self._debug = debug
        self._clock = clock
        self._host: CodeHost | None = None
        self._newest: threading.Thread | None = None
        self._end_by: Deadline | None = None
        self._failures: dict[str, str] = {}
        """Why something could not be reported, by what it is."""
        self._reported: ExitCode | None = None

    def begin(self) -> None:
        """Start to set the status that the gate is waiting."""
        if self._wishes.status:
            with self._trying("status"):
                self._start(self._begin)

    def finish(
        self,
        ending: Ending,
        *,
        seconds: float = SECONDS,
        overtaken: Callable[[], bool] = lambda: False,
    ) -> Sequence[str]:
        """Report how the gate ended, in at most ``seconds``, and return what could not be reported.

        An ending with the same exit code is reported only once. When ``overtaken`` returns that
        another ending is next, the rest of this one is left out at once.
        """
        if self._reported is ending.exit_code:
            return []
        self._reported = ending.exit_code
        self._end_by = self._end_by or Deadline.after(SECONDS, self._clock)
        until = Deadline(min(self._end_by.at, self._clock() + seconds), self._clock)
        for what in self._wanted():
            self._failures.setdefault(what, _NO_TIME)
        requests = Deadline(until.at - _SPARE, self._clock)
        thread = self._start(lambda: self._end(ending, requests))
        while thread.is_alive() and not until.passed:
            if overtaken():
                self._leave()
                return []
            thread.join(_CHECK_AGAIN)
        by_reason: dict[str, list[str]] = {}
        for what, why in list(self._failures.items()):
            by_reason.setdefault(why, []).append(f"no {what}")
        return [f"{' and '.join(what)}: {why}" for why, what in by_reason.items()]

    def _start(self, work: Callable[[], None]) -> threading.Thread:
        """Start work in a thread, which first waits for all work that was started before."""
        before = self._newest

        def in_turn() -> None:
            if before is not None:
                before.join()
            work()

        thread = threading.Thread(target=in_turn, daemon=True)
        thread.start()
        self._newest = thread
        return thread

    def _leave(self) -> None:
        """Stop the work on the ending that is being reported."""
        self._reported = None
        if self._host is not None:
            self._host.http.limit(Deadline.after(0, self._clock))

    def _wanted(self) -> Iterator[str]:
        if self._wishes.status:
            yield "status"
        if self._wishes.comment is not Mode.NEVER:
            yield "comment"

    def _begin(self) -> None:
        with self._trying("status"):
            host = self._connected(Deadline.after(BEGINNING_SECONDS, self._clock))
            if self._end_by is None:  # otherwise the wait is over
                self._set_status(host, wording.PENDING)

    def _end(self, ending: Ending, until: Deadline) -> None:
        for what in self._wanted():
            with self._trying(what):
                host = self._connected(until)
                if self._reported is not ending.exit_code:
                    return
                if what == "status":
                    self._failures.pop(_DETAILS, None)
                    self._set_status(host, wording.final(ending))
                else:
                    self._comment(host, ending)
                self._failures.pop(what, None)

    @contextmanager
    def _trying(self, what: str) -> Iterator[None]:
        """Store why something could not be reported, instead of an earlier reason."""
        try:
            yield
        except Bare as error:
            self._failures.pop(what, None)
            self._failures[_DETAILS] = str(error)
        except NoRights as error:
            self._failures[what] = f"{error}. {_RIGHTS}"
        except HostError as error:
            self._failures[what] = str(error)
        except Exception as error:  # noqa: BLE001  (a defect here must not change the exit code)
            shown = traceback.format_exc() if self._debug else f"{type(error).__name__}: {error}"
            self._failures[what] = f"a defect in testery-gate: {shown}"

    def _connected(self, until: Deadline) -> CodeHost:
        if self._host is None:
            self._host = self._connect()
        self._host.http.limit(until)
        return self._host

    def _set_status(self, host: CodeHost, status: Status) -> None:
        if host.place.commit is None:
            raise HostError("it is not known which commit this is about")
        context = self._wishes.context or wording.context_of(host.place)
        url = status.url or host.place.pipeline_url
        host.set_status(replace(status, context=context, url=url))

    def _comment(self, host: CodeHost, ending: Ending) -> None:
        if host.place.pull_request is None:
            raise HostError("this pipeline is about no pull request")
        keep_one(host, wording.comment(ending, host, self._wishes))
