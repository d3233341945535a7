from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest

from testery_gate.cli.doctor import conclusion, line
from testery_gate.doctor import Finding, State
from testery_gate.errors import ExitCode

FAILED = Finding(
    check="tls",
    state=State.FAILED,
    found="brök",
    advice="Mend it at once.",
    exit_code=ExitCode.UNAVAILABLE,
)
wide = partial(line, width=None, color=False, unicode=True)


def test_a_line_holds_the_state_the_check_and_what_was_found() -> None:
    assert wide(Finding(check="tls", found="well")) == "ok       tls           well\n"
    assert wide(FAILED) == "FAILED   tls           brök\n         Mend it at once.\n"


def test_a_line_is_shown_as_the_stream_can() -> None:
    assert "br?k" in line(FAILED, width=None, color=False, unicode=False)
    colored = partial(line, width=40, color=True, unicode=True)
    assert colored(FAILED).startswith("\x1b[31mFAILED \x1b[0m  tls")
    skipped = Finding(check="tls", state=State.SKIPPED, found="x")
    assert colored(skipped).startswith("skipped  tls")
    long = Finding(check="tls", found="x", advice="word " * 20)
    assert all(len(text) <= 40 for text in colored(long).splitlines()[1:])


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        pytest.param([], "A gate can reach a verdict here.\n", id="well"),
        pytest.param([State.WARNING], "here, with 1 warning.\n", id="a warning"),
        pytest.param([State.WARNING] * 2, "here, with 2 warnings.\n", id="warnings"),
        pytest.param([State.FAILED], "here: tls failed (exit code 4).\n", id="failed"),
    ],
)
def test_the_conclusion_says_whether_a_gate_would_work(
    findings: Sequence[State], said: str
) -> None:
    made = [
        Finding(check="tls", state=state, found="", exit_code=ExitCode.UNAVAILABLE)
        for state in findings
    ]
    assert conclusion(made).endswith(said)
