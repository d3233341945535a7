"""Pictures of the page as readers see it: ``python -m tests.acceptance.pictures [SCENE...]``.

They are taken at 1280 by 800, 400 wide, in the dark and printed, and written to
``.acceptance/screenshots/page``; what is on the first screen is said beside, in pixels.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from testery_gate.reports import html
from tests.action.runner import ROOT
from tests.reports.scenes import SCENES

INSTALLED = ROOT / ".acceptance"
FOLDER = INSTALLED / "screenshots" / "page"
LONGEST = 300
"""Seconds for all of them."""


def take(folder: Path, scenes: Iterable[str]) -> Any:
    """Take the pictures; returns where things are on the first screen, by scene and view."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for scene in scenes:
        page = folder / f"{scene}.html"
        page.write_text(html.render(SCENES[scene]), encoding="utf-8")
        pages.append(page)
    done = subprocess.run(
        [  # noqa: S607  (node is on the path)
            "node",
            ROOT / "tests" / "acceptance" / "pictures.mjs",
            INSTALLED / "node_modules",
            folder,
            *pages,
        ],
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


if __name__ == "__main__":
    for name, views in take(FOLDER, sys.argv[1:] or SCENES).items():
        for view, places in views.items():
            told = " ".join(f"{what}={value}" for what, value in places.items())
            sys.stdout.write(f"{name} {view}: {told}\n")
    sys.stdout.write(f"The pictures are in {FOLDER}.\n")
