"""What is asked of the machine: here of a git that a test puts on PATH."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from testery_gate.cli.process import find_home, head_of_checkout


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
    assert head_of_checkout({"PATH": path}) == "rev-parse HEAD\n"


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
