"""Pictures of the page as readers see it: ``python -m tests.acceptance.pictures [SCENE...]``.

They are taken at 1280 by 800, 400 wide, in the dark and printed, and written to
``.acceptance/screenshots/page``; what is on the first screen is said beside, in pixels.

``--readme`` takes those of the README. A picture of the same page is another with each version of a
browser and its fonts, so what is kept beside them is a digest of the page: a test says when it is
another page.
"""

from __future__ import annotations

import hashlib
import json
import shutil
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


KEPT = ROOT / "docs" / "pictures"
DIGEST = ROOT / "tests" / "data" / "page-of-the-readme.sha256"
OF_THE_README = {"readme-desktop.png": "page.png", "readme-dark.png": "page-dark.png"}


def digest() -> str:
    """Return a digest of the page that the README shows."""
    return f"{hashlib.sha256(html.render(SCENES['readme']).encode()).hexdigest()}\n"


def take_for_the_readme() -> None:
    """Take the pictures of the README, and keep the digest of what they show."""
    take(FOLDER, ["readme"])
    for taken, kept in OF_THE_README.items():
        shutil.copyfile(FOLDER / taken, KEPT / kept)
    DIGEST.write_text(digest(), encoding="ascii")


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


if __name__ == "__main__" and sys.argv[1:] == ["--readme"]:
    take_for_the_readme()
elif __name__ == "__main__":
    for name, views in take(FOLDER, sys.argv[1:] or SCENES).items():
        for view, places in views.items():
            told = " ".join(f"{what}={value}" for what, value in places.items())
            sys.stdout.write(f"{name} {view}: {told}\n")
    sys.stdout.write(f"The pictures are in {FOLDER}.\n")
