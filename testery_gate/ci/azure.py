"""Azure Pipelines: issues, a summary, and the result of the task.

The rules are those of Microsoft's documentation, "Logging commands", and of the agent
(azure-pipelines-agent: Command.cs, CommandStringConvertor.cs and TaskResultUtil.cs).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from testery_gate.ci import Surroundings
from testery_gate.ci.issues import RETRYABLE, Issue, errors, warnings
from testery_gate.errors import ExitCode
from testery_gate.reports.ending import Ending, facts


def report(ending: Ending, surroundings: Surroundings) -> None:
    """Print issues, attach the summary, and set the result."""
    warned = warnings(ending)
    commands = [
        _command("task.logissue", str(issue), type=issue.severity.value)
        for issue in (*errors(ending), *warned)
    ]
    if ending.runs:
        commands += _summary(ending, surroundings)
    result = _result(ending.exit_code, warned)
    if result:
        commands.append(_command("task.complete", facts(ending)["reason"], result=result))
    surroundings.command("".join(commands))


def _summary(ending: Ending, surroundings: Surroundings) -> Sequence[str]:
    """Write the summary where the agent finds it after the step, and return the command for it."""
    from testery_gate.reports import markdown

    folder = surroundings.environment.get("AGENT_TEMPDIRECTORY") or tempfile.gettempdir()
    path = Path(folder, f"testery-gate-{surroundings.random()}.md").absolute()
    try:
        path.write_text(markdown.render(ending.runs), encoding="utf-8", newline="\n")
    except OSError as error:
        surroundings.warn(f"can't write the summary for Azure to {path}: {error.strerror}")
        return []
    return [_command("task.uploadsummary", str(path))]


def _result(code: ExitCode, warned: Sequence[Issue]) -> str:
    """Return the result of the task; empty where the exit code is enough.

    The agent keeps the worst result that it gets. So a step that may try again must not be
    reported as failed.
    """
    if code is ExitCode.PASSED:
        return "SucceededWithIssues" if warned else "Succeeded"
    return "" if code in RETRYABLE else "Failed"


def _command(name: str, data: str, **properties: str) -> str:
    shown = "".join(f"{key}={_escaped(value)};" for key, value in properties.items())
    return f"##vso[{name}{shown and ' '}{shown}]{_escaped(data)}\n"


def _escaped(text: str) -> str:
    escaped = text.replace("%", "%AZP25").replace(";", "%3B").replace("]", "%5D")
    return escaped.replace("\r", "%0D").replace("\n", "%0A")
