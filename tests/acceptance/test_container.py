"""The image, built and run for real, in each of the ways that docs/container.md promises."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from junitparser import JUnitXml

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance.command import Finished
from tests.acceptance.engine import LONGEST, ROOT, Docker, base_image, engine
from tests.canary import CANARY, Simulator

pytestmark = pytest.mark.acceptance

HADOLINT = ROOT / ".acceptance" / "linters" / "bin" / "hadolint"
REPORT = "TEST-testery.xml"
WAIT = ("wait", "55676", f"--junit-xml={REPORT}")
USER = 10001
SPEED = 10.0
MOST_ADDED = 60_000_000
"""Bytes by which the image may be larger than its base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The image under test."""

    docker: Docker
    name: str
    base: str

    def run(self, *arguments: str, options: Sequence[str | Path] = (), stdin: str = "") -> Finished:
        """Run a container to its end."""
        return self.docker.call("run", "--rm", *options, self.name, *arguments, stdin=stdin)

    def inspect(self, name: str) -> dict[str, object]:
        """Return what the engine knows about an image."""
        (facts,) = json.loads(self.docker.do("image", "inspect", name))
        assert isinstance(facts, dict)
        return facts


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    with engine() as docker:
        base = base_image(docker)
        name = f"testery-gate-acceptance:{os.getpid()}"
        variables = {"PYTHON_IMAGE": base, "VERSION": "1.2.3", "REVISION": "4f2c9d1"}
        variables["CREATED"] = "2026-11-29T00:00:00Z"
        arguments = [f"--build-arg={key}={value}" for key, value in variables.items()]
        docker.do("build", "--network=host", *arguments, f"--tag={name}", ".")
        yield Image(docker=docker, name=name, base=base)
        docker.do("image", "rm", name)


@contextmanager
def api(scenario: str) -> Iterator[list[str]]:
    """Simulate the API on this machine, and give the options that lead a container there."""
    with Simulator(load_scenario(scenario), speed=SPEED) as simulator:
        yield options_for(simulator)


def options_for(simulator: Simulator) -> list[str]:
    variables = (f"TESTERY_API_URL={simulator.url}", f"TESTERY_API_TOKEN={CANARY}")
    return ["--network=host", *(f"--env={variable}" for variable in variables)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which any user may make files."""
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def assert_reports(report: Path, code: ExitCode) -> None:
    gate = next(iter(JUnitXml.fromfile(str(report))))
    match code:
        case ExitCode.PASSED:
            assert (gate.failures, gate.errors) == (0, 0)
        case ExitCode.FAILED:
            assert (gate.failures, gate.errors) == (1, 0)
        case _:
            assert (gate.tests, gate.failures, gate.errors) == (1, 0, 1)


def test_the_demo_needs_nothing(image: Image) -> None:
    done = image.run("demo", options=["--network=none"])
    assert done.code == ExitCode.PASSED, done.output
    assert "new_failed is 1" in done.stdout


RESTRICTED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        pytest.param("passing", ExitCode.PASSED, id="passing"),
        pytest.param("failing", ExitCode.FAILED, id="failing"),
    ],
)
@pytest.mark.parametrize(
    ("options", "user"),
    [
        pytest.param((), USER, id="as it is"),
        pytest.param(RESTRICTED, USER, id="nothing to write to and no rights"),
        pytest.param(("--user=12345:0",), 12345, id="foreign user"),
        pytest.param((*RESTRICTED, "--user=12345:12345"), 12345, id="foreign user without rights"),
    ],
)
def test_a_wait_leaves_its_report_in_a_mounted_folder(
    image: Image, folder: Path, scenario: str, code: ExitCode, options: Sequence[str], user: int
) -> None:
    with api(scenario) as connection:
        mount = f"--volume={folder}:/workspace"
        done = image.run(*WAIT, options=[*connection, *options, mount])
    assert done.code == code, done.output
    assert f"exit {int(code)}" in done.stdout
    assert [path.name for path in folder.iterdir()] == [REPORT]
    assert (folder / REPORT).stat().st_uid == user
    assert_reports(folder / REPORT, code)


def test_the_settings_of_a_mounted_project_count(image: Image, folder: Path) -> None:
    (folder / "testery-gate.toml").write_text("max-failed = 3\n")
    with api("failing") as connection:
        mount = f"--volume={folder}:/workspace:ro"
        done = image.run("wait", "55676", options=[*connection, mount])
    assert done.code == ExitCode.PASSED, done.output
    assert "<= 3" in done.stdout


def test_a_report_that_cannot_be_written_is_found_out_at_once(image: Image, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with api("stuck") as connection:
        done = image.run(*WAIT, options=[*connection, f"--volume={tmp_path}:/workspace:ro"])
    assert done.code == ExitCode.USAGE, done.output
    assert "Read-only file system" in done.stderr


def test_docker_stop_in_mid_wait_leaves_a_report(image: Image, folder: Path) -> None:
    looked = threading.Event()
    docker = image.docker
    with Simulator(load_scenario("stuck"), on_exchange=lambda _: looked.set()) as simulator:
        mount = f"--volume={folder}:/workspace"
        container = docker.do("run", "--detach", *options_for(simulator), mount, image.name, *WAIT)
        try:
            assert looked.wait(LONGEST)
            # SIGTERM to process 1, which is the gate; after ten seconds it would be killed (137).
            docker.do("stop", container)
            assert docker.do("wait", container) == str(int(ExitCode.TERMINATED))
            log = docker.call("logs", container).output
        finally:
            docker.do("rm", "--force", container)
    assert "stopped by SIGTERM" in log
    assert_reports(folder / REPORT, ExitCode.TERMINATED)


NO_ENTRYPOINT = "--entrypoint="


def test_a_shell_finds_the_command_without_a_home_and_may_write_where_it_is(image: Image) -> None:
    script = f"unset HOME; id -u; testery-gate {' '.join(WAIT)}; echo exited $?; cat {REPORT}"
    with api("failing") as connection:
        done = image.run("sh", "-c", script, options=[*connection, NO_ENTRYPOINT, "--user=12345:0"])
    assert done.code == 0, done.output
    assert done.stdout.startswith("12345\n")
    assert f"exited {int(ExitCode.FAILED)}\n<?xml" in done.stdout


def test_gitlab_feeds_a_script_to_the_shell_that_it_finds(image: Image, folder: Path) -> None:
    # As GitLab's Docker executor does it, in a folder that its helper made for everybody.
    find_shell = "if [ -x /bin/bash ]; then exec /bin/bash; else exec /bin/sh; fi"
    script = f"set -e\ncd /builds/project\ntestery-gate {' '.join(WAIT)} --report=dotenv=gate.env\n"
    with api("failing") as connection:
        done = image.run(
            "sh",
            "-c",
            find_shell,
            options=[
                "--interactive",
                *connection,
                NO_ENTRYPOINT,
                "--env=GITLAB_CI=true",
                f"--volume={folder}:/builds/project",
            ],
            stdin=script,
        )
    assert done.code == ExitCode.FAILED, done.output
    assert "section_start:" in done.stderr
    assert "TESTERY_GATE_OUTCOME=failed\n" in (folder / "gate.env").read_text()
    assert_reports(folder / REPORT, ExitCode.FAILED)


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        pytest.param("passing", ExitCode.PASSED, id="passing"),
        pytest.param("failing", ExitCode.FAILED, id="failing"),
    ],
)
def test_jenkins_starts_its_steps_in_a_container_that_idles(
    image: Image, folder: Path, scenario: str, code: ExitCode
) -> None:
    # As docker.image(...).inside('--entrypoint=') does it: the workspace has the path that it has
    # on the agent, the user is the agent's, and each step is a shell.
    docker = image.docker
    with api(scenario) as connection:
        container = docker.do(
            *("run", "--tty", "--detach", "--user=1000:1000", *connection, NO_ENTRYPOINT),
            *(f"--workdir={folder}", f"--volume={folder}:{folder}", image.name, "cat"),
        )
        try:
            assert re.search(r"\bcat$", docker.do("top", container, "-eo", "pid,comm"))
            done = docker.call(
                "exec", container, "sh", "-xe", "-c", f"testery-gate {' '.join(WAIT)}"
            )
        finally:
            docker.do("rm", "--force", container)
    assert done.code == code, done.output
    assert (folder / REPORT).stat().st_uid == 1000
    assert_reports(folder / REPORT, code)


def test_nothing_is_compiled_when_the_gate_starts(image: Image) -> None:
    with api("failing") as connection:
        done = image.run(*WAIT, options=[*connection, "--env=PYTHONVERBOSE=1"])
    assert done.code == ExitCode.FAILED, done.output
    # Python's own words for where a module's code came from.
    sources = re.findall(r"^# code object from '?(.+?)'?$", done.stderr, re.MULTILINE)
    assert any(source.endswith(".pyc") for source in sources)
    assert [source for source in sources if not source.endswith(".pyc")] == []


def test_the_image_says_what_it_is(image: Image) -> None:
    config = image.inspect(image.name)["Config"]
    assert isinstance(config, dict)
    assert config["User"] == f"{USER}:0"
    assert config["Entrypoint"] == ["testery-gate"]
    assert config["Healthcheck"] == {"Test": ["NONE"]}
    assert config["WorkingDir"] == "/workspace"
    prefix = "org.opencontainers.image."
    labels = {
        key.removeprefix(prefix): value
        for key, value in config["Labels"].items()
        if key.startswith(prefix)
    }
    assert labels == {
        "title": "testery-gate",
        "description": "The gate between a Testery cloud test run and a deploy",
        "licenses": "MIT",
        "version": "1.2.3",
        "revision": "4f2c9d1",
        "created": "2026-11-29T00:00:00Z",
        "url": "https://github.com/testery-gate/testery-gate",
        "source": "https://github.com/testery-gate/testery-gate",
        "base.name": image.base,
    }


def files(image: Image, name: str, archive: Path) -> set[str]:
    """The paths of all that is in an image."""
    container = image.docker.do("create", name, "true")
    try:
        image.docker.do("export", "--output", archive, container)
    finally:
        image.docker.do("rm", container)
    with tarfile.open(archive) as tar:
        return set(tar.getnames())


def test_the_image_has_the_gate_beyond_its_base_and_no_tools(image: Image, tmp_path: Path) -> None:
    added = files(image, image.name, tmp_path / "image.tar")
    added -= files(image, image.base, tmp_path / "base.tar")
    assert "opt/testery-gate/bin/testery-gate" in added
    others = {path for path in added if not path.startswith("opt/testery-gate")}
    assert others - {"opt"} == {"workspace"}
    names = {path.rpartition("/")[2] for path in added}
    assert [name for name in names if re.match(r"(pip|setuptools|wheel)([-_.\d]|$)", name)] == []
    assert {"cc", "gcc", "ld", "make"}.isdisjoint(names)


def test_the_image_adds_little_to_its_base(image: Image) -> None:
    size, base = (image.inspect(name)["Size"] for name in (image.name, image.base))
    assert isinstance(size, int)
    assert isinstance(base, int)
    assert size - base < MOST_ADDED


def test_hadolint_has_no_finding() -> None:
    assert HADOLINT.exists(), "hadolint is not installed: run `make acceptance`"
    done = subprocess.run(
        [HADOLINT, "--no-color", ROOT / "Dockerfile", ROOT / "requirements" / "base.Dockerfile"],
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert (done.returncode, done.stdout) == (0, "")
