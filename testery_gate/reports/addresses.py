"""The pages of runs and tests, where their addresses are known and plain."""

from __future__ import annotations

import re

from testery_gate.judging.judged import Judged

_WEB_URL = re.compile(r"https?://[a-z\d.-]+(?::\d+)?(?:/[\w.~-]+)+", re.ASCII | re.IGNORECASE)
_TEST_ID = re.compile(r"\d+", re.ASCII)


def run_page(judged: Judged) -> str:
    """Return the run's page, or an empty text if its address is not a plain one on the web.

    A plain address has no character that is special in HTML or in a link in Markdown.
    """
    url = judged.web_url or ""
    return url if _WEB_URL.fullmatch(url) else ""


def other_run_page(judged: Judged, run_id: int) -> str:
    """Return the page of another run of the same account; only the id differs."""
    account, _, own_id = run_page(judged).rpartition("/")
    return f"{account}/{run_id}" if account and own_id == str(judged.run_id) else ""


def test_page(page: str, test_id: str) -> str:
    """Return the page of a test's console, given its run's page; empty if the id is no number."""
    return f"{page}/tests/{test_id}/console" if page and _TEST_ID.fullmatch(test_id) else ""
