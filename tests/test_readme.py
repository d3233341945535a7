from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests import terminal_picture
from tests.readme import PARTS, ROOT, brought_in_step

PICTURES = ROOT / "docs" / "pictures"


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PARTS])
def test_the_pages_say_what_the_help_says(page: Path) -> None:
    # To bring them in step: python -m tests.write_readme
    assert page.read_text(encoding="utf-8") == brought_in_step(page)


def test_the_readme_can_be_read_in_one_go() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


def test_the_picture_of_the_terminal_shows_what_the_gate_prints() -> None:
    # To draw it anew: python -m tests.write_readme
    assert terminal_picture.PICTURE.read_text(encoding="utf-8") == terminal_picture.picture()


def test_a_line_is_drawn_in_its_columns() -> None:
    drawn = terminal_picture.drawn(["\x1b[31m✗ 日本\x1b[0m  <b>  c "])
    root = ElementTree.fromstring(drawn)  # noqa: S314  (drawn by us)
    found = [
        (text.text, text.get("x"), text.get("textLength")) for text in root.iter() if text.text
    ]
    assert [each for each in found if each[1]] == [
        ("✗ 日本", "16", "48"),
        ("<b>", "80", "24"),
        ("c", "120", "8"),
    ]


@pytest.mark.parametrize("picture", sorted(PICTURES.iterdir()), ids=lambda path: path.name)
def test_a_picture_is_small_and_shown(picture: Path) -> None:
    assert picture.stat().st_size < 200 * 1024
    assert f"docs/pictures/{picture.name}" in (ROOT / "README.md").read_text(encoding="utf-8")
