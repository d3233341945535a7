"""Tests as XML reports show them: outcome, texts and duration of each.

All texts have only characters that XML 1.0 allows, and every text has a limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import assert_never

from testery_gate.evidence.own_junit import LONGEST_VALUE, TOLERATED
from testery_gate.judging.judged import Judged
from testery_gate.model import ResultStatus, TestResult
from testery_gate.reports.view import NO_ERROR, error_text
from testery_gate.text import clean_line, clean_text, cut_off, shorten

LINE_LIMIT = LONGEST_VALUE
"""The most characters that a name, a message or a property has."""

TEXT_LIMIT = 50_000
"""The most characters that the text of one case has, if few cases have one."""

REPORT_LIMIT = 28_000_000
"""How many characters a report should have at most: GitLab refuses a file of 30 MB.

So the more cases have a text, the shorter each may be, down to 100 characters.
"""

_SHORTEST_TEXT = 100

_CASE_SIZE = 300  # what a case takes without its message and text, about
_CLASS_SIZE = 150  # what the class of a failing test takes, about


class Element(Enum):
    """The element in the case of a test that did not pass."""

    FAILURE = "failure"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a test that did not pass; the text starts with the message."""

    element: Element
    message: str
    text: str


def outcome(result: TestResult, text_limit: int, *, tolerated: bool = False) -> Outcome | None:
    """Return the outcome of a test, or ``None`` if it passed.

    With ``tolerated`` a failure is a skipped test, which shows its error.
    """
    if result.status is ResultStatus.PASS:
        return None
    error = error_text(result)
    match result.status:
        case ResultStatus.FAIL:
            otherwise = NO_ERROR
            if tolerated:
                # Jenkins shows only the message of a skipped test.
                element = Element.SKIPPED
                body = f"{TOLERATED} {error.strip() or otherwise}"
            else:
                element, body = Element.FAILURE, error
        case (
            ResultStatus.IGNORED
            | ResultStatus.NOT_RUN
            | ResultStatus.PENDING
            | ResultStatus.RUNNING
        ):
            element = Element.SKIPPED
            otherwise = f"Testery calls this test {result.status.value}"
            body = f"{otherwise}\n{error}"
        case ResultStatus.UNKNOWN:
            # An error, as for the gate itself: a skipped test would look harmless, and a failed
            # one would look as if it had been judged.
            element = Element.ERROR
            otherwise = "the test has no status"
            if result.status_text:
                otherwise = f"the test's status, {result.status_text}, is unknown to the gate"
            body = f"{otherwise}\n{error}"
        case _:
            assert_never(result.status)
    message, text = message_and_text(body, otherwise, text_limit)
    return Outcome(element=element, message=message, text=text)


_MILLISECOND = timedelta(milliseconds=1)


def milliseconds(duration: timedelta | None) -> int:
    """Return whole milliseconds; a duration that is unknown or negative is 0."""
    return 0 if duration is None else max(0, duration // _MILLISECOND)


class Names:
    """Makes names unique: repeated names get a number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def unique(self, name: str) -> str:
        """Return the name, or the first numbered one that was not returned before."""
        if name not in self._numbers:
            self._numbers[name] = 1
            return name
        candidate = name
        while candidate in self._numbers:
            self._numbers[name] += 1
            candidate = f"{name} ({self._numbers[name]})"
        self._numbers[candidate] = 1
        return candidate


def text_limit(runs: Sequence[Judged]) -> int:
    """Return how many characters the text of one case may have, by the number of cases."""
    cases = texts = classes = 0
    for judged in runs:
        for result in judged.results or ():
            cases += 1
            texts += result.status is not ResultStatus.PASS
        if judged.evidence is not None:
            classes += len(judged.evidence.failures) + len(judged.evidence.tolerated)
    room = REPORT_LIMIT - _CASE_SIZE * cases - _CLASS_SIZE * classes
    share = room // max(texts, 1)  # for message and text
    return min(TEXT_LIMIT, max(share - LINE_LIMIT, share // 2, _SHORTEST_TEXT))


def message_and_text(body: str, otherwise: str, text_limit: int) -> tuple[str, str]:
    """Return the first line, and a text that starts with it: GitLab shows only the text."""
    body = clean_text(body).strip()
    first_line = body.partition("\n")[0].rstrip() or otherwise
    message = shorten(first_line, min(LINE_LIMIT, text_limit))
    text = body if body.startswith(message) else f"{message}\n{body}".rstrip()
    return message, cut_off(text, text_limit)


def line(text: str, limit: int = LINE_LIMIT) -> str:
    """Return text as one line of at most ``limit`` characters."""
    return shorten(clean_line(text), limit)
