"""A configuration file comes with the change that is to be judged: it must not decide too much."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import Exchange, load_scenario
from tests.acceptance import command
from tests.canary import Simulator


class Api:
    """Somebody's API, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Exchange] = []
        self.url = ""


@pytest.fixture
def api() -> Iterator[Api]:
    found = Api()
    simulator = Simulator(load_scenario("documented"), on_exchange=found.asked.append)
    with simulator as served:
        found.url = served.url
        yield found


def write(folder: Path, name: str, settings: str) -> None:
    heading = "[tool.testery-gate]\n" if name.endswith("pyproject.toml") else ""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(heading + settings)


FILES = [
    pytest.param("testery-gate.toml", (), id="found"),
    pytest.param("pyproject.toml", (), id="found in pyproject"),
    pytest.param("ci/gate.toml", ("--config=ci/gate.toml",), id="named"),
    pytest.param("ci/pyproject.toml", ("--config=ci/pyproject.toml",), id="named pyproject"),
]


@pytest.mark.parametrize(("name", "arguments"), FILES)
def test_a_file_can_not_send_the_token_elsewhere(
    tmp_path: Path, api: Api, name: str, arguments: tuple[str, ...]
) -> None:
    write(tmp_path, name, f'api-url = "{api.url}"\n')
    for line in ("wait 55676", "check --latest", "list", "explain"):
        done = command.run(*line.split(), *arguments, cwd=tmp_path)
        assert done.code == ExitCode.USAGE, done.output
        assert f"{name}, line " in done.stderr
        assert " sets api-url, which decides who gets the token" in done.stderr
        assert "--trust-config" in done.stderr
    assert not api.asked


@pytest.mark.parametrize(("name", "arguments"), FILES)
def test_a_file_that_is_trusted_can(
    tmp_path: Path, api: Api, name: str, arguments: tuple[str, ...]
) -> None:
    write(tmp_path, name, f'api-url = "{api.url}"\njunit-xml = "../{tmp_path.name}.xml"\n')
    trusted = command.run("wait", "55676", "--trust-config", *arguments, cwd=tmp_path)
    assert trusted.code == ExitCode.PASSED, trusted.output
    assert (tmp_path.parent / f"{tmp_path.name}.xml").exists()
    variable = command.run(
        "wait", "55676", *arguments, cwd=tmp_path, TESTERY_GATE_TRUST_CONFIG="true"
    )
    assert variable.code == ExitCode.PASSED, variable.output


def test_what_is_overridden_harms_nobody(tmp_path: Path, api: Api) -> None:
    outside = tmp_path / "outside"
    work = tmp_path / "work"
    work.mkdir()
    write(
        work,
        "testery-gate.toml",
        'api-url = "https://attacker.example/api"\ntoken-file = "stolen"\n'
        f'junit-xml = "{outside}"\nreport = "json={outside}"\n',
    )
    done = command.run(
        *("wait", "55676", f"--api-url={api.url}", "--token-file=-"),
        *("--junit-xml=a.xml", "--report=json=a.json"),
        cwd=work,
        stdin=command.environment(None)["TESTERY_API_TOKEN"],
    )
    assert done.code == ExitCode.PASSED, done.output
    assert not outside.exists()


@pytest.mark.parametrize("value", ["true", "'yes'", "1"])
def test_a_file_can_not_say_that_it_is_trusted(tmp_path: Path, api: Api, value: str) -> None:
    write(tmp_path, "testery-gate.toml", f'trust-config = {value}\napi-url = "{api.url}"\n')
    done = command.run("wait", "55676", cwd=tmp_path)
    assert done.code == ExitCode.USAGE
    assert "sets trust-config, which a file can't set" in done.stderr
    assert not api.asked


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("comment = 'always'", "what is said with the code host's token"),
        ("comment-key = 'Deploy / gate'", "which comment is replaced"),
        ("commit-status = true", "what is said with the code host's token"),
        ("status-context = 'ci/required'", "which status is set"),
        ("code-host = 'gitlab'", "who gets the code host's token"),
        ("code-host-token-file = 'x'", "whose token is used"),
    ],
)
@pytest.mark.quick(1)
def test_a_file_can_not_speak_with_the_code_hosts_token(
    tmp_path: Path, line: str, why: str
) -> None:
    (tmp_path / "testery-gate.toml").write_text(f"{line}\n")
    done = command.run("explain", "55676", cwd=tmp_path)
    assert done.code == ExitCode.USAGE
    assert why in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param('token-file = "token"', id="beside it"),
        pytest.param('token-file = "/etc/hostname"', id="anywhere"),
        pytest.param('token-file = "-"', id="standard input"),
        pytest.param('profile = "prod"', id="another profile"),
    ],
)
def test_a_file_can_not_choose_whose_token_is_used(tmp_path: Path, api: Api, setting: str) -> None:
    (tmp_path / "token").write_text("of-the-attackers-own-account")
    write(tmp_path, "testery-gate.toml", setting + "\n")
    done = command.run("wait", "55676", cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.USAGE
    assert f"sets {setting.split()[0]}, which decides whose token is used" in done.stderr
    assert not api.asked


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param('junit-xml = "{outside}/x"', id="absolute"),
        pytest.param('junit-xml = "../outside/x"', id="above"),
        pytest.param('report = ["json=inside.json", "junit=../outside/x"]', id="one of several"),
        pytest.param('report = "../outside/x.html"', id="without a format"),
        pytest.param('report = "dotenv=linked/x"', id="behind a linked folder"),
        pytest.param('report = "dotenv=x.env"', id="behind a linked file"),
        pytest.param('report = "json=missing/../../outside/x"', id="above, in a roundabout way"),
    ],
)
def test_a_file_can_not_write_outside_of_the_working_directory(
    tmp_path: Path, api: Api, setting: str
) -> None:
    work, outside = tmp_path / "work", tmp_path / "outside"
    for folder in (work, outside):
        folder.mkdir()
    (work / "linked").symlink_to(outside)
    (work / "x.env").symlink_to(outside / "x")
    write(work, "testery-gate.toml", setting.replace("{outside}", str(outside)) + "\n")
    done = command.run("wait", "55676", cwd=work, api_url=api.url)
    assert done.code == ExitCode.USAGE, done.output
    assert "not inside the working directory" in done.stderr
    assert not api.asked
    assert not list(outside.iterdir())
    assert not (work / "inside.json").exists()


def test_a_flag_may_write_anywhere_and_a_file_inside(tmp_path: Path, api: Api) -> None:
    work = tmp_path / "work"
    work.mkdir()
    write(work, "testery-gate.toml", 'report = ["json=out/a.json"]\n')
    done = command.run("wait", "55676", "--junit-xml=../x.xml", cwd=work, api_url=api.url)
    assert done.code == ExitCode.PASSED, done.output
    assert (tmp_path / "x.xml").exists()
    assert (work / "out" / "a.json").exists()


def test_explain_shows_which_criteria_a_file_made(tmp_path: Path) -> None:
    write(tmp_path, "testery-gate.toml", 'min-passed = "1%"\n')
    done = command.run("explain", "--min-total=10", "--max-failed=0", cwd=tmp_path)
    rows = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "pass_rate >= 1% decides file testery-gate.toml" in rows
    assert "total >= 10 decides flag --min-total" in rows


WITHOUT = [
    pytest.param(("--no-config",), {}, id="flag"),
    pytest.param((), {"TESTERY_GATE_NO_CONFIG": "true"}, id="variable"),
    pytest.param((f"--config={os.devnull}",), {}, id="an empty file"),
]


@pytest.mark.parametrize(("arguments", "variables"), WITHOUT)
@pytest.mark.parametrize("name", ["testery-gate.toml", "pyproject.toml"])
def test_a_protected_pipeline_can_do_without_the_file(
    tmp_path: Path, api: Api, name: str, arguments: tuple[str, ...], variables: dict[str, str]
) -> None:
    write(tmp_path, name, 'max-failed = "100%"\nrequire = "no criterion"\nno-config = false\n')
    done = command.run("wait", "55676", *arguments, cwd=tmp_path, api_url=api.url, **variables)
    assert done.code == ExitCode.PASSED, done.output


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        pytest.param("--no-config --config=a.toml", {}, id="flags"),
        pytest.param("--config=a.toml --no-config", {}, id="flags the other way round"),
        pytest.param("--config=a.toml", {"TESTERY_GATE_NO_CONFIG": "1"}, id="variable and flag"),
        pytest.param("--no-config", {"TESTERY_GATE_CONFIG": "a.toml"}, id="flag and variable"),
    ],
)
def test_no_file_and_a_file_are_a_contradiction(
    tmp_path: Path, arguments: str, variables: dict[str, str]
) -> None:
    write(tmp_path, "a.toml", 'max-failed = "100%"\n')
    done = command.run("wait", "55676", *arguments.split(), cwd=tmp_path, **variables)
    assert done.code == ExitCode.USAGE, done.output
    assert "--no-config reads no configuration file, and --config names a.toml" in done.stderr


def test_a_blank_variable_leaves_the_file_in_place(tmp_path: Path) -> None:
    write(tmp_path, "testery-gate.toml", "max-failed = 3\n")
    done = command.run("explain", cwd=tmp_path, TESTERY_GATE_NO_CONFIG=" ")
    assert "failed <= 3" in done.stdout


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'git-ref = "\\u001b]0;owned\\u0007\\u009b2J"', id="a value"),
        pytest.param(b'"\\u001b]0;owned\\u0007" = 1', id="a name"),
        pytest.param(b'require = "\\u001b]0;owned\\u0007"', id="no criterion"),
        pytest.param(b'report = "\\u001b]0;owned\\u0007=x"', id="no format"),
        pytest.param(b'junit-xml = "../\\u001b]0;owned\\u0007"', id="a path"),
        pytest.param(b'output = "\\u001b]0;owned\\u0007\\n::error::x"', id="no choice"),
        pytest.param(b"\x1b]0;owned\x07", id="no TOML"),
    ],
)
def test_a_file_can_not_speak_to_the_terminal(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "testery-gate.toml").write_bytes(content)
    for line in ("explain", "wait 1 --timeout=0"):
        done = command.run(*line.split(), cwd=tmp_path, api_url="http://127.0.0.1:1/api")
        assert not set(done.output) & {"\x1b", "\x07", "\x9b"}, repr(done.output)
        assert "\n::" not in done.output
