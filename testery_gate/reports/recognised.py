"""What the gate's own reports begin with, by which it knows them again."""

from __future__ import annotations

import re

from testery_gate.errors import ExitCode
from testery_gate.reports.view import HEADLINES, verdict_word

ENOUGH = 4096
"""Characters of a beginning that tell."""

_XML = r'<\?xml version="1\.0" encoding="UTF-8"\?>\n'
_HEADLINES = (*HEADLINES.values(), "NO VERDICT: the run broke, or is the wrong one")
"""The last is one of an earlier release."""
_WITH_A_CASE = [verdict_word(code) for code in (ExitCode.FAILED, ExitCode.INCONCLUSIVE)]
_BEGINNINGS = (
    rf'{_XML}<testsuites name="testery-gate"',
    rf"{_XML}<!-- testery-gate -->\n<testExecutions ",
    r'\{\n  "schemaVersion": "[0-9.]{1,9}",\n  "tool": \{\n    "name": "testery-gate",',
    r"TESTERY_GATE_OUTCOME=",
    r'<!DOCTYPE html>\n<html lang="en"><head>[^\n]{0,2000}'
    r'<meta name="generator" content="testery-gate"',
    rf"## [^ \n]{{1,9}} (?:{'|'.join(map(re.escape, _HEADLINES))})\n",
    rf"## [^ \n]{{1,9}} (?:{'|'.join(_WITH_A_CASE)}): [^\n]{{1,999}}\n\n- \*\*Why:\*\* ",
)


def is_report(beginning: str) -> bool:
    """Whether a file that begins so was written by the gate, in whichever format."""
    return any(re.match(pattern, beginning) for pattern in _BEGINNINGS)
