"""TeamCity: the status line of the build, build problems, and warnings in the log.

The rules are those of TeamCity's documentation, "Service Messages".
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

from testery_gate.ci import Surroundings
from testery_gate.ci.issues import RETRYABLE, Issue, gate_errors, warnings
from testery_gate.reports.ending import Ending, facts


def report(ending: Ending, surroundings: Surroundings) -> None:
    """Print a build problem for each check that failed, the warnings, and the status.

    An ending after which a script may try again is only a warning, because no later message
    removes a build problem.
    """
    problems = _warned if ending.exit_code in RETRYABLE else _problems
    messages = [
        *problems(gate_errors(ending)),
        *_warned(warnings(ending)),
        # Without a status: SUCCESS would hide an earlier failure.
        _message("buildStatus", text=f"{{build.status.text}}; Testery: {facts(ending)['reason']}"),
    ]
    surroundings.command("".join(messages))


def _problems(issues: Iterable[Issue]) -> Iterator[str]:
    """Return a build problem for each issue.

    By its identity TeamCity recognises a problem in the next build, so that must not hold a run's
    id. It is a Java identifier of at most 60 characters.
    """
    seen = Counter[str]()
    for issue in issues:
        seen[issue.subject] += 1
        key = f"{issue.subject} {seen[issue.subject]}"
        digest = hashlib.sha256(key.encode(errors="replace")).hexdigest()
        identity = f"testery_gate_{digest[:32]}"
        yield _message("buildProblem", description=str(issue), identity=identity)


def _warned(issues: Iterable[Issue]) -> Iterator[str]:
    for issue in issues:
        yield _message("message", text=str(issue), status="WARNING")


def _message(name: str, **attributes: str) -> str:
    shown = "".join(f" {key}='{value.translate(_ESCAPES)}'" for key, value in attributes.items())
    return f"##teamcity[{name}{shown}]\n"


_ESCAPES = str.maketrans({"|": "||", "'": "|'", "\n": "|n", "\r": "|r", "[": "|[", "]": "|]"})
