"""What goes wrong: which requests a fault strikes, and how it changes their answers."""

from __future__ import annotations

import gzip
import json
import math
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import assert_never

from testery_gate.simulator.api import Target
from testery_gate.simulator.exchange import Delivery, Response, json_answer, phrase, refusal
from testery_gate.simulator.scenario import Fault, Json, Kind
from testery_gate.simulator.script import fill

_HTML = ("Content-Type", "text/html; charset=utf-8")
_MEBIBYTE = 1 << 20


@dataclass(slots=True)
class _Record:
    """How often a fault has been reached, and how often it has struck."""

    fault: Fault
    reached: int = 0
    struck: int = 0

    def strikes(self, way: Target | None, elapsed: float) -> bool:
        fault = self.fault
        if not (_concerns(fault, way) and fault.after <= elapsed < fault.after + fault.lasts):
            return False
        self.reached += 1
        # A generator for each request: its number depends on no other fault, thread or run.
        chance = random.Random(f"{fault.seed} {self.reached}").random()  # noqa: S311 - no secret
        if self.reached < fault.first or self.struck >= fault.times or chance >= fault.probability:
            return False
        self.struck += 1
        return True


def _concerns(fault: Fault, way: Target | None) -> bool:
    if fault.endpoints and (way is None or way.endpoint not in fault.endpoints):
        return False
    return fault.run_id is None or (way is not None and way.ids[:1] == (fault.run_id,))


class Faults:
    """The faults of a scenario, in order: only the first that strikes a request takes effect."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._records = [_Record(fault) for fault in faults]
        self._counting = threading.Lock()

    def strike(self, way: Target | None, elapsed: float) -> Fault | None:
        """The fault that strikes this request, which counts as one strike; ``None`` without one."""
        with self._counting:
            struck = (record for record in self._records if record.strikes(way, elapsed))
            record = next(struck, None)
        return record.fault if record else None


def spoil(fault: Fault, ask: Callable[[], Response], now: datetime) -> Response:
    """The answer as the fault changes it; ``ask`` gets the real one, where it is needed."""
    answer = _spoiled(fault, ask)
    headers = list(fault.headers)
    if fault.retry_after is not None:
        headers.append(("Retry-After", str(math.ceil(fault.retry_after))))
    if fault.retry_after_date is not None:
        moment = now + timedelta(seconds=fault.retry_after_date)
        headers.append(("Retry-After", format_datetime(moment, usegmt=True)))
    return replace(answer, headers=answer.with_headers(*headers))


def _spoiled(fault: Fault, ask: Callable[[], Response]) -> Response:
    if fault.carried_out:
        ask()
    match fault.kind:
        case Kind.ANSWER:
            if fault.body is None:
                return refusal(fault.code)
            # A lone surrogate becomes bytes that are no UTF-8.
            body = fill(fault.body, 1).encode("utf-8", "surrogatepass")
            return Response(status=fault.code, body=body)
        case Kind.HTML:
            title = f"{fault.code} {phrase(fault.code)}"
            page = f"<!DOCTYPE html>\n<html><body><h1>{title}</h1></body></html>\n"
            return Response(status=fault.code, body=page.encode("ascii"), headers=(_HTML,))
        case Kind.EMPTY:
            return Response(status=fault.code)
        case Kind.NULL:
            return Response(status=fault.code, body=b"null")
        case Kind.LIST:
            answer = ask()
            return replace(answer, body=b"[" + answer.body + b"]")
        case Kind.GARBAGE:
            answer = ask()
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        case Kind.ALTER:
            return _altered(fault, ask())
        case Kind.REDIRECT:
            return Response(status=fault.code, headers=(("Location", fault.to),))
        case Kind.SLOW:
            return replace(ask(), delay=fault.delay)
        case Kind.TRICKLE:
            return replace(ask(), delivery=Delivery.TRICKLE, delay=fault.delay)
        case Kind.CUT_OFF:
            return replace(ask(), delivery=Delivery.CUT_OFF)
        case Kind.RESET_IN_BODY:
            return replace(ask(), delivery=Delivery.RESET_IN_BODY)
        case Kind.RESET:
            return Response(status=0, delivery=Delivery.RESET)
        case Kind.HANG:
            return Response(status=0, delivery=Delivery.HANG)
        case Kind.BIG:
            return replace(ask(), padding=b" " * _MEBIBYTE, repeats=fault.size)
        case Kind.GZIP_BOMB:
            return _bomb(fault, ask())
        case _:
            assert_never(fault.kind)


def _altered(fault: Fault, answer: Response) -> Response:
    if answer.status >= 300:
        return answer
    content: Json = json.loads(answer.body)
    return json_answer(_patched(fault, content), answer.status)


def _patched(fault: Fault, content: Json) -> Json:
    if isinstance(content, list):
        return [_patched(fault, entry) for entry in content]
    return fault.patch.apply(content) if isinstance(content, dict) else content


def _bomb(fault: Fault, answer: Response) -> Response:
    # Each piece is a whole gzip member, and so is the end: together they are one valid stream.
    return replace(
        answer,
        body=gzip.compress(answer.body),
        headers=answer.with_headers(("Content-Encoding", "gzip")),
        padding=gzip.compress(b" " * _MEBIBYTE),
        repeats=fault.size,
    )
