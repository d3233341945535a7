"""What GitLab, and whoever else reads such files, makes of the dotenv report."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import click
import pytest
from hypothesis import given

from testery_gate.cli.option_types import Setting
from testery_gate.cli.wait import wait
from testery_gate.errors import ExitCode
from testery_gate.judging.judged import Judged
from testery_gate.reports.dotenv import LIMIT, render
from testery_gate.reports.ending import facts, overall
from tests.builders import judge, make_policy, make_run, not_judged
from tests.ci.readers import gitlab_dotenv, gitlab_expands
from tests.reports.examples import EXAMPLES, any_runs_judged

OF_TESTS = [
    *("NEW_FAILED", "KNOWN_FAILED", "FLAKY_FAILED", "QUARANTINED_FAILED"),
    *("FIXED", "MISSING", "ADDED"),
]
NAMES = [
    *("OUTCOME", "EXIT_CODE", "PASSED", "FAILED", "IGNORED", "TOTAL", "PASS_RATE"),
    *OF_TESTS,
    *("RUN_ID", "RUN_URL", "REASON"),
]
MOST = 20
"""The most variables that GitLab takes."""
SIGNS = """$"'`\\;&|<>()#"""


def variables(*runs: Judged) -> dict[str, str]:
    return gitlab_dotenv(render(runs).encode())


def reason(text: str) -> str:
    judged = not_judged(1, ExitCode.NOT_FOUND, text)
    return variables(judged)["TESTERY_GATE_REASON"]


@given(any_runs_judged)
def test_gitlab_takes_any_report(runs: list[Judged]) -> None:
    text = render(runs)
    assert len(text.encode()) <= LIMIT
    asked_for = any(judged.evidence is not None for judged in runs)
    names = [name for name in NAMES if asked_for or name not in OF_TESTS]
    assert list(gitlab_dotenv(text.encode())) == [f"TESTERY_GATE_{name}" for name in names]
    assert len(names) <= MOST


@given(any_runs_judged)
def test_no_value_is_anything_but_itself(runs: list[Judged]) -> None:
    for value in gitlab_dotenv(render(runs).encode()).values():
        assert not gitlab_expands(value)
        assert not set(value) & set(SIGNS)


@given(any_runs_judged)
def test_every_value_says_what_is_known(runs: list[Judged]) -> None:
    values = facts(overall(runs))
    for name, value in gitlab_dotenv(render(runs).encode()).items():
        plain = re.sub("[\uff01-\uff5e]", lambda sign: chr(ord(sign[0]) - 0xFEE0), value)
        meant = values[name.removeprefix("TESTERY_GATE_").lower().replace("_", "-")]
        meant = re.sub("[\uff01-\uff5e]", lambda sign: chr(ord(sign[0]) - 0xFEE0), meant)
        assert plain == meant or meant.startswith(plain.removesuffix("..."))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("95% of $HOME, ${HOME}", "95% of \uff04HOME, \uff04{HOME}", id="variables"),
        pytest.param("%PATH% 5%", "\uff05PATH% 5%", id="variables of Windows"),
        pytest.param("failed <= 5", "failed \uff1c= 5", id="a criterion"),
        pytest.param("a\n#b\tc", "a \uff03b c", id="lines"),
    ],
)
def test_active_signs_are_shown_in_full_width(text: str, shown: str) -> None:
    assert reason(text) == shown


def test_a_shell_that_reads_it_runs_nothing(tmp_path: Path) -> None:
    run = make_run(status="CANCELED", status_info="x; touch owned & `touch owned` $(touch owned)\\")
    report = tmp_path / "gate.env"
    report.write_text(render([judge(make_policy(), run)]), encoding="utf-8")
    subprocess.run(["sh", "-c", ". ./gate.env"], cwd=tmp_path, capture_output=True, check=False)  # noqa: S607
    assert [path.name for path in tmp_path.iterdir()] == ["gate.env"]


def test_many_runs_are_cut_at_a_whole_one_and_it_shows() -> None:
    page = "https://testery.app/acme/test-runs/"
    runs = [
        replace(judge(make_policy(), make_run(id=n)), web_url=f"{page}{n}")
        for n in range(10_000, 11_000)
    ]
    text = render(runs)
    variables = gitlab_dotenv(text.encode())
    assert len(text.encode()) <= LIMIT
    assert variables["TESTERY_GATE_TOTAL"] == "30000"
    for name, prefix in (("RUN_ID", ""), ("RUN_URL", page)):
        *shown, dots = variables[f"TESTERY_GATE_{name}"].split(",")
        assert dots == "..."
        assert shown == [f"{prefix}{n}" for n in range(10_000, 10_000 + len(shown))]
        assert len(shown) > 30


def test_a_long_reason_is_cut_between_characters() -> None:
    shown = reason("é" * 5_000)
    assert shown.endswith("é...")
    assert set(shown) == {"é", "."}


def test_no_variable_of_the_report_sets_an_option_of_a_later_job() -> None:
    with click.Context(wait):
        options = {
            name
            for parameter in wait.params
            if isinstance(parameter, Setting)
            for name in parameter.envvar or ()
        }
    assert not options & variables(*EXAMPLES["passed"]).keys()
    assert not options & variables(*EXAMPLES["evidence"]).keys()
