"""What is said to a code host of one gate: a status from the beginning, a comment at the end.

Nothing of it may matter to the verdict: what could not be said is returned, each thing once. All of
it is done by threads, one after the other, so that no late word says that the gate still waits. Who
waits for them leaves in time, whatever is slow: the code host, the way to it, git.
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
"""For all that is said at the end of one process."""
BEGINNING_SECONDS = 4.0
"""For the status at the beginning, which is said while the gate waits already."""
_LOOK_AGAIN = 0.05
"""Seconds until it is looked again whether another ending is to be said, or no time is left."""
_SPARE = 0.2
"""Seconds that requests end earlier than who waits for them, so that it is known what was slow."""
_RIGHTS = "docs/pull-requests.md lists the rights that the token needs."
_DETAILS = "details of the status"
_NO_TIME = "it took too long"


class Announcer:
    """Says how one gate stands."""

    def __init__(
        self,
        connect: Callable[[], CodeHost],
        wishes: Wishes,
        *,
        debug: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what it needs; ``connect`` may raise :class:`HostError`.

        With ``debug`` a defect is returned with its traceback.
        """
        self._connect = connect
        self._wishes = wishes
        self._debug = debug
        self._clock = clock
        self._host: CodeHost | None = None
        self._newest: threading.Thread | None = None
        self._end_by: Deadline | None = None
        self._unsaid: dict[str, str] = {}
        """Why something could not be said, by what it is."""
        self._said: ExitCode | None = None

    def begin(self) -> None:
        """Set the status that the gate waits, while it does so."""
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
        """Say how the gate ended, within so many seconds, and return what could not be said.

        It is said again only where the exit code has become another. Where it is ``overtaken``
        by an ending that is to be said next, the rest of it is left out at once.
        """
        if self._said is ending.exit_code:
            return []
        self._said = ending.exit_code
        self._end_by = self._end_by or Deadline.after(SECONDS, self._clock)
        until = Deadline(min(self._end_by.at, self._clock() + seconds), self._clock)
        for what in self._wanted():
            self._unsaid.setdefault(what, _NO_TIME)
        requests = Deadline(until.at - _SPARE, self._clock)
        thread = self._start(lambda: self._end(ending, requests))
        while thread.is_alive() and not until.passed:
            if overtaken():
                self._leave()
                return []
            thread.join(_LOOK_AGAIN)
        unsaid: dict[str, list[str]] = {}
        for what, why in list(self._unsaid.items()):
            unsaid.setdefault(why, []).append(f"no {what}")
        return [f"{' and '.join(what)}: {why}" for why, what in unsaid.items()]

    def _start(self, work: Callable[[], None]) -> threading.Thread:
        """Have work done after all that was begun before."""
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
        """Begin nothing more of the ending that is being said."""
        self._said = None
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
            if self._end_by is None:  # else there is no wait any more
                self._set_status(host, wording.PENDING)

    def _end(self, ending: Ending, until: Deadline) -> None:
        for what in self._wanted():
            with self._trying(what):
                host = self._connected(until)
                if self._said is not ending.exit_code:
                    return
                if what == "status":
                    self._unsaid.pop(_DETAILS, None)
                    self._set_status(host, wording.final(ending))
                else:
                    self._comment(host, ending)
                self._unsaid.pop(what, None)

    @contextmanager
    def _trying(self, what: str) -> Iterator[None]:
        """Note why something could not be said; an earlier reason counts no more."""
        try:
            yield
        except Bare as error:
            self._unsaid.pop(what, None)
            self._unsaid[_DETAILS] = str(error)
        except NoRights as error:
            self._unsaid[what] = f"{error}. {_RIGHTS}"
        except HostError as error:
            self._unsaid[what] = str(error)
        except Exception as error:  # noqa: BLE001  (a defect here must not change the exit code)
            told = traceback.format_exc() if self._debug else f"{type(error).__name__}: {error}"
            self._unsaid[what] = f"a defect in testery-gate: {told}"

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
