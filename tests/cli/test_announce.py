"""What is said on the code host by a gate, as far as the options decide it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from testery_gate.api.credentials import Token
from testery_gate.cli import announce
from testery_gate.cli.announce import CodeHostOptions
from testery_gate.cli.process import Process
from testery_gate.code_hosts import Mode, System, Wishes
from testery_gate.waiting.signals import Interrupts
from tests.ci.reporting import ENDINGS
from tests.cli.test_arguments import MACHINE

OPTIONS = CodeHostOptions(
    system=System.GITHUB,
    wishes=Wishes(comment=Mode.ALWAYS),
    token=Token(value="secret", source="a test"),
    commit=lambda: None,
)


def said(
    options: CodeHostOptions, capsys: pytest.CaptureFixture[str], *, debug: bool = False
) -> str:
    """Return what is said on standard error of a gate that has passed."""
    machine = replace(MACHINE, environment={"GITHUB_EVENT_PATH": "gone"}, read_start=gone)
    process = Process(interrupts=Interrupts(), machine=machine, debug=debug)
    announce.announce(process, options)
    process.announce(ENDINGS["passed"])
    return capsys.readouterr().err


def gone(path: str, most: int) -> bytes:
    raise FileNotFoundError(path, most)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        pytest.param(
            replace(OPTIONS, system=None),
            "the system that hosts the code is not known",
            id="no system",
        ),
        pytest.param(replace(OPTIONS, token=None, why_no_token="no token"), "no token", id="token"),
        pytest.param(OPTIONS, "GITHUB_REPOSITORY does not say", id="no repository"),
    ],
)
def test_what_is_lacking_is_said(
    capsys: pytest.CaptureFixture[str], options: CodeHostOptions, why: str
) -> None:
    assert f"no comment: {why}" in said(options, capsys)


def test_an_event_that_can_not_be_read_says_nothing() -> None:
    machine = replace(MACHINE, read_start=gone)
    assert announce._event(Process(interrupts=Interrupts(), machine=machine)) is None


@pytest.mark.parametrize("debug", [True, False])
def test_a_defect_is_said_and_changes_nothing(
    capsys: pytest.CaptureFixture[str], debug: bool
) -> None:
    broken = replace(OPTIONS, wishes=None)  # type: ignore[arg-type]
    text = said(broken, capsys, debug=debug)
    assert "a defect in testery-gate: AttributeError" in text
    assert ("Traceback" in text) is debug
