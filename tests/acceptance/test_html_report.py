"""The html report in Chromium, served under content policies that forbid styles and scripts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from testery_gate.reports import html
from testery_gate.reports.grouping import SHORT, excerpt
from testery_gate.reports.view import error_lines, failing_tests
from tests.acceptance.pictures import DIGEST, digest, take
from tests.action.runner import ROOT
from tests.reports.examples import EXAMPLES, LARGE
from tests.reports.scenes import SCENES

pytestmark = pytest.mark.acceptance

INSTALLED = ROOT / ".acceptance"
SCREENSHOTS = INSTALLED / "screenshots"
BROWSE = ROOT / "tests" / "acceptance" / "browse.mjs"
POLICY = "default-src 'none'; style-src 'none'; img-src 'self' data:"
JENKINS = "sandbox allow-same-origin; default-src 'none'; img-src 'self'; style-src 'self';"
"""The policy of Jenkins (System Administration, Configuring Content Security Policy)."""
FIRST_SCREEN = 800
"""Pixels from the top."""
LONGEST = 300
"""Seconds for all views of a report."""
TEXT = {"light": "rgb(0, 0, 0)", "dark": "rgb(255, 255, 255)"}


@contextmanager
def served(page: bytes, policy: str = POLICY) -> Iterator[tuple[str, list[str]]]:
    """Serve a page under the policy; yields its address and the paths that are asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if self.path == "/report.html" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", policy)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/report.html", asked
        finally:
            server.shutdown()
            thread.join()


def browse(name: str, page: bytes, *how: str, policy: str = POLICY) -> tuple[Any, str, list[str]]:
    """Look at a page in every way; returns what was seen, its address and what was asked for."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with served(page, policy) as (url, asked):
        done = subprocess.run(
            ["node", BROWSE, INSTALLED / "node_modules", url, SCREENSHOTS, name, *how],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), url, asked


@pytest.mark.parametrize(
    ("example", "limit"),
    [
        *((name, html.LIMIT) for name in ("passed", "failed", "many-runs", "timed-out")),
        *((name, html.LIMIT) for name in ("unreachable", "hostile", "evidence", *LARGE)),
        *((name, html.LIMIT) for name in ("checkout", "fleet")),
        *((name, 150_000) for name in LARGE),
    ],
)
def test_a_report_is_readable_in_every_view_and_asks_for_nothing(example: str, limit: int) -> None:
    page = html.render({**EXAMPLES, **SCENES}[example], limit=limit).encode()
    # Axe takes minutes for thousands of tests, and finds no more in them than in the first.
    axe = ["without-axe"] if example in LARGE and limit == html.LIMIT else []
    seen, url, asked = browse(example if limit == html.LIMIT else f"{example}-cut", page, *axe)
    assert set(asked) == {"/report.html"}
    assert {(view["width"], view["colorScheme"]) for view in seen["views"]} == {
        (width, scheme) for width in (360, 768, 1440) for scheme in TEXT
    }
    for view in seen["views"]:
        # The style sheet for paper is forbidden here, and nothing else is.
        assert [message[:21] for message in view["messages"]] == ["Applying inline style"]
        assert view["requests"] == [url]
        assert view["findings"] == []
        assert view["contrast"] >= 4.5
        assert view["color"] == TEXT[view["colorScheme"]]
        for state in ("folded", "unfolded"):
            assert view[state]["excess"] <= 0, view[state]["by"]
    assert seen["pages"] > 0


def test_the_cause_is_on_the_first_screen(tmp_path: Path) -> None:
    seen = take(tmp_path, ["checkout", "evidence", "fleet"])
    for view in ("desktop", "phone", "dark"):
        assert seen["checkout"][view]["firstError"] < FIRST_SCREEN
        assert seen["evidence"][view]["firstError"] < FIRST_SCREEN
        # Of 200 runs, the first one that failed.
        assert seen["fleet"][view]["firstRun"] < FIRST_SCREEN


def test_the_pictures_of_the_readme_show_the_page_as_it_is() -> None:
    # To take them anew: python -m tests.acceptance.pictures --readme
    assert DIGEST.read_text(encoding="ascii") == digest()


@pytest.mark.parametrize(
    "policy", [pytest.param("", id="none"), pytest.param(JENKINS, id="Jenkins")]
)
def test_a_browser_has_nothing_to_complain_of(policy: str) -> None:
    page = html.render(EXAMPLES["evidence"]).encode()
    seen, url, _ = browse("opened", page, "only-open", policy=policy)
    assert (seen["messages"], seen["requests"]) == ([], [url])


def test_everything_is_on_paper(tmp_path: Path) -> None:
    scenes = ("checkout", "evidence", "passed", "many-runs")
    seen = take(tmp_path, scenes)
    for scene in scenes:
        assert seen[scene]["paper"]["folded"] == 0
        read = subprocess.run(
            ["pdftotext", tmp_path / f"{scene}.pdf", "-"],  # noqa: S607
            capture_output=True,
            timeout=LONGEST,
            check=True,
        )
        printed = without_blanks(read.stdout.decode())
        for judged in SCENES[scene]:
            for test in failing_tests(judged):
                assert without_blanks(test.result.name) in printed
                for line in error_lines(test.result):
                    assert without_blanks(line) in printed
            assert_printed_once(
                printed, [error_lines(test.result) for test in failing_tests(judged)]
            )
            for result in judged.attachments.values():
                assert without_blanks(result.output) in printed
            for check in judged.verdict.checks:
                assert without_blanks(check.expected_text) in printed


def assert_printed_once(printed: str, errors: Sequence[Sequence[str]]) -> None:
    """The frame that an excerpt shows is on paper as often as the errors have it."""
    frames = {without_blanks(excerpt(error)[-1]) for error in errors if len(error) > SHORT}
    whole = without_blanks("\n".join(line for error in errors for line in error))
    for frame in frames:
        assert printed.count(frame) == whole.count(frame)


def without_blanks(text: str) -> str:
    """Return text without what wrapping changes."""
    return "".join(text.split())


def test_all_that_unfolds_is_reached_and_unfolded_by_keyboard() -> None:
    seen, _, _ = browse("failed", html.render(EXAMPLES["failed"]).encode())
    keyboard = seen["keyboard"]
    assert keyboard["reached"] == ["A", "SUMMARY"]
    assert (keyboard["before"], keyboard["after"]) == (True, False)


def test_what_the_policy_forbids_is_noticed() -> None:
    page = b"<!DOCTYPE html><title>x</title><style>p{}</style><p style='x:y'><img src=/x.png>"
    seen, url, asked = browse("forbidden", page)
    assert "/x.png" in asked
    for view in seen["views"]:
        assert len(view["messages"]) >= 2
        assert view["requests"] == [url, url.replace("report.html", "x.png")]
    found = [{finding[0] for finding in view["findings"]} for view in seen["views"]]
    assert sum("html-has-lang" in one for one in found) == 2
