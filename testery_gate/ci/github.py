"""GitHub: outputs, a job summary, annotations, and a token that stays out of the log.

The rules are those of the runner (actions/runner: ActionCommand.cs and FileCommandManager.cs) and
of GitHub's documentation, "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from testery_gate.ci import Surroundings
from testery_gate.ci.issues import errors, warnings
from testery_gate.reports.ending import Ending, facts

SUMMARY_LIMIT = 1_048_576
"""Bytes of a step's summary; GitHub drops a larger one completely."""


def mask(secret: str) -> str:
    """Return the command that hides a secret in the log."""
    return _command("add-mask", secret)


def outputs(values: Mapping[str, str], random: Callable[[], str]) -> str:
    """Return values as the file in ``GITHUB_OUTPUT`` takes them, whatever they hold."""
    delimiter = f"testery_gate_{random()}"
    while any(delimiter in value for value in values.values()):
        delimiter = f"testery_gate_{random()}"
    return "".join(f"{name}<<{delimiter}\n{value}\n{delimiter}\n" for name, value in values.items())


def report(ending: Ending, surroundings: Surroundings) -> None:
    """Print annotations, set the outputs, and add to the job summary."""
    issues = (*errors(ending), *warnings(ending))
    surroundings.command(
        "".join(
            _command(issue.severity.value, issue.message, file=issue.file, title=issue.title)
            for issue in issues
        )
    )
    values = {
        **facts(ending),
        "junit-path": ending.paths.get("junit", ""),
        "json-path": ending.paths.get("json", ""),
    }
    _append("GITHUB_OUTPUT", lambda _: outputs(values, surroundings.random), surroundings)
    if ending.runs:
        _append(
            "GITHUB_STEP_SUMMARY", lambda size: _summary(ending, size, surroundings), surroundings
        )


def _command(name: str, data: str, **properties: str) -> str:
    shown = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
    return f"::{name}{shown and ' '}{shown}::{_data(data)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _append(variable: str, render: Callable[[int], str], surroundings: Surroundings) -> None:
    """Add to the file that a variable names; ``render`` gets the number of bytes in it."""
    path = surroundings.environment.get(variable)
    if not path:
        surroundings.warn(f"{variable} is not set, so nothing was written for GitHub")
        return
    try:
        with open(path, "a+b") as file:
            size = file.tell()
            file.seek(max(0, size - 1))
            if file.read(1) not in {b"", b"\n"}:  # the last line was not ended
                size += file.write(b"\n")
            # The path of a report can have bytes that are not UTF-8.
            file.write(render(size).encode(errors="replace"))
    except OSError as error:
        surroundings.warn(f"can't write to {variable} ({path}): {error.strerror or error}")


def _summary(ending: Ending, size: int, surroundings: Surroundings) -> str:
    from testery_gate.reports import markdown

    lead = "\n" if size else ""  # ours must begin on a line of its own
    text = markdown.render(ending.runs, limit=SUMMARY_LIMIT - size - len(lead))
    if not text:
        surroundings.warn("GITHUB_STEP_SUMMARY is full, so nothing was added to it")
    return text and lead + text
