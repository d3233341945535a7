"""Tell a CI system of an ending, and keep what came of it."""

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
"""The endings whose telling is kept."""

any_ending = any_runs_judged.map(overall) | st.builds(
    Ending, exit_code=st.sampled_from(ExitCode), reason=any_text, advice=any_text
)


@dataclass
class Told:
    """What telling did to the world."""

    output: str = ""
    warnings: list[str] = field(default_factory=list)
    ran: list[tuple[Sequence[str], str]] = field(default_factory=list)


def tell(
    system: ci.System | None,
    ending: Ending,
    environment: Mapping[str, str] | None = None,
    run: Callable[[Sequence[str], str], None] = lambda *_: None,
) -> Told:
    """Tell, with a random word that is always the same."""
    told = Told()

    def command(text: str) -> None:
        told.output += text

    def keep(arguments: Sequence[str], text: str) -> None:
        told.ran.append((arguments, text))
        run(arguments, text)

    surroundings = Surroundings(
        environment=environment or {},
        command=command,
        warn=told.warnings.append,
        random=lambda: "c0ffee",
        run=keep,
    )
    ci.tell(system, ending, surroundings)
    return told


def github_variables(folder: Path) -> dict[str, str]:
    """Return the variables that name GitHub's files, which are empty at a step's start."""
    files = {"GITHUB_OUTPUT": folder / "output", "GITHUB_STEP_SUMMARY": folder / "summary"}
    for path in files.values():
        path.write_bytes(b"")
    return {name: str(path) for name, path in files.items()}


def outputs(folder: Path) -> dict[str, str]:
    """Return what GitHub takes from the file of outputs."""
    return github_file((folder / "output").read_text(encoding="utf-8"))
