"""What holds for all tests."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.canary import no_token_in_files, pytest_runtest_makereport

__all__ = ["no_token_in_files", "pytest_runtest_makereport"]

# How long an example takes says more about the machine than about the code.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a directory that is gone."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
