"""What the gate's JUnit report says for the gate itself, which reads it as a baseline.

The schema of JUnit has no place for most of it, so it is in properties of suites.
"""

from __future__ import annotations

ROOT_NAME = "testery-gate"
FORMAT = "report-format"
FORMAT_VERSION = "1"
"""The property of the first suite of each run, beside the facts of the run, and its value."""

CONTENT = "report-content"
CHECKS = "checks"
TESTS = "tests"
"""Of that suite: what its cases are."""

NUMBERED = "numbered-cases"
"""Of a suite: which of its cases, counted from 1, have a name that ends with a number like ``(2)``
only because another case has the same name."""

TOLERATED = "tolerated:"
"""With this begins the message of a failed test that is shown as skipped."""

LONGEST_VALUE = 500
"""The most characters that a property of a run has."""
