"""Every fault at every moment of a wait: the right end, in time, reported, in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from tests.acceptance.faults import document, matrix
from tests.acceptance.faults.kinds import FAULTS, Fault
from tests.acceptance.faults.matrix import GRACE, TESTS, Moment, Observed

pytestmark = pytest.mark.acceptance

ROOT = Path(__file__).parents[2]
MOST_MEMORY = 250 * 1024
"""KiB. A process begins with the peak of the one that started it: here that of all the servers."""
LONGEST = 900
"""Seconds for all cells together on a slow and busy machine; 120 are waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What all cells came to, and how long in seconds a wait without faults took among them."""

    cells: Mapping[tuple[str, str], Observed]
    slack: float


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    # In a process of its own: what a process takes at its start is counted to its child as well,
    # and the tests' process may have grown large by now.
    file = tmp_path_factory.mktemp("matrix") / "found.json"
    subprocess.run(
        [sys.executable, "-m", matrix.__name__, "--json", str(file)],
        cwd=ROOT,
        timeout=LONGEST,
        check=True,
    )
    content = json.loads(file.read_text(encoding="utf-8"))
    observed: Sequence[Observed] = [Observed(**one) for one in content["observed"]]
    return Found(cells={(o.fault, o.moment): o for o in observed}, slack=content["slack"])


def wanted(fault: Fault, moment: Moment) -> str:
    if fault.harmless or not moment.for_ever:
        return "passed"
    return "unavailable" if moment is Moment.EVER else "passed, counts alone"


@pytest.mark.parametrize("moment", [pytest.param(moment, id=moment.value) for moment in Moment])
@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.name) for fault in FAULTS])
def test_a_fault_changes_no_verdict(found: Found, fault: Fault, moment: Moment) -> None:
    cell = found.cells[fault.name, moment.value]
    assert cell.struck, "the fault was never met"
    assert not cell.strangers, "another host was asked"
    assert cell.outcome == wanted(fault, moment), cell.log
    assert "Traceback" not in cell.log
    # The run's own evidence, or none of a verdict.
    assert cell.evidence is (cell.code == ExitCode.PASSED)
    if cell.code == ExitCode.PASSED:
        assert (cell.errors, cell.failures) == (0, 0)
        assert cell.cases > 1
        assert cell.tests == (0 if "alone" in cell.outcome else TESTS)
    else:
        assert (cell.cases, cell.errors, cell.failures, cell.tests) == (1, 1, 0, 0)
    # The end of an unspoiled wait took so long among the others: a slow machine is no late gate.
    assert cell.seconds <= cell.timeout + GRACE + 2 * found.slack, cell.log
    assert cell.peak < MOST_MEMORY


def test_the_last_request_is_the_one_for_the_tests(found: Found) -> None:
    # The moments are counted in answers; this is what the count stands for.
    for moment, path in (
        (Moment.FIRST, "/api/test-runs/55676"),
        (Moment.LAST_LOOK, "/api/test-runs/55676"),
        (Moment.LAST, "/api/test-runs/55676/results"),
    ):
        assert found.cells["500", moment.value].struck == [f"GET {path} HTTP/1.1"]


def test_the_page_has_what_was_found(found: Found) -> None:
    # To bring it in step: python -m tests.acceptance.faults.matrix
    assert document.read("matrix") == matrix.table(list(found.cells.values()))
