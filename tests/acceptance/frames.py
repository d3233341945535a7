"""Terminal frames as readers see them: ``python -m tests.acceptance.frames [SCENE...]``.

The live display and the summary at the end are drawn 40, 80 and 200 columns wide: with colours,
without, and in ASCII. They are written to ``.acceptance/screenshots/frames``, a file for each
scene; ``cat`` shows the colours.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterable, Iterator, Sequence

from testery_gate.judging.judged import Judged
from testery_gate.progress.frame import ASCII, UNICODE
from testery_gate.progress.live import LiveDisplay
from testery_gate.progress.stream import SafeStream
from testery_gate.reports import summary
from tests.action.runner import ROOT
from tests.fakes import FakeClock
from tests.progress import scenes
from tests.reports.scenes import SCENES as VERDICTS

FOLDER = ROOT / ".acceptance" / "screenshots" / "frames"
WIDTHS = (40, 80, 200)
LINES = 24
LOOKS = {"colour": (True, True), "plain": (False, True), "ascii": (False, False)}
"""Whether there are colours, and any character."""


class Paper(SafeStream):
    """A terminal of which the size is known, and nothing else."""

    def __init__(self, width: int) -> None:
        self.text = io.StringIO()
        super().__init__(self.text)
        self._width = width

    def size(self) -> tuple[int, int]:
        """Return its columns and lines."""
        return self._width, LINES


def live(scene: scenes.Scene, width: int, *, color: bool, unicode: bool) -> str:
    """Return the first frame of a scene, without what moves the cursor."""
    clock = FakeClock()
    paper = Paper(width)
    environment = {} if color else {"NO_COLOR": "1"}
    style = UNICODE if unicode else ASCII
    shown = LiveDisplay(paper, clock, environment, style, trusted=scene.trusted)
    clock.now += scene.at
    for line in scene.said:
        shown.say(line)
    if scene.progress is not None:
        shown.update(scene.progress)
    shown.draw()
    shown.end()
    return re.sub(r"\r|\x1b\[\d*[AJK]", "", paper.text.getvalue())


def ending(runs: Sequence[Judged], width: int, *, color: bool, unicode: bool) -> str:
    """Return the summary of a scene."""
    return summary.render(runs, width=width, color=color, unicode=unicode)


def drawn(name: str) -> Iterator[tuple[str, str]]:
    """Yield all that a scene looks like, each with what it is."""
    for width in WIDTHS:
        for look, (color, unicode) in LOOKS.items():
            if name in scenes.SCENES:
                text = live(scenes.SCENES[name], width, color=color, unicode=unicode)
            else:
                text = ending(VERDICTS[name], width, color=color, unicode=unicode)
            yield f"{name}, {width} columns, {look}", text


def write(names: Iterable[str]) -> None:
    """Write the frames of some scenes."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names:
        text = "".join(f"== {what}\n{frame}\n" for what, frame in drawn(name))
        (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8", errors="replace")


if __name__ == "__main__":
    write(sys.argv[1:] or [*scenes.SCENES, *VERDICTS])
    sys.stdout.write(f"The frames are in {FOLDER}.\n")
