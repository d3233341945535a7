"""What is no evidence is no green, each case through the installed command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import Simulator

RUN = '[[run]]\nenvironment = "dev"\n{run}\n[[run.phase]]\ntotal = 30\n{phase}\n'
PASS = 'status = "PASS"\npassed = 30'
SETTLING = 'status = "PASS"\ncomplete = false\npassed = 30'


def fields(**fields: str) -> str:
    """Return the line of a scenario that gives the run's answer these fields."""
    return f"fields = '{json.dumps(fields)}'"


CASES = [
    pytest.param(
        ("wait",), 'status = "PASS"\nignored = 30', "", ExitCode.INCONCLUSIVE,
        "no test was executed: 30 of 30 tests were ignored", id="every test ignored",
    ),
    pytest.param(
        ("wait", "--require=executed >= 0"), 'status = "PASS"\nignored = 30', "", ExitCode.PASSED,
        "0 of 30 tests passed", id="every test ignored, which is allowed",
    ),
    pytest.param(
        ("wait", "--min-pass-rate=0.95"), PASS, "", ExitCode.USAGE,
        "did you mean 95%?", id="a share for a percentage",
    ),
    pytest.param(
        ("wait", "--min-coverage=0.8"), PASS, "", ExitCode.USAGE,
        "did you mean 80%?", id="a share for a percentage of coverage",
    ),
    pytest.param(
        ("check",), SETTLING, "", ExitCode.TIMED_OUT,
        "the run was PASS but not complete, 30 of 30 tests done", id="not complete yet",
    ),
    pytest.param(
        ("check",), SETTLING, fields(endTime="2020-05-04 23:22:59+0000"), ExitCode.PASSED,
        "because it ended at 2020-05-04 23:22:59 UTC", id="never complete, but ended long ago",
    ),
    pytest.param(
        ("check", "--max-age=24h"), PASS, fields(endTime="2999-05-04 23:22:59+0000"),
        ExitCode.INCONCLUSIVE, "clock", id="ended in the future",
    ),
    pytest.param(
        ("wait",), PASS, fields(status=" PASS "), ExitCode.INCONCLUSIVE,
        "the run's status, ' PASS '", id="a status with blanks",
    ),
    pytest.param(
        ("wait",), PASS, fields(status="PASS\x1b[0m"), ExitCode.INCONCLUSIVE,
        r"'PASS\x1b[0m'", id="a status with an escape sequence",
    ),
    pytest.param(
        ("check",), 'status = "RUNNING"\npassed = 9\nfailed = 1', "", ExitCode.TIMED_OUT,
        "why: 1 test had failed already; not finished", id="not finished, and one failed",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "phase", "run", "code", "said"), CASES)
def test_what_is_no_evidence_is_no_green(
    tmp_path: Path, arguments: tuple[str, ...], phase: str, run: str, code: ExitCode, said: str
) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(f'description = "x"\n{RUN.format(run=run, phase=phase)}', encoding="utf-8")
    with Simulator(load_scenario(str(file))) as api:
        done = command.run(
            *arguments, "55676", "--report=json=out.json", cwd=tmp_path, api_url=api.url
        )
    assert done.code == code, done.output
    assert said in " ".join(done.output.split())
    if code is not ExitCode.USAGE:
        assert json.loads((tmp_path / "out.json").read_text("utf-8"))["exitCode"] == code


def test_a_breached_warning_is_shown_where_several_runs_pass(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    with Simulator(load_scenario("suites")) as api:
        done = command.run(
            *("check", "55676", "55678", "--warn=total >= 25", "--report=markdown=out.md"),
            cwd=tmp_path,
            api_url=api.url,
            GITHUB_ACTIONS="true",
            GITHUB_STEP_SUMMARY=str(summary),
        )
    assert done.code == ExitCode.PASSED, done.output
    said = "total is 20, required is total >= 25 (run 55678)"
    assert said in " ".join(done.stdout.split())
    for page in (summary, tmp_path / "out.md"):
        assert "**Warning:** total is 20, required is `total >= 25` (run 55678)" in page.read_text()
