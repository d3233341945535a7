"""Variables for later jobs, as GitLab's ``artifacts:reports:dotenv`` takes them.

Only ``KEY=value`` lines, no quoting, no empty lines or comments, at most 20 variables, and a file
smaller than 5 KB (GitLab documentation, "Pass dotenv variables to specific jobs").
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from testery_gate.judging.judged import Judged
from testery_gate.reports.ending import facts, overall

PREFIX = "TESTERY_GATE_"
LIMIT = 4_900
"""The most bytes that a report has: 5 KB may be 5,000 or 5,120."""

_LONGEST = 1_400  # bytes of a value; only three of them can be long


def render(runs: Sequence[Judged]) -> str:
    """Return the report on at least one run, to be written as UTF-8."""
    named = facts(overall(runs))
    return "".join(
        f"{PREFIX}{name.upper().replace('-', '_')}={_value(name, value)}\n"
        for name, value in named.items()
    )


def _value(name: str, text: str) -> str:
    text = _ACTIVE.sub(lambda sign: chr(ord(sign[0]) + _TO_FULL_WIDTH), text)
    if len(text.encode()) <= _LONGEST:
        return text
    cut = text.encode()[: _LONGEST - len(",...")].decode(errors="ignore")
    return f"{cut.rpartition(',')[0]},..." if name in _LISTS else f"{cut}..."


_LISTS = {"run-id", "run-url"}

_ACTIVE = re.compile(r"""["#$&'();<>\\`|]|%(?=[A-Za-z_])""")
"""What GitLab expands ($NAME, %NAME%), or another reader or a shell may execute.

No escape works in all of them, so these characters are replaced by their full-width forms.
"""

_TO_FULL_WIDTH = 0xFEE0  # Unicode, block Halfwidth and Fullwidth Forms: from ! at U+FF01 on
