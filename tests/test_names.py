"""The project and its image have one name each; what is not there yet says so where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REPOSITORY = "testery-gate/testery-gate"
IMAGE = f"ghcr.io/{REPOSITORY}"
NOT_YET = "the first release"
"""What a line says that shows something which only a release brings."""
RELEASED = re.search(r"^## \[\d", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

SHOWN = [
    *(ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md")),
    *sorted(
        path for path in (ROOT / "docs").rglob("*") if path.is_file() and path.suffix != ".png"
    ),
    *sorted((ROOT / "templates").iterdir()),
]
"""What people copy from."""
NAMING = [
    *SHOWN,
    *(ROOT / name for name in ("action.yml", "Dockerfile", "setup.cfg", "action/bundle.json")),
    *sorted((ROOT / ".github").rglob("*.yml")),
    *sorted((ROOT / "requirements").glob("*.py")),
    *sorted((ROOT / "testery_gate").rglob("*.py")),
]

# A name in the place of an owner, whichever it is.
OTHER = re.compile(
    r"OWNER/|(?:ghcr\.io|github(?:usercontent)?\.com)/(?!testery-gate/)[\w.-]+/testery-gate"
    r"|uses: (?!testery-gate/)[\w.-]+/testery-gate"
)
OF_A_RELEASE = re.compile(
    rf"{re.escape(IMAGE)}[:@]|{REPOSITORY}@(?:0{{40}}|v?\d)|pip install (?:--\S+ )*testery-gate"
)


def lines(path: Path) -> Iterator[tuple[int, str]]:
    return enumerate(path.read_text(encoding="utf-8").splitlines(), 1)


def test_the_repository_and_the_image_have_one_name() -> None:
    assert not [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in NAMING
        for number, line in lines(path)
        if OTHER.search(line)
    ]


def test_a_line_with_what_only_a_release_brings_says_so_until_there_is_one() -> None:
    said = {}
    for path in SHOWN:
        # JSON holds no comments, but its pipelines have a field for such words.
        before = path.read_text(encoding="utf-8") if path.suffix == ".json" else ""
        for number, line in lines(path):
            if OF_A_RELEASE.search(line):
                # Where a line can hold no comment, the one before it does.
                said[f"{path.relative_to(ROOT)}:{number}"] = NOT_YET in before + line
            before = before if path.suffix == ".json" else line
    assert len(said) > 10
    assert not [place for place, so in said.items() if so == bool(RELEASED)]


@pytest.mark.parametrize(
    "line",
    [
        "image: ghcr.io/somebody/testery-gate:1",
        "uses: somebody/testery-gate@v1",
        "https://github.com/somebody/testery-gate",
        "--repo OWNER/testery-gate",
    ],
)
def test_another_name_is_found(line: str) -> None:
    assert OTHER.search(line)


@pytest.mark.parametrize(
    "line",
    [
        f"image: {IMAGE}:1",
        f"docker pull {IMAGE}@sha256:0",
        f"uses: {REPOSITORY}@{'0' * 40}",
        f"uses: {REPOSITORY}@v1",
        "pip install testery-gate",
        "pip install --upgrade testery-gate",
    ],
)
def test_what_only_a_release_brings_is_found(line: str) -> None:
    assert OF_A_RELEASE.search(line)
