"""Facts in the gate's JUnit report for the gate itself, which reads the report as a baseline.

Most of them have no place in the schema of JUnit, so they are in properties of suites.
"""

from __future__ import annotations

ROOT_NAME = "testery-gate"
FORMAT = "report-format"
FORMAT_VERSION = "1"
"""The property of the first suite of each run, beside the facts of the run, and its value."""

CONTENT = "report-content"
CHECKS = "checks"
TESTS = "tests"
"""A property of that suite: what its cases are."""

NUMBERED = "numbered-cases"
"""Of a suite: which of its cases, counted from 1, have a name that ends with a number like ``(2)``
only because another case has the same name."""

TOLERATED = "tolerated:"
"""The beginning of the message of a failed test that is shown as skipped."""

LONGEST_VALUE = 500
"""The most characters that a property of a run has."""
