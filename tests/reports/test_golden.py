"""Whole reports as they are kept; ``python -m tests.reports.golden`` writes them anew."""

from __future__ import annotations

import pytest

from testery_gate.reports import FORMATS
from tests.reports.examples import EXAMPLES
from tests.reports.golden import FOLDER, SUFFIXES, kept, rendered


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("example", EXAMPLES)
def test_a_report_is_the_kept_one(example: str, format_: str) -> None:
    assert rendered(example, format_) == kept(example, format_).read_text(encoding="utf-8")


def test_every_kept_report_is_compared() -> None:
    compared = {kept(example, format_).name for example in EXAMPLES for format_ in SUFFIXES}
    assert {path.name for path in FOLDER.iterdir()} == compared
