"""``testery-gate init``: what it recognises, asks, writes and leaves alone."""

from __future__ import annotations

import os
import pty
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest
import yaml

from testery_gate.cli.config_file import PROJECT_FILE
from testery_gate.cli.init import write_new
from testery_gate.cli.pipelines import (
    NAMES,
    PIPELINES,
    File,
    Pipeline,
    Repository,
    made,
    recognised,
    repository_of,
)
from testery_gate.errors import ExitCode, UsageError
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import Simulator
from tests.cli.test_configuration_schema import SCHEMA
from tests.cli.test_process import git
from tests.packaged_examples import EXAMPLES, PACKAGED, copies, example_of

ALL_PIPELINES = [pytest.param(pipeline, id=pipeline.name) for pipeline in PIPELINES]
WITHOUT_TOKEN = {"TESTERY_API_TOKEN": ""}


def files_in(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


def test_the_package_has_the_examples_of_the_documents() -> None:
    # To bring them in step: python -m tests.write_readme
    assert {path.name: path.read_bytes() for path in PACKAGED.iterdir()} == copies()


@pytest.mark.parametrize("pipeline", ALL_PIPELINES)
def test_without_criteria_the_files_are_the_examples(pipeline: Pipeline) -> None:
    own, settings = made(pipeline, {})
    assert (own.path, settings.path) == (pipeline.target, PROJECT_FILE)
    assert own.text == example_of(pipeline).read_text(encoding="utf-8")
    assert settings.text == (EXAMPLES / PROJECT_FILE).read_text(encoding="utf-8")


@pytest.mark.parametrize("pipeline", ALL_PIPELINES)
def test_the_criteria_are_in_the_pipeline_and_in_the_settings(pipeline: Pipeline) -> None:
    own, settings = made(pipeline, {"environment": "staging", "max-failed": "2%"})
    words = " ".join(own.text.replace(",", " ").replace('"', "").replace("%%", "%").split())
    if pipeline.name == "github":
        assert "git-ref: auto environment: staging max-failed: 2% timeout" in words
    else:
        assert "wait --git-ref auto --environment staging --max-failed 2% --no-config" in words
    if own.path.endswith(".yml"):
        assert yaml.safe_load(own.text)
    assert list(own.to_do)
    read = tomllib.loads(settings.text)
    jsonschema.validate(read, SCHEMA)
    assert (read["environment"], read["max-failed"]) == ("staging", "2%")


def test_in_teamcity_two_percent_signs_name_no_parameter() -> None:
    (teamcity,) = (pipeline for pipeline in PIPELINES if pipeline.name == "teamcity")
    own, _ = made(teamcity, {"max-failed": "2%"})
    assert "--max-failed 2%% " in own.text


@pytest.mark.parametrize(
    ("remote", "repository"),
    [
        ("https://github.com/acme/shop.git", ("github.com", "acme/shop")),
        ("https://me:secret@GitHub.com:443/acme/shop/", ("github.com", "acme/shop")),
        ("git@gitlab.acme.example:group/sub/shop.git", ("gitlab.acme.example", "group/sub/shop")),
        ("ssh://git@bitbucket.org:22/acme/shop.git", ("bitbucket.org", "acme/shop")),
        ("../shop", None),
        ("/srv/git/shop.git", None),
        ("", None),
    ],
)
def test_a_remote_is_read_without_its_credentials(
    remote: str, repository: tuple[str, str] | None
) -> None:
    found = repository_of(remote)
    assert (found and (found.host, found.path)) == repository
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("environment", "files", "host", "name", "by"),
    [
        pytest.param(
            *({"GITHUB_ACTIONS": "true"}, {"Jenkinsfile"}, "gitlab.com", "github"),
            "the environment",
            id="the environment first",
        ),
        pytest.param({}, {"Jenkinsfile"}, "gitlab.com", "jenkins", "Jenkinsfile", id="a file"),
        pytest.param({}, {".circleci"}, None, "circleci", ".circleci", id="a folder"),
        pytest.param(
            *({}, set(), "gitlab.acme.example", "gitlab"),
            "the repository acme/shop on gitlab.acme.example",
            id="a host",
        ),
        pytest.param(
            *({}, set(), "ssh.dev.azure.com", "azure"),
            "the repository acme/shop on ssh.dev.azure.com",
            id="a host of Azure",
        ),
    ],
)
def test_the_system_is_recognised(
    environment: Mapping[str, str], files: set[str], host: str | None, name: str, by: str
) -> None:
    repository = None if host is None else Repository(host=host, path="acme/shop")
    found = recognised(environment, files.__contains__, repository)
    assert found is not None
    assert (found[0].name, found[1]) == (name, by)


@pytest.mark.parametrize("host", [None, "git.example", "github.com.example", "notgitlab.com"])
def test_nothing_is_recognised_by_what_merely_looks_alike(host: str | None) -> None:
    repository = None if host is None else Repository(host=host, path="acme/shop")
    assert recognised({}, set[str]().__contains__, repository) is None


def test_it_writes_shows_and_says_what_is_left_to_do(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    remote = "https://me:secret@gitlab.com/acme/shop.git"
    git(tmp_path, "remote", "add", "origin", remote)
    line = ("init", "--ci=auto", "--environment=staging")
    done = command.run(*line, cwd=tmp_path, **WITHOUT_TOKEN)
    assert done.code == ExitCode.PASSED, done.output
    assert "Recognised gitlab by the repository acme/shop on gitlab.com." in done.stderr
    assert "secret" not in done.output.replace("create this secret", "")
    for name in (".gitlab-ci.yml", PROJECT_FILE):
        assert f"Wrote {name}:\n\n{(tmp_path / name).read_text()}" in done.stdout
    assert ".gitlab-ci.yml, line 1: create this secret" in done.stderr
    assert "there is no API token" in done.stderr
    assert "testery-gate doctor" in done.stderr
    # The settings are such as the gate takes.
    assert command.run("explain", cwd=tmp_path).code == ExitCode.PASSED


def test_it_ends_with_doctor_where_there_is_a_token(tmp_path: Path) -> None:
    with Simulator(load_scenario("documented")) as api:
        done = command.run("init", "--ci=shell", cwd=tmp_path, api_url=api.url)
        assert done.code == ExitCode.PASSED, done.output
        assert "A gate can reach a verdict here" in done.stdout
        assert os.access(tmp_path / "deploy.sh", os.X_OK)
        other = tmp_path / "other"
        other.mkdir()
        (other / "token").write_text("no-such-token")
        variables = {**WITHOUT_TOKEN, "TESTERY_GATE_TOKEN_FILE": "token"}
        done = command.run("init", "--ci=shell", cwd=other, api_url=api.url, **variables)
    assert done.code == ExitCode.UNAUTHORIZED, done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param("", "Pass --ci github|gitlab|", id="nothing to go by"),
        pytest.param("--ci=auto", "Name it: --ci github|", id="nothing recognised"),
        pytest.param("--ci=shell --environment=$(reboot)", "other characters", id="a command"),
        pytest.param("--ci=shell --max-failed=many", "many", id="no number"),
    ],
)
def test_without_a_terminal_it_says_what_to_pass(tmp_path: Path, arguments: str, said: str) -> None:
    done = command.run("init", *arguments.split(), cwd=tmp_path)
    assert done.code == ExitCode.USAGE, done.output
    assert said in done.stderr
    assert not files_in(tmp_path)


def test_what_is_recognised_is_what_it_says_to_pass(tmp_path: Path) -> None:
    (tmp_path / ".buildkite").mkdir()
    done = command.run("init", cwd=tmp_path)
    assert done.code == ExitCode.USAGE
    assert "Pass --ci buildkite, and" in done.stderr


@pytest.mark.parametrize("standing", [("deploy.sh",), (PROJECT_FILE,), ("deploy.sh", PROJECT_FILE)])
def test_no_file_is_overwritten_and_none_written_beside_it(
    tmp_path: Path, standing: tuple[str, ...]
) -> None:
    for name in standing:
        (tmp_path / name).write_text("mine")
    done = command.run("init", "--ci=shell", cwd=tmp_path)
    assert done.code == ExitCode.USAGE, done.output
    assert f"{' and '.join(standing)} exist" in done.stderr
    assert "--print" in done.stderr
    assert files_in(tmp_path) == set(standing)
    assert all((tmp_path / name).read_text() == "mine" for name in standing)
    shown = command.run("init", "--ci=shell", "--print", cwd=tmp_path)
    assert shown.code == ExitCode.PASSED
    assert (EXAMPLES / "deploy.sh").read_text() in shown.stdout
    assert files_in(tmp_path) == set(standing)


@pytest.mark.parametrize(
    ("link", "target"),
    [(".github", "outside"), (".github/workflows", "outside"), (PROJECT_FILE, "outside/nothing")],
)
def test_nothing_is_written_through_a_link(tmp_path: Path, link: str, target: str) -> None:
    work, outside = tmp_path / "work", tmp_path / "outside"
    outside.mkdir()
    (work / link).parent.mkdir(parents=True)
    (work / link).symlink_to(tmp_path / target)
    done = command.run("init", "--ci=github", cwd=work)
    assert done.code == ExitCode.USAGE, done.output
    assert not files_in(outside)
    assert files_in(work) == {link}


def test_what_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / ".circleci").write_text("a file")
    done = command.run("init", "--ci=circleci", cwd=tmp_path)
    assert done.code == ExitCode.USAGE, done.output
    assert ".circleci/config.yml can't be written: " in done.stderr


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    twice = File(path="a.yml", text="first")
    with pytest.raises(UsageError, match=r"a\.yml can't be written: File exists"):
        write_new([twice, File(path="a.yml", text="second")], tmp_path)
    assert (tmp_path / "a.yml").read_text() == "first"


def on_a_terminal(folder: Path, typed: str) -> command.Finished:
    """Run the command on a terminal on which that is typed."""
    master, terminal = pty.openpty()
    try:
        process = subprocess.Popen(
            [command.COMMAND, "init"],
            cwd=folder,
            env=command.environment(None, **WITHOUT_TOKEN),
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.write(master, typed.encode())
        return command.finish(process)
    finally:
        os.close(terminal)
        os.close(master)


def test_on_a_terminal_it_asks_and_asks_again(tmp_path: Path) -> None:
    (tmp_path / ".circleci").mkdir()
    done = on_a_terminal(tmp_path, "travis\n\n stag ing\nstaging\nlots\n2%\n")
    assert done.code == ExitCode.PASSED, done.output
    question = f"CI system ({', '.join(NAMES)}) [circleci]: "
    assert done.stderr.count(question) == 2
    assert "'travis' is not one of" in done.stderr
    assert done.stderr.count("Environment of the runs (empty for any): ") == 2
    assert done.stderr.count("Tests that may fail, such as 3 or 2% (empty for none): ") == 2
    text = (tmp_path / ".circleci" / "config.yml").read_text()
    assert "--environment staging --max-failed 2% " in text


def test_an_end_of_the_answers_writes_nothing(tmp_path: Path) -> None:
    done = on_a_terminal(tmp_path, "shell\n\n\x04")
    assert done.code == ExitCode.USAGE, done.output
    assert "there is no answer" in done.stderr
    assert "Name it" not in done.stderr
    assert not files_in(tmp_path)
