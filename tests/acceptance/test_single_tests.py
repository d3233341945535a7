"""New, known and flaky failures, through the installed command and a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import FINISHED, Simulator


@pytest.fixture
def api(request: pytest.FixtureRequest) -> Iterator[str]:
    """A scenario whose runs have all finished."""
    with Simulator(load_scenario(request.param), speed=FINISHED) as simulator:
        yield simulator.url


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    ("api", "options", "code", "said"),
    [
        pytest.param(
            "regression", ["--only-new"], 1, "(failed: 1 new, 2 known)", id="a new failure"
        ),
        pytest.param(
            "regression", ["--require=new_failed<=1"], 0, "", id="as many new ones as allowed"
        ),
        pytest.param("no-history", ["--only-new"], 1, "no run to compare with", id="no history"),
        pytest.param(
            "no-history",
            ["--only-new", "--no-baseline=inconclusive"],
            5,
            "there is nothing to compare with",
            id="no history, where that is no evidence",
        ),
        pytest.param("flaky-suite", ["--only-new", "--history=8"], 0, "", id="flaky"),
        pytest.param("flaky-suite", ["--only-new"], 1, "", id="flaky without a history"),
        pytest.param(
            "shrunk-suite",
            ["--only-new", "--require=missing<=0"],
            1,
            "missing is 4",
            id="a suite that shrinks",
        ),
        pytest.param(
            "regression",
            ["--max-failed=3", "--warn=new_failed<=0"],
            0,
            "new_failed is 1",
            id="a warning",
        ),
        pytest.param(
            "no-results-endpoint", ["--only-new"], 5, "can't be read", id="no results at all"
        ),
    ],
    indirect=["api"],
)
def test_whose_failure_it_is(
    api: str, options: Sequence[str], code: int, said: str, tmp_path: Path
) -> None:
    done = command.run("wait", "55676", *options, cwd=tmp_path, api_url=api)
    assert done.code == code, done.output
    assert said in done.output


@pytest.mark.parametrize("api", ["regression"], indirect=True)
@pytest.mark.parametrize("kept", ["json", "junit"])
def test_a_report_of_an_earlier_run_is_a_baseline(api: str, kept: str, tmp_path: Path) -> None:
    report = f"--report={kept}=kept"
    made = command.run("check", "55675", report, "--ci=none", cwd=tmp_path, api_url=api)
    assert made.code == ExitCode.FAILED, made.output
    done = command.run(
        "wait", "55676", "--only-new", "--baseline=kept", "--output=json", cwd=tmp_path, api_url=api
    )
    assert done.code == ExitCode.FAILED, done.output
    assert "(failed: 1 new, 2 known)" in json.loads(done.stdout)["runs"][0]["reason"]


@pytest.mark.parametrize("api", ["regression"], indirect=True)
@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["--baseline=prevoius"], "the baseline 'prevoius' can't be read", id="a typo"),
        pytest.param(["--baseline=0"], "'0' is not a run", id="no run"),
        pytest.param(["--baseline=."], "the baseline '.' can't be read", id="a folder"),
        pytest.param(["--baseline=other"], "the baseline other", id="no report"),
        pytest.param(
            ["--baseline=1", "--baseline-ref=main"],
            "--baseline-ref is for the previous run, and --baseline names another",
            id="a ref for a run that is named",
        ),
        pytest.param(["--only-new", "--baseline-ref="], "--baseline-ref is empty", id="no ref"),
        pytest.param(["--history=201"], "--history", id="too long a history"),
        pytest.param(["--require=new_failed<=5%"], "has no percentage", id="a share"),
    ],
)
def test_what_is_wrong_ends_with_2(
    api: str, options: Sequence[str], said: str, tmp_path: Path
) -> None:
    (tmp_path / "other").write_text("<testsuites/>")
    done = command.run("check", "55676", *options, cwd=tmp_path, api_url=api)
    assert done.code == ExitCode.USAGE, done.output
    assert said in " ".join(done.stderr.split())


@pytest.mark.parametrize("blank", ["", " ", "\n"])
@pytest.mark.parametrize("words", ["wait 1 --only-new", "explain --only-new", "flaky --latest"])
def test_a_blank_ref_is_not_any_branch(tmp_path: Path, words: str, blank: str) -> None:
    done = command.run(*words.split(), cwd=tmp_path, TESTERY_GATE_BASELINE_REF=blank)
    assert done.code == ExitCode.USAGE, done.output
    said = " ".join(done.stderr.split())
    assert "--baseline-ref (from variable TESTERY_GATE_BASELINE_REF) is empty" in said


@pytest.mark.parametrize("api", ["regression"], indirect=True)
@pytest.mark.parametrize("setting", ["baseline = 1", "baseline-ref = 'x'", "no-baseline = 'new'"])
def test_a_file_that_comes_with_the_change_does_not_say_whose_failures_count(
    api: str, setting: str, tmp_path: Path
) -> None:
    (tmp_path / "testery-gate.toml").write_text(setting)
    done = command.run("check", "55676", "--only-new", cwd=tmp_path, api_url=api)
    assert done.code == ExitCode.USAGE, done.output
    assert "decides whose failures count" in " ".join(done.stderr.split())


@pytest.mark.parametrize("api", ["regression"], indirect=True)
def test_programs_read_whose_failure_it_is(api: str, tmp_path: Path) -> None:
    reports = [f"--report={name}={name}" for name in ("json", "junit", "dotenv")]
    done = command.run(
        *("wait", "55676", "--only-new", "--history=3", "--ci=github", *reports),
        cwd=tmp_path,
        api_url=api,
    )
    assert done.code == ExitCode.FAILED, done.output
    (run,) = json.loads((tmp_path / "json").read_text())["runs"]
    failed = [test for test in run["tests"] if test["status"] == "FAIL"]
    assert sorted(test["class"] for test in failed) == ["known", "known", "new"]
    assert {len(test["strip"]) for test in failed} == {1 + len(run["evidence"]["history"])}
    assert (tmp_path / "junit").read_text().count('name="class: ') == len(failed)
    assert "TESTERY_GATE_NEW_FAILED=1\n" in (tmp_path / "dotenv").read_text()
    annotations = [line for line in done.output.splitlines() if line.startswith("::")]
    assert annotations[-1] == "::warning title=Testery::2 known failures are not annotated"
    assert len(annotations) == 3
