"""Bring the README in step with the code: ``python -m tests.write_readme``."""

from __future__ import annotations

from pathlib import Path

from tests.readme import brought_in_step

if __name__ == "__main__":
    path = Path(__file__).parents[1] / "README.md"
    path.write_text(brought_in_step(path.read_text(encoding="utf-8")), encoding="utf-8")
