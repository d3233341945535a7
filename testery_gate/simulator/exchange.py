"""A request and its answer, with the facts that the stand-in uses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

from testery_gate.simulator.scenario import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asked; the bearer token is only compared, never shown."""

    method: str
    target: str
    authorization: str = ""
    body: bytes = b""


class Delivery(Enum):
    """How much of an answer arrives, and how."""

    WHOLE = "whole"
    TRICKLE = "one byte at a time"
    CUT_OFF = "half, then closed"
    RESET_IN_BODY = "half, then reset"
    RESET = "reset at once"
    HANG = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer that is to be sent.

    ``padding`` is sent ``repeats`` times before the body, for answers too large to keep in memory.
    ``delay`` is in seconds: before the answer, or between two bytes of one that trickles.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    padding: bytes = b""
    repeats: int = 0
    delivery: Delivery = Delivery.WHOLE
    delay: float = 0.0

    def with_headers(self, *headers: tuple[str, str]) -> tuple[tuple[str, str], ...]:
        """The headers with some replaced; upper and lower case are the same."""
        names = {name.lower() for name, _ in headers}
        kept = (pair for pair in self.headers if pair[0].lower() not in names)
        return (*kept, *headers)


def json_answer(content: Json, status: int = 200) -> Response:
    """An answer that carries JSON."""
    return Response(status=status, body=json.dumps(content, separators=(",", ":")).encode("ascii"))


def refusal(status: int) -> Response:
    """An error as the API words it."""
    message = {401: "Not Authorized", 404: "Resource Not Found"}.get(status) or phrase(status)
    return json_answer({"code": str(status), "message": message}, status)


def phrase(status: int) -> str:
    """The reason phrase of a status code; there is one for unregistered codes too."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
