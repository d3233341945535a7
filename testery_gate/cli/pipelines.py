"""The files that ``init`` writes: one for each CI system, and the settings.

The templates are the files of ``docs/examples``, of which the package has a copy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import click

from testery_gate import ci
from testery_gate.cli.config_file import PROJECT_FILE
from testery_gate.cli.options import SHORT_CRITERIA
from testery_gate.errors import UsageError
from testery_gate.text import clean_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A CI system: what it is recognised by, and which file it reads."""

    name: str
    target: str
    """Where the system looks for its file."""
    sign: str = ""
    """A file or folder of a project that uses it."""
    host: str = "(?!)"
    """A pattern of the host of repositories that use it."""

    @property
    def packaged(self) -> str:
        """The name of the package's copy; not a hidden file, which a package would leave out."""
        return f"{self.name}-{self.target.rpartition('/')[2].lstrip('.')}"


PIPELINES = (
    Pipeline(
        name="github",
        target=".github/workflows/testery-gate.yml",
        sign=".github/workflows",
        host=r"github\.com",
    ),
    Pipeline(name="gitlab", target=".gitlab-ci.yml", sign=".gitlab-ci.yml", host=r"gitlab\..+"),
    Pipeline(
        name="azure",
        target="azure-pipelines.yml",
        sign="azure-pipelines.yml",
        host=r"(ssh\.)?dev\.azure\.com|.+\.visualstudio\.com",
    ),
    Pipeline(name="teamcity", target=".teamcity/settings.kts", sign=".teamcity"),
    Pipeline(name="buildkite", target=".buildkite/pipeline.yml", sign=".buildkite"),
    Pipeline(name="jenkins", target="Jenkinsfile", sign="Jenkinsfile"),
    Pipeline(name="circleci", target=".circleci/config.yml", sign=".circleci"),
    Pipeline(
        name="bitbucket",
        target="bitbucket-pipelines.yml",
        sign="bitbucket-pipelines.yml",
        host=r"bitbucket\.org",
    ),
    Pipeline(name="shell", target="deploy.sh"),
)
NAMES = tuple(pipeline.name for pipeline in PIPELINES)
TO_DO = (
    ("Secret:", "create this secret"),
    ("ghcr.io/testery-gate/", "until the first release, name an image that you build"),
    ("@0000000000", "name the commit of a release; until the first release, one of main"),
    ("pip install testery-gate", "until the first release, install from a clone"),
    ("./deploy", "start what deploys"),
)
"""What is left to do, by a text of the line where it is to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """Where a repository's remote is, without the credentials that its address may have."""

    host: str
    path: str

    def __str__(self) -> str:
        return clean_line(f"{self.path} on {self.host}")


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file to write, by its path in the working directory."""

    path: str
    text: str

    @property
    def to_do(self) -> Iterator[str]:
        """Say what is left to do in it, and where."""
        for number, line in enumerate(self.text.splitlines(), 1):
            for sign, advice in TO_DO:
                if sign in line:
                    yield f"{self.path}, line {number}: {advice}"


def repository_of(remote: str) -> Repository | None:
    """Read the address of a remote, as a URL or in git's short form for SSH."""
    found = re.fullmatch(r"\w+://(?:[^/@]*@)?([^/:@]+)(?::\d+)?/(.+?)(?:\.git)?/?", remote)
    found = found or re.fullmatch(r"(?:[^/@:]+@)?([^/:@]+):(?!//)(.+?)(?:\.git)?/?", remote)
    return Repository(host=found[1].lower(), path=found[2]) if found else None


def recognised(
    environment: Mapping[str, str], exists: Callable[[str], bool], repository: Repository | None
) -> tuple[Pipeline, str] | None:
    """Return the CI system of this project, and by what it is recognised."""
    system = ci.detect(environment)
    for pipeline in PIPELINES:
        if system is not None and pipeline.name == system.value:
            return pipeline, "the environment"
    for pipeline in PIPELINES:
        if pipeline.sign and exists(pipeline.sign):
            return pipeline, pipeline.sign
    for pipeline in PIPELINES:
        if repository is not None and re.fullmatch(pipeline.host, repository.host):
            return pipeline, f"the repository {repository}"
    return None


def checked_environment(text: str) -> str:
    """Return the name of an environment that needs no quotes anywhere, or nothing."""
    if not re.fullmatch(r"(?:[A-Za-z0-9][A-Za-z0-9._/-]{0,99})?", text):
        raise UsageError(
            f"the environment {clean_line(text)!r} has other characters than letters, digits and"
            " ._/-",
            advice="Leave it out, and write it into the files yourself.",
        )
    return text


def checked_max_failed(text: str) -> str:
    """Return how many tests may fail, or nothing."""
    (short,) = (short for short in SHORT_CRITERIA if short.option_name == "max-failed")
    try:
        if text:
            short.type.convert(text, None, None)
    except click.BadParameter as error:
        raise UsageError(error.message) from None
    return text


def made(pipeline: Pipeline, criteria: Mapping[str, str]) -> Sequence[File]:
    """Return the files for a CI system, with the criteria in both, by the names of the settings."""
    return [
        File(path=pipeline.target, text=_pipeline_file(pipeline, criteria)),
        File(path=PROJECT_FILE, text=_settings_file(criteria)),
    ]


def _template(name: str) -> str:
    return (files("testery_gate") / "examples" / name).read_text(encoding="utf-8")


def _pipeline_file(pipeline: Pipeline, criteria: Mapping[str, str]) -> str:
    text = _template(pipeline.packaged)
    if pipeline.name == "github":
        inputs = "".join(
            f"          {name}: {json.dumps(value)}\n" for name, value in criteria.items()
        )
        return text.replace("git-ref: auto\n", f"git-ref: auto\n{inputs}")
    words = "".join(f", --{name}, {json.dumps(value)}" for name, value in criteria.items())
    text = text.replace("--git-ref, auto", f"--git-ref, auto{words}")
    flags = "".join(f" --{name} {value}" for name, value in criteria.items())
    if pipeline.name == "teamcity":
        flags = flags.replace("%", "%%")  # which reads %NAME% as a parameter
    return text.replace("--git-ref auto", f"--git-ref auto{flags}")


def _settings_file(criteria: Mapping[str, str]) -> str:
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in criteria.items())
    return f"{_template(PROJECT_FILE)}{lines}"
