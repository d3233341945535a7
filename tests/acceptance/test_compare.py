"""Two runs compared through the installed command and a real server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import FINISHED, Simulator

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def api(request: pytest.FixtureRequest) -> Iterator[str]:
    """A scenario whose runs have all finished."""
    # Fast enough for the newest run to end between the first request and the second.
    with Simulator(load_scenario(request.param), speed=FINISHED) as simulator:
        yield simulator.url


def serve(folder: Path, scenario: str) -> Simulator:
    file = folder / "scenario.toml"
    file.write_text(f'description = "x"\n{scenario}', encoding="utf-8")
    return Simulator(load_scenario(str(file)))


@pytest.mark.parametrize("api", ["regression"], indirect=True)
def test_what_moved_is_printed_for_people(api: str, tmp_path: Path) -> None:
    done = command.run("compare", "55674", "55675", cwd=tmp_path, api_url=api)
    assert (done.code, done.stderr) == (ExitCode.PASSED, "")
    assert done.stdout.splitlines() == [
        "Run 55675 compared with run 55674",
        "id     status  name      environment  git ref  passed           duration  age",
        "55674  FAIL    Checkout  staging      2222222  11/12, 1 failed  5m        2d",
        "55675  FAIL    Checkout  staging      1111111  10/12, 2 failed  5m        1d",
        "",
        "counts        55674   55675   moved",
        "total         12      12      0",
        "passed        11      10      -1",
        "failed        1       2       +1",
        "ignored       0       0       0",
        "not_run       0       0       0",
        "pass_rate     91.67%  83.33%  -8.33 points",
        "duration      5m      5m      0s",
        "testing_time  12s     12s     0s",
        "",
        "Tests: new failures 1, still failing 1, fixed 0, no longer executed 0, missing 0,"
        " added 0, slower 0.",
        "",
        "New failures: 1",
        "test               file                       error",
        "applies a voucher  features/checkout.feature  AssertionError: expected 3 items, found 2",
        "",
        "Still failing: 1",
        "test             file",
        "sends a receipt  features/checkout.feature",
    ]


@pytest.mark.parametrize("api", ["shrunk-suite"], indirect=True)
def test_what_moved_is_printed_for_pages(api: str, tmp_path: Path) -> None:
    done = command.run(
        "compare", "55675", "55676", "--output=markdown", "--limit=2", cwd=tmp_path, api_url=api
    )
    assert (done.code, done.stderr) == (ExitCode.PASSED, "")
    missing = done.stdout[done.stdout.index("### Missing") : done.stdout.index("### Added")]
    assert missing.splitlines() == [
        "### Missing: 4",
        "",
        "| test | file |",
        "| --- | --- |",
        "| `keeps the cart` | `features/cart.feature` |",
        "| `pays by invoice` | `features/checkout.feature` |",
        "",
        "… and 2 more",
        "",
    ]
    assert "| failed | 1 | 0 | `-1` |" in done.stdout
    assert "### Fixed: 1\n\n| test | file |\n| --- | --- |\n| `applies a voucher` |" in done.stdout


@pytest.mark.parametrize("api", ["flaky-suite"], indirect=True)
def test_what_moved_is_data_for_programs(api: str, tmp_path: Path) -> None:
    done = command.run(
        "compare", "55675", f"{api}/test-runs/55674?x=1", "--output=json", "--limit=1",
        cwd=tmp_path, api_url=api,
    )  # fmt: skip
    assert (done.code, done.stderr) == (ExitCode.PASSED, "")
    found = json.loads(done.stdout)
    assert (found["old"]["id"], found["new"]["id"]) == (55675, 55674)
    assert found["notes"] == ["run 55674 was created before run 55675"]
    assert found["moved"]["failed"] == 1
    assert found["moved"]["pass_rate"] == -12.5
    assert found["moved"]["coverage"] is None
    assert [(test["name"], test["now"]) for test in found["tests"]["newFailures"]] == [
        ("uploads a video", "both"),
        ("suggests a word", "failed"),
    ]
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    keys = {
        key for part in (found, found["tests"], found["tests"]["newFailures"][0]) for key in part
    }
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []


@pytest.mark.parametrize("api", ["flaky-suite"], indirect=True)
def test_a_failure_that_passed_too_is_marked(api: str, tmp_path: Path) -> None:
    done = command.run("compare", "55675", "55674", cwd=tmp_path, api_url=api)
    assert re.search(r"uploads a video .* passed too; AssertionError", done.stdout)


@pytest.mark.parametrize("api", ["regression"], indirect=True)
@pytest.mark.parametrize("kept", ["json", "junit"])
def test_the_old_run_can_be_a_report_that_was_kept(api: str, kept: str, tmp_path: Path) -> None:
    command.run("check", "55674", f"--report={kept}=kept", cwd=tmp_path, api_url=api)
    done = command.run("compare", "kept", "55675", "--output=json", cwd=tmp_path, api_url=api)
    assert (done.code, done.stderr) == (ExitCode.PASSED, "")
    found = json.loads(done.stdout)
    assert found["notes"] == ["run 55674 is read from kept, which has no times of its tests"]
    assert found["moved"]["failed"] == 1
    assert [test["name"] for test in found["tests"]["newFailures"]] == ["applies a voucher"]
    assert found["tests"]["stillFailing"] == [
        {"file": "features/checkout.feature", "name": "sends a receipt"}
    ]


@pytest.mark.parametrize("api", ["regression"], indirect=True)
def test_a_report_without_tests_still_has_counts(api: str, tmp_path: Path) -> None:
    arguments = ("--report=json=kept", "--no-test-results")
    command.run("check", "55674", *arguments, cwd=tmp_path, api_url=api)
    done = command.run("compare", "kept", "55675", cwd=tmp_path, api_url=api)
    assert done.code == ExitCode.PASSED
    assert "failed        1       2       +1" in done.stdout
    assert "The single tests can't be compared: kept can't be used: it has no" in done.stdout


@pytest.mark.parametrize("api", ["regression"], indirect=True)
def test_a_report_without_the_run_is_a_mistake(api: str, tmp_path: Path) -> None:
    arguments = ("--report=json=kept", "--appear-within=0")
    command.run("check", "1", *arguments, cwd=tmp_path, api_url=api)
    done = command.run("compare", "kept", "55675", cwd=tmp_path, api_url=api)
    assert (done.code, done.stdout) == (ExitCode.USAGE, "")
    assert "kept can't be used: it shows no run" in done.stderr


@pytest.mark.parametrize("api", ["regression"], indirect=True)
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["55675", "1"], ExitCode.NOT_FOUND, "nothing was found", id="no such run"),
        pytest.param(["1", "55675"], ExitCode.NOT_FOUND, "nothing was found", id="no such old run"),
        pytest.param(["55675", "x"], ExitCode.USAGE, "'x' is not a run", id="no run"),
        pytest.param(["x", "55675"], ExitCode.USAGE, "or the path of a report", id="no file"),
        pytest.param(["0", "55675"], ExitCode.USAGE, "'0' is not a run", id="no id"),
        pytest.param(["55675"], ExitCode.USAGE, "missing argument 'NEW'", id="one run"),
        pytest.param(
            ["55675", "55676", "--token=wrong-token"], ExitCode.UNAUTHORIZED, "401", id="token"
        ),
        pytest.param(
            ["55675", "55676", "--api-url=http://127.0.0.1:9/api", "--outage-tolerance=0"],
            ExitCode.UNAVAILABLE, "refused", id="no API",
        ),
    ],
)  # fmt: skip
def test_what_can_not_be_asked_has_its_exit_code(
    api: str, arguments: list[str], code: ExitCode, said: str, tmp_path: Path
) -> None:
    done = command.run("compare", *arguments, cwd=tmp_path, api_url=api)
    assert (done.code, done.stdout) == (code, ""), done.output
    assert said in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        pytest.param(
            "fields = '{\"failCount\": 7}'",
            "the test results of run 55676 show 3 of its 7 failed tests.",
            id="too few",
        ),
        pytest.param(
            "fields = '{\"failCount\": null}'",
            "run 55676 does not say how many of its tests failed.",
            id="unknown",
        ),
    ],
)
def test_results_that_say_too_little_leave_the_counts(
    scenario: str, said: str, tmp_path: Path
) -> None:
    phase = '[[run.phase]]\nstatus = "FAIL"\ntotal = 30\npassed = 27\nfailed = 3\n'
    old = f"[[run]]\nid = 55675\n{phase}"
    with serve(tmp_path, f"[[run]]\n{scenario}\n{phase}{old}") as api:
        done = command.run("compare", "55675", "55676", cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.PASSED, done.output
    assert f"The single tests can't be compared: {said}" in done.stdout
    assert re.search(r"^total +30 +30 +0$", done.stdout, re.MULTILINE)
    assert "New failures" not in done.stdout


@pytest.mark.parametrize("api", ["no-results-endpoint"], indirect=True)
def test_an_api_without_results_leaves_the_counts(api: str, tmp_path: Path) -> None:
    done = command.run("compare", "55676", "55676", "--output=json", cwd=tmp_path, api_url=api)
    found: dict[str, Any] = json.loads(done.stdout)
    assert (done.code, found["tests"]) == (ExitCode.PASSED, None)
    assert found["unknown"].startswith("the test results of run 55676 can't be read: nothing was")
    assert found["notes"][0] == "both are run 55676"


HOSTILE = r"""
[[run]]
name = "\u001b]0;owned\u0007##[command]x <b>"
environment = "staging\r\n::error::owned"
test-names = ["\u001b[31mred\u001b[0m", "::error file=a::owned", "##vso[task.complete]done",
  "| a | b |\n|---|---|\n[x](javascript:alert(1)) ```", "{long}", "<img src=x onerror=alert(1)>"]
test-files = ["\u001b[1mfile", "<b>.feature", "", "..\\..\\{lone-surrogate}"]
errors = ["\u001b[31mError\u001b[39m: \u001b]8;;https://example.com\u0007click\u001b]8;;\u0007",
  "##[command]owned\n::set-output name=owned::1", "@everyone see #1 https://evil.test"]
[[run.phase]]
status = "FAIL"
total = 30
passed = 18
failed = 12
[[run]]
id = 55675
age = "1d"
name = "\u001b]0;owned\u0007##[command]x <b>"
environment = "staging\r\n::error::owned"
[[run.phase]]
status = "PASS"
total = 3
passed = 3
"""


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
@pytest.mark.parametrize(
    "arguments", [("compare", "55675", "55676"), ("flaky", "--latest")], ids=lambda one: one[0]
)
def test_hostile_names_stay_text(form: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    with serve(tmp_path, HOSTILE) as api:
        done = command.run(*arguments, f"--output={form}", cwd=tmp_path, api_url=api.url)
    assert (done.code, done.stderr) == (ExitCode.PASSED, "")
    assert "\x1b" not in done.stdout
    assert not re.search(r"^\s*::|##(\[|vso|teamcity)", done.stdout, re.MULTILINE)
    assert re.search("Error: click|both", done.stdout)
    if form == "json":
        assert done.stdout.isascii()
        json.loads(done.stdout)
    if form == "markdown":
        html = MarkdownIt("gfm-like", {"html": True, "linkify": True}).render(done.stdout)
        assert not re.search("<(img|b|a|script)[ >]", html)


@pytest.mark.parametrize("api", ["regression"], indirect=True)
@pytest.mark.parametrize("name", ["compare", "flaky"])
def test_what_nobody_takes_is_a_report_lost(api: str, name: str, tmp_path: Path) -> None:
    runs = "55674 55675" if name == "compare" else ""
    done = command.run_program(
        ["sh", "-c", f'"$0" {name} {runs} >&-', command.COMMAND],
        cwd=tmp_path,
        env=command.environment(api),
    )
    assert done.code == ExitCode.REPORT_LOST
