"""Buildkite: an annotation on the build's page, if the agent is installed.

The rules are those of Buildkite's documentation, "buildkite-agent annotate".
"""

from __future__ import annotations

import subprocess

from testery_gate.ci import Surroundings
from testery_gate.ci.issues import RETRYABLE, warnings
from testery_gate.errors import ExitCode
from testery_gate.reports.ending import Ending

LIMIT = 1_000_000
"""Bytes of an annotation's body; Buildkite takes 1 MiB."""


def report(ending: Ending, surroundings: Surroundings) -> None:
    """Annotate the build; the next annotation of the same step replaces this one."""
    if not ending.runs:
        return
    from testery_gate.reports import markdown

    step = surroundings.environment.get("BUILDKITE_STEP_ID")
    context = f"testery-gate-{step}" if step else "testery-gate"
    arguments = ["buildkite-agent", "annotate", "--style", _style(ending), "--context", context]
    try:
        surroundings.run(arguments, markdown.render(ending.runs, limit=LIMIT))
    except FileNotFoundError:
        return  # a container without the agent: the log has it all
    except (OSError, subprocess.SubprocessError) as error:
        surroundings.warn(f"can't annotate the build: {error}")


def _style(ending: Ending) -> str:
    if ending.exit_code is ExitCode.PASSED:
        return "warning" if warnings(ending) else "success"
    return "warning" if ending.exit_code in RETRYABLE else "error"
