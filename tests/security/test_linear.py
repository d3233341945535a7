"""No text from elsewhere makes the gate work for longer than its length explains.

Each is measured against a text of a quarter of its length: what takes time by the square takes
sixteen times as long.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from testery_gate.ci.inert import inert
from testery_gate.errors import ExitCode
from testery_gate.judging.judged import Judged
from testery_gate.judging.unjudged import no_verdict
from testery_gate.redaction import Redaction
from testery_gate.reports import markdown
from testery_gate.reports.addresses import run_page
from testery_gate.reports.html.markup import breakable
from testery_gate.runs.references import parse_reference, parse_references
from testery_gate.text import clean_text, fits, one_line, settled

LENGTH = 30_000
NEGLIGIBLE = 0.005
"""Seconds of the processor that are not worth a comparison."""
MOST = 10
"""How many times as long a text of four times the length may take."""

REPEATED = [
    *("a", " ", "\t", "(", "'", ":", ".", "!?", "`", "|", "#", "-", "%", "0", "\n ", "\r", "é"),
    *("a_", "a-1", "1m", "1.1", "a <", "/", "a/", "/test-runs/", "/test-runs/1", "[x", "\u0300"),
    *("\x1b", "\x1b[", "\x1b[0", "\x1b]a", "\x1bP", "\x1b ", "\x9b0", "\u200b", "%25", "ab"),
]
ENDS = ["", "!\x01", " x", "\U0001f600 "]

READERS: dict[str, Callable[[str], object]] = {
    "clean_text": clean_text,
    "one_line": one_line,
    "settled": settled,
    "redaction": Redaction("ab-abab-ababab-"),
    "name": lambda text: fits("*a*a*a*a*a*a*a*b*a*ab", text),
    "names": lambda text: fits("*".join(text[:200]), text),
    "prose": markdown.prose,
    "word": lambda text: markdown._WORD.sub("", text),
    "code": lambda text: markdown._code(one_line(text)),
    "breakable": breakable,
    "inert": inert,
    "address": lambda text: parse_reference(f"http://host{text}"),
    "address's page": lambda text: run_page(
        Judged(
            run_id=1, verdict=no_verdict(ExitCode.NOT_FOUND, "gone"), web_url=f"http://host{text}"
        )
    ),
    "standard input": lambda text: parse_references(f"test_run_id:{text}"),
    "what the client prints": lambda text: parse_references(f"test_run_id: 1\n{text}"),
    "a list of ids": lambda text: parse_references(f"test_run_id: 1\n1, {text}"),
    "an id with a label": lambda text: parse_references(f"test_run_id: 1\nrun{text}"),
}


def seconds(read: Callable[[str], object], text: str) -> float:
    """How much of the processor's time it takes, at the best of a few times."""
    best = float("inf")
    for _ in range(3):
        before = time.process_time()
        with suppress(ValueError):
            read(text)
        best = min(best, time.process_time() - before)
    return best


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_reading_takes_time_by_the_length(read: Callable[[str], object]) -> None:
    for repeated in REPEATED:
        for end in ENDS:
            short = repeated * (LENGTH // 4 // len(repeated)) + end
            long = repeated * (LENGTH // len(repeated)) + end
            taken = seconds(read, long)
            if taken > NEGLIGIBLE:
                assert taken < MOST * seconds(read, short), (repeated, end)


def test_the_measure_notices_what_is_quadratic() -> None:
    def read(text: str) -> None:
        re.search("x*y", text)

    taken = seconds(read, "x" * 8000)
    assert taken > MOST * seconds(read, "x" * 2000)
