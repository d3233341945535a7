"""Report an ending to a CI system, and keep what was printed, written and run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st

from testery_gate import ci
from testery_gate.ci import Surroundings
from testery_gate.errors import ExitCode
from testery_gate.reports.ending import Ending, overall
from tests.ci.readers import github_file
from tests.reports.examples import EXAMPLES, any_runs_judged, any_text

ENDINGS = {
    **{name: overall(runs) for name, runs in EXAMPLES.items()},
    "usage": Ending(
        exit_code=ExitCode.USAGE,
        reason="there is no API token",
        advice="Set TESTERY_API_TOKEN.",
    ),
    "report-lost": overall(
        EXAMPLES["passed"], ExitCode.REPORT_LOST, {"junit": "out/TEST-testery.xml"}
    ),
    "interrupted-late": overall(EXAMPLES["passed"], ExitCode.TERMINATED),
}
"""The endings whose reports are kept in ``golden/``."""

any_ending = any_runs_judged.map(overall) | st.builds(
    Ending, exit_code=st.sampled_from(ExitCode), reason=any_text, advice=any_text
)


@dataclass
class Reported:
    """The effects of a report."""

    output: str = ""
    warnings: list[str] = field(default_factory=list)
    ran: list[tuple[Sequence[str], str]] = field(default_factory=list)


def report(
    system: ci.System | None,
    ending: Ending,
    environment: Mapping[str, str] | None = None,
    run: Callable[[Sequence[str], str], None] = lambda *_: None,
) -> Reported:
    """Report an ending, with a random word that is always the same, and return the effects."""
    reported = Reported()

    def command(text: str) -> None:
        reported.output += text

    def keep(arguments: Sequence[str], text: str) -> None:
        reported.ran.append((arguments, text))
        run(arguments, text)

    surroundings = Surroundings(
        environment=environment or {},
        command=command,
        warn=reported.warnings.append,
        random=lambda: "c0ffee",
        run=keep,
    )
    ci.report(system, ending, surroundings)
    return reported


def github_variables(folder: Path) -> dict[str, str]:
    """Return the variables that name GitHub's files, which are empty at a step's start."""
    files = {"GITHUB_OUTPUT": folder / "output", "GITHUB_STEP_SUMMARY": folder / "summary"}
    for path in files.values():
        path.write_bytes(b"")
    return {name: str(path) for name, path in files.items()}


def outputs(folder: Path) -> dict[str, str]:
    """Return what GitHub takes from the file of outputs."""
    return github_file((folder / "output").read_text(encoding="utf-8"))
