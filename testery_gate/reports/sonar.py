"""SonarQube's generic test execution format, version 1 (its documentation, "Generic test data").

It has only tests: no checks, and no ``file`` element where no single tests are known. The scanner
takes whole milliseconds from 0 on, ignores files that it does not analyse, and reads only the first
element in a test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

from testery_gate.judging.judged import Judged
from testery_gate.model import TestResult
from testery_gate.reports.cases import Names, line, milliseconds, outcome, text_limit
from testery_gate.reports.view import NO_FILE, NO_NAME

PATH_LIMIT = 4_096
"""The most characters that a path has; no file system takes more (Linux, ``PATH_MAX``)."""


_OPENING = ('<?xml version="1.0" encoding="UTF-8"?>', "<!-- testery-gate -->")


def render(runs: Sequence[Judged]) -> str:
    """Return the report on the tests of all runs, to be written as UTF-8."""
    limit = text_limit(runs)
    lines = [*_OPENING, '<testExecutions version="1">']
    for path, tests in _by_path(runs).items():
        names = Names()
        lines += [
            f"  <file path={quoteattr(path)}>",
            *(_case(names.unique(name), result, limit) for name, result in tests),
            "  </file>",
        ]
    return "\n".join([*lines, "</testExecutions>", ""])


def _by_path(runs: Sequence[Judged]) -> Mapping[str, Sequence[tuple[str, TestResult]]]:
    """Return tests and their names by file, those of all runs together."""
    paths: dict[str, list[tuple[str, TestResult]]] = {}
    for judged in runs:
        origin = f" (run {judged.run_id})" if len(runs) > 1 else ""
        for result in judged.results or ():
            path = line(result.file, PATH_LIMIT) or NO_FILE
            name = f"{line(result.name) or NO_NAME}{origin}"
            paths.setdefault(path, []).append((name, result))
    return paths


def _case(name: str, result: TestResult, limit: int) -> str:
    case = ET.Element("testCase", name=name, duration=str(milliseconds(result.duration)))
    found = outcome(result, limit)
    if found is not None:
        ET.SubElement(case, found.element.value, message=found.message).text = found.text
    ET.indent(case, level=2)
    return f"    {ET.tostring(case, encoding='unicode')}"
