from __future__ import annotations

from pathlib import Path

from tests.readme import brought_in_step

README = Path(__file__).parents[1] / "README.md"


def test_the_readme_says_what_the_help_says() -> None:
    # To bring it in step: python -m tests.write_readme
    text = README.read_text(encoding="utf-8")
    assert text == brought_in_step(text)
