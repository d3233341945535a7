"""What a quarantine file tolerates, and what it must not, through the installed command."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import FINISHED, Simulator

SPEED = FINISHED
TODAY = datetime.now(UTC).date()
"""Of a run of the tests that lasts until tomorrow, no entry below expires in between."""
ALL_THREE = ("*scenario 28", "scenario 29", "scenario 30*")
"""What fails in the simulator's failing run."""


def entry(name: str, *, days: int = 30, file: str = "features/*") -> str:
    return (
        f'[[test]]\nfile = "{file}"\nname = "{name}"\nreason = "sandbox is down"\n'
        f'owner = "payments"\nexpires = {TODAY + timedelta(days=days)}\n'
    )


def entries(*names: str, days: int = 30) -> str:
    return "\n".join(entry(name, days=days) for name in names)


@pytest.fixture
def url() -> Iterator[str]:
    with Simulator(load_scenario("failing"), speed=SPEED) as api:
        yield api.url


def gate(folder: Path, url: str, *arguments: str, **variables: str) -> command.Finished:
    return command.run("wait", "55676", *arguments, cwd=folder, api_url=url, **variables)


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("text", "arguments", "code", "said"),
    [
        pytest.param(entries(*ALL_THREE), "", ExitCode.PASSED, "3 in quarantine", id="all"),
        pytest.param(
            entries(*ALL_THREE[:2]), "", ExitCode.FAILED,
            "1 failed outside the quarantine, 2 in quarantine", id="but one",
        ),
        pytest.param(
            entries(*ALL_THREE, days=-2), "", ExitCode.FAILED, "tolerates nothing; its owner is"
            " payments", id="no longer",
        ),
        pytest.param("", "", ExitCode.FAILED, "3 failed outside the quarantine", id="nothing"),
        pytest.param(
            entries(*ALL_THREE), "--max-failed=2", ExitCode.FAILED, "failed is 3", id="a criterion"
        ),
        pytest.param(
            entries(*ALL_THREE), "--require=quarantined_failed<=2", ExitCode.FAILED,
            "quarantined_failed is 3", id="too many",
        ),
        pytest.param(
            entries(*ALL_THREE[:2]), "--only-new", ExitCode.FAILED, "new_failed is 1", id="only new"
        ),
        pytest.param(entries(*ALL_THREE), "--only-new", ExitCode.PASSED, "", id="none is new"),
        pytest.param(
            entries(*ALL_THREE, "gone"), "", ExitCode.PASSED,
            "an entry names no test of this run: line 22 for gone", id="one that is gone",
        ),
    ],
)  # fmt: skip
def test_failures_in_quarantine_are_tolerated(
    tmp_path: Path, url: str, text: str, arguments: str, code: ExitCode, said: str
) -> None:
    (tmp_path / "q.toml").write_text(text)
    done = gate(tmp_path, url, "--quarantine=q.toml", "--report=json=a.json", *arguments.split())
    assert done.code == code, done.output
    assert said in (tmp_path / "a.json").read_text()


def test_the_simulators_failures_fit_into_one_entry(tmp_path: Path) -> None:
    (tmp_path / "q.toml").write_text(entry("pays *", file="features/payment.feature"))
    with Simulator(load_scenario("quarantined"), speed=SPEED) as api:
        done = gate(tmp_path, api.url, "--quarantine=q.toml", "--require=quarantined_failed == 2")
    assert done.code == ExitCode.PASSED, done.output


@pytest.mark.parametrize("scenario", ["no-results-endpoint", "flaky"])
def test_what_can_not_be_told_is_not_tolerated(tmp_path: Path, scenario: str) -> None:
    (tmp_path / "q.toml").write_text(entry("*x"))
    with Simulator(load_scenario(scenario), speed=SPEED) as api:
        done = gate(tmp_path, api.url, "--quarantine=q.toml")
    known = scenario == "flaky"
    assert done.code == (ExitCode.FAILED if known else ExitCode.INCONCLUSIVE), done.output


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param("--quarantine=none.toml", "none.toml can't be read: No such", id="missing"),
        pytest.param("--quarantine=pipe", "it is not a regular file", id="a pipe"),
        pytest.param("--quarantine=.", "it is not a regular file", id="a folder"),
        pytest.param("--quarantine=/dev/zero", "it is not a regular file", id="without an end"),
        pytest.param("--quarantine=wrong.toml", "line 1: the entry has no file", id="wrong"),
        pytest.param("--quarantine=large.toml", "is larger than 512 KiB", id="large"),
        pytest.param("--quarantine=q.toml --quarantine-days=7", "latest day", id="days"),
        pytest.param("--quarantine-ref=main", "--quarantine-ref is for a quarantine", id="no file"),
        pytest.param("--quarantine=", "--quarantine is empty", id="empty"),
        pytest.param("--quarantine=q.toml --quarantine-ref=", "-ref is empty", id="an empty ref"),
        pytest.param("--quarantine=q.toml --quarantine-ref=main", "not a git repo", id="no git"),
    ],
)
def test_a_wrong_quarantine_is_a_usage_error(tmp_path: Path, arguments: str, said: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "q.toml").write_text(entry("x"))
    (tmp_path / "wrong.toml").write_text("[[test]]\n")
    (tmp_path / "large.toml").write_bytes(b"#" * 600_000)
    for name in ("wait 1", "explain 1"):
        done = command.run(
            *name.split(), *arguments.split(), cwd=tmp_path, api_url="http://127.0.0.1:1/api"
        )
        assert done.code == ExitCode.USAGE, done.output
        assert said in done.stderr
        assert len(done.stderr.splitlines()) > 1, "it says what to do"


def test_a_variable_is_named_with_its_error(tmp_path: Path) -> None:
    done = command.run("explain", cwd=tmp_path, TESTERY_GATE_QUARANTINE="none.toml")
    assert done.code == ExitCode.USAGE
    assert "(from variable TESTERY_GATE_QUARANTINE)" in done.stderr


@pytest.mark.parametrize("blank", ["", " ", "\n"])
@pytest.mark.parametrize(
    "words", ["wait 1 --quarantine=q.toml", "explain 1 --quarantine=q.toml", "quarantine q.toml"]
)
def test_a_blank_ref_does_not_have_the_file_of_the_change_read(
    tmp_path: Path, words: str, blank: str
) -> None:
    (tmp_path / "q.toml").write_text(entry("x"))
    done = command.run(*words.split(), cwd=tmp_path, TESTERY_GATE_QUARANTINE_REF=blank)
    assert done.code == ExitCode.USAGE, done.output
    said = " ".join(done.stderr.split())
    assert "--quarantine-ref (from variable TESTERY_GATE_QUARANTINE_REF) is empty" in said


@pytest.mark.parametrize(
    "line", ["quarantine = 'q.toml'", "quarantine-ref = 'HEAD'", "quarantine-days = 3000"]
)
def test_a_configuration_file_needs_trust_to_set_it(tmp_path: Path, url: str, line: str) -> None:
    (tmp_path / "q.toml").write_text(entries(*ALL_THREE))
    (tmp_path / "testery-gate.toml").write_text(f"{line}\n")
    done = gate(tmp_path, url)
    assert done.code == ExitCode.USAGE
    assert f"sets {line.split()[0]}, which decides whose failures count" in done.stderr


def test_a_trusted_configuration_file_may(tmp_path: Path, url: str) -> None:
    (tmp_path / "q.toml").write_text(entries(*ALL_THREE))
    (tmp_path / "testery-gate.toml").write_text("quarantine = 'q.toml'\n")
    assert gate(tmp_path, url, "--trust-config").code == ExitCode.PASSED


def test_a_configuration_file_can_not_replace_what_the_quarantine_leaves(
    tmp_path: Path, url: str
) -> None:
    (tmp_path / "q.toml").write_text(entry("scenario 28"))
    (tmp_path / "testery-gate.toml").write_text("max-failed = 9\n")
    done = gate(tmp_path, url, "--quarantine=q.toml")
    assert done.code == ExitCode.USAGE
    assert "sets max-failed, which" in done.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A shallow clone of a change that puts all that fails into quarantine."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    git(origin, "init", "--quiet", "--initial-branch=main")
    commit(origin, entry("scenario 28"))
    git(origin, "checkout", "--quiet", "-b", "change")
    commit(origin, entries(*ALL_THREE))
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{origin}", "clone")
    return clone


def commit(folder: Path, text: str) -> None:
    (folder / "q.toml").write_text(text)
    git(folder, "add", "q.toml")
    author = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    git(folder, *author, "commit", "--quiet", "--message=x")


def git(folder: Path, *arguments: str) -> str:
    line = ["git", *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_a_change_that_edits_the_file_does_not_count_where_the_ref_says_so(
    checkout: Path, url: str
) -> None:
    assert gate(checkout, url, "--quarantine=q.toml").code == ExitCode.PASSED
    base = git(checkout, "ls-remote", "origin", "main").split()[0]
    given = ("--quarantine=q.toml", f"--quarantine-ref={base}")
    lacking = gate(checkout, url, *given)
    assert lacking.code == ExitCode.USAGE
    fetch = f"git fetch --depth=1 origin {base}"
    assert f"git knows no commit {base}" in lacking.stderr
    assert fetch in lacking.stderr
    git(checkout, *fetch.split()[1:], "--quiet")
    done = gate(checkout, url, *given, "--report=json=a.json")
    assert done.code == ExitCode.FAILED, done.output
    assert "2 failed outside the quarantine" in done.output
    by_variable = gate(checkout, url, given[0], TESTERY_GATE_QUARANTINE_REF="FETCH_HEAD")
    assert by_variable.code == ExitCode.FAILED, by_variable.output


def test_a_file_that_the_ref_lacks_is_an_error(checkout: Path, url: str) -> None:
    (checkout / "new.toml").write_text(entries(*ALL_THREE))
    done = gate(checkout, url, "--quarantine=new.toml", "--quarantine-ref=HEAD")
    assert done.code == ExitCode.USAGE
    assert "add the file to HEAD first" in done.stderr


def show(folder: Path, *arguments: str, url: str | None = None) -> command.Finished:
    return command.run(
        "quarantine", "q.toml", *arguments, cwd=folder, api_url=url or "http://127.0.0.1:1/api"
    )


def test_a_file_is_checked_without_a_run_and_a_token(tmp_path: Path) -> None:
    (tmp_path / "q.toml").write_text(
        entry("valid") + entry("expiring", days=7) + entry("expired", days=-1)
    )
    variables = {"TESTERY_API_TOKEN": ""}
    done = command.run("quarantine", "q.toml", cwd=tmp_path, **variables)
    assert done.code == ExitCode.PASSED, done.output
    head, held, _, _, *lines = done.stdout.splitlines()
    assert head == (f"q.toml on {TODAY}: 3 entries, 1 valid, 1 expiring within 7 days, 1 expired")
    assert held.startswith("Not held against a run: no run is described")
    until = TODAY - timedelta(days=1)
    assert lines[0].split() == [
        *("13", "expired", str(until), "payments", "expired", "features/*", "-"),
        *("sandbox", "is", "down"),
    ]
    assert [line.split()[1] for line in lines] == ["expired", "expiring", "valid"]
    needed = command.run("quarantine", "q.toml", "--latest", cwd=tmp_path, **variables)
    assert needed.code == ExitCode.USAGE
    assert "there is no API token" in needed.stderr


def test_a_file_is_held_against_the_newest_run_that_finished(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.toml"
    failed = 'status = "FAIL"\ntotal = 30\npassed = 27\nfailed = 3'
    scenario.write_text(
        '[[run]]\nid = 9\nage = "1m"\n[[run.phase]]\nstatus = "RUNNING"\ntotal = 9\n'
        f'[[run]]\nid = 8\nname = "nightly"\nage = "1h"\n[[run.phase]]\n{failed}\n'
        f'[[run]]\nid = 7\nage = "2h"\n[[run.phase]]\n{failed}\n'
    )
    (tmp_path / "q.toml").write_text(entry("scenario 28") + entry("scenario *") + entry("gone"))
    with Simulator(load_scenario(str(scenario))) as api:
        text = show(tmp_path, "--latest", url=api.url)
        as_json = show(tmp_path, "--latest", "--output=json", url=api.url)
        markdown = show(tmp_path, "--latest", "--output=markdown", url=api.url)
        none = show(tmp_path, "--name=nightly", "--environment=nowhere", url=api.url)
        running = show(tmp_path, "--status=RUNNING", url=api.url)
    assert text.code == as_json.code == markdown.code == running.code == ExitCode.PASSED
    assert none.code == ExitCode.NOT_FOUND
    assert "Held against run 8 (nightly" in text.stdout
    assert "FAIL): 1 entry names none of its tests" in text.stdout
    assert "none of the newest 1 that are described has finished" in running.stdout
    report = json.loads(as_json.stdout)
    assert (report["runId"], report["whyNoRun"]) == (8, None)
    found = [(one["name"], one["tests"], one["failed"]) for one in report["entries"]]
    assert found == [("scenario 28", 1, 1), ("scenario *", 30, 3), ("gone", 0, 0)]
    rows = [line.split(" | ") for line in markdown.stdout.splitlines() if line.startswith("| ")]
    assert [row[6] for row in rows[2:]] == ["1 test, 1 failed", "30 tests, 3 failed", "no test"]
    assert rows[2][3:6] == ["`payments`", "`scenario 28`", "`features/*`"]


RUN = """[[run]]
fields = '{"failCount": 5}'
[[run.phase]]
status = "FAIL"
total = 30
passed = 25
failed = 3
"""
FAULT = "[[fault]]\nkind = 'answer'\ncode = {}\non = ['{}']\ntimes = 'for-ever'\n"


@pytest.mark.quick(4)
@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        pytest.param("", ExitCode.PASSED, "the test results of run 55676 show 3 of its 5 failed"
                     " tests", id="some results"),
        pytest.param(FAULT.format(404, "results"), ExitCode.PASSED, "run 55676 has no test results:"
                     " nothing was found at", id="no results"),
        pytest.param(FAULT.format(403, "results"), ExitCode.UNAUTHORIZED, "", id="refused"),
        pytest.param(FAULT.format(503, "list"), ExitCode.UNAVAILABLE, "", id="down"),
    ],
)  # fmt: skip
def test_a_run_without_usable_tests_says_nothing_of_entries(
    tmp_path: Path, fault: str, code: ExitCode, said: str
) -> None:
    (tmp_path / "scenario.toml").write_text(RUN + fault)
    (tmp_path / "q.toml").write_text(entry("gone"))
    with Simulator(load_scenario(str(tmp_path / "scenario.toml"))) as api:
        done = show(tmp_path, "--latest", "--outage-tolerance=0", url=api.url)
    assert done.code == code, done.output
    assert said in done.stdout
    assert "no test\n" not in done.stdout
    if code == ExitCode.PASSED:
        assert f"Not held against a run: {said}" in done.stdout


@pytest.mark.quick(3)
@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_a_hostile_file_speaks_to_nobody(tmp_path: Path, form: str) -> None:
    hostile = "\\u001b[2J\\n::error::x\\r##vso[task.complete]|`<b>\\u202e" + "x" * 5000
    (tmp_path / "q.toml").write_text(entry(hostile))
    done = show(tmp_path, f"--output={form}")
    assert done.code == ExitCode.PASSED, done.output
    assert "\x1b" not in done.output
    assert "\u202e" not in done.output
    assert "##vso" not in done.stdout or form == "text"
    assert not [line for line in done.output.splitlines() if line.startswith("::")]
