from __future__ import annotations

from pathlib import Path

import pytest

from tests.readme import PARTS, ROOT, brought_in_step


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PARTS])
def test_the_pages_say_what_the_help_says(page: Path) -> None:
    # To bring them in step: python -m tests.write_readme
    assert page.read_text(encoding="utf-8") == brought_in_step(page)


def test_the_readme_can_be_read_in_one_go() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200
