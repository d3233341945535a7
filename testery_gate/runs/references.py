"""Which runs: from what the user names to their ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_ADDRESS = r"(https?://[^\s/?#]+/[^\s?#]*?test-runs/(\d{1,18}))(?![^/?#])"
_ID = r"\d{1,18}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReference:
    """A run as the user named it."""

    run_id: int
    web_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipedRuns:
    """Runs that are named on standard input, which is not read yet."""

    read: Callable[[float], Sequence[RunReference]]
    """Returns all of them, within so many seconds; raises :class:`UsageError`, or
    :class:`TookTooLong` where the input does not end in time."""


def parse_reference(text: str) -> RunReference:
    """Read an id or a web address such as ``https://testery.app/acme/test-runs/55676``.

    Raises :class:`ValueError`.
    """
    if re.fullmatch(_ID, text, re.ASCII) and int(text) > 0:
        return RunReference(run_id=int(text))
    match = re.match(_ADDRESS, text, re.ASCII)
    if match and int(match[2]) > 0 and not re.search(r"\s", text, re.ASCII):
        return RunReference(run_id=int(match[2]), web_url=match[1])
    raise ValueError(
        f"{text!r} is not a run; give its id, such as 55676,"
        " or its address, such as https://testery.app/acme/test-runs/55676"
    )


_CREATED = r"test_run_id:\s*(\d{1,18})"
_SIGN = r"[\s\"'#<>()\[\],;.+*|•–—-]"  # noqa: RUF001
"""What stands before, between and behind the ids of a list."""
_LIKE_A_RUN = re.compile(
    rf"https?:|\S*test-runs/|{_SIGN}*(?:test_run_ids?\b|\d(?:\d|{_SIGN})*$"
    # Neither a date, nor a count, nor a number with a unit is an id.
    r"|(?!\d{4}-\d\d-\d\d|\d+ ?(?:of|/) ?\d|\d+[a-z]|\d+ tests\b)\d{4})",
    re.ASCII | re.IGNORECASE,
)
"""How a line begins that could have been meant as a run."""
_LABELLED = re.compile(
    rf"{_SIGN}*(?:test[ _-]?)?(?:run|(?:run[ _-]?)?id)s?\s*"
    r"(?:[:=#]\W*(?P<ids>\d+(?:[\s,]+\d+)*)(?! of \d|[\d/])|(?P<id>\d{4,})\W*$)",
    re.ASCII | re.IGNORECASE,
)
"""How a line begins that says of numbers that they are runs."""
_SAID_ANYWHERE = re.compile(
    r"test-runs/(\d+)|test[ _-]?run(?:[ _-]?id)?[\"']?\s*[:=#]\s*[\"']?(\d+)",
    re.ASCII | re.IGNORECASE,
)
"""How a run is named within a line, as in the client's "Waiting for test run: 55676"."""


def _mentioned(line: str) -> Sequence[str]:
    """Return the ids of runs in a line that need not be meant as a run by itself."""
    labelled = _LABELLED.match(line)
    ids = re.findall(r"\d+", labelled["ids"] or labelled["id"], re.ASCII) if labelled else []
    return [*ids, *(address or named for address, named in _SAID_ANYWHERE.findall(line))]


def parse_references(text: str) -> Sequence[RunReference]:
    """Read runs out of a text: ids and addresses, or what the Testery client prints.

    Each is on a line of its own. Where there is a line ``test_run_id: 12345``, other lines are
    ignored, because the client prints more than that. But a line that could have been meant as a
    run is an error: without that run, its failures would be missed. Raises :class:`ValueError`,
    which never quotes a line, because the client prints variables of the run too.
    """
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
    if not any(lines):
        raise ValueError(
            "there is no run on standard input: it is empty; give ids, addresses, or what"
            " 'testery create-test-run' prints"
        )
    client = any(re.fullmatch(_CREATED, line, re.ASCII) for line in lines)
    references: list[RunReference] = []
    ignored: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if not line or (client and not _LIKE_A_RUN.match(line)):
            ignored.append((number, line))
            continue
        created = re.fullmatch(_CREATED, line, re.ASCII)
        try:
            references.append(parse_reference(created[1] if created else line))
        except ValueError:
            raise _no_run(number) from None
    taken = {str(reference.run_id) for reference in references}
    for number, line in ignored:
        # What the client prints may name the same run again.
        if not taken.issuperset(_mentioned(line)):
            raise _no_run(number)
    return references


def _no_run(number: int) -> ValueError:
    return ValueError(
        f"line {number} of standard input is neither a run's id, nor its address, nor"
        " 'test_run_id: 12345'"
    )
