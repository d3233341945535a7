"""Failing tests grouped by their error, and the lines of an error that matter.

Errors that differ only in numbers, ids, times and addresses are the same error. Errors come from
many test frameworks, so stack frames are recognised by their form; a line that is not recognised
is part of the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import itemgetter

from testery_gate.judging.judged import Judged
from testery_gate.reports import view
from testery_gate.text import one_line

MOST_LINES = 30
"""How many lines of an error are shown before the rest is unfolded."""
SHORT = 10
"""How many lines an error may have to be shown completely."""
LOOKED_AT = 1_000
"""How many failing tests are grouped to find those that matter first: grouping takes time."""
_COMPARED_LINES = 5
_COMPARED_CHARACTERS = 1_000
"""How much of a message is compared; what follows is mostly data."""


def grouped(tests: Iterable[view.FailingTest]) -> Sequence[Sequence[view.FailingTest]]:
    """Return the tests grouped by their error, in their order, so that new ones stay first."""
    groups: dict[str, list[view.FailingTest]] = {}
    for test in tests:
        groups.setdefault(signature(view.error_lines(test.result)), []).append(test)
    return list(groups.values())


def seen_first(runs: Sequence[Judged]) -> Sequence[tuple[int, str]]:
    """Return the failing tests of all runs by run and result, in the order in which they matter.

    The first test of each error comes first, new failures before others, then the second ones.
    If there are very many failing tests, only the first of them are returned.
    """
    most = max(1, LOOKED_AT // len(runs))
    found = [
        (place, judged.run_id, test.result.id)
        for judged in view.worst_first(runs)
        if judged.run_id is not None
        for group in grouped(islice(view.failing_tests(judged), most))
        for place, test in enumerate(group)
        if test.result.id
    ]
    return [(run_id, result_id) for _, run_id, result_id in sorted(found, key=itemgetter(0))]


def signature(lines: Sequence[str]) -> str:
    """Return a text that is the same for errors that differ only in numbers and similar data."""
    message = [line for line in _message(lines) if line and not _SOURCE.match(line)]
    compared = one_line(" ".join(line[:_COMPARED_CHARACTERS] for line in message[:_COMPARED_LINES]))
    return re.sub(_VARIABLE, "#", compared[:_COMPARED_CHARACTERS])


def headline(lines: Sequence[str]) -> str:
    """Return the first line of an error's message that is not empty, or an empty text."""
    return next((one_line(line) for line in _message(lines) if line.strip()), "")


def excerpt(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines of an error that matter: its message and the first frame of the tests."""
    if len(lines) <= SHORT:
        return lines
    frame = _own_frame(lines)
    return [*_message(lines)[: MOST_LINES - len(frame)], *frame]


def _message(lines: Sequence[str]) -> Sequence[str]:
    """Return an error without its stack frames; of pytest's errors, the lines that pytest marks."""
    marked = [line[1:].strip() for line in lines if _MARKED.match(line)]
    if marked:
        return marked
    frames = {at for start, frame in _frames(lines) for at in range(start, start + len(frame))}
    kept = [line for at, line in enumerate(lines) if at not in frames and not _TRACE.match(line)]
    message = [
        line for at, line in enumerate(kept) if line.strip() or (at and kept[at - 1].strip())
    ]
    return message if any(message) else lines


def _own_frame(lines: Sequence[str]) -> Sequence[str]:
    """Return the innermost frame in the tests' own code, or the innermost of all."""
    frames = [frame for _, frame in _frames(lines)]
    if any(map(_TRACE.match, lines)):
        frames.reverse()  # Python's most recent call is the last
    own = [frame for frame in frames if not re.search(_FOREIGN, frame[0])]
    return next(iter([*own, *frames]), [])


def _frames(lines: Sequence[str]) -> Sequence[tuple[int, Sequence[str]]]:
    """Return the frames and the index of each; a frame of Python has a second line, its code."""
    found = []
    for at, line in enumerate(lines):
        if _PYTHON_FRAME.match(line):
            found.append((at, lines[at : at + 2]))
        elif _FRAME.match(line):
            found.append((at, [line]))
    return found


_TRACE = re.compile(r"Traceback \(most recent call last\):")
_MARKED = re.compile(r"E {2,}\S")
_PYTHON_FRAME = re.compile(r'\s*File ".{1,500}", line \d')
_FRAME = re.compile(
    r"\s*at\s\S"  # JavaScript, Java, .NET
    r"|\s*(?:from\s)?[^\s:]{1,500}\.\w{1,10}:\d{1,7}(?::|\s|$)"  # Ruby, pytest, Cucumber
    r"|[^\s@]{0,200}@\w{1,20}:/\S{1,500}:\d{1,7}$"  # Firefox, Safari
)
_SOURCE = re.compile(r"\s{0,20}>?\s{0,20}\d{0,7}\s{0,20}\|")
"""A line of source code as Playwright, Jest and Cypress show it."""
# The next two are compiled when first needed, by re: most runs have no failing test.
_FOREIGN = (
    r"node_modules|\(?node:|\(internal/|cypress_runner|__cypress/runner|<anonymous>\)?$"
    r"|(?:site|dist)-packages|/lib/python|/gems/|/vendor/"
    r"|\sat (?:java|javax|jdk|sun|kotlin|org\.(?:junit|testng|openqa|hamcrest|assertj)"
    r"|io\.cucumber|System|Microsoft|NUnit|Xunit|OpenQA|TechTalk)\."
)
"""Frames of languages, drivers and test frameworks."""
_VARIABLE = r"""(?xi)
    [a-z][a-z\d+.-]{1,20}://[^\s"'<>)\]]+                # addresses on the web
    | [\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+        # of mail
    | (?<![\w:])(?:[\da-f]{0,4}:){2,8}[\da-f.]+(?::\d+)?  # of machines: IPv6, others are numbers
    | \b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b       # UUIDs
    | \b0x[\da-f]+\b
    | \b(?=\d{0,64}[a-f])(?=[a-f]{0,64}\d)[\da-f]{7,}\b  # commits and the like
    | (?:(?<![\w.])[-+])?\d+(?:[-.,:/T]\d+)*Z?           # numbers, dates, times
    """
