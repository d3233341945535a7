"""JUnit reports read back by programs that this project did not write, all with equal counts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from junitparser import JUnitXml

from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import Simulator
from tests.reports.examples import EXAMPLES, LARGE
from tests.reports.golden import kept, read

pytestmark = pytest.mark.acceptance

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "tests" / "data" / "junit-10.xsd"
JUNIT2JSON = ROOT / ".acceptance" / "node_modules" / ".bin" / "junit2json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a reader finds in a report."""

    suites: int
    tests: int
    failures: int
    errors: int
    skipped: int


KEPT = {
    "passed": Counts(suites=3, tests=12, failures=0, errors=0, skipped=1),
    "failed": Counts(suites=2, tests=10, failures=2, errors=1, skipped=0),
    "inconclusive": Counts(suites=3, tests=10, failures=0, errors=3, skipped=3),
    "timed-out": Counts(suites=1, tests=1, failures=0, errors=1, skipped=0),
    "unreachable": Counts(suites=1, tests=1, failures=0, errors=1, skipped=0),
    "decided-early": Counts(suites=1, tests=2, failures=1, errors=0, skipped=1),
    "many-runs": Counts(suites=6, tests=19, failures=2, errors=2, skipped=0),
    "hostile": Counts(suites=4, tests=14, failures=3, errors=1, skipped=1),
    "evidence": Counts(suites=2, tests=37, failures=6, errors=0, skipped=1),
    "no-baseline": Counts(suites=2, tests=9, failures=3, errors=0, skipped=0),
    "5000-tests": Counts(suites=58, tests=5_009, failures=2_859, errors=359, skipped=1_428),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What the command is asked to wait for, and what is in its report."""

    scenario: str
    options: tuple[str, ...] = ()
    code: int
    counts: Counts


# The gate has a suite with five checks, of which one is breached; then come the tests.
PLAYS = {
    "failing": Play(
        scenario="failing",
        code=1,
        counts=Counts(suites=1 + 3, tests=6 + 30, failures=1 + 3, errors=0, skipped=0),
    ),
    "hostile": Play(
        scenario="hostile",
        code=1,
        counts=Counts(suites=1 + 4, tests=6 + 45, failures=1 + 20, errors=0, skipped=5),
    ),
    "checks alone": Play(
        scenario="failing",
        options=("--junit-scope=gate",),
        code=1,
        counts=Counts(suites=1, tests=6, failures=1, errors=0, skipped=0),
    ),
    "tests alone": Play(
        scenario="failing",
        options=("--junit-scope=tests",),
        code=1,
        counts=Counts(suites=3, tests=30, failures=3, errors=0, skipped=0),
    ),
    "tests alone, where there are none": Play(
        scenario="no-results-endpoint",
        options=("--junit-scope=tests",),
        code=1,
        counts=Counts(suites=1, tests=6, failures=1, errors=0, skipped=0),
    ),
    "failures tolerated": Play(
        scenario="hostile",
        options=("--junit-tolerated=skipped", "--max-failed=20"),
        code=0,
        counts=Counts(suites=1 + 4, tests=6 + 45, failures=0, errors=0, skipped=5 + 20),
    ),
    "failures not tolerated": Play(
        scenario="hostile",
        options=("--junit-tolerated=skipped", "--max-failed=19"),
        code=1,
        counts=Counts(suites=1 + 4, tests=6 + 45, failures=1 + 20, errors=0, skipped=5),
    ),
}
SPEED = 20.0
Played = tuple[Path, Counts]


def printed(*arguments: str | Path) -> str:
    return subprocess.run(arguments, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def xmllint(path: Path) -> Counts:
    """Validate against the schema, and count elements."""
    printed("xmllint", "--noout", "--schema", SCHEMA, path)

    def count(element: str) -> int:
        return int(printed("xmllint", "--xpath", f"count(//{element})", path))

    return Counts(
        suites=count("testsuite"),
        tests=count("testcase"),
        failures=count("failure"),
        errors=count("error"),
        skipped=count("skipped"),
    )


def junitparser(path: Path) -> Counts:
    """Count cases by what junitparser takes for their result."""
    report = JUnitXml.fromfile(str(path))
    cases = [case for suite in report for case in suite]
    results = [type(result).__name__ for case in cases for result in case.result]
    return Counts(
        suites=len(list(report)),
        tests=len(cases),
        failures=results.count("Failure"),
        errors=results.count("Error"),
        skipped=results.count("Skipped"),
    )


def junitparser_by_attributes(path: Path) -> Counts:
    """Add up what the suites say of themselves."""
    report = JUnitXml.fromfile(str(path))
    suites = list(report)
    counts = Counts(
        suites=len(suites),
        tests=sum(suite.tests for suite in suites),
        failures=sum(suite.failures for suite in suites),
        errors=sum(suite.errors for suite in suites),
        skipped=sum(suite.skipped for suite in suites),
    )
    assert (report.tests, report.failures, report.errors) == (
        counts.tests,
        counts.failures,
        counts.errors,
    )
    return counts


def junit2json(path: Path) -> Counts:
    """Count the objects that npm's junit2json makes."""
    report = json.loads(printed(JUNIT2JSON, path))
    cases = [case for suite in report["testsuite"] for case in suite["testcase"]]
    return Counts(
        suites=len(report["testsuite"]),
        tests=len(cases),
        failures=sum(len(case.get("failure", ())) for case in cases),
        errors=sum(len(case.get("error", ())) for case in cases),
        skipped=sum(len(case.get("skipped", ())) for case in cases),
    )


READERS = [
    pytest.param(known, id=known.__name__)
    for known in (xmllint, junitparser, junitparser_by_attributes, junit2json)
]
Reader = Callable[[Path], Counts]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("example", "counts"), KEPT.items(), ids=KEPT)
def test_the_kept_reports_are_read_alike(
    example: str, counts: Counts, reader: Reader, tmp_path: Path
) -> None:
    path = tmp_path / "TEST.xml"
    path.write_text(read(kept(example, "junit")), encoding="utf-8")
    assert reader(path) == counts


def test_every_kept_report_is_read() -> None:
    assert EXAMPLES.keys() | LARGE.keys() == KEPT.keys()


@pytest.fixture(scope="module", params=PLAYS)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """A report that the command wrote on a run of a scenario."""
    folder = tmp_path_factory.mktemp("played")
    play = PLAYS[request.param]
    with Simulator(load_scenario(play.scenario), speed=SPEED) as api:
        arguments = ("wait", "55676", "--junit-xml=TEST.xml", *play.options)
        done = command.run(*arguments, cwd=folder, api_url=api.url)
    assert done.code == play.code, done.output
    return folder / "TEST.xml", play.counts


@pytest.mark.parametrize("reader", READERS)
def test_what_the_command_writes_is_read_alike(played: Played, reader: Reader) -> None:
    path, counts = played
    assert reader(path) == counts
