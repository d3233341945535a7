"""Scripts of the examples in a folder like a pipeline's, against the stand-in API."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import Simulator, watched

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
TEMPLATE = ROOT / "templates" / "testery-gate.yml"
INSTALLED = ROOT / ".acceptance"
NPM = INSTALLED / "node_modules" / ".bin"
JENKINS = (
    # Its work is short: what Java does to run longer ones faster would take most of the time.
    *("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
    *("-cp", f"{NPM.parent}/npm-groovy-lint/lib/java/groovy/lib/*", "groovy.ui.GroovyMain"),
    str(Path(__file__).with_name("jenkins.groovy")),
)
"""What plays a Jenkinsfile, which is its next argument."""
LINTERS = INSTALLED / "linters" / "bin"
HELM = INSTALLED / "helm" / "helm"
KUBECTL = INSTALLED / "helm" / "kubectl"

COMMIT = "4f2c9d1e8b7a6c5d4e3f2a1b0c9d8e7f6a5b4c3d"
BUILD = "2024.7"
AGAIN = frozenset({ExitCode.UNAVAILABLE})
"""After which codes a try is repeated: at a timeout tests may have failed already."""

IMPATIENCE = {
    # In which even a busy machine starts the gate and asks once.
    "TESTERY_GATE_TIMEOUT": "5s",
    "TESTERY_GATE_OUTAGE_TOLERANCE": "1s",
    "TESTERY_GATE_APPEAR_WITHIN": "1s",
    # What is installed must do: an example that asks an index for another package fails.
    "PIP_NO_INDEX": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
}
"""Variables that a test sets beside an example's own, and that win over them."""

RUNS = {
    # Counts while the run lasts, its last phase, and how long it lasts.
    "passing": ("passed = 30", 'status = "PASS"', "0s"),
    "failing": ("passed = 27\nfailed = 3", 'status = "FAIL"', "0s"),
    "canceled": ("passed = 10", 'status = "CANCELED"', "0s"),
    "stuck": ("passed = 12", 'status = "RUNNING"', "0s"),
    "stuck with a failure": ("passed = 12\nfailed = 1", 'status = "RUNNING"', "0s"),
    "outage": ("passed = 30", 'status = "PASS"', "0s"),
    "unavailable": ("passed = 30", 'status = "PASS"', "0s"),
}

OUTAGES = {
    # Longer than the first try, over by the second.
    "outage": 'lasts = "6s"\n',
    "unavailable": "",
}


def pause(run: str) -> str:
    """How many seconds a pause between two tries really takes: an outage is over by then."""
    return "6" if run == "outage" else "0"


@contextmanager
def api(name: str, folder: Path, commit: str = COMMIT) -> Iterator[str]:
    """The address of an API that has one of the runs, which is about this commit, and the build."""
    counts, last, lasts = RUNS[name]
    scenario = (
        f'description = "{name}"\n'
        f'[[run]]\nenvironment = "staging"\ngit-ref = "{commit}"\nbuild-key = "{BUILD}"\n'
        f'[[run.phase]]\nstatus = "RUNNING"\ntotal = 30\n{counts}\nlasts = "{lasts}"\n'
        f"[[run.phase]]\n{last}\n"
    )
    if name in OUTAGES:
        fault = '[[fault]]\nkind = "answer"\ncode = 503\ntimes = "for-ever"\n'
        scenario += fault + OUTAGES[name]
    with served(scenario, folder) as url:
        yield url


@contextmanager
def served(scenario: str, folder: Path) -> Iterator[str]:
    """The address of an API that plays this scenario."""
    file = folder / "scenario.toml"
    file.write_text(scenario)
    with Simulator(load_scenario(str(file))) as simulator:
        yield simulator.url


@dataclass(frozen=True)
class Played:
    """What became of a script, and what it left behind."""

    code: int
    output: str
    folder: Path

    @property
    def pauses(self) -> Sequence[str]:
        """How long it wanted to pause, each time."""
        return self._lines("pauses")

    @property
    def annotation(self) -> str:
        """What Buildkite's agent was given."""
        return "\n".join(self._lines("annotation"))

    @property
    def deployed(self) -> bool:
        return (self.folder / "deployed").exists()

    def _lines(self, name: str) -> Sequence[str]:
        file = self.folder.parent / name
        return file.read_text().splitlines() if file.exists() else []


class Workspace:
    """A folder with a ``./deploy`` that says so, and programs that stand in for an agent's own."""

    def __init__(self, parent: Path) -> None:
        self.folder = parent / "workspace"
        self.programs = parent / "programs"
        for folder in (self.folder, self.programs):
            folder.mkdir()
        _script(self.folder / "deploy", "env | grep -v '^TESTERY_API_TOKEN=' >deployed")
        _script(self.programs / "sleep", f'echo "$*" >>"{parent}/pauses"\nexec /bin/sleep "$PAUSE"')
        _script(self.programs / "buildkite-agent", f'(echo "$*"; cat) >>"{parent}/annotation"')

    def environment(self, api_url: str | None, **variables: str) -> dict[str, str]:
        """The variables of an agent: those of its system, the secret, and impatience."""
        path = os.pathsep.join(
            map(str, (self.programs, Path(sys.executable).parent, NPM, os.environ["PATH"]))
        )
        return command.environment(api_url, **variables) | IMPATIENCE | {"PATH": path}

    def play(
        self, arguments: Sequence[str | Path], api_url: str | None, **variables: str
    ) -> Played:
        """Run a program in the folder to its end."""
        done = subprocess.run(
            arguments,
            cwd=self.folder,
            env=self.environment(api_url, **variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=command.LONGEST,
            check=False,
        )
        return Played(done.returncode, watched(done.stdout), self.folder)


def _script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@dataclass(frozen=True, kw_only=True)
class Steps:
    """The scripts of an example, to be run one after the other until one fails."""

    interpreter: Sequence[str]
    scripts: Sequence[str]
    variables: Mapping[str, str]

    def play(self, workspace: Workspace, api_url: str, **variables: str) -> Played:
        """Run them as the system does; what they print is put together."""
        output = ""
        played = Played(0, "", workspace.folder)
        for script in self.scripts:
            given = {**self.variables, **variables}
            played = workspace.play([*self.interpreter, script], api_url, **given)
            output += played.output
            if played.code:
                break
        return Played(played.code, output, workspace.folder)


def document(path: Path) -> Any:
    """A YAML file; the last document where there are several."""
    return list(yaml.safe_load_all(path.read_text()))[-1]


def azure() -> Steps:
    """The scripts of the Azure pipeline; the secret is mapped into the gate's step alone."""
    pipeline = document(EXAMPLES / "azure-pipelines.yml")
    steps = [step for step in pipeline["steps"] if "bash" in step]
    assert [step.get("env") for step in steps] == [
        None,
        {"TESTERY_API_TOKEN": "$(TESTERY_API_TOKEN)"},
        None,
    ]
    return Steps(
        interpreter=["bash", "--noprofile", "--norc", "-c"],
        scripts=[step["bash"] for step in steps],
        variables=pipeline["variables"],
    )


def circleci() -> Steps:
    """The scripts of the CircleCI jobs, in the order of the workflow."""
    config = document(EXAMPLES / "circleci" / "config.yml")
    first, second = config["workflows"]["release"]["jobs"]
    assert second == {"deploy": {"requires": [first]}}
    scripts = [
        step["run"] if isinstance(step["run"], str) else step["run"]["command"]
        for job in (first, "deploy")
        for step in config["jobs"][job]["steps"]
        if "run" in step
    ]
    return Steps(
        interpreter=["bash", "-eo", "pipefail", "-c"],
        scripts=scripts,
        variables=config["jobs"][first]["environment"],
    )


def bitbucket() -> Steps:
    """The scripts of the Bitbucket steps, a shell for each step."""
    pipeline = document(EXAMPLES / "bitbucket-pipelines.yml")
    steps = [entry["step"] for entry in pipeline["pipelines"]["branches"]["main"]]
    return Steps(
        interpreter=["bash", "-e", "-c"],
        scripts=["\n".join(step["script"]) for step in steps],
        variables={},
    )


def teamcity() -> Steps:
    """The scripts of the TeamCity steps; a dollar before a name would be Kotlin's."""
    settings = (EXAMPLES / "teamcity" / "settings.kts").read_text()
    scripts = [
        raw or plain
        for raw, plain in re.findall(
            r'scriptContent = (?:"""(.*?)"""|"(.*?)")', settings, re.DOTALL
        )
    ]
    assert not re.search(r"\$[A-Za-z_{]|%", "".join(scripts))
    variables = dict(re.findall(r'param\("env\.(\w+)", "(.*?)"\)', settings))
    return Steps(interpreter=["sh", "-c"], scripts=scripts, variables=variables)


def deploy_script() -> Steps:
    """The plain script."""
    return Steps(interpreter=["sh", "-c"], scripts=[f"exec {EXAMPLES / 'deploy.sh'}"], variables={})


def tekton(build: str = BUILD) -> Steps:
    """The script of the Tekton task; parameters reach it as variables alone."""
    task = document(EXAMPLES / "tekton" / "task.yml")
    [step] = task["spec"]["steps"]
    given = {"build-key": build} | {
        parameter["name"]: parameter["default"]
        for parameter in task["spec"]["params"]
        if "default" in parameter
    }
    assert "$(" not in step["script"]
    variables = {
        entry["name"]: re.sub(
            r"\$\(params\.([\w-]+)\)", lambda found: given[found[1]], entry["value"]
        )
        for entry in step["env"]
        if "value" in entry
    }
    assert step["script"].startswith("#!/bin/sh\n")
    return Steps(interpreter=["sh", "-c"], scripts=[step["script"]], variables=variables)


def harness(build: str = BUILD) -> Steps:
    """The command of the Harness step; expressions reach it as variables alone."""
    spec = document(EXAMPLES / "harness" / "step.yml")["step"]["spec"]
    assert spec["shell"] == "Sh"
    assert "<+" not in spec["command"]
    variables = dict(spec["envVariables"])
    assert variables.pop("TESTERY_API_TOKEN") == '<+secrets.getValue("testery_api_token")>'
    assert variables.pop("BUILD_KEY") == "<+pipeline.variables.build>"
    return Steps(
        interpreter=["sh", "-c"],
        scripts=[spec["command"]],
        variables=variables | {"BUILD_KEY": build},
    )


def flagger() -> Steps:
    """The command that the load tester runs when Flagger calls.

    It hands it to bash (fluxcd/flagger 1.44, pkg/loadtester/bash.go).
    """
    canary = document(EXAMPLES / "flagger" / "canary.yml")
    [webhook] = canary["spec"]["analysis"]["webhooks"]
    assert webhook["metadata"]["type"] == "bash"
    return Steps(interpreter=["bash", "-c"], scripts=[webhook["metadata"]["cmd"]], variables={})
