"""What holds for all tests."""

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

from tests.canary import no_token_in_files, pytest_runtest_makereport

__all__ = ["no_token_in_files", "pytest_runtest_makereport"]

# How long an example takes says more about the machine than about the code.
settings.register_profile("thorough", deadline=None, max_examples=100)
# The same few examples each time, so that `make test` is quick and fails only after a change.
settings.register_profile("quick", deadline=None, max_examples=10, derandomize=True)
settings.load_profile(os.environ.get("TESTS_EXAMPLES", "quick"))


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a directory that is gone."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()


PROCESSES = ("tests/acceptance/", "tests/action/", "tests/ci/test_command.py", "tests/security/")
"""Where each case starts a process: one of a test is quick, unless it says how many."""
QUICK_PROCESSES = 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what comes after the first cases of a test, where these are quick."""
    seen = Counter[str]()
    for item in items:
        quick = item.get_closest_marker("quick")
        if quick is None and not item.nodeid.startswith(PROCESSES):
            continue
        name = item.nodeid.partition("[")[0]
        seen[name] += 1
        if seen[name] > (QUICK_PROCESSES if quick is None else quick.args[0]):
            item.add_marker(pytest.mark.slow)
