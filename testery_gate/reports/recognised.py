"""Recognises the gate's own reports by their beginning."""

from __future__ import annotations

import re

from testery_gate.reports.headline import VERDICTS

ENOUGH = 4096
"""How many characters of a file are enough."""

_XML = r'<\?xml version="1\.0" encoding="UTF-8"\?>\n'
_BEGINNINGS = (
    rf'{_XML}<testsuites name="testery-gate"',
    rf"{_XML}<!-- testery-gate -->\n<testExecutions ",
    r'\{\n  "schemaVersion": "[0-9.]{1,9}",\n  "tool": \{\n    "name": "testery-gate",',
    r"TESTERY_GATE_OUTCOME=",
    r'<!DOCTYPE html>\n<html lang="en"><head>[^\n]{0,2000}'
    r'<meta name="generator" content="testery-gate"',
    # An earlier release always had the reason next, and had headlines of the verdict alone.
    rf"## [^ \n]{{1,9}} (?:{'|'.join(VERDICTS)})(?:[:,] [^\n]{{1,999}})?\n\n"
    r"- \*\*(?:Why|New failures|Run|Exit code):\*\* ",
)


def is_report(beginning: str) -> bool:
    """Whether a file with this beginning was written by the gate, in any format."""
    return any(re.match(pattern, beginning) for pattern in _BEGINNINGS)
