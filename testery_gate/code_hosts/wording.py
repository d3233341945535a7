"""What a status and a comment say."""

from __future__ import annotations

import re

from testery_gate.ci.issues import errors, warnings
from testery_gate.code_hosts import Wishes
from testery_gate.code_hosts.comment import Note, Wanted, marker_of
from testery_gate.code_hosts.host import CodeHost, Place, State, Status
from testery_gate.errors import ExitCode
from testery_gate.reports import markdown
from testery_gate.reports.addresses import run_page
from testery_gate.reports.ending import Ending
from testery_gate.reports.headline import headline, of_code
from testery_gate.reports.view import worst_first
from testery_gate.text import clean_line

MOST_ISSUES = 200
"""How many problems are annotated, where the system shows annotations."""

PENDING = Status(state=State.PENDING, description="Waiting for Testery")
_STATES = {
    ExitCode.PASSED: State.PASSED,
    ExitCode.FAILED: State.FAILED,
    ExitCode.INTERRUPTED: State.STOPPED,
    ExitCode.TERMINATED: State.STOPPED,
}
_PLAIN_URL = re.compile(r"https?://[\w.~:/?#@!$&*+,;=%-]+", re.ASCII)


def context_of(place: Place) -> str:
    """Return the name of the status if the user gives none."""
    return f"testery-gate ({place.gate})" if place.gate else "testery-gate"


def final(ending: Ending) -> Status:
    """Return the status at the end."""
    pages = filter(None, map(run_page, worst_first(ending.runs)))
    return Status(
        state=_STATES.get(ending.exit_code, State.NO_VERDICT),
        description=description(ending),
        url=next(pages, ""),
        report=lambda limit: markdown.render_ending(ending, limit=limit),
        issues=(*errors(ending, most=MOST_ISSUES), *warnings(ending, most=MOST_ISSUES)),
    )


def description(ending: Ending) -> str:
    """Return in one line how the gate ended."""
    code = ending.exit_code
    if code not in {judged.exit_code for judged in ending.runs}:
        why = "" if ending.reason == code.meaning else f" ({ending.reason})"
        return clean_line(f"{of_code(code)}{why}")
    return str(headline(ending.runs))


def comment(ending: Ending, host: CodeHost, wishes: Wishes) -> Wanted:
    """Return the comment that is wanted at the end."""
    place, key = host.place, wishes.key or host.place.gate
    marker = marker_of(key)
    note = Note(outcome=ending.exit_code.outcome, pipeline=place.pipeline)
    head, foot = f"{host.hidden.format(note.line(marker))}\n\n", f"\n{_foot(place, key)}\n"
    limit = host.comment_limit - len(f"{head}{foot}".encode())
    text = markdown.render_ending(ending, limit=limit)
    return Wanted(
        mode=wishes.comment,
        marker=marker,
        note=note,
        text=f"{head}{text if host.folds else markdown.unfolded(text)}{foot}",
    )


def _foot(place: Place, key: str) -> str:
    """Return the line that names the gate, its commit and its pipeline."""
    commit = f"commit {markdown.code(place.commit[:7])}" if place.commit else ""
    url = place.pipeline_url
    pipeline = f"[pipeline]({url})" if _PLAIN_URL.fullmatch(url) else ""
    gate = f"testery-gate {markdown.code(key)}".rstrip()
    return " · ".join(filter(None, (gate, commit, pipeline)))
