"""Where the action's Python and its requirements come from."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import runpy
import subprocess
import sys
import zipfile
from importlib.metadata import files
from pathlib import Path

import pytest

import testery_gate
from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance.command import Finished, environment
from tests.action.jobs import action_with_bundle, new_job, prepare, step
from tests.action.runner import ROOT, Done
from tests.action.test_action import path_without_python
from tests.canary import Simulator
from tests.ci.readers import github
from tests.servers import Reply, drip, hang, http, raw_server, reset

LOCK = ROOT / "requirements" / "deploy.txt"
NO_INDEX = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_EXTRA_INDEX_URL": "",
    "PIP_FIND_LINKS": "",
    "PIP_RETRIES": "0",
}
"""Settings for pip that lead nowhere."""
OWN = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
"""A PATH that begins with the Python of the tests."""


def archive(files: dict[str, bytes]) -> bytes:
    """Put files into a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def bundle() -> bytes:
    """A bundle of what the tests have installed, which are the locked requirements."""
    wheels = {}
    for name in re.findall(r"^([a-z0-9-]+)==", LOCK.read_text("utf-8"), re.MULTILINE):
        modules = [
            path for path in files(name) or [] if path.suffix == ".py" or path.suffix == ".pem"
        ]
        contents = {str(path): path.read_binary() for path in modules if ".." not in path.parts}
        wheels[f"{name}.whl"] = archive(contents)
    return archive(wheels)


def use_with(action: Path, folder: Path, **machine: str) -> Done:
    """Use an action where no package index can be reached."""
    with (
        Simulator(load_scenario("documented")) as api,
        new_job(folder, **{"PATH": OWN, **NO_INDEX, **machine}) as job,
    ):
        job.actions = lambda _: action
        job.env["TESTERY_API_URL"] = api.url
        (done,) = job.run([step({})])
    return done


def test_with_the_bundle_of_the_release_no_index_is_asked(tmp_path: Path, bundle: bytes) -> None:
    with raw_server(http(bundle)) as release:
        action = action_with_bundle(tmp_path / "action", f"{release.url}/bundle.zip", bundle)
        with (
            Simulator(load_scenario("documented")) as api,
            new_job(tmp_path / "job", PATH=OWN, **NO_INDEX) as job,
        ):
            job.actions = lambda _: action
            job.env["TESTERY_API_URL"] = api.url
            first, second = job.run([step({}), step({})])
            # It is all that the environment has: no pip, and nothing of another Python.
            (packages,) = (job.temporary / "testery-gate").glob("lib/python*/site-packages")
            found = {path.name.partition(".")[0] for path in packages.iterdir()}
    for done in (first, second):
        assert (done.code, done.outputs["outcome"]) == (0, "passed"), done.log
    assert len(release.requests) == 1
    assert {"click", "requests", "rich"} <= found
    assert not found & {"pip", "setuptools", "pytest", "testery_gate"}


def fetch(action: Path) -> Finished:
    """Run the part that fetches the bundle, which installs nothing where there is none."""
    done = subprocess.run(
        [sys.executable, "-I", "-B", action / "action" / "fetch.py"],
        env=environment(None),
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def test_a_bundle_that_is_another_is_refused(tmp_path: Path, bundle: bytes) -> None:
    planted = archive({"click.whl": archive({"click.py": b"raise SystemExit(0)"})})
    with raw_server(http(planted)) as release:
        done = fetch(action_with_bundle(tmp_path, f"{release.url}/bundle.zip", bundle))
    assert (done.code, done.stderr) == (1, "")
    (warning,) = github(done.stdout)
    assert warning.name == "warning"
    assert warning["title"] == "Testery: a file of the release was refused"
    assert hashlib.sha256(planted).hexdigest() in warning.data
    assert hashlib.sha256(bundle).hexdigest() in warning.data


@pytest.mark.slow
def test_the_index_is_asked_in_place_of_a_bundle_that_was_refused(
    tmp_path: Path, bundle: bytes
) -> None:
    with raw_server(http(b"PK")) as release:
        action = action_with_bundle(tmp_path / "action", f"{release.url}/bundle.zip", bundle)
        done = use_with(action, tmp_path / "job")
    assert "installed from the package index" in done.log
    # There is none here.
    assert (done.code, done.outputs["outcome"]) == (ExitCode.UNAVAILABLE, "unavailable"), done.log
    assert [command.name for command in done.annotations] == ["error", "warning"]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        pytest.param(http(b"", status="404 Not Found"), "HTTP Error 404", id="not there"),
        pytest.param(http(b"PK", length=100), "IncompleteRead", id="cut off"),
        pytest.param(http(b"", length=100), "IncompleteRead", id="empty"),
        pytest.param(lambda connection: connection.close(), "closed", id="closed"),
        pytest.param(reset, "reset", id="reset"),
    ],
)
def test_where_the_release_has_no_bundle_the_log_says_so(
    tmp_path: Path, bundle: bytes, reply: Reply, said: str
) -> None:
    with raw_server(reply) as release:
        done = fetch(action_with_bundle(tmp_path, f"{release.url}/bundle.zip", bundle))
    assert (done.code, done.stderr) == (1, "")
    assert done.stdout.startswith(f"No bundle of the requirements at {release.url}/bundle.zip: ")
    assert said in done.stdout
    # On a commit between two releases this is no fault.
    assert github(done.stdout) == []


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(hang, id="silent"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\n" * 10, 0.1), id="slow"),
    ],
)
def test_the_download_is_bounded(reply: Reply) -> None:
    download = runpy.run_path(str(ROOT / "action" / "fetch.py"))["download"]
    with raw_server(reply) as release, pytest.raises(Exception, match=r"not complete after 0.3 s"):
        download(release.url, seconds=0.3)


def python_in(folder: Path, script: str) -> None:
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text(f"#!/bin/bash\n{script}\n")
    python.chmod(0o755)


def test_an_image_with_an_old_python_has_others_in_its_tool_cache(
    tmp_path: Path, bundle: bytes
) -> None:
    # As ubuntu-22.04: 3.10 on PATH, and these in the tool cache. What is no Python of this machine
    # does not run.
    path = path_without_python(tmp_path / "bin", "python3", "python")
    versions = tmp_path / "job" / "tool cache" / "Python"
    python_in(versions / "3.10.21" / "x64", "exit 1")
    python_in(versions / "3.12.14" / "arm64", "exec /nowhere")
    python_in(versions / "3.12.14" / "x64-freethreaded", "exit 0")
    python_in(versions / "3.13.15" / "x64", f'echo taken >&2; exec "{sys.executable}" "$@"')
    with raw_server(http(bundle)) as release:
        action = action_with_bundle(tmp_path / "action", f"{release.url}/bundle.zip", bundle)
        done = use_with(action, tmp_path / "job", PATH=path)
    assert (done.code, done.outputs["outcome"]) == (0, "passed"), done.log
    assert "taken" in done.log


@pytest.mark.slow
def test_a_python_on_path_goes_before_the_tool_cache(tmp_path: Path) -> None:
    with Simulator(load_scenario("documented")) as api, new_job(tmp_path / "job") as job:
        prepare(job)
        python_in(job.tool_cache / "Python" / "3.13.15" / "x64", f"touch {tmp_path}/asked; exit 1")
        job.env["TESTERY_API_URL"] = api.url
        (done,) = job.run([step({})])
    assert done.outputs["outcome"] == "passed", done.log
    assert not (tmp_path / "asked").exists()


def test_the_bundle_that_the_action_names_is_of_this_release_and_this_list() -> None:
    """If this fails: ``make bundle``."""
    about = json.loads((ROOT / "action" / "bundle.json").read_text("utf-8"))
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    assert about["url"] == (
        "https://github.com/testery-gate/testery-gate/releases/download/"
        f"v{testery_gate.__version__}/testery-gate-requirements-{digest}.zip"
    )
    assert re.fullmatch(r"[0-9a-f]{64}", about["sha256"])
