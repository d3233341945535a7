"""The kept reports, compared whole; ``python -m tests.reports.golden`` writes them anew."""

from __future__ import annotations

from pathlib import Path

from testery_gate import __version__
from testery_gate.reports import FORMATS
from tests.reports.examples import EXAMPLES

FOLDER = Path(__file__).parent / "golden"
SUFFIXES = {"junit": "xml", "json": "json", "dotenv": "env", "markdown": "md"}


def rendered(example: str, format_: str) -> str:
    """Render an example, without the version, which changes with every release."""
    return FORMATS[format_](EXAMPLES[example]).replace(f'"{__version__}"', '"VERSION"')


def kept(example: str, format_: str) -> Path:
    """Return the file that an example's report is kept in."""
    return FOLDER / f"{example}.{SUFFIXES[format_]}"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in EXAMPLES:
        for format_ in FORMATS:
            kept(name, format_).write_text(rendered(name, format_), encoding="utf-8", newline="\n")
