"""The pages of runs and tests, as far as their addresses are known and plain."""

from __future__ import annotations

import re

from testery_gate.judging.judged import Judged

_WEB_URL = re.compile(r"https?://[a-z\d.-]+(?::\d+)?(?:/[\w.~-]+)+", re.ASCII | re.IGNORECASE)
_TEST_ID = re.compile(r"\d+", re.ASCII)


def run_page(judged: Judged) -> str:
    """Return the run's page, or nothing if its address is more than a plain one on the web.

    Such an address means nothing in HTML, and nothing between a link's parentheses in Markdown.
    """
    url = judged.web_url or ""
    return url if _WEB_URL.fullmatch(url) else ""


def other_run_page(judged: Judged, run_id: int) -> str:
    """Return the page of another run of the same account, which differs in the id alone."""
    account, _, own_id = run_page(judged).rpartition("/")
    return f"{account}/{run_id}" if account and own_id == str(judged.run_id) else ""


def test_page(page: str, test_id: str) -> str:
    """Return the page of a test's console, given that of its run; nothing for an odd id."""
    return f"{page}/tests/{test_id}/console" if page and _TEST_ID.fullmatch(test_id) else ""
