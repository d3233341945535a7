"""What failing tests left besides their errors: screenshots, videos and console output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from testery_gate.errors import ApiError, NotFound, Unauthorized
from testery_gate.model import Attachments
from testery_gate.waiting.deadline import Deadline

MOST_ATTACHED = 20
"""The most tests whose screenshots and the like are asked for."""
ATTACHMENT_SECONDS = 5.0
"""Seconds that all these requests may take together."""


class Source(Protocol):
    """What is used of the API."""

    def attachments(self, run_id: int, result_id: str, until: Deadline, /) -> Attachments | None:
        """Return what a test left, in one attempt that ends with ``until``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found of one run."""

    by_result: Mapping[str, Attachments]
    """By the id of a test's result."""
    note: str
    """What is missing and why, or nothing."""


def collect(
    wanted: Iterable[tuple[int, str]], source: Source, until: Deadline
) -> Mapping[int, Found]:
    """Ask for the attachments of the first of these tests, and return what was found by run.

    The tests are named by run and result. The first fault ends it: attachments are for people, and
    no verdict depends on them.
    """
    found: dict[int, dict[str, Attachments]] = {}
    lacking: dict[int, str] = {}
    for run_id, result_id in islice(wanted, MOST_ATTACHED):
        if until.passed:
            lacking[run_id] = _TOO_LONG
            break
        try:
            attachments = source.attachments(run_id, result_id, until)
        except ApiError as error:
            lacking[run_id] = _why(error, until)
            break
        if attachments:
            found.setdefault(run_id, {})[result_id] = attachments
    return {
        run_id: Found(by_result=found.get(run_id, {}), note=_note(found, lacking, run_id))
        for run_id in {**found, **lacking}
    }


_ATTACHED = "screenshots, videos or console output of failing tests"
_TOO_LONG = "they took too long"


def _note(found: Mapping[int, object], lacking: Mapping[int, str], run_id: int) -> str:
    if run_id not in lacking:
        return ""
    return f"{'not all' if run_id in found else 'no'} {_ATTACHED}: {lacking[run_id]}"


def _why(error: ApiError, until: Deadline) -> str:
    """Return why attachments are missing, in words of our own.

    The error's message may quote an address, which must not be shown in a log.
    """
    if isinstance(error, NotFound):
        return "the API does not offer them"
    if isinstance(error, Unauthorized):
        return "the token may not read them"
    return _TOO_LONG if until.passed else "the API gave no readable answer in time"
