"""What moves with a release: the scripts of the workflows, run in a repository with tags."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
TAGS = ("v0.9.0", "v1.2.3", "v1.2.10", "v1.3.0", "v2.0.0", "v3.0.0rc1", "v1", "v1.2", "v2", "vague")


def git(repository: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid")
    command = ["git", *settings, *arguments]
    done = subprocess.run(command, cwd=repository, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def repository(folder: Path, tags: Sequence[str]) -> Path:
    """Make a repository with these tags and what the scripts need."""
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=Test")
    commit = git(folder, "rev-parse", "HEAD")
    for tag in tags:
        (folder / ".git" / "refs" / "tags" / tag).write_text(f"{commit}\n")
    copytree(ROOT / ".ci", folder / ".ci")
    (folder / "requirements").mkdir()
    base = folder / "requirements" / "base.Dockerfile"
    base.write_bytes((ROOT / "requirements" / "base.Dockerfile").read_bytes())
    return folder


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("release") / "repository", TAGS)


def printed(folder: Path, *arguments: str) -> list[str]:
    command = [str(folder / ".ci" / "release-tags"), *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("release", "moving"),
    [
        pytest.param("v2.0.0", ["v2.0", "v2"], id="the newest"),
        pytest.param("v1.3.0", ["v1.3", "v1"], id="the newest of its line"),
        pytest.param("v1.2.10", ["v1.2"], id="a mend of an older line, with two digits"),
        pytest.param("v1.2.3", [], id="an older one"),
        pytest.param("v0.9.0", ["v0.9", "v0"], id="before the first"),
    ],
)
def test_tags_move_to_the_newest_release_that_they_can_mean(
    tagged: Path, release: str, moving: list[str]
) -> None:
    assert printed(tagged, release) == moving


def test_the_newest_release_is_no_draft_and_no_tag_that_moves(tagged: Path, tmp_path: Path) -> None:
    assert printed(tagged) == ["v2.0.0"]
    assert printed(repository(tmp_path / "new", ["v1", "vague"])) == []


def script(workflow: str, job: str, name: str) -> str:
    """The script of a step, by its name or id."""
    path = ROOT / ".github" / "workflows" / f"{workflow}.yml"
    steps: list[dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))["jobs"][job]["steps"]
    (found,) = [step["run"] for step in steps if name in (step.get("name"), step.get("id"))]
    return str(found)


def played(text: str, folder: Path, **variables: str) -> None:
    """Run a script as GitHub does."""
    shell = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", text]
    subprocess.run(shell, cwd=folder, env=os.environ | variables, check=True)


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("given", "tags", "outputs"),
    [
        pytest.param("v2.0.0", TAGS, {"release": "v2.0.0", "tags": "v2.0.0 v2.0 v2"}, id="release"),
        pytest.param("v1.2.10", TAGS, {"release": "v1.2.10", "tags": "v1.2.10 v1.2"}, id="mend"),
        # The tag of the release stays with what it was on that day.
        pytest.param("", TAGS, {"release": "v2.0.0", "tags": "v2.0 v2"}, id="each week"),
        pytest.param("", (), {}, id="before the first release"),
    ],
)
def test_what_the_image_is_called(
    tmp_path: Path, given: str, tags: Sequence[str], outputs: dict[str, str]
) -> None:
    folder = repository(tmp_path / "repository", tags)
    (tmp_path / "outputs").touch()
    plan = script("image", "plan", "plan")
    played(plan, folder, RELEASE=given, GITHUB_OUTPUT=str(tmp_path / "outputs"))
    written = (tmp_path / "outputs").read_text().splitlines()
    found = dict(line.split("=", 1) for line in written)
    base = found.pop("base", "")
    assert base.startswith("docker.io/library/python:3") == bool(outputs)
    assert found == outputs


@pytest.mark.quick(1)
@pytest.mark.parametrize("there", [True, False], ids=["tags that exist", "new tags"])
def test_a_release_moves_the_tags_of_the_action(tagged: Path, tmp_path: Path, there: bool) -> None:
    gh = tmp_path / "gh"
    gh.write_text(
        f'#!/bin/sh\necho "$@" >>{tmp_path}/called\n'
        f'case "$*" in *PATCH*) exit {0 if there else 1};; esac\n'
    )
    gh.chmod(0o755)
    move = script("release", "release", "Move the tags that stand for the newest release")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    played(move, tagged, PATH=path, GITHUB_REPOSITORY="a/b", GITHUB_REF_NAME="v2.0.0")
    commit = git(tagged, "rev-parse", "HEAD")
    called = (tmp_path / "called").read_text().splitlines()
    moved = "api --method PATCH repos/a/b/git/refs/tags/{} --raw-field sha={} --field force=true"
    made = "api --method POST repos/a/b/git/refs --raw-field ref=refs/tags/{} --raw-field sha={}"
    forms = [moved] if there else [moved, made]
    assert called == [form.format(tag, commit) for tag in ("v2.0", "v2") for form in forms]
