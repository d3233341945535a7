"""The examples for systems that roll out, and for pipelines that share the gate, are played too.

What their systems do with an exit code was read in their documentation and source, which each test
names. Jobs are played with those of Kubernetes, in test_examples.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from junitparser import JUnitXml

from testery_gate.errors import ExitCode
from tests.acceptance import playing
from tests.acceptance.playing import BUILD, COMMIT, EXAMPLES, KUBECTL, LINTERS, Workspace
from tests.acceptance.test_examples import (
    ENDINGS,
    IMAGE,
    NEW,
    OLD,
    analysed,
    assert_reported,
    checked,
    environment_with,
    spinnaker_stage,
)
from tests.action.jobs import NAME, new_job, prepare
from tests.action.runner import ROOT, Done, read_yaml
from tests.canary import CANARY

pytestmark = pytest.mark.acceptance

SYSTEMS = ROOT / "tests" / "data" / "systems"

SOME = [ENDINGS[number] for number in (0, 1, 3, 5)]
"""Passed, failed, timed out, and an outage: those that a script tells apart."""

SCRIPTS = [
    pytest.param(playing.tekton, id="tekton"),
    pytest.param(playing.harness, id="harness"),
]


@pytest.mark.parametrize(("run", "code", "repeats"), SOME)
@pytest.mark.parametrize("steps", SCRIPTS)
def test_a_step_ends_with_the_verdict_and_tries_again_after_4_alone(
    tmp_path: Path, steps: Callable[[], playing.Steps], run: str, code: ExitCode, repeats: bool
) -> None:
    with playing.api(run, tmp_path) as url:
        played = steps().play(Workspace(tmp_path), url, PAUSE=playing.pause(run))
    assert played.code == code, played.output
    assert set(played.pauses) == ({"60"} if repeats else set())


@pytest.mark.parametrize(
    ("build", "code"),
    [
        pytest.param("2024.8", ExitCode.NOT_FOUND, id="another build"),
        pytest.param("", ExitCode.USAGE, id="none"),
        # What Harness makes of a variable that is not there.
        pytest.param("null", ExitCode.NOT_FOUND, id="null"),
        pytest.param("$(touch deployed)", ExitCode.NOT_FOUND, id="a command"),
        pytest.param("' --build-key=2024.7", ExitCode.NOT_FOUND, id="an option"),
    ],
)
@pytest.mark.parametrize("steps", SCRIPTS)
def test_a_step_judges_the_build_that_it_is_given(
    tmp_path: Path, steps: Callable[[str], playing.Steps], build: str, code: ExitCode
) -> None:
    with playing.api("passing", tmp_path) as url:
        played = steps(build).play(Workspace(tmp_path), url)
    assert played.code == code, played.output
    assert not played.deployed


@pytest.mark.parametrize("steps", SCRIPTS)
def test_a_file_that_lies_about_loosens_nothing(
    tmp_path: Path, steps: Callable[[], playing.Steps]
) -> None:
    workspace = Workspace(tmp_path)
    (workspace.folder / "testery-gate.toml").write_text('max-failed = "100%"\n')
    with playing.api("failing", tmp_path) as url:
        played = steps().play(workspace, url)
    assert played.code == ExitCode.FAILED, played.output


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(playing.tekton, id="tekton"),
        pytest.param(playing.harness, id="harness"),
        pytest.param(playing.flagger, id="flagger"),
    ],
)
def test_shellcheck_has_nothing_against_the_scripts(
    tmp_path: Path, steps: Callable[[], playing.Steps]
) -> None:
    played = steps()
    [script] = played.scripts
    file = tmp_path / "script.sh"
    file.write_text(script)
    checked([LINTERS / "shellcheck", f"--shell={played.interpreter[0]}", file])


def test_tekton_and_harness_wait_for_longer_than_the_gate() -> None:
    """Two tries, the minute between, and the time in which a pod starts.

    Tekton's own limit of a TaskRun, and of a PipelineRun, is 60 minutes (its documentation,
    "Configuring a failure timeout"): a pipeline needs more.
    """
    [step] = task()["spec"]["steps"]
    [wait] = [entry["value"] for entry in step["env"] if entry["name"] == "TESTERY_GATE_TIMEOUT"]
    tries = 2 * minutes(wait) + 1
    assert tries < minutes(step["timeout"]) < 60
    gate, deploy = pipeline()["spec"]["tasks"]
    assert minutes(step["timeout"]) < minutes(gate["timeout"])
    assert "retries" not in gate
    assert deploy["runAfter"] == [gate["name"]]
    assert gate["taskRef"] == {"name": task()["metadata"]["name"]}
    harness = playing.document(EXAMPLES / "harness" / "step.yml")["step"]
    assert 2 * minutes(harness["spec"]["envVariables"]["TESTERY_GATE_TIMEOUT"]) + 5 < minutes(
        harness["timeout"]
    )
    [strategy] = harness["failureStrategies"]
    assert strategy["onFailure"]["action"] == {"type": "Abort"}


def minutes(duration: str) -> int:
    number, unit = int(duration[:-1]), duration[-1]
    return number * {"m": 1, "h": 60}[unit]


def task() -> Any:
    return playing.document(EXAMPLES / "tekton" / "task.yml")


def pipeline() -> Any:
    return playing.document(EXAMPLES / "tekton" / "pipeline.yml")


def test_spinnaker_waits_and_stops_the_pipeline() -> None:
    """It waits for 2 hours where no timeout is given, and stops at a Job that failed.

    spinnaker/spinnaker 2026.1, orca: WaitOnJobCompletion; clouddriver: KubernetesJobStatus.
    """
    stage = spinnaker_stage()
    assert (stage["failPipeline"], stage["continuePipeline"]) == (True, False)
    assert "stageTimeoutMs" not in stage
    assert stage["manifest"]["spec"]["activeDeadlineSeconds"] < 2 * 3600
    assert stage["account"] == stage["credentials"]
    # A Job with a name takes the place of the one before, also while that one runs.
    assert "name" not in stage["manifest"]["metadata"]


@pytest.mark.parametrize(
    ("image", "code"),
    [
        pytest.param("registry.example:5000/shop", ExitCode.NOT_FOUND, id="no tag"),
        pytest.param("shop", ExitCode.NOT_FOUND, id="only a name"),
        pytest.param(f"shop:{BUILD}@sha256:0123456789abcdef", ExitCode.NOT_FOUND, id="a digest"),
        pytest.param("", ExitCode.USAGE, id="none"),
        pytest.param("registry.example:5000/shop:" + BUILD, ExitCode.PASSED, id="a port"),
    ],
)
def test_argo_rollouts_and_flagger_judge_the_tag_of_the_image(
    tmp_path: Path, image: str, code: ExitCode
) -> None:
    [container] = analysed(BUILD)["spec"]["template"]["spec"]["containers"]
    with playing.api("passing", tmp_path) as url:
        workspace = Workspace(tmp_path)
        argo = workspace.play(container["command"], url, IMAGE=image)
        flagger = called(workspace, url, image)
    assert (argo.code, flagger.code) == (code, code), argo.output + flagger.output


FLAGGER_ENDINGS = [
    pytest.param([(OLD, "PASS")], ExitCode.NOT_FOUND, id="only the old build's run"),
    pytest.param([(OLD, "PASS"), (NEW, "PASS")], ExitCode.PASSED, id="the new one's passed"),
    pytest.param([(OLD, "PASS"), (NEW, "FAIL")], ExitCode.FAILED, id="the new one's failed"),
    pytest.param([(NEW, "FAIL"), (NEW, "PASS")], ExitCode.PASSED, id="the tests ran again"),
]


@pytest.mark.parametrize(("runs", "code"), FLAGGER_ENDINGS)
def test_flagger_rolls_out_once_the_builds_run_has_passed(
    tmp_path: Path, runs: list[tuple[str, str]], code: ExitCode
) -> None:
    """The load tester's status is 200 after 0, and 500 after all else.

    fluxcd/flagger 1.44, pkg/loadtester/server.go. Flagger asks a confirm-rollout hook again at each
    interval, and starts nothing before it has an answer up to 202: pkg/controller/webhook.go,
    scheduler_hooks.go.
    """
    with environment_with(runs, tmp_path) as url:
        played = called(Workspace(tmp_path), url, f"registry.example/shop:{NEW}")
    assert played.code == code, played.output


@pytest.mark.parametrize(
    ("run", "code"),
    [("stuck", ExitCode.TIMED_OUT), ("unavailable", ExitCode.UNAVAILABLE)],
)
def test_flagger_is_answered_while_the_tests_run_and_in_an_outage(
    tmp_path: Path, run: str, code: ExitCode
) -> None:
    with playing.api(run, tmp_path) as url:
        played = called(Workspace(tmp_path), url, f"registry.example/shop:{BUILD}")
    assert played.code == code, played.output


def test_flagger_holds_where_the_deployment_cannot_be_read(tmp_path: Path) -> None:
    with playing.api("passing", tmp_path) as url:
        workspace = Workspace(tmp_path)
        script(workspace.programs / "kubectl", "echo forbidden >&2; exit 1")
        played = playing.flagger().play(workspace, url)
    assert played.code == 1
    assert "testery" not in played.output.lower(), "the gate was not asked"


def test_flagger_holds_where_another_build_has_come_meanwhile(tmp_path: Path) -> None:
    with playing.api("passing", tmp_path) as url:
        workspace = Workspace(tmp_path)
        counted = f'echo >>"{tmp_path}/asked"; wc -l <"{tmp_path}/asked"'
        script(
            workspace.programs / "kubectl", f'[ "$({counted})" = 1 ] && echo s:{BUILD} || echo s:9'
        )
        played = playing.flagger().play(workspace, url)
    assert played.code == 1
    assert "PASSED" in played.output, "the build that was there passed"


def called(workspace: Workspace, url: str, image: str) -> playing.Played:
    """Run the webhook's command where the Deployment has this image.

    kubectl itself reads the field, out of a file in place of the cluster.
    """
    canary = playing.document(EXAMPLES / "flagger" / "canary.yml")
    name = canary["spec"]["targetRef"]["name"]
    containers = [{"name": "sidecar", "image": "mesh:3"}, {"name": name, "image": image}]
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": containers}}},
    }
    file = workspace.programs / "deployment.json"
    file.write_text(json.dumps(deployment))
    script(
        workspace.programs / "kubectl",
        f'[ "$#" = 4 ] && [ "$1 $2 $3" = "get deployment {name}" ] || exit 64\n'
        f'HOME=/ exec "{KUBECTL}" patch --local --filename="{file}" --patch="{{}}" "$4"',
    )
    return playing.flagger().play(workspace, url)


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_flaggers_service_is_reached_by_flagger_alone_and_may_only_read() -> None:
    documents = list(yaml.safe_load_all((EXAMPLES / "flagger" / "testery-gate.yml").read_text()))
    made = {document["kind"]: document for document in documents}
    canary = playing.document(EXAMPLES / "flagger" / "canary.yml")
    [webhook] = canary["spec"]["analysis"]["webhooks"]
    service = made["Service"]["metadata"]
    assert webhook["url"] == f"http://{service['name']}.{service['namespace']}/"
    # The load tester waits for longer than Flagger, and Flagger for longer than the gate, which
    # ends after 30 s without an API. A repeated call would find nothing else.
    assert "retries" not in webhook
    pod = made["Deployment"]["spec"]["template"]
    [container] = pod["spec"]["containers"]
    [longest] = [word for word in container["args"] if word.startswith("-timeout=")]
    assert 1 < minutes(webhook["timeout"]) < minutes(longest.removeprefix("-timeout="))
    for selector in (
        made["Service"]["spec"]["selector"],
        made["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector == pod["metadata"]["labels"]
    [rule] = made["Role"]["rules"]
    assert (rule["verbs"], rule["resourceNames"]) == (
        ["get"],
        [canary["spec"]["targetRef"]["name"]],
    )
    assert made["RoleBinding"]["roleRef"]["name"] == made["Role"]["metadata"]["name"]
    assert {document["metadata"]["namespace"] for document in [*documents, canary]} == {"shop"}
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    checked(
        [LINTERS / "kubernetes-validate", "--strict", EXAMPLES / "flagger" / "testery-gate.yml"]
    )


def test_hadolint_has_nothing_against_flaggers_image() -> None:
    checked([LINTERS / "hadolint", EXAMPLES / "flagger" / "Dockerfile"])


SCHEMAS = [
    pytest.param("analysis-template", "argo-rollouts/analysis-template.yml", id="analysis"),
    pytest.param("rollout", "argo-rollouts/rollout.yml", id="rollout"),
    pytest.param("canary", "flagger/canary.yml", id="canary"),
    pytest.param("task", "tekton/task.yml", id="task"),
    pytest.param("pipeline", "tekton/pipeline.yml", id="pipeline"),
    pytest.param("container-step", "harness/step.yml", id="harness"),
    pytest.param("run-job-manifest", "spinnaker/pipeline.json", id="spinnaker"),
]


@pytest.mark.parametrize(("schema", "example"), SCHEMAS)
def test_an_example_has_the_fields_that_its_system_knows(schema: str, example: str) -> None:
    known = yaml.safe_load((SYSTEMS / f"{schema}.yml").read_text())
    validator = jsonschema.Draft7Validator(known)
    validator.check_schema(known)
    written = playing.document(EXAMPLES / example)
    assert [error.message for error in validator.iter_errors(written)] == []
    for where, changed in misspelt(written):
        assert list(validator.iter_errors(changed)), f"{where} may be misspelt"


def misspelt(written: Any) -> list[tuple[str, Any]]:
    """The document with another name for one of its fields, for each field near the top."""
    made = []
    for path in fields(written, 3):
        copy = json.loads(json.dumps(written))
        place = copy
        for part in path[:-1]:
            place = place[part]
        place[f"{path[-1]}x"] = place.pop(path[-1])
        made.append((".".join(map(str, path)), copy))
    return made


def fields(value: Any, depth: int) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    if depth and isinstance(value, dict):
        for name, inner in value.items():
            found += [(name,), *((name, *path) for path in fields(inner, depth - 1))]
    return [path for path in found if path[0] != "metadata" or len(path) == 1]


def test_tekton_starts_the_image_as_nobody_in_particular() -> None:
    [step] = task()["spec"]["steps"]
    assert step["image"] == IMAGE
    assert step["securityContext"] == {
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert {
        "name": "TESTERY_API_TOKEN",
        "valueFrom": {"secretKeyRef": {"name": "testery", "key": "api-token"}},
    } in step["env"]


# Jenkins


@pytest.mark.parametrize(("run", "code", "repeats"), SOME)
def test_the_shared_step_fails_the_build_after_all_but_0(
    tmp_path: Path, run: str, code: ExitCode, repeats: bool
) -> None:
    played = play_shared_step(tmp_path, run)
    build = json.loads(played.output.splitlines()[-1])
    assert build["result"] == ("SUCCESS" if code is ExitCode.PASSED else "FAILURE")
    assert build["slept"] == [60] * repeats
    assert build["tests"] == [{"testResults": "TEST-testery.xml", "allowEmptyResults": True}]
    [image] = build["images"]
    assert image["image"] == IMAGE
    assert image["args"] == "--entrypoint="
    assert played.deployed is (code is ExitCode.PASSED)
    said = {
        ExitCode.PASSED: [],
        ExitCode.FAILED: ["Testery: tests fell short"],
    }
    assert build["messages"] == said.get(code, [f"Testery: no verdict, exit code {int(code)}"])
    assert_reported(played.folder / "TEST-testery.xml", code)


@pytest.mark.parametrize(
    ("call", "result", "message"),
    [
        pytest.param("testeryGate(flags: ['--max-failed', '30'])", "SUCCESS", "", id="flags"),
        pytest.param("testeryGate(gitRef: '')", "FAILURE", "code 2", id="an empty commit"),
        pytest.param("testeryGate(maxFailed: 30)", "FAILURE", "[maxFailed]", id="unknown"),
        pytest.param(
            f"testeryGate(gitRef: '{COMMIT}', "
            "flags: ['--name', '''x'; touch deployed; $(./deploy)'''])",
            "FAILURE",
            "code 6",
            id="hostile",
        ),
    ],
)
def test_the_shared_step_takes_settings(
    tmp_path: Path, call: str, result: str, message: str
) -> None:
    written = (EXAMPLES / "jenkins" / "Jenkinsfile").read_text()
    usual = "testeryGate(flags: ['--environment', 'staging'])"
    assert written.count(usual) == 1
    file = tmp_path / "Jenkinsfile"
    file.write_text(written.replace(usual, call))
    played = play_shared_step(tmp_path, "failing", file)
    build = json.loads(played.output.splitlines()[-1])
    assert build["result"] == result
    assert message in " ".join(build["messages"])
    assert played.deployed is (result == "SUCCESS")


def play_shared_step(
    folder: Path, run: str, file: Path = EXAMPLES / "jenkins" / "Jenkinsfile"
) -> playing.Played:
    with playing.api(run, folder) as url:
        played = Workspace(folder).play(
            [*playing.JENKINS, str(file), str(EXAMPLES / "jenkins" / "vars")],
            url,
            JENKINS_URL="https://jenkins.example/",
            GIT_COMMIT=COMMIT,
            PAUSE=playing.pause(run),
        )
    assert played.code == 0, played.output
    return played


# GitHub

ON: Any = True
"""What YAML 1.1 reads for the word on."""


@pytest.mark.parametrize(
    ("run", "max_failed", "code"),
    [
        ("passing", "0", ExitCode.PASSED),
        ("failing", "0", ExitCode.FAILED),
        ("failing", "10%", ExitCode.PASSED),
        ("canceled", "0", ExitCode.INCONCLUSIVE),
        ("unavailable", "0", ExitCode.UNAVAILABLE),
    ],
)
def test_the_reusable_workflow_deploys_after_a_pass_alone(
    tmp_path: Path, run: str, max_failed: str, code: ExitCode
) -> None:
    """GitHub skips a job whose needed job failed; the environment's reviewers come between."""
    workflow = read_yaml(EXAMPLES / "github" / "gated-deploy.yml")
    gate, deploy = workflow["jobs"]["testery-gate"], workflow["jobs"]["deploy"]
    assert deploy["needs"] == "testery-gate"
    assert deploy["environment"] == "${{ inputs.deploy-to }}"
    assert "if" not in deploy
    inputs = {"environment": "staging", "deploy-to": "production", "max-failed": max_failed}
    with playing.api(run, tmp_path) as url:
        [done] = use(tmp_path / "job", url, gate["steps"], inputs)
    assert done.outputs["exit-code"] == str(int(code)), done.log
    assert (done.conclusion == "success") is (code is ExitCode.PASSED)
    assert_junit(tmp_path / "job" / "work space" / "TEST-testery.xml", code)


def use(folder: Path, url: str, steps: Any, inputs: dict[str, str]) -> list[Done]:
    """Run the steps of a called workflow, with its inputs in them and little patience."""
    text = json.dumps(steps)
    for name, value in inputs.items():
        text = text.replace("${{ inputs." + name + " }}", value)
    filled = json.loads(text)
    for step in filled:
        if step.get("uses", "").startswith(NAME):
            step["with"]["timeout"] = "20s"
            step["with"]["outage-tolerance"] = "1s"
    event = folder.with_suffix(".json")
    event.write_text(json.dumps({"after": COMMIT, "deleted": False}))
    machine = {
        "TESTERY_API_URL": url,
        "GITHUB_SHA": COMMIT,
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_EVENT_PATH": str(event),
    }
    with new_job(folder, **machine) as job:
        job.secrets = {"TESTERY_API_TOKEN": CANARY}
        prepare(job)
        return list(job.run(filled))


def assert_junit(report: Path, code: ExitCode) -> None:
    if code is not ExitCode.PASSED:
        assert_reported(report, code)
    assert JUnitXml.fromfile(str(report))


def test_the_caller_gives_the_reusable_workflow_what_it_needs() -> None:
    """Actionlint compares them too, where both lie in a repository: test_workflows.py."""
    called = read_yaml(EXAMPLES / "github" / "gated-deploy.yml")
    caller = read_yaml(EXAMPLES / "github" / "deploy.yml")
    [job] = caller["jobs"].values()
    assert job["uses"] == "./.github/workflows/gated-deploy.yml"
    wanted = called[ON]["workflow_call"]
    assert job["with"].keys() == wanted["inputs"].keys()
    assert job["secrets"].keys() == wanted["secrets"].keys()
    # A called workflow can have no right that the caller lacks.
    rights = called["jobs"]["deploy"]["permissions"]
    assert rights.items() <= job["permissions"].items()
