"""A job as GitHub's runner runs it: steps, composite actions, shells, files and log commands.

Sources: GitHub's documentation, "Workflow syntax", "Metadata syntax" and "Workflow commands";
actions/runner (ScriptHandler.cs, CompositeActionHandler.cs) for what these leave open. A name
that does not exist is an error here, where GitHub would take it for an empty text.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import yaml

from tests.action.expressions import condition, template
from tests.ci.readers import Command, github, github_file, lines_of

ROOT = Path(__file__).parents[2]
LONGEST = 240
"""Seconds after which a step that did not end is a failure of the test."""
SUMMARY_LIMIT = 1_048_576
"""Bytes; a step's larger summary is dropped."""
ANNOTATIONS = 10
"""How many of each kind a step can have."""

_SHELLS: Mapping[str | None, Sequence[str]] = {
    None: ("bash", "-e"),
    "bash": ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail"),
}

Action = Mapping[str, Any]
Step = Mapping[str, Any]


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a workflow or an action."""
    read: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


@dataclass(kw_only=True)
class Done:
    """What became of a step."""

    outcome: str
    conclusion: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    codes: Sequence[int] = ()
    """The exit codes of the scripts that ran, an action's in their order."""
    log: str = ""
    summary: str = ""

    @property
    def code(self) -> int:
        """The exit code of the last script."""
        return self.codes[-1]

    @property
    def commands(self) -> Sequence[Command]:
        return github(self.log)

    @property
    def annotations(self) -> Sequence[Command]:
        """Errors, warnings and notices, as many of each as GitHub keeps."""
        kinds = ("error", "warning", "notice")
        return [c for kind in kinds for c in self._called(kind)[:ANNOTATIONS]]

    @property
    def shown(self) -> str:
        """The log as people see it, with what is masked hidden from its masking on."""
        shown, secrets = [], set[str]()
        for line in lines_of(self.log):
            secrets |= {command.data for command in github(line) if command.name == "add-mask"}
            for secret in secrets:
                line = line.replace(secret, "***")
            shown.append(line)
        return "\n".join(shown)

    def _called(self, name: str) -> Sequence[Command]:
        return [command for command in self.commands if command.name == name]


@dataclass(kw_only=True)
class Job:
    """Runs the steps of a job one after the other, on a machine of its own as far as folders go."""

    folder: Path
    machine: Mapping[str, str]
    """The environment of the runner's process."""
    actions: Callable[[str], Path | None]
    """Where the action is that a ``uses:`` names; ``None`` for one that does nothing here."""
    shell: str | None = None
    """The shell of steps that name none."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    """The job's own, which it may do with what its permissions say."""
    env: dict[str, str] = field(default_factory=dict)
    failed: bool = False
    steps: dict[str, Done] = field(default_factory=dict)
    """What became of the steps that have an id."""
    given: dict[str, str] = field(default_factory=dict)
    """What steps put into the environment of those that follow."""
    paths: list[str] = field(default_factory=list)
    """What steps put on the PATH of those that follow."""
    scripts: list[int] = field(default_factory=list)
    """The process of each script that ran, which leads a group of its own."""

    def __enter__(self) -> Self:
        self.workspace.mkdir(parents=True)
        self.temporary.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        """End what the scripts left running, as the runner does at a job's end."""
        for group in self.scripts:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    @property
    def workspace(self) -> Path:
        return self.folder / "work space"

    @property
    def temporary(self) -> Path:
        return self.folder / "temp"

    @property
    def tool_cache(self) -> Path:
        """Where programs are that an image brings beside those on PATH; empty."""
        return self.folder / "tool cache"

    def log(self, number: int) -> Path:
        """Where a script's output goes; the first has the number 1."""
        return self.temporary / f"log {number}"

    def run(self, steps: Sequence[Step]) -> Sequence[Done]:
        """Run the steps, and return what became of each."""
        all_done = []
        for step in steps:
            done = self._step(step, self._contexts(self.steps, failed=self.failed), self.env)
            self.failed |= done.conclusion == "failure"
            if "id" in step:
                self.steps[step["id"]] = done
            all_done.append(done)
        return all_done

    def _contexts(
        self, steps: Mapping[str, Done], *, failed: bool, **others: Any
    ) -> dict[str, Any]:
        told = {
            name: {"outputs": _Lenient(s.outputs), "outcome": s.outcome, "conclusion": s.conclusion}
            for name, s in steps.items()
        }
        return {
            "steps": told,
            "secrets": self.secrets,
            "env": self.env,
            "runner": {"temp": str(self.temporary), "os": "Linux"},
            "success": lambda: not failed,
            "failure": lambda: failed,
            "always": lambda: True,
            **others,
        }

    def _step(self, step: Step, contexts: dict[str, Any], env: Mapping[str, str]) -> Done:
        if not condition(str(step.get("if", "success()")), contexts):
            return Done(outcome="skipped", conclusion="skipped")
        env = {**env, **_filled(step.get("env", {}), contexts)}
        done = (
            self._use(step["uses"], _filled(step.get("with", {}), contexts), env)
            if "uses" in step
            else self._script(template(step["run"], contexts), step.get("shell", self.shell), env)
        )
        if step.get("continue-on-error", False):
            done.conclusion = "success"
        return done

    def _use(self, name: str, given: Mapping[str, str], env: Mapping[str, str]) -> Done:
        path = self.actions(name)
        if path is None:
            return Done(outcome="success", conclusion="success")
        action = read_yaml(path / "action.yml")
        assert action["runs"]["using"] == "composite"
        unknown = given.keys() - action["inputs"].keys()
        assert not unknown, f"unexpected inputs {unknown}"
        github = {"token": self.token}
        inputs = {
            key: given.get(key, template(str(about.get("default", "")), {"github": github}))
            for key, about in action["inputs"].items()
        }
        env = {**env, "GITHUB_ACTION_PATH": str(path)}
        steps: dict[str, Done] = {}
        all_done: list[Done] = []
        for step in action["runs"]["steps"]:
            # A composite action has no secrets, and its own steps only.
            failed = any(done.conclusion == "failure" for done in all_done)
            contexts = self._contexts(steps, failed=failed, inputs=inputs, secrets={})
            done = self._step(step, contexts, env)
            all_done.append(done)
            if "id" in step:
                steps[step["id"]] = done
        contexts = self._contexts(steps, failed=False, inputs=inputs)
        outcome = "failure" if any(d.conclusion == "failure" for d in all_done) else "success"
        return Done(
            outcome=outcome,
            conclusion=outcome,
            outputs={
                key: template(about["value"], contexts) for key, about in action["outputs"].items()
            },
            codes=[code for done in all_done for code in done.codes],
            log="".join(done.log for done in all_done),
            summary="".join(done.summary for done in all_done),
        )

    def _script(self, text: str, shell: str | None, env: Mapping[str, str]) -> Done:
        number = len(self.scripts) + 1
        script = self.temporary / f"script {number}.sh"
        script.write_text(text, encoding="utf-8")
        files = {
            name: self.temporary / f"{name} {number}"
            for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
        }
        for path in files.values():
            path.touch()
        environment = {
            **self.machine,
            **self.given,
            **env,
            **{name: str(path) for name, path in files.items()},
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(self.temporary),
            "RUNNER_TOOL_CACHE": str(self.tool_cache),
        }
        environment["PATH"] = os.pathsep.join([*reversed(self.paths), environment["PATH"]])
        log = self.log(number)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*_SHELLS[shell], str(script)],
                cwd=self.workspace,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
            self.scripts.append(process.pid)
            code = process.wait(LONGEST)
        told = {name: path.read_bytes().decode() for name, path in files.items()}
        self.given |= github_file(told["GITHUB_ENV"])
        self.paths += filter(None, lines_of(told["GITHUB_PATH"]))
        outcome = "failure" if code else "success"
        fits = files["GITHUB_STEP_SUMMARY"].stat().st_size <= SUMMARY_LIMIT
        return Done(
            outcome=outcome,
            conclusion=outcome,
            outputs=github_file(told["GITHUB_OUTPUT"]),
            codes=[code],
            log=log.read_bytes().decode(),
            summary=told["GITHUB_STEP_SUMMARY"] if fits else "",
        )


def _filled(values: Mapping[str, Any], contexts: dict[str, Any]) -> dict[str, str]:
    """Fill in what a mapping of the workflow says; numbers and truth values become texts."""
    return {
        name: template(str(value).lower() if isinstance(value, bool) else str(value), contexts)
        for name, value in values.items()
    }


class _Lenient(dict[str, str]):
    """Outputs, of which a step need not set any."""

    def __missing__(self, _: str) -> str:
        return ""
