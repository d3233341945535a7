"""The kept reports, compared whole; ``python -m tests.reports.golden`` writes them anew."""

from __future__ import annotations

import gzip
from itertools import zip_longest
from pathlib import Path

from testery_gate import __version__
from testery_gate.reports import FORMATS
from tests.reports.examples import EXAMPLES, LARGE

FOLDER = Path(__file__).parent / "golden"

_SUFFIXES = {"junit": "xml", "dotenv": "env", "markdown": "md", "sonar": "sonar.xml"}
"""How the files of a format end that is not called so itself."""


def rendered(example: str, format_: str) -> str:
    """Render an example, without the version, which changes with every release."""
    runs = {**EXAMPLES, **LARGE}[example]
    return FORMATS[format_](runs).replace(f'"{__version__}"', '"VERSION"')


def kept(example: str, format_: str) -> Path:
    """Return the file that an example's report is kept in."""
    name = f"{example}.{_SUFFIXES.get(format_, format_)}"
    return FOLDER / (f"{name}.gz" if example in LARGE else name)


def read(path: Path) -> str:
    """Return the text of a kept report."""
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode()


def write(path: Path, text: str) -> None:
    """Keep a report, if it is another: the same text is not compressed alike by every zlib."""
    if path.exists() and read(path) == text:
        return
    content = text.encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def difference(old: str, new: str) -> str:
    """Show the first line that differs: a whole difference of megabytes would take minutes."""
    pairs = zip_longest(old.split("\n"), new.split("\n"))
    for number, (was, now) in enumerate(pairs, start=1):
        if was != now:
            return f"line {number}\nwas {was!r}\nnow {now!r}"
    return ""


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in (*EXAMPLES, *LARGE):
        for format_ in FORMATS:
            write(kept(name, format_), rendered(name, format_))
