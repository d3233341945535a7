"""What each system gets for each ending, compared whole; ``python -m tests.ci.golden`` writes it.

The summaries are left out: they are the Markdown report.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from testery_gate.ci import System
from tests.ci.reporting import ENDINGS, github_variables, report

FOLDER = Path(__file__).parent / "golden"
SYSTEMS = (System.GITHUB, System.AZURE, System.TEAMCITY, System.BUILDKITE)
CASES = [
    (name, system)
    for name in ENDINGS
    for system in SYSTEMS
    if (name, system.value) != ("usage", "buildkite")
]


def reported(name: str, system: System) -> str:
    """Return what is printed, written and run."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        variables = {"AGENT_TEMPDIRECTORY": temporary} | github_variables(folder)
        done = report(system, ENDINGS[name], variables)
        assert not done.warnings
        output = (folder / "output").read_text(encoding="utf-8")
        ran = "".join(f"$ {' '.join(arguments)}\n" for arguments, _ in done.ran)
        return done.output.replace(temporary, "TEMP") + (output and f"-- output\n{output}") + ran


def kept(name: str, system: System) -> Path:
    """Return the file in which it is kept."""
    return FOLDER / f"{name}.{system.value}.txt"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        kept(*case).write_text(reported(*case), encoding="utf-8", newline="\n")
