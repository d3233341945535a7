"""The last screen of twelve scenarios: ``python -m tests.acceptance.last_screens [SCENE...]``.

The real command runs in a real terminal of 80 by 24 against the stand-in API. What is on the
screen when it has ended is written to ``.acceptance/screenshots/last``, a file for each scene.
``scenes.txt`` alone says which is which: whoever reads a screen should find out from it what
happened and what to do.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance.terminal import PROMPT, Tmux
from tests.action.runner import ROOT
from tests.canary import Simulator

FOLDER = ROOT / ".acceptance" / "screenshots" / "last"
COLUMNS, LINES = 80, 24
SPEED = 10.0
DOWN = "http://127.0.0.1:9/api"
"""Nothing listens on the port of the discard protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A command, what the API plays to it, and how it must end."""

    command: str
    scenario: str | None
    code: ExitCode
    happened: str
    """What a reader should find out."""


SCENES = (
    Scene(
        command="testery-gate wait 55676",
        scenario="regression",
        code=ExitCode.FAILED,
        happened="tests failed, none may",
    ),
    Scene(
        command="testery-gate wait 55676 --min-total 20",
        scenario="passing",
        code=ExitCode.PASSED,
        happened="the run passed",
    ),
    Scene(
        command="testery-gate wait 55676",
        scenario="canceled",
        code=ExitCode.INCONCLUSIVE,
        happened="a person canceled the run",
    ),
    Scene(
        command="testery-gate wait 55676",
        scenario="no-tests",
        code=ExitCode.INCONCLUSIVE,
        happened="no test ran",
    ),
    Scene(
        command="testery-gate wait 55676",
        scenario="not-run",
        code=ExitCode.INCONCLUSIVE,
        happened="some tests never ran",
    ),
    Scene(
        command="testery-gate wait 55676 --timeout 3s",
        scenario="stuck",
        code=ExitCode.TIMED_OUT,
        happened="the run stood still until the timeout",
    ),
    Scene(
        command="testery-gate wait 55676 --token wrong",
        scenario="documented",
        code=ExitCode.UNAUTHORIZED,
        happened="the token is wrong",
    ),
    Scene(
        command="testery-gate wait 1 --appear-within 2s",
        scenario="documented",
        code=ExitCode.NOT_FOUND,
        happened="there is no such run",
    ),
    Scene(
        command="testery-gate wait 55676 --outage-tolerance 2s",
        scenario=None,
        code=ExitCode.UNAVAILABLE,
        happened="the API can't be reached",
    ),
    Scene(
        command="testery-gate wait 55676 --outage-tolerance 2s",
        scenario="unavailable",
        code=ExitCode.UNAVAILABLE,
        happened="the API answers, but with an error",
    ),
    Scene(
        command="testery-gate wait 55676 --max-failed 5percent",
        scenario="documented",
        code=ExitCode.USAGE,
        happened="an option has a wrong value",
    ),
    Scene(
        command="testery-gate wait 55676 --min-coverage 80",
        scenario="documented",
        code=ExitCode.INCONCLUSIVE,
        happened="coverage is required, and the run has none",
    ),
)


def take(scene: Scene) -> list[str]:
    """Play a scene; returns the last screen, with the command and the shell's code at its ends."""
    with ExitStack() as stack:
        cwd = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="last-")))
        url = DOWN
        if scene.scenario is not None:
            played = Simulator(load_scenario(scene.scenario), speed=SPEED)
            url = stack.enter_context(played).url
        terminal = stack.enter_context(
            Tmux(cwd=cwd, columns=COLUMNS, lines=LINES, api_url=url, LC_ALL="C.UTF-8")
        )
        terminal.enter(f"{scene.command}; echo code $?")
        # The prompt is there before the command is, too.
        screen = terminal.until(
            lambda lines: lines[-1] == PROMPT.rstrip() and lines[-2:][0].startswith("code ")
        )
        code = screen[-2]
        if code != f"code {scene.code.value}":
            raise RuntimeError(f"{scene.command} ended with {code}:\n" + "\n".join(screen))
        return screen[:-1]


def write(folder: Path, scenes: Iterable[Scene]) -> None:
    """Write the screens, and beside them what they show."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = []
    for number, scene in enumerate(scenes, 1):
        name = f"{number:02}.txt"
        (folder / name).write_text("\n".join(take(scene)) + "\n", encoding="utf-8")
        played = scene.scenario or "nothing"
        shown.append(f"{name} {scene.code.value:>3} {played}: {scene.happened}\n")
    (folder / "scenes.txt").write_text("".join(shown), encoding="utf-8")


if __name__ == "__main__":
    wanted = sys.argv[1:]
    write(FOLDER, [one for one in SCENES if not wanted or one.scenario in wanted])
    sys.stdout.write(f"The screens are in {FOLDER}.\n")
