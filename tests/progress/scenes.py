"""What a display has to show, from the first answer to the last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from testery_gate.errors import ApiError, NotFound
from testery_gate.model import TestRun
from testery_gate.waiting.polling import Progress, Sighting
from tests.builders import make_run

GONE = NotFound("HTTP 404 from https://api.testery.io/api/test-runs/55676: there is no such run")


def running(done: int, *, status: str = "RUNNING", **others: Any) -> TestRun:
    return make_run(not_run=30 - done, status=status, complete=False, **others)


def sighting(run: TestRun, seen_at: float = 0.0, *, since: float | None = None) -> Sighting:
    """Return a run seen now, of whose tests none was done when it was first seen at work."""
    return Sighting(
        run=run,
        seen_at=seen_at,
        changed_at=seen_at,
        running_since=since,
        done_since=since,
        done_then=0,
        settling_since=None,
        total_known=True,
        finished=run.complete is True,
    )


def progress(
    *found: TestRun | Sighting | ApiError,
    elapsed: float = 0.0,
    timeout: float = 3600.0,
    next_look: float | None = 5.0,
) -> Progress:
    runs = {
        55676 + number: sighting(one, elapsed) if isinstance(one, TestRun) else one
        for number, one in enumerate(found)
    }
    return Progress(runs=runs, elapsed=elapsed, remaining=timeout - elapsed, next_look=next_look)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What was said, and how things stand after so many seconds."""

    progress: Progress | None
    said: Sequence[str] = ()
    at: float = 130.0
    trusted: bool = False


_AT_WORK = replace(
    sighting(
        running(20, failed=2, ignored=1, name="Checkout", environment="staging"), 130, since=20
    ),
    usual=(361.0, 380.0, 440.0, 482.0),
)
_SLOW = replace(_AT_WORK, running_since=-600.0)
_TOLERATED = make_run(failed=2, status="PASS", complete=False, name="Checkout")
_NAMED = ("failed: signs in (features/login.feature)", "failed: pays (features/pay.feature)")
_RUNS = (
    replace(make_run(total=300, failed=7, not_run=210, complete=False), name="Payment " * 9),
    make_run(name="Sign in"),
    make_run(total=0, status="QUEUED", complete=False, name="Nightly"),
    running(12, name="日本語のテスト"),
    make_run(failed=1, name="Search"),
    make_run(not_run=20, status="CANCELED", name="\x1b[31mred\r\nlines"),
    GONE,
)

SCENES = {
    "no answer yet": Scene(progress=None),
    "at work": Scene(progress=progress(_AT_WORK, elapsed=130), said=_NAMED),
    "longer than usual": Scene(progress=progress(_SLOW, elapsed=130)),
    "beyond the timeout": Scene(progress=progress(_AT_WORK, elapsed=130, timeout=135)),
    "tolerated by Testery": Scene(progress=progress(_TOLERATED, elapsed=130)),
    "tolerated": Scene(progress=progress(_TOLERATED, elapsed=130), trusted=True),
    "gone": Scene(progress=progress(GONE, elapsed=130, next_look=None)),
    "an outage": Scene(
        progress=progress(_AT_WORK, elapsed=130),
        said=[
            "HTTP 502 Bad Gateway from https://api.testery.io/api/test-runs/55676;"
            " next try in 3.0 s",
        ],
    ),
    "several": Scene(progress=progress(*_RUNS, elapsed=130)),
    "two hundred": Scene(progress=progress(*_RUNS, *[make_run()] * 193, elapsed=130)),
}
