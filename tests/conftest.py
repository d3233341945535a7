"""What holds for all tests."""

from hypothesis import settings

from tests.canary import no_token_in_files, pytest_runtest_makereport

__all__ = ["no_token_in_files", "pytest_runtest_makereport"]

# How long an example takes says more about the machine than about the code.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")
