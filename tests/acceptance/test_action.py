"""The action with its own virtual environment, and the workflow that tries it on GitHub."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.action.jobs import action_with_bundle, new_job, step
from tests.action.runner import ROOT, Job, read_yaml
from tests.action.test_prepare import NO_INDEX
from tests.canary import Simulator
from tests.servers import http, raw_server

pytestmark = pytest.mark.acceptance

WORKFLOW = ROOT / ".github" / "workflows" / "self-test.yml"
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def checkout(folder: Path) -> None:
    """Make a checkout of what the work tree has."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.invalid"]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=Test"]):
        subprocess.run([*git, *arguments], cwd=folder, check=True)


def test_without_the_bundle_the_locked_requirements_are_installed_once_a_job(
    tmp_path: Path,
) -> None:
    # Settings that would lead packages elsewhere, and modules that would take over.
    (tmp_path / "planted").mkdir()
    for name in ("venv.py", "pip.py", "ensurepip.py"):
        (tmp_path / "planted" / name).write_text("raise SystemExit(1)\n")
    hostile = {
        "PIP_TARGET": str(tmp_path / "target"),
        "PIP_USER": "1",
        "PIP_NO_BINARY": ":all:",
        "PIP_DRY_RUN": "1",
        "PYTHONPATH": str(tmp_path / "planted"),
    }
    with (
        raw_server(http(b"another file")) as release,
        Simulator(load_scenario("documented")) as api,
        new_job(tmp_path / "job", PATH=PATH, HOME=str(tmp_path / "home"), **hostile) as job,
    ):
        action = action_with_bundle(tmp_path / "action", f"{release.url}/bundle.zip", b"a bundle")
        job.actions = lambda _: action
        job.env["TESTERY_API_URL"] = api.url
        (first,) = job.run([step({})])
        environment = job.temporary / "testery-gate"
        packages = environment.glob("lib/python*/site-packages/*.dist-info")
        found = {path.name.split("-")[0].replace("_", "-") for path in packages}
        made = {path: path.stat().st_mtime_ns for path in environment.rglob("*")}
        (second,) = job.run([step({})])
        assert {path: path.stat().st_mtime_ns for path in environment.rglob("*")} == made
        assert (job.given, job.paths) == ({}, [])
        assert list(job.workspace.iterdir()) == []
    for done in (first, second):
        assert done.outputs["outcome"] == "passed", done.log
    locked = (ROOT / "requirements" / "deploy.txt").read_text(encoding="utf-8")
    names = [line.split("==")[0] for line in locked.splitlines() if "==" in line]
    assert found - {"setuptools"} == {*names, "pip"}  # Python 3.11's venv brings setuptools
    assert not (tmp_path / "target").exists()
    # Not all of the home: pip asks rustc for its version, and rustup then makes a folder there.
    assert not (tmp_path / "home" / ".cache").exists()
    assert not (tmp_path / "home" / ".local").exists()


@pytest.mark.parametrize(
    ("fail", "code"),
    [pytest.param(True, ExitCode.UNAVAILABLE, id="red"), pytest.param(False, 0, id="green")],
)
def test_an_index_that_can_not_be_reached_is_told_as_unavailable(
    tmp_path: Path, fail: bool, code: int
) -> None:
    with new_job(tmp_path / "job", PATH=PATH, **NO_INDEX) as job:
        action = action_with_bundle(tmp_path / "action", "http://127.0.0.1:9/bundle.zip", b"")
        job.actions = lambda _: action
        (done,) = job.run([step({"fail": fail})])
    assert (done.code, done.outputs["outcome"]) == (code, "unavailable"), done.log
    assert done.outputs["exit-code"] == "4"
    assert "could not be installed" in done.outputs["reason"]


def test_the_self_test_passes(tmp_path: Path) -> None:
    def actions(name: str) -> Path | None:
        return job.workspace if name == "./" else None

    described = read_yaml(WORKFLOW)["jobs"]["action"]
    machine = dict(new_job(tmp_path).machine) | {"PATH": PATH}
    with Job(folder=tmp_path, machine=machine, actions=actions) as job:
        job.shell = described["defaults"]["run"]["shell"]
        checkout(job.workspace)
        all_done = job.run(described["steps"])
    for done, about in zip(all_done, described["steps"], strict=True):
        assert done.conclusion == "success", (about, done.log)
    assert [done.outcome for done in all_done].count("failure") == 2
