"""What is asked of the machine: here of a git that a test puts on PATH."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from testery_gate.cli.process import (
    NoSuchCommit,
    file_at,
    find_home,
    head_of_checkout,
    this_machine,
)


@pytest.mark.parametrize(
    ("home", "found"),
    [
        pytest.param("/home/me", Path("/home/me"), id="a folder"),
        pytest.param("~", None, id="what Python leaves of no home"),
        pytest.param("here", None, id="within the working directory"),
    ],
)
def test_a_home_is_the_same_wherever_the_gate_runs(
    monkeypatch: pytest.MonkeyPatch, home: str, found: Path | None
) -> None:
    monkeypatch.setenv("HOME", home)
    assert find_home() == found


def path_with_git(folder: Path, script: str) -> str:
    program = folder / "git"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_git_names_the_commit_that_is_checked_out(tmp_path: Path) -> None:
    path = path_with_git(tmp_path, 'echo "$@"')
    said = "-c safe.bareRepository=explicit rev-parse HEAD\n"
    assert head_of_checkout({"PATH": path}) == said


def test_git_gets_neither_the_token_nor_a_password_of_a_proxy(tmp_path: Path) -> None:
    environment = {
        "PATH": path_with_git(tmp_path, "env"),
        "TESTERY_API_TOKEN": "canary",
        "TESTERY_TOKEN": "canary",
        "TESTERY_GATE_TOKEN": "canary",
        "https_proxy": "http://user:canary@proxy.example:3128",
        "ALL_PROXY": "user:canary@proxy.example",
        "HTTP_PROXY": "http://proxy.example:3128",
        "GIT_DIR": "elsewhere",
    }
    seen = head_of_checkout(environment)
    assert "canary" not in seen
    assert "HTTP_PROXY=http://proxy.example:3128" in seen
    assert "GIT_DIR=elsewhere" in seen


@pytest.mark.parametrize(
    ("script", "said"),
    [
        pytest.param(
            "echo fatal: no repository >&2; echo more >&2; exit 128", "^fatal: no re", id="words"
        ),
        pytest.param("exit 3", "exit status 3", id="silence"),
    ],
)
def test_what_git_says_is_the_reason(script: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=said):
        head_of_checkout({"PATH": path_with_git(tmp_path, script)})


def test_a_git_that_keeps_silent_is_given_up(tmp_path: Path) -> None:
    path = path_with_git(tmp_path, "exec sleep 600")
    with pytest.raises(OSError, match=r"no answer within 0\.01 s"):
        head_of_checkout({"PATH": path}, seconds=0.01)


def test_without_git_that_is_the_reason(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        head_of_checkout({"PATH": str(tmp_path)})


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a file in a folder, which the branch ``change`` changes."""
    folder = tmp_path / "repository"
    (folder / "ci").mkdir(parents=True)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "config", "user.name", "x")
    git(folder, "config", "user.email", "x@example.com")
    commit(folder, "ci/q.toml", "of main")
    git(folder, "checkout", "--quiet", "-b", "change")
    commit(folder, "ci/q.toml", "of the change")
    commit(folder, "new.toml", "new")
    return folder


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


def commit(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    git(folder, "add", name)
    git(folder, "commit", "--quiet", f"--message={text}")


def of_git(ref: str, path: str, most: int = 100) -> str:
    return file_at(os.environ, ref, path, most).decode()


@pytest.mark.parametrize(
    ("here", "path"),
    [
        pytest.param(".", "ci/q.toml", id="below"),
        pytest.param(".", "./ci//../ci/q.toml", id="in a roundabout way"),
        pytest.param("ci", "q.toml", id="beside"),
        pytest.param("ci", "../ci/q.toml", id="above"),
        pytest.param(".", "{folder}/ci/q.toml", id="absolute"),
    ],
)
@pytest.mark.parametrize("ref", ["main", "refs/heads/main", "HEAD~2", "{commit}"])
def test_git_shows_a_file_as_it_was(
    repository: Path, monkeypatch: pytest.MonkeyPatch, here: str, path: str, ref: str
) -> None:
    monkeypatch.chdir(repository / here)
    path = path.replace("{folder}", str(repository))
    ref = ref.replace("{commit}", git(repository, "rev-parse", "main"))
    assert of_git(ref, path) == "of main"
    assert of_git("HEAD", path) == "of the change"
    assert this_machine().file_at(ref, path, 7) == b"of main"


@pytest.mark.parametrize(
    "ref",
    [
        pytest.param("nowhere", id="unknown"),
        pytest.param("0" * 40, id="an unknown commit"),
        pytest.param("-h", id="an option"),
        pytest.param("--all", id="another option"),
        pytest.param("change:new.toml", id="a file"),
        pytest.param("change:", id="a folder"),
        pytest.param(":new.toml", id="what is staged"),
        pytest.param("main..change", id="a range"),
        pytest.param("^main", id="what is left out"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_commit_is_none(
    repository: Path, monkeypatch: pytest.MonkeyPatch, ref: str
) -> None:
    monkeypatch.chdir(repository)
    with pytest.raises(NoSuchCommit, match=r"^git knows no commit "):
        of_git(ref, "new.toml")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("new.toml", "new.toml", id="added later"),
        pytest.param("ci", "bad file", id="a folder"),
        pytest.param("../q.toml", "outside repository", id="outside"),
        pytest.param("a\0b", "no argument holds", id="no path"),
    ],
)
def test_what_is_no_file_there_is_said(
    repository: Path, monkeypatch: pytest.MonkeyPatch, path: str, said: str
) -> None:
    monkeypatch.chdir(repository)
    with pytest.raises(OSError, match=said) as caught:
        of_git("main", path)
    assert not isinstance(caught.value, NoSuchCommit)


def test_a_large_file_is_not_read(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    with pytest.raises(OSError, match=r"^it is larger than 1 KiB$"):
        file_at({**os.environ, "PATH": path_with_git(repository, "echo 1025")}, "x", "y", 1024)


def test_a_repository_in_the_change_is_not_asked(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bare one can be part of a change, with a ``main`` of its own."""
    git(repository, "clone", "--quiet", "--bare", ".", "embedded")
    embedded = repository / "embedded"
    git(embedded, "update-ref", "refs/heads/main", "change")
    monkeypatch.chdir(embedded)
    with pytest.raises(OSError, match="cannot use bare repository"):
        of_git("main", "ci/q.toml")


def test_outside_of_a_repository_git_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="not a git repository"):
        of_git("main", "q.toml")


def test_what_a_shallow_clone_lacks_is_no_commit_until_it_is_fetched(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "clone")
    monkeypatch.chdir(clone)
    base = git(repository, "rev-parse", "main")
    for ref in ("main", base):
        with pytest.raises(NoSuchCommit):
            of_git(ref, "ci/q.toml")
    git(clone, "fetch", "--quiet", "--depth=1", "origin", "main")
    for ref in ("FETCH_HEAD", base):
        assert of_git(ref, "ci/q.toml") == "of main"


@pytest.mark.parametrize("path", ["", "folder", "pipe", "missing", "a\0b"])
def test_what_is_no_regular_file_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"regular|No such|no path"):
        this_machine().read_start(path, 10)


def test_a_file_is_read_up_to_so_many_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    assert this_machine().read_start(str(tmp_path / "file"), 4) == b"cont"
