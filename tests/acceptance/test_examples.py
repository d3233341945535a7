"""Every example in docs/examples is played against the stand-in API, and checked by its schema.

What a system does itself, such as to repeat a job after some exit codes, is read from the example
and compared with the codes that deserve it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import yaml
from junitparser import JUnitXml

from testery_gate.errors import ExitCode
from tests.acceptance import command, playing
from tests.acceptance.playing import (
    AGAIN,
    BUILD,
    COMMIT,
    EXAMPLES,
    HELM,
    KUBECTL,
    LINTERS,
    NPM,
    TEMPLATE,
    Workspace,
)
from tests.canary import CANARY

pytestmark = pytest.mark.acceptance

IMAGE = "ghcr.io/testery-gate/testery-gate:1"

# Run, the code it ends with, whether it is tried again.
ENDINGS = [
    pytest.param("passing", ExitCode.PASSED, False, id="passing: deploys"),
    pytest.param("failing", ExitCode.FAILED, False, id="failing: stops at once"),
    pytest.param("canceled", ExitCode.INCONCLUSIVE, False, id="canceled: stops at once"),
    pytest.param("stuck", ExitCode.TIMED_OUT, False, id="timed out: stops at once"),
    pytest.param(
        "stuck with a failure",
        ExitCode.TIMED_OUT,
        False,
        id="timed out on a failure: stops at once",
    ),
    pytest.param("outage", ExitCode.PASSED, True, id="outage: deploys at the second try"),
    pytest.param("unavailable", ExitCode.UNAVAILABLE, True, id="unavailable: gives up later"),
]

SCRIPTS = [
    pytest.param(
        playing.azure,
        {"TF_BUILD": "True", "BUILD_SOURCEVERSION": COMMIT},
        "TEST-testery.xml",
        {
            "passing": "##vso[task.complete result=Succeeded",
            "failing": "##vso[task.complete result=Failed",
        },
        id="azure",
    ),
    pytest.param(
        playing.teamcity,
        {"TEAMCITY_VERSION": "2024.12", "BUILD_VCS_NUMBER": COMMIT},
        "TEST-testery.xml",
        {"passing": "##teamcity[buildStatus", "failing": "##teamcity[buildProblem"},
        id="teamcity",
    ),
    pytest.param(
        playing.circleci,
        {"CIRCLECI": "true", "CIRCLE_SHA1": COMMIT},
        "TEST-testery.xml",
        {"passing": "PASSED", "failing": "FAILED"},
        id="circleci",
    ),
    pytest.param(
        playing.bitbucket,
        {"BITBUCKET_BUILD_NUMBER": "7", "BITBUCKET_COMMIT": COMMIT},
        "test-results/TEST-testery.xml",
        {"passing": "PASSED", "failing": "FAILED"},
        id="bitbucket",
    ),
    pytest.param(
        playing.deploy_script,
        {"CIRCLECI": "true", "CIRCLE_SHA1": COMMIT},
        "TEST-testery.xml",
        {"failing": "tests fell short: not deployed", "canceled": "somebody must look"},
        id="deploy.sh",
    ),
]


@pytest.mark.parametrize(("run", "code", "repeats"), ENDINGS)
@pytest.mark.parametrize(("steps", "variables", "junit", "shows"), SCRIPTS)
def test_a_script_deploys_stops_or_tries_again(
    tmp_path: Path,
    steps: Callable[[], playing.Steps],
    variables: Mapping[str, str],
    junit: str,
    shows: Mapping[str, str],
    run: str,
    code: ExitCode,
    repeats: bool,
) -> None:
    workspace = Workspace(tmp_path)
    with playing.api(run, tmp_path) as url:
        given = {**variables, "AGENT_TEMPDIRECTORY": str(tmp_path), "PAUSE": playing.pause(run)}
        played = steps().play(workspace, url, **given)
    assert played.code == code, played.output
    assert played.deployed is (code is ExitCode.PASSED)
    assert set(played.pauses) == ({"60"} if repeats else set())
    assert shows.get(run, "") in played.output
    assert_reported(played.folder / junit, code)


@pytest.mark.parametrize(("steps", "variables", "junit", "shows"), SCRIPTS)
def test_a_script_does_not_deploy_on_the_run_of_another_commit(
    tmp_path: Path,
    steps: Callable[[], playing.Steps],
    variables: Mapping[str, str],
    junit: str,
    shows: Mapping[str, str],
) -> None:
    del shows
    with playing.api("passing", tmp_path, commit="0" * 40) as url:
        given = {**variables, "AGENT_TEMPDIRECTORY": str(tmp_path)}
        played = steps().play(Workspace(tmp_path), url, **given)
    assert played.code == ExitCode.NOT_FOUND, played.output
    assert not played.deployed
    assert_reported(played.folder / junit, ExitCode.NOT_FOUND)


@pytest.mark.parametrize(("steps", "variables", "junit", "shows"), SCRIPTS)
def test_a_file_of_the_change_under_test_loosens_nothing(
    tmp_path: Path,
    steps: Callable[[], playing.Steps],
    variables: Mapping[str, str],
    junit: str,
    shows: Mapping[str, str],
) -> None:
    del junit, shows
    workspace = Workspace(tmp_path)
    (workspace.folder / "testery-gate.toml").write_text(LOOSE)
    with playing.api("failing", tmp_path) as url:
        given = {**variables, "AGENT_TEMPDIRECTORY": str(tmp_path)}
        played = steps().play(workspace, url, **given)
    assert played.code == ExitCode.FAILED, played.output
    assert not played.deployed


def test_in_jenkins_and_buildkite_a_file_of_the_change_under_test_loosens_nothing(
    tmp_path: Path,
) -> None:
    """They start the gate in a checkout, as GitLab does where no variable says otherwise."""
    for text in ((EXAMPLES / "Jenkinsfile").read_text(), " ".join(buildkite_command())):
        assert text.count("--git-ref auto") == text.count("--git-ref auto --no-config") == 1
    assert "--no-config" in " ".join(gitlab_job(EXAMPLES / "gitlab" / ".gitlab-ci.yml")["script"])
    workspace = Workspace(tmp_path)
    (workspace.folder / "testery-gate.toml").write_text(LOOSE)
    ci = {"BUILDKITE": "true", "BUILDKITE_COMMIT": COMMIT}
    with playing.api("failing", tmp_path) as url:
        played = workspace.play([command.COMMAND, *buildkite_command()], url, **ci)
    assert played.code == ExitCode.FAILED, played.output


LOOSE = 'max-failed = "100%"\n'
"""A configuration file that lets any failure pass."""


@pytest.mark.parametrize(("run", "code", "repeats"), ENDINGS)
def test_the_jenkinsfile_is_unstable_on_1_and_failed_on_the_rest(
    tmp_path: Path, run: str, code: ExitCode, repeats: bool
) -> None:
    played = play_in_jenkins(tmp_path, run)
    build = json.loads(played.output.splitlines()[-1])
    results = {ExitCode.PASSED: "SUCCESS", ExitCode.FAILED: "UNSTABLE"}
    assert build["result"] == results.get(code, "FAILURE")
    assert build["slept"] == [60] * repeats
    assert build["tests"] == [{"testResults": "TEST-testery.xml", "allowEmptyResults": True}]
    assert build["images"] == [{"image": IMAGE, "args": "--entrypoint=", "reuseNode": True}]
    assert played.deployed is (code is ExitCode.PASSED)
    assert_reported(played.folder / "TEST-testery.xml", code)


def test_in_jenkins_a_failed_test_that_the_gate_tolerates_makes_no_build_unstable(
    tmp_path: Path,
) -> None:
    played = play_in_jenkins(tmp_path, "failing", TESTERY_GATE_MAX_FAILED="30")
    assert json.loads(played.output.splitlines()[-1])["result"] == "SUCCESS"
    assert played.deployed
    suites = JUnitXml.fromfile(str(played.folder / "TEST-testery.xml"))
    results = (result for suite in suites for case in suite for result in case.result)
    assert {type(result).__name__ for result in results} == {"Skipped"}


def play_in_jenkins(folder: Path, run: str, **variables: str) -> playing.Played:
    """Play the Jenkinsfile; the last line that is printed says what became of the build."""
    with playing.api(run, folder) as url:
        played = Workspace(folder).play(
            [*playing.JENKINS, str(EXAMPLES / "Jenkinsfile")],
            url,
            JENKINS_URL="https://jenkins.example/",
            GIT_COMMIT=COMMIT,
            PAUSE=playing.pause(run),
            **variables,
        )
    assert played.code == 0, played.output
    return played


@pytest.mark.parametrize("example", [".gitlab-ci.yml", "component.gitlab-ci.yml"])
@pytest.mark.parametrize(("run", "code"), [(run.values[0], run.values[1]) for run in ENDINGS[:2]])
def test_gitlab_hands_the_verdict_to_a_later_job(
    tmp_path: Path, example: str, run: str, code: ExitCode
) -> None:
    workspace = Workspace(tmp_path)
    repository = workspace.folder
    text = (EXAMPLES / "gitlab" / example).read_text()
    # A component comes from another project, which is not at hand; the file is the same.
    text, included = re.subn(
        "component: .*@1 .*$", "local: /templates/testery-gate.yml", text, flags=re.M
    )
    assert included == (example == "component.gitlab-ci.yml")
    (repository / ".gitlab-ci.yml").write_text(text)
    (repository / "templates").mkdir()
    (repository / "templates" / TEMPLATE.name).write_text(TEMPLATE.read_text())
    with playing.api(run, tmp_path, commit=committed(repository)) as url:
        played = workspace.play(
            [
                NPM / "gitlab-ci-local",
                # The jobs' image can't be had, and the shell has what it has.
                *("--shell-executor-no-image", "--force-shell-executor", "--shell-isolation"),
                *("--ignore-predefined-vars", "GITLAB_CI", "--variable", "GITLAB_CI=true"),
                *("--variable", f"TESTERY_API_URL={url}"),
                *("--variable", f"TESTERY_API_TOKEN={CANARY}"),
                # An example waits for longer than a test does.
                *("--variable", "TESTERY_GATE_TIMEOUT=20s"),
            ],
            None,
        )
    builds = repository / ".gitlab-ci-local" / "builds"
    assert (played.code == 0) is (code is ExitCode.PASSED), played.output
    assert re.search(r"testery_gate_[0-9a-f]+ took", played.output), "GitLab's section of the log"
    assert_reported(builds / "testery-gate" / "TEST-testery.xml", code)
    deployed = builds / "deploy" / "deployed"
    assert deployed.exists() is (code is ExitCode.PASSED)
    if deployed.exists():
        variables = dict(
            line.split("=", 1) for line in deployed.read_text().splitlines() if "=" in line
        )
        assert variables["TESTERY_GATE_OUTCOME"] == "passed"
        assert variables["TESTERY_GATE_EXIT_CODE"] == "0"
        assert "30 of 30 tests passed in https://testery.app/acme/test-runs/55676" in played.output
    else:
        assert f"FAIL {int(code)} " in played.output


def test_the_component_passes_its_inputs_on(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    repository = workspace.folder
    (repository / ".gitlab-ci.yml").write_text(
        "include:\n  - local: /templates/testery-gate.yml\n    inputs:\n"
        "      job-name: e2e\n      stage: verify\n      runs: '55676'\n      image: mine:2\n"
        "      require: |-\n        failed <= 10%\n        total >= 30\n"
        "      warn: ignored == 0\n      timeout: 20s\n"
        "      comment: failed\n      commit-status: 'true'\n"
        "stages: [verify]\n"
    )
    (repository / "templates").mkdir()
    (repository / "templates" / TEMPLATE.name).write_text(TEMPLATE.read_text())
    committed(repository)
    played = workspace.play([NPM / "gitlab-ci-local", "--preview"], None)
    job = yaml.safe_load(played.output[played.output.index("---\n") :])["e2e"]
    assert job["stage"] == "verify"
    assert job["image"] == {"name": "mine:2", "entrypoint": [""]}
    assert {name: value for name, value in job["variables"].items() if "TESTERY" in name} == {
        "TESTERY_GATE_REQUIRE": "failed <= 10%\ntotal >= 30",
        "TESTERY_GATE_WARN": "ignored == 0",
        "TESTERY_GATE_TIMEOUT": "20s",
        "TESTERY_GATE_CONFIG": "",
        "TESTERY_GATE_COMMENT": "failed",
        "TESTERY_GATE_COMMIT_STATUS": "true",
    }
    with playing.api("failing", tmp_path) as url:
        variables = {**job["variables"], "TESTERY_API_URL": url}
        played = workspace.play(["bash", "-c", "\n".join(job["script"])], url, **variables)
    assert played.code == 0, "3 of 30 failed tests pass by the criterion alone\n" + played.output


@pytest.mark.parametrize(
    ("config", "code"),
    [
        pytest.param("", ExitCode.FAILED, id="no file, whatever the change under test brings"),
        pytest.param("ours.toml", ExitCode.PASSED, id="the file that the input names"),
    ],
)
def test_the_component_reads_a_file_only_where_its_input_names_one(
    tmp_path: Path, config: str, code: ExitCode
) -> None:
    workspace = Workspace(tmp_path)
    (workspace.folder / "testery-gate.toml").write_text(LOOSE)
    (workspace.folder / "ours.toml").write_text(LOOSE)
    [job] = playing.document(TEMPLATE).values()
    assert job["variables"]["TESTERY_GATE_CONFIG"] == "$[[ inputs.config ]]"
    script = "\n".join(job["script"]).replace("$[[ inputs.runs ]]", "55676")
    with playing.api("failing", tmp_path) as url:
        played = workspace.play(["bash", "-ec", script], url, TESTERY_GATE_CONFIG=config)
    assert played.code == code, played.output


def committed(repository: Path) -> str:
    """Make the folder a repository, and return its commit."""
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.invalid"]
    for arguments in (["init", "-q"], ["add", "--all"], ["commit", "-qm", "Example"]):
        subprocess.run([*git, *arguments], cwd=repository, check=True)
    head = subprocess.run(
        [*git, "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True
    )
    return head.stdout.strip()


def gitlab_job(path: Path) -> Any:
    """The gate's job, in a file in which it is the one with an image."""
    return next(
        job for job in playing.document(path).values() if isinstance(job, dict) and "image" in job
    )


def repeated_by_gitlab(path: Path) -> frozenset[int]:
    retry = gitlab_job(path)["retry"]
    assert set(retry) == {"max", "exit_codes"}
    return frozenset(retry["exit_codes"])


def buildkite_step() -> Any:
    return playing.document(EXAMPLES / "buildkite" / "pipeline.yml")["steps"][0]


def buildkite_command() -> Sequence[str]:
    [[settings]] = [plugin.values() for plugin in buildkite_step()["plugins"]]
    return [str(word) for word in settings["command"]]


def test_the_systems_that_repeat_a_job_do_so_after_the_codes_that_deserve_it() -> None:
    assert repeated_by_gitlab(EXAMPLES / "gitlab" / ".gitlab-ci.yml") == AGAIN
    assert repeated_by_gitlab(TEMPLATE) == AGAIN
    rules = buildkite_step()["retry"]["automatic"]
    assert {rule["exit_status"] for rule in rules} == AGAIN
    assert all(rule["limit"] > 0 for rule in rules)


JOBS = ["kubernetes/job.yml", "argocd/presync.yml", "helm", "argo-rollouts", "spinnaker"]


@pytest.mark.parametrize("name", JOBS)
def test_a_kubernetes_job_is_repeated_after_the_codes_that_deserve_it(
    tmp_path: Path, name: str
) -> None:
    job = yaml.safe_load(manifest(name, tmp_path).read_text())
    assert job["spec"]["backoffLimit"] > 0
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    [container] = job["spec"]["template"]["spec"]["containers"]
    rules = job["spec"]["podFailurePolicy"]["rules"]
    for code in set(ExitCode) - {ExitCode.PASSED}:
        assert repeats(rules, container["name"], code) is (code in AGAIN), code


def repeats(rules: Sequence[Any], container: str, code: int) -> bool:
    """Whether Kubernetes would try again: the first rule that matches decides, else it does.

    Kubernetes documentation, "Pod failure policy".
    """
    for rule in rules:
        codes = rule.get("onExitCodes")
        if codes is None or codes["containerName"] != container:
            continue
        if (code in codes["values"]) is (codes["operator"] == "In"):
            return bool(rule["action"] != "FailJob")
    return True


@pytest.mark.parametrize("name", JOBS)
def test_the_deadline_of_a_kubernetes_job_is_longer_than_its_tries(
    tmp_path: Path, name: str
) -> None:
    spec = yaml.safe_load(manifest(name, tmp_path).read_text())["spec"]
    tries = spec["backoffLimit"] + 1
    # Kubernetes waits for 10 s before the second try and twice as long before each later one.
    pauses = sum(10 * 2**number for number in range(tries - 1))
    fetching = 120
    [container] = spec["template"]["spec"]["containers"]
    command_name, *arguments = words(container)
    assert command_name == "wait"
    timeout = seconds(one(arguments, "--timeout="))
    # What "wait" does where nothing else is said.
    outage_tolerance, appear_within = 300, 120
    assert max(outage_tolerance, appear_within) < timeout, "the timeout bounds both"
    assert tries * timeout + pauses + fetching <= spec["activeDeadlineSeconds"]
    assert spec["ttlSecondsAfterFinished"] >= 3600, "somebody has to read why"


def test_helm_waits_for_longer_than_the_deadline() -> None:
    values = (EXAMPLES / "helm" / "values.yaml").read_text()
    deadline = yaml.safe_load(values)["testeryGate"]["deadlineSeconds"]
    for text in (values, (EXAMPLES / "README.md").read_text()):
        [timeout] = re.findall(r"helm upgrade --timeout (\w+)", text)
        assert seconds(timeout) > deadline


def words(container: Mapping[str, Any]) -> Sequence[str]:
    """What the gate is given, by arguments or by a shell that starts it."""
    if "command" not in container:
        return [str(word) for word in container["args"]]
    shell, option, script = container["command"]
    assert (shell, option) == ("sh", "-c")
    execute, program, *arguments = shlex.split(script)
    assert (execute, program) == ("exec", "testery-gate")
    return arguments


def one(arguments: Sequence[str], option: str) -> str:
    [value] = [word.removeprefix(option) for word in arguments if word.startswith(option)]
    return value


def seconds(duration: str) -> int:
    assert duration.endswith("m")
    return 60 * int(duration.removesuffix("m"))


def manifest(name: str, folder: Path, build: str = BUILD) -> Path:
    """The Job of an example, for a deploy of this build, as the system's own tool makes it."""
    file = folder / "manifest.yml"
    if name == "helm":
        chart = EXAMPLES / "helm"
        made = checked([HELM, "template", "shop", chart, "--set-string", f"image.tag={build}"])
    elif name.startswith("argocd"):
        made = kustomized(folder, build)
    elif name == "argo-rollouts":
        made = yaml.safe_dump(analysed(build))
    elif name == "spinnaker":
        made = yaml.safe_dump(spinnaker_job(build))
    else:
        [how] = re.findall(r"^# +kubectl (set env .*?) \|", (EXAMPLES / name).read_text(), re.M)
        words = how.replace('"BUILD=$TAG"', f"BUILD={build}").split()
        made = checked([KUBECTL, *words], cwd=EXAMPLES / "kubernetes")
    file.write_text(made)
    return file


def kustomized(folder: Path, build: str) -> str:
    """The hook, where the Deployment is about this build."""
    copy = folder / "argocd"
    shutil.copytree(EXAMPLES / "argocd", copy, dirs_exist_ok=True)
    kustomization = copy / "kustomization.yml"
    text, changed = re.subn('newTag: ".*?"', f'newTag: "{build}"', kustomization.read_text())
    assert changed == 1, "a deploy changes one line"
    kustomization.write_text(text)
    container = {"name": "shop", "image": "registry.example/shop"}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop"},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    (copy / "deployment.yml").write_text(yaml.safe_dump(deployment))
    documents = list(yaml.safe_load_all(checked([KUBECTL, "kustomize", copy])))
    made = {document["kind"]: document for document in documents}
    assert set(made) == {"Deployment", "Job"}
    [deployed] = made["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert deployed["image"] == f"registry.example/shop:{build}"
    return yaml.safe_dump(made["Job"])


def analysed(build: str) -> Any:
    """The Job of the analysis, where the Rollout is about this build.

    Argo Rollouts puts the field of the Rollout into the argument, and the argument's value into the
    metric's strings (its documentation, "Analysis Template Arguments"; a field of the pod's
    template may have an index). The Job has a name of its own for each measurement.
    """
    template = playing.document(EXAMPLES / "argo-rollouts" / "analysis-template.yml")
    rollout = playing.document(EXAMPLES / "argo-rollouts" / "rollout.yml")
    [container] = rollout["spec"]["template"]["spec"]["containers"]
    container["image"] = re.sub(":[^:]*$", f":{build}", container["image"])
    [step, *_] = rollout["spec"]["strategy"]["canary"]["steps"]
    assert step["analysis"]["templates"] == [{"templateName": template["metadata"]["name"]}]
    [argument] = step["analysis"]["args"]
    value = rollout
    for part in re.split(r"[.\[\]]+", argument["valueFrom"]["fieldRef"]["fieldPath"]):
        value = value[int(part)] if isinstance(value, list) else value[part]
    assert template["spec"]["args"] == [{"name": argument["name"]}]
    [metric] = template["spec"]["metrics"]
    written = json.dumps(metric["provider"]["job"]["spec"])
    filled = written.replace("{{args." + argument["name"] + "}}", str(value))
    assert "{{" not in filled
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "e7f0"}}
    return {**job, "spec": json.loads(filled)}


def spinnaker_stage() -> Any:
    [stage] = json.loads((EXAMPLES / "spinnaker" / "pipeline.json").read_text())["stages"]
    return stage


def spinnaker_job(build: str) -> Any:
    """The Job of the stage, with the pipeline's parameter in it, and the name that it gets."""
    filled = json.dumps(spinnaker_stage()["manifest"]).replace("${parameters.build}", build)
    assert "${" not in filled
    job = json.loads(filled)
    job["metadata"]["name"] = job["metadata"].pop("generateName") + "x7c2p"
    return job


def container_arguments(container: Mapping[str, Any]) -> Sequence[str]:
    """The arguments as Kubernetes hands them over, each ``$(NAME)`` replaced."""
    values = variables_of(container)
    return [
        re.sub(r"\$\((\w+)\)", lambda found: values.get(found[1], found[0]), word)
        for word in container["args"]
    ]


def variables_of(container: Mapping[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}


# Run, code; all that the commands of containers are played with.
CONTAINER_ENDINGS = [
    pytest.param("passing", ExitCode.PASSED, id="passing"),
    pytest.param("failing", ExitCode.FAILED, id="failing"),
    pytest.param("stuck", ExitCode.TIMED_OUT, id="stuck"),
    pytest.param("unavailable", ExitCode.UNAVAILABLE, id="unavailable"),
]


@pytest.mark.parametrize(("run", "code"), CONTAINER_ENDINGS)
@pytest.mark.parametrize("name", JOBS)
def test_the_container_of_a_kubernetes_job_ends_with_the_verdict(
    tmp_path: Path, name: str, run: str, code: ExitCode
) -> None:
    job = yaml.safe_load(manifest(name, tmp_path).read_text())
    [container] = job["spec"]["template"]["spec"]["containers"]
    assert container["image"] == IMAGE
    assert words(container)[0] == "wait", "the image's entry point is the gate"
    assert {
        "name": "TESTERY_API_TOKEN",
        "valueFrom": {"secretKeyRef": {"name": "testery", "key": "api-token"}},
    } in container["env"]
    with playing.api(run, tmp_path) as url:
        played = play_job(job, tmp_path, url)
    assert played.code == code, played.output
    assert [path.name for path in played.folder.iterdir()] == ["deploy"], "it is read-only there"


def play_job(job: Any, folder: Path, url: str) -> playing.Played:
    """Run what the Job's container runs, with no more patience than a test has."""
    [container] = job["spec"]["template"]["spec"]["containers"]
    started = container.get("command") or [command.COMMAND, *container_arguments(container)]
    arguments = [re.sub("--timeout=[0-9a-z]+", "--timeout=5s", word) for word in started]
    return Workspace(folder).play(arguments, url, **variables_of(container))


OLD, NEW = "2024.6", BUILD

# What runs there are in the environment, the oldest first, as build, status; the code.
DEPLOYS = [
    pytest.param([(OLD, "PASS")], ExitCode.NOT_FOUND, id="only the old build's run"),
    pytest.param([(OLD, "PASS"), (NEW, "PASS")], ExitCode.PASSED, id="the new one's passed"),
    pytest.param([(OLD, "PASS"), (NEW, "FAIL")], ExitCode.FAILED, id="the new one's failed"),
    pytest.param([(NEW, "FAIL"), (OLD, "PASS")], ExitCode.FAILED, id="then the old one's passed"),
    pytest.param([(NEW, "PASS"), (OLD, "FAIL")], ExitCode.PASSED, id="then the old one's failed"),
]


def environment_with(runs: Sequence[tuple[str, str]], folder: Path) -> AbstractContextManager[str]:
    """The address of an API with these runs in staging, each of them finished for minutes."""
    scenario = 'description = "deploys"\n'
    for number, (build, status) in enumerate(runs):
        scenario += (
            f'[[run]]\nid = {1000 + number}\nenvironment = "staging"\nage = "{9 - number}m"\n'
            f'build-key = "{build}"\ngit-ref = "{commit_of(build)}"\n'
            f'[[run.phase]]\nstatus = "RUNNING"\ntotal = 3\n'
            + ("passed = 3\n" if status == "PASS" else "passed = 2\nfailed = 1\n")
            + f'lasts = "1m"\n[[run.phase]]\nstatus = "{status}"\n'
        )
    return playing.served(scenario, folder)


def commit_of(build: str) -> str:
    return hashlib.sha1(build.encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(("runs", "code"), DEPLOYS)
@pytest.mark.parametrize("name", JOBS)
def test_a_new_build_is_judged_by_its_own_run(
    tmp_path: Path, name: str, runs: Sequence[tuple[str, str]], code: ExitCode
) -> None:
    job = yaml.safe_load(manifest(name, tmp_path, NEW).read_text())
    with environment_with(runs, tmp_path) as url:
        played = play_job(job, tmp_path, url)
    assert played.code == code, played.output


@pytest.mark.parametrize(("runs", "code"), DEPLOYS)
def test_helm_finds_the_run_of_a_tag_that_is_a_commit(
    tmp_path: Path, runs: Sequence[tuple[str, str]], code: ExitCode
) -> None:
    given = ["--set-string", f"image.tag={commit_of(NEW)[:7]},testeryGate.tagIs=git-ref"]
    job = yaml.safe_load(checked([HELM, "template", "shop", EXAMPLES / "helm", *given]))
    with environment_with(runs, tmp_path) as url:
        played = play_job(job, tmp_path, url)
    assert played.code == code, played.output


def test_helm_judges_the_charts_own_version_where_no_tag_is_given(tmp_path: Path) -> None:
    chart = tmp_path / "helm"
    shutil.copytree(EXAMPLES / "helm", chart)
    job = yaml.safe_load(checked([HELM, "template", "shop", chart]))
    version = yaml.safe_load((chart / "Chart.yaml").read_text())["appVersion"]
    [container] = job["spec"]["template"]["spec"]["containers"]
    assert f"--build-key={version}" in container["args"]
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: example\nversion: 0.1.0\n")
    done = subprocess.run(
        [HELM, "template", "shop", chart], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode != 0
    assert "what is deployed?" in done.stderr


@pytest.mark.parametrize("file", [JOBS[0], JOBS[1]])
def test_a_job_that_is_applied_as_it_is_copied_passes_nothing(tmp_path: Path, file: str) -> None:
    job = yaml.safe_load((EXAMPLES / file).read_text())
    with environment_with([(OLD, "PASS"), (NEW, "PASS")], tmp_path) as url:
        played = play_job(job, tmp_path, url)
    assert played.code == ExitCode.NOT_FOUND, played.output


@pytest.mark.parametrize("name", JOBS)
def test_a_deploy_without_a_tag_passes_nothing(tmp_path: Path, name: str) -> None:
    job = yaml.safe_load(manifest(name, tmp_path, NEW).read_text())
    [container] = job["spec"]["template"]["spec"]["containers"]
    container["args"] = [word.replace(NEW, "") for word in container.get("args", [])]
    for entry in container["env"]:
        entry.update({"value": ""} if "value" in entry else {})
    with environment_with([(NEW, "PASS")], tmp_path) as url:
        played = play_job(job, tmp_path, url)
    assert played.code == ExitCode.USAGE, played.output


@pytest.mark.parametrize("name", JOBS)
def test_a_kubernetes_job_may_do_nothing_but_ask(tmp_path: Path, name: str) -> None:
    pod = yaml.safe_load(manifest(name, tmp_path).read_text())["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    [container] = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_no_example_takes_whatever_run_is_the_newest() -> None:
    files = [TEMPLATE, *(path for path in EXAMPLES.rglob("*") if path.is_file())]
    assert not [path for path in files if "--latest" in path.read_text() and path.suffix != ".md"]


@pytest.mark.parametrize(("run", "code"), CONTAINER_ENDINGS)
def test_buildkites_step_ends_with_the_verdict_and_an_annotation(
    tmp_path: Path, run: str, code: ExitCode
) -> None:
    step = buildkite_step()
    [[plugin]] = [list(plugin.items()) for plugin in step["plugins"]]
    name, settings = plugin
    assert name.startswith("docker#v5.")
    assert settings["image"] == IMAGE
    assert {"mount-buildkite-agent", "propagate-environment"} <= set(settings)
    workspace = Workspace(tmp_path)
    with playing.api(run, tmp_path) as url:
        played = workspace.play(
            [command.COMMAND, *settings["command"]],
            url,
            BUILDKITE="true",
            BUILDKITE_COMMIT=COMMIT,
        )
    assert played.code == code, played.output
    assert_reported(played.folder / step["artifact_paths"], code)
    styles = {ExitCode.PASSED: "success", ExitCode.FAILED: "error"}
    assert f"annotate --style {styles.get(code, 'warning')} " in played.annotation


def assert_reported(report: Path, code: ExitCode) -> None:
    """The report that the example shows to people says what the exit code says."""
    gate = next(iter(JUnitXml.fromfile(str(report))))
    found = {type(result).__name__ for case in gate for result in case.result}
    assert found == {
        ExitCode.PASSED: set(),
        ExitCode.FAILED: {"Failure"},
    }.get(code, {"Error"})


SCHEMAS = [
    pytest.param("gitlab-ci", EXAMPLES / "gitlab" / ".gitlab-ci.yml", id="gitlab"),
    pytest.param("gitlab-ci", EXAMPLES / "gitlab" / "component.gitlab-ci.yml", id="component"),
    pytest.param("azure-pipelines", EXAMPLES / "azure-pipelines.yml", id="azure"),
    pytest.param("buildkite", EXAMPLES / "buildkite" / "pipeline.yml", id="buildkite"),
    pytest.param("circle-ci", EXAMPLES / "circleci" / "config.yml", id="circleci"),
    pytest.param("bitbucket-pipelines", EXAMPLES / "bitbucket-pipelines.yml", id="bitbucket"),
]


@pytest.mark.parametrize(("schema", "path"), SCHEMAS)
def test_an_example_has_the_form_that_its_system_publishes(schema: str, path: Path) -> None:
    # The schemas have patterns that only the older of the regular expressions' modes knows.
    modes = ["--regex-variant", "nonunicode"]
    checked([LINTERS / "check-jsonschema", *modes, "--builtin-schema", f"vendor.{schema}", path])


def test_the_component_has_the_form_of_a_pipeline(tmp_path: Path) -> None:
    inputs, job = yaml.safe_load_all(TEMPLATE.read_text())
    assert all(
        {"description", "default"} == set(told) for told in inputs["spec"]["inputs"].values()
    )
    file = tmp_path / "job.yml"
    file.write_text(yaml.safe_dump(job))
    checked([LINTERS / "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", file])


@pytest.mark.parametrize("name", JOBS)
def test_kubernetes_knows_every_field_of_a_job(tmp_path: Path, name: str) -> None:
    checked([LINTERS / "kubernetes-validate", "--strict", manifest(name, tmp_path)])


def test_the_hooks_come_before_a_deploy(tmp_path: Path) -> None:
    argo = yaml.safe_load(manifest("argocd/presync.yml", tmp_path).read_text())
    assert argo["metadata"]["annotations"] == {
        "argocd.argoproj.io/hook": "PreSync",
        "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
    }
    helm = yaml.safe_load(manifest("helm", tmp_path).read_text())
    assert helm["metadata"]["annotations"] == {
        "helm.sh/hook": "pre-install,pre-upgrade",
        "helm.sh/hook-delete-policy": "before-hook-creation",
    }
    assert helm["metadata"]["name"] == "shop-testery-gate"


def test_helm_has_nothing_against_the_chart() -> None:
    checked([HELM, "lint", "--strict", EXAMPLES / "helm"])


def test_shellcheck_has_nothing_against_the_script() -> None:
    checked([LINTERS / "shellcheck", EXAMPLES / "deploy.sh"])


@pytest.mark.parametrize(
    ("steps", "shell"),
    [
        pytest.param(playing.azure, "bash", id="azure"),
        pytest.param(playing.circleci, "bash", id="circleci"),
        pytest.param(playing.bitbucket, "bash", id="bitbucket"),
        pytest.param(playing.teamcity, "sh", id="teamcity"),
    ],
)
def test_shellcheck_has_nothing_against_the_steps(
    tmp_path: Path, steps: Callable[[], playing.Steps], shell: str
) -> None:
    files = {tmp_path / f"{number}.sh": script for number, script in enumerate(steps().scripts)}
    for file, script in files.items():
        file.write_text(script)
    checked([LINTERS / "shellcheck", f"--shell={shell}", *files])


def test_the_groovy_linter_has_nothing_against_what_jenkins_reads(tmp_path: Path) -> None:
    # It writes beside what it reads.
    for name in ("Jenkinsfile", "jenkins/Jenkinsfile", "jenkins/vars/testeryGate.groovy"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((EXAMPLES / name).read_text())
    options = ["--noserver", "--config", "recommended-jenkinsfile", "--failon", "info"]
    said = checked([NPM / "npm-groovy-lint", *options], cwd=tmp_path)
    assert re.search(r"\D3\S* linted files", said)


def test_the_teamcity_settings_are_kotlin() -> None:
    """The settings' own library can't be had, so names and types are not checked."""
    parse = (
        "import sys, tree_sitter as t, tree_sitter_kotlin as k\n"
        "tree = t.Parser(t.Language(k.language())).parse(sys.stdin.buffer.read())\n"
        "sys.exit(tree.root_node.has_error)"
    )
    settings = (EXAMPLES / "teamcity" / "settings.kts").read_bytes()
    for text, code in ((settings, 0), (settings.replace(b"({", b"({{", 1), 1)):
        python = str(LINTERS / "python")
        done = subprocess.run([python, "-c", parse], input=text, check=False)
        assert done.returncode == code


def test_the_examples_name_one_image_and_no_token() -> None:
    files = [TEMPLATE, *(path for path in EXAMPLES.rglob("*") if path.is_file())]
    texts = [path.read_text() for path in files]
    images = {image for text in texts for image in re.findall(r"ghcr\.io/[^\s'\"`]+", text)}
    assert {image for image in images if "testery-gate" in image} == {IMAGE}
    assert not any(CANARY in text for text in texts)


def test_the_index_leads_to_every_example() -> None:
    index = (EXAMPLES / "README.md").read_text()
    links = re.findall(r"\]\(([^)#]+)\)", index)
    assert not [link for link in links if not (EXAMPLES / link).exists()]
    assert not [path.name for path in EXAMPLES.iterdir() if path.name not in index + "README.md"]


def checked(arguments: Sequence[str | Path], cwd: Path = EXAMPLES) -> str:
    """Run a checker that must have nothing to say against it, and return what it prints."""
    done = subprocess.run(
        arguments,
        cwd=cwd,
        env={**os.environ, "PATH": f"{NPM}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
