"""What is said to a code host of one gate: a status from the beginning, a comment at the end.

Nothing here raises, because nothing of it may matter to the verdict: what could not be said is
returned, each thing once.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from testery_gate.code_hosts import Mode, Wishes, wording
from testery_gate.code_hosts.comment import keep_one
from testery_gate.code_hosts.host import CodeHost, HostError, NoRights, Place, Status
from testery_gate.errors import ExitCode
from testery_gate.reports.ending import Ending
from testery_gate.waiting.deadline import Deadline

SECONDS = 10.0
"""For all that is said to a code host in one process."""
BEGINNING_SECONDS = 4.0
"""For the status at the beginning, which is said while the gate waits already."""
_RIGHTS = "docs/pull-requests.md lists the rights that the token needs."


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A code host, and the change there."""

    host: CodeHost
    place: Place
    limit: Callable[[Deadline], None]
    """Says until when requests may take."""


class Announcer:
    """Says how one gate stands."""

    def __init__(
        self,
        connect: Callable[[], Connection],
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
        self._connection: Connection | None = None
        self._deadline = Deadline.after(0, clock)
        self._left = SECONDS
        self._beginning: threading.Thread | None = None
        self._unsaid: dict[str, str] = {}
        """Why something could not be said, by what it is."""
        self._said: ExitCode | None = None
        self._may_set_status = wishes.status

    def begin(self) -> None:
        """Set the status that the gate waits, while it does so."""
        if self._wishes.status:
            with self._trying("status"):
                thread = threading.Thread(target=self._begin, daemon=True)
                thread.start()
                self._beginning = thread

    def finish(self, ending: Ending, *, seconds: float = SECONDS) -> Sequence[str]:
        """Say how the gate ended, within so many seconds, and return what could not be said.

        It is said again only where the exit code has become another.
        """
        if self._said is ending.exit_code:
            return []
        self._said = ending.exit_code
        until = Deadline.after(seconds, self._clock)
        if self._beginning is not None:
            self._beginning.join(min(BEGINNING_SECONDS, seconds))
        with self._time(min(until.remaining(), self._left)):
            if self._may_set_status:
                with self._trying("status"):
                    self._set_status(wording.final(ending))
            if self._wishes.comment is not Mode.NEVER:
                with self._trying("comment"):
                    self._comment(ending)
        unsaid: dict[str, list[str]] = {}
        for what, why in list(self._unsaid.items()):
            unsaid.setdefault(why, []).append(f"no {what}")
        return [f"{' and '.join(what)}: {why}" for why, what in unsaid.items()]

    def _begin(self) -> None:
        with self._time(BEGINNING_SECONDS), self._trying("status"):
            self._set_status(wording.PENDING)

    @contextmanager
    def _time(self, seconds: float) -> Iterator[None]:
        began = self._clock()
        self._deadline = Deadline.after(seconds, self._clock)
        try:
            yield
        finally:
            self._left -= self._clock() - began

    @contextmanager
    def _trying(self, what: str) -> Iterator[None]:
        """Note why something could not be said; an earlier reason counts no more."""
        self._unsaid.pop(what, None)
        try:
            yield
        except NoRights as error:
            self._unsaid[what] = f"{error}. {_RIGHTS}"
            # It would not get them meanwhile.
            self._may_set_status = self._may_set_status and what != "status"
        except HostError as error:
            self._unsaid[what] = str(error)
        except Exception as error:  # noqa: BLE001  (a defect here must not change the exit code)
            told = traceback.format_exc() if self._debug else f"{type(error).__name__}: {error}"
            self._unsaid[what] = f"a defect in testery-gate: {told}"

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.limit(self._deadline)
        return self._connection

    def _set_status(self, status: Status) -> None:
        connection = self._connected()
        place = connection.place
        context = self._wishes.context or wording.context_of(place)
        url = status.url or place.pipeline_url
        connection.host.set_status(replace(status, context=context, url=url))

    def _comment(self, ending: Ending) -> None:
        connection = self._connected()
        if connection.place.pull_request is None:
            raise HostError("this pipeline is about no pull request")
        key = self._wishes.key or connection.place.gate
        keep_one(
            connection.host,
            wording.comment(ending, connection.host, connection.place, key, self._wishes.comment),
        )
