"""A token like no other, which is looked for in every byte that the tests make the gate write.

``tests/conftest.py`` takes the hooks below over, so that they watch every run of the tests:

- what a process of the gate prints is looked through where it is caught (:func:`watched`);
- what a test prints itself is, when the test has passed;
- all files that the tests leave are, when the last test is done.

The one place where the token may show is the line that has GitHub hide it.
"""

from __future__ import annotations

import base64
import gzip
import os
import re
import stat
import zlib
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from testery_gate import simulator
from testery_gate.simulator.scenario import ClockStart, Scenario

CANARY = "-".join(("canary", "d41b7c90e2a8"))
"""The token of the tests, in parts so that no copy of this file holds it whole."""

_MASK = re.compile(rb"^::add-mask::[^\n]*$", re.MULTILINE)
_SHAPES = (
    CANARY.encode(),
    CANARY.encode("utf-16-le"),
    CANARY.encode("utf-16-be"),
    # As a header or a part of one, wherever it begins in a group of three bytes.
    *(base64.b64encode(b"x" * shift + CANARY.encode())[4:-4] for shift in range(3)),
)
_INPUT = re.compile(rb"\s*(\[\w+\]\s*token\s*=\s*)?%s\s*" % CANARY.encode())
"""A file of the token and nothing else, or a credentials file: what a user has."""


FINISHED = 100_000.0
"""The speed at which every run is at its end when it is first asked for."""


class Simulator(simulator.Simulator):
    """The stand-in API, where it takes this token unless a test says otherwise."""

    def __init__(
        self,
        scenario: Scenario,
        *arguments: Any,
        token: str = CANARY,
        speed: float = 1.0,
        **options: Any,
    ) -> None:
        if speed == FINISHED:
            scenario = replace(scenario, clock_starts=ClockStart.SERVER_START)
        super().__init__(scenario, *arguments, token=token, speed=speed, **options)


def holds_token(data: bytes) -> bool:
    """Whether the token can be read from these bytes, by whoever has them."""
    if data.startswith(b"\x1f\x8b"):
        with suppress(OSError, EOFError, zlib.error):  # what is cut off holds what it holds
            data += gzip.decompress(data)
    rest = _MASK.sub(b"", data)
    return any(shape in rest for shape in _SHAPES)


def watched(text: str) -> str:
    """Return what a process printed; it is an error if the token is in it."""
    assert not holds_token(text.encode("utf-8", "surrogateescape")), f"the token shows: {text!r}"
    return text


def files_with_token(folder: Path) -> Iterator[Path]:
    """The files that the token can be read from, or from the names of which it can be."""
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *files) if CANARY in name)
        for path in (Path(parent, name) for name in files):
            # A process that is ending may still tidy up; a test may make what nobody can read.
            with suppress(FileNotFoundError, PermissionError):
                if stat.S_ISREG(path.lstat().st_mode):
                    data = path.read_bytes()
                    if holds_token(data) and not _INPUT.fullmatch(data):
                        yield path


@pytest.fixture(scope="session", autouse=True)
def no_token_in_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Look through what all tests of this process left; the last one fails where it shows."""
    yield
    found = list(files_with_token(tmp_path_factory.getbasetemp()))
    assert not found, f"the token is in {', '.join(map(str, found))}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that printed the token."""
    report = yield
    shown = "\n".join(text for _, text in report.sections)
    if report.passed and holds_token(shown.encode("utf-8", "surrogateescape")):
        report.outcome = "failed"
        report.longrepr = f"the token was printed in {report.nodeid}"
    return report
