"""Whole reports as they are kept; ``python -m tests.reports.golden`` writes them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from testery_gate.reports import FORMATS
from tests.reports.examples import EXAMPLES, LARGE
from tests.reports.golden import FOLDER, difference, kept, read, rendered, write


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("example", [*EXAMPLES, *LARGE])
def test_a_report_is_the_kept_one(example: str, format_: str) -> None:
    assert difference(read(kept(example, format_)), rendered(example, format_)) == ""


def test_every_kept_report_is_compared() -> None:
    compared = {kept(name, format_) for name in (*EXAMPLES, *LARGE) for format_ in FORMATS}
    assert set(FOLDER.iterdir()) == compared
    assert len(compared) == (len(EXAMPLES) + len(LARGE)) * len(FORMATS)


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        pytest.param("a\nb\n", "a\nb\n", "", id="none"),
        pytest.param("a\nb\nc", "a\nB\nC", "line 2\nwas 'b'\nnow 'B'", id="a line"),
        pytest.param("a\n", "a", "line 2\nwas ''\nnow None", id="an end of line"),
        pytest.param("a\r\nb", "a\nb", "line 1\nwas 'a\\r'\nnow 'a'", id="kinds of line ends"),
    ],
)
def test_the_first_difference_is_shown(old: str, new: str, shown: str) -> None:
    assert difference(old, new) == shown


@pytest.mark.parametrize("name", ["report.txt", "report.txt.gz"])
def test_what_is_kept_is_read_back_and_left_alone_unless_it_changed(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    write(path, "é\r\n\u2028")
    first = path.stat().st_mtime_ns, path.read_bytes()
    write(path, "é\r\n\u2028")
    assert (path.stat().st_mtime_ns, path.read_bytes()) == first
    assert read(path) == "é\r\n\u2028"
    write(path, "other")
    assert read(path) == "other"
