"""What GitLab makes of the log."""

from __future__ import annotations

import pytest

from testery_gate.ci import System, section
from tests.ci.readers import gitlab
from tests.ci.reporting import ENDINGS, report
from tests.fakes import FakeClock


def log(system: System | None, *, fails: bool = False) -> str:
    """Return the log of a wait of a minute."""
    lines: list[str] = []
    clock = FakeClock()
    with section(system, "Waiting", lines.append, clock=clock, random=lambda: "c0ffee"):
        lines.append("run 55676 RUNNING\n")
        clock.sleep(60.5)
        if fails:
            raise InterruptedError("".join(lines))
    return "".join(lines)


def test_the_wait_is_a_section_with_a_title() -> None:
    text = log(System.GITLAB)
    assert [(c.name, c["time"], c["name"]) for c in gitlab(text)] == [
        ("start", "1000", "testery_gate_c0ffee"),
        ("end", "1060", "testery_gate_c0ffee"),
    ]
    shown = [line.split("\r\x1b[0K")[-1] for line in text.splitlines(keepends=True)]
    assert text.count("\n") == 3
    assert "".join(shown[1:]).startswith("\x1b[0KWaiting\nrun 55676 RUNNING\n")


@pytest.mark.parametrize("system", [None, *(s for s in System if s is not System.GITLAB)])
def test_other_systems_have_no_sections(system: System | None) -> None:
    assert log(system) == "run 55676 RUNNING\n"


@pytest.mark.parametrize("system", [None, System.GITLAB, System.JENKINS])
def test_systems_that_read_reports_are_told_nothing_more(system: System | None) -> None:
    reported = report(system, ENDINGS["failed"])
    assert (reported.output, reported.warnings, reported.ran) == ("", [], [])
