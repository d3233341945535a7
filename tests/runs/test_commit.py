from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from testery_gate.errors import UsageError
from testery_gate.runs.commit import EVENT_LIMIT, current_commit
from testery_gate.runs.commit_rules import SYSTEMS, System, Unknown
from tests import git_ref_page
from tests.git_ref_page import ELSE

COMMIT = "abcd4e87d8d928a21a393b0def6ab0c0a21d35a2"
MERGE = "1111111111111111111111111111111111111111"
BASE = "2222222222222222222222222222222222222222"
EVENT = "/home/runner/work/_temp/_github_workflow/event.json"


def commit(
    environment: Mapping[str, str],
    event: object = None,
    checkout: str | OSError | None = None,
) -> str:
    """Ask for the commit where the event's file and the checkout are these."""

    def read_start(path: str, most: int) -> bytes:
        assert path == environment.get("GITHUB_EVENT_PATH", "")
        if event is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        text = event if isinstance(event, bytes) else json.dumps(event).encode()
        return text[:most]

    def head() -> str:
        assert checkout is not None, "git was asked"
        if isinstance(checkout, OSError):
            raise checkout
        return checkout

    return current_commit(environment, read_start, head)


# Each system's variables as it sets them, where the commit that is checked out is MERGE.
BUILDS: dict[str, dict[str, str]] = {
    "GitHub Actions": {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_PATH": EVENT,
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SHA": MERGE,
    },
    "GitLab": {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_PIPELINE_SOURCE": "push",
        "CI_COMMIT_BRANCH": "main",
        "CI_COMMIT_BEFORE_SHA": BASE,
        "CI_COMMIT_SHA": MERGE,
    },
    "Azure Pipelines": {
        "TF_BUILD": "True",
        "BUILD_REASON": "IndividualCI",
        "BUILD_SOURCEBRANCH": "refs/heads/main",
        "BUILD_SOURCEVERSION": MERGE,
    },
    "TeamCity": {"TEAMCITY_VERSION": "2025.07 (build 197242)", "TEAMCITY_BUILDCONF_NAME": "Gate"},
    "Buildkite": {
        "CI": "true",
        "BUILDKITE": "true",
        "BUILDKITE_SOURCE": "webhook",
        "BUILDKITE_PULL_REQUEST": "false",
        "BUILDKITE_COMMIT": MERGE,
    },
    "Jenkins": {
        "CI": "true",
        "JENKINS_URL": "https://jenkins.example/",
        "BRANCH_NAME": "main",
        "GIT_COMMIT": MERGE,
        "GIT_PREVIOUS_COMMIT": BASE,
    },
    "CircleCI": {"CI": "true", "CIRCLECI": "true", "CIRCLE_BRANCH": "pull/42"},
    "Bitbucket Pipelines": {"CI": "true", "BITBUCKET_BUILD_NUMBER": "7"},
    "AppVeyor": {"CI": "True", "APPVEYOR": "True", "APPVEYOR_REPO_COMMIT": MERGE},
    "Travis CI": {
        "CI": "true",
        "TRAVIS": "true",
        "TRAVIS_EVENT_TYPE": "push",
        "TRAVIS_PULL_REQUEST": "false",
        "TRAVIS_PULL_REQUEST_SHA": "",
        "TRAVIS_COMMIT": MERGE,
    },
}


@dataclass(frozen=True)
class Case:
    """A build, and the row of the page that is about it."""

    id: str
    system: str
    row: str
    variables: dict[str, str] = field(default_factory=dict)
    event: object = None
    checkout: str | None = None
    refused: str = ""
    """What the message says, where the build has no commit."""

    @property
    def environment(self) -> dict[str, str]:
        return BUILDS[self.system] | self.variables


def pull_request(**more: object) -> dict[str, Any]:
    """A payload that is about a pull request of a fork."""
    return {
        "action": "synchronize",
        "number": 42,
        "pull_request": {
            "number": 42,
            "state": "open",
            "merged": False,
            "merge_commit_sha": MERGE,
            "head": {"ref": "fix", "sha": COMMIT, "repo": {"full_name": "fork/shop", "fork": True}},
            "base": {"ref": "main", "sha": BASE, "repo": {"full_name": "acme/shop"}},
        },
    } | more


def workflow_run(event: str) -> dict[str, Any]:
    """A payload that is about another workflow's run, which this event had started."""
    run = {"event": event, "head_branch": "fix", "head_sha": COMMIT, "conclusion": "success"}
    return {"action": "completed", "workflow_run": run}


def suite(name: str) -> dict[str, Any]:
    """A payload that is about checks."""
    about = {"head_sha": COMMIT, "before": BASE, "status": "completed", "pull_requests": []}
    return {"action": "completed", name: about}


def github() -> Iterator[Case]:
    """What can happen on GitHub."""
    table = dict(git_ref_page.rows(SYSTEMS[0]))
    rows = {event: row for row in table for event in re.findall(r"`([a-z_]+)`", row)}

    def case(event: str, payload: object, id: str = "", refused: str = "", **more: str) -> Case:
        row = rows.get(event, ELSE)
        return Case(
            id=f"GitHub, {event} {id}".strip(),
            system="GitHub Actions",
            # A row that takes a commit does not cover a build that is refused.
            row=ELSE if refused and not table[row].startswith("nothing") else row,
            variables={"GITHUB_EVENT_NAME": event} | more,
            event=payload,
            refused=refused,
        )

    merge = {"GITHUB_REF": "refs/pull/42/merge", "GITHUB_HEAD_REF": "fix"}
    yield case("pull_request", pull_request(), **merge)
    merged = pull_request(action="closed")
    merged["pull_request"]["merged"] = True
    yield case("pull_request", merged, "merged", GITHUB_REF="refs/heads/main")
    yield case("pull_request_target", pull_request(), GITHUB_HEAD_REF="fix")
    yield case("pull_request_review", pull_request(review={"commit_id": BASE}), **merge)
    yield case("pull_request_review_comment", pull_request(comment={"commit_id": BASE}), **merge)
    pushed = {"before": BASE, "after": COMMIT, "deleted": False, "ref": "refs/heads/main"}
    yield case("push", pushed, GITHUB_SHA=COMMIT)
    # An annotated tag has an object of its own.
    tag = pushed | {"after": BASE, "ref": "refs/tags/v1", "head_commit": {"id": COMMIT}}
    yield case("push", tag, "of a tag", GITHUB_SHA=COMMIT, GITHUB_REF="refs/tags/v1")
    gone = pushed | {"after": "0" * 40, "deleted": True}
    yield case("push", gone, "of a deletion", refused="`push`, deleted is True")
    yield case("create", {"ref": "v1", "ref_type": "tag"}, GITHUB_SHA=COMMIT)
    yield case("schedule", {"schedule": "0 3 * * *"}, GITHUB_SHA=COMMIT)
    yield case("workflow_dispatch", {"inputs": {}, "ref": "refs/heads/fix"}, GITHUB_SHA=COMMIT)
    release = {"action": "published", "release": {"tag_name": "v1", "target_commitish": "main"}}
    yield case("release", release, GITHUB_SHA=COMMIT, GITHUB_REF="refs/tags/v1")
    yield case("release", release, "without a tag", "GITHUB_EVENT_NAME is 'release'", GITHUB_REF="")
    deployment = {"sha": COMMIT, "ref": "fix", "environment": "staging"}
    yield case("deployment", {"deployment": deployment})
    status = {"state": "success"}
    yield case("deployment_status", {"deployment_status": status, "deployment": deployment})
    group = {"head_sha": COMMIT, "base_sha": BASE, "head_ref": "refs/heads/gh-readonly-queue/main"}
    yield case("merge_group", {"action": "checks_requested", "merge_group": group})
    yield case("check_run", suite("check_run"))
    yield case("check_suite", suite("check_suite"))
    yield case("status", {"sha": COMMIT, "state": "success", "context": "testery"})
    yield case("page_build", {"build": {"commit": COMMIT, "status": "built"}})
    for first in ("pull_request", "push", "schedule", "workflow_dispatch", "merge_group"):
        yield case("workflow_run", workflow_run(first), f"after {first}")
    for first in ("pull_request_target", "issue_comment", "workflow_run", ""):
        said = f"`workflow_run`, workflow_run.event is '{first}'"
        yield case("workflow_run", workflow_run(first), f"after {first!r}", said)
    comment = {"issue": {"number": 42, "pull_request": {"url": "https://api.github.com/"}}}
    yield case("issue_comment", comment, refused="(`issue_comment`)")
    sent = {"client_payload": {"sha": COMMIT}, "branch": "main"}
    yield case("repository_dispatch", sent, refused="(`repository_dispatch`)")
    for event in (
        *("branch_protection_rule", "delete", "discussion", "discussion_comment", "fork"),
        *("gollum", "image_version", "issues", "label", "milestone", "public"),
        *("registry_package", "watch", "pull_request_comment", "pull_requests", "a_new_one", ""),
    ):
        refused = f"GITHUB_EVENT_NAME is '{event}'"
        yield case(event, pull_request(), "no commit", refused, GITHUB_SHA=COMMIT)


def others() -> Iterator[Case]:
    """What can happen on the other systems."""
    gitlab, azure, buildkite, jenkins = "GitLab", "Azure Pipelines", "Buildkite", "Jenkins"
    request = {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_IID": "42"}
    kind, head = "CI_MERGE_REQUEST_EVENT_TYPE", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"
    own = "merge request without a merge"
    for name in ("merged_result", "merge_train"):
        variables = request | {kind: name, head: COMMIT, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": BASE}
        row = "merged results, merge train"
        yield Case(f"GitLab, {name}", gitlab, row, variables)
        said = f"GitLab did not set {head}"
        lacking = request | {kind: name, head: ""}
        yield Case(f"GitLab, {name} alone", gitlab, ELSE, lacking, refused=said)
        # A child pipeline has its parent's merge request.
        child = variables | {"CI_PIPELINE_SOURCE": "parent_pipeline"}
        yield Case(f"GitLab, child of {name}", gitlab, row, child)
    detached = request | {kind: "detached", "CI_COMMIT_SHA": COMMIT}
    yield Case("GitLab, detached", gitlab, own, detached)
    yield Case("GitLab, detached with an empty one", gitlab, own, detached | {head: ""})
    other = "any other merge request"
    yield Case("GitLab, a new kind", gitlab, other, request | {kind: "new", head: COMMIT})
    old = request | {"CI_COMMIT_SHA": COMMIT}
    yield Case("GitLab, no kind", gitlab, ELSE, old, refused=f"GitLab did not set {head}")
    external = {
        "CI_PIPELINE_SOURCE": "external_pull_request_event",
        "CI_EXTERNAL_PULL_REQUEST_IID": "42",
        "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA": COMMIT,
        "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA": BASE,
    }
    yield Case("GitLab, of GitHub", gitlab, "pull request of another host", external)
    row = "started by another project's pipeline"
    another = {"CI_PIPELINE_SOURCE": "pipeline"}
    yield Case("GitLab, another project", gitlab, row, another, refused="another project")
    for source in ("push", "web", "schedule", "api", "trigger", "parent_pipeline"):
        variables = {"CI_PIPELINE_SOURCE": source, "CI_COMMIT_SHA": COMMIT}
        yield Case(f"GitLab, {source}", gitlab, "branch, tag, schedule, child pipeline", variables)

    merge = {"BUILD_REASON": "PullRequest", "BUILD_SOURCEBRANCH": "refs/pull/42/merge"}
    source = "SYSTEM_PULLREQUEST_SOURCECOMMITID"
    yield Case("Azure, pull request", azure, "pull request", merge | {source: COMMIT})
    said = f"Azure Pipelines did not set {source}"
    yield Case("Azure, pull request alone", azure, ELSE, merge, refused=said)
    row = "a pull request's merge, started by hand"
    by_hand = merge | {"BUILD_REASON": "Manual"}
    yield Case("Azure, a merge by hand", azure, row, by_hand, refused=row)
    row = "branch, tag, schedule, by hand, release"
    for reason in ("Manual", "IndividualCI", "BatchedCI", "Schedule", ""):
        variables = {"BUILD_REASON": reason, "BUILD_SOURCEVERSION": COMMIT}
        yield Case(f"Azure, {reason or 'release'}", azure, row, variables)
    row = "started by another pipeline"
    for reason in ("ResourceTrigger", "BuildCompletion"):
        yield Case(f"Azure, {reason}", azure, row, {"BUILD_REASON": reason}, refused=row)
    for reason in ("ValidateShelveset", "New"):
        said = f"BUILD_REASON is '{reason}'"
        yield Case(f"Azure, {reason}", azure, ELSE, {"BUILD_REASON": reason}, refused=said)

    one = {"BUILD_VCS_NUMBER": COMMIT, "BUILD_VCS_NUMBER_Shop": COMMIT}
    yield Case("TeamCity", "TeamCity", "a single VCS root", one)
    two = {"BUILD_VCS_NUMBER_Shop": COMMIT, "BUILD_VCS_NUMBER_Tools": BASE}
    said = "TeamCity did not set BUILD_VCS_NUMBER"
    yield Case("TeamCity, two VCS roots", "TeamCity", ELSE, two, refused=said)

    row = "branch, tag, pull request, merge queue"
    yield Case("Buildkite", buildkite, row, {"BUILDKITE_COMMIT": COMMIT})
    number = {"BUILDKITE_PULL_REQUEST": "42"}
    yield Case("Buildkite, pull request", buildkite, row, number | {"BUILDKITE_COMMIT": COMMIT})
    row = "pull request that is built as a merge"
    merge = number | {"BUILDKITE_PULL_REQUEST_USING_MERGE_REFSPEC": "true"}
    for said in (MERGE, "HEAD"):
        variables = merge | {"BUILDKITE_COMMIT": said}
        yield Case(f"Buildkite, merge, {said}", buildkite, row, variables, refused=row)
    at_head = {"BUILDKITE_COMMIT": "HEAD"}
    row = "HEAD, started in another way"
    for source in ("ui", "api", "schedule"):
        variables = at_head | {"BUILDKITE_SOURCE": source}
        yield Case(f"Buildkite, HEAD, {source}", buildkite, row, variables, checkout=COMMIT)
    row = "HEAD, started by another pipeline"
    variables = at_head | {"BUILDKITE_SOURCE": "trigger_job"}
    yield Case("Buildkite, HEAD, triggered", buildkite, row, variables, refused=row)

    said = "Buildkite did not set BUILDKITE_COMMIT"
    yield Case("Buildkite, none", buildkite, ELSE, {"BUILDKITE_COMMIT": ""}, refused=said)

    change = {"CHANGE_ID": "42", "CHANGE_TARGET": "main", "CHANGE_BRANCH": "fix"}
    variables = change | {"BRANCH_NAME": "PR-42-head", "GIT_COMMIT": COMMIT}
    yield Case("Jenkins, head", jenkins, "multibranch, `PR-1-head`", variables)
    row = "multibranch, any other change request"
    for name in ("PR-42-merge", "PR-42", "MR-42"):
        variables = change | {"BRANCH_NAME": name}
        yield Case(f"Jenkins, {name}", jenkins, row, variables, refused=row)
    builder = {"ghprbPullId": "42", "ghprbActualCommit": COMMIT, "sha1": "origin/pr/42/merge"}
    yield Case("Jenkins, builder", jenkins, "GitHub Pull Request Builder", builder)
    plugin = {"gitlabMergeRequestIid": "42", "gitlabMergeRequestLastCommit": COMMIT}
    yield Case("Jenkins, GitLab", jenkins, "GitLab plugin, merge request", plugin)
    yield Case("Jenkins", jenkins, "branch, tag", {"GIT_COMMIT": COMMIT})
    said = "Jenkins did not set GIT_COMMIT"
    yield Case("Jenkins, no git", jenkins, ELSE, {"GIT_COMMIT": ""}, refused=said)

    yield Case("CircleCI", "CircleCI", "any build", {"CIRCLE_SHA1": COMMIT})
    yield Case("CircleCI, none", "CircleCI", ELSE, refused="CircleCI did not set CIRCLE_SHA1")

    # A pull request's commit is abbreviated.
    number = {"BITBUCKET_PR_ID": "42", "BITBUCKET_PR_DESTINATION_COMMIT": BASE[:12]}
    row = "pull request, which is merged only in the checkout"
    yield Case("Bitbucket, PR", "Bitbucket Pipelines", row, number | {"BITBUCKET_COMMIT": COMMIT})
    row = "branch, tag, custom"
    yield Case("Bitbucket", "Bitbucket Pipelines", row, {"BITBUCKET_COMMIT": COMMIT})
    said = "Bitbucket Pipelines did not set BITBUCKET_COMMIT"
    yield Case("Bitbucket, none", "Bitbucket Pipelines", ELSE, number, refused=said)

    yield Case("AppVeyor", "AppVeyor", "branch, tag", {"APPVEYOR_REPO_COMMIT": COMMIT})
    number = {"APPVEYOR_PULL_REQUEST_NUMBER": "42"}
    variables = number | {"APPVEYOR_PULL_REQUEST_HEAD_COMMIT": COMMIT}
    yield Case("AppVeyor, PR", "AppVeyor", "pull request", variables)
    said = "AppVeyor did not set APPVEYOR_PULL_REQUEST_HEAD_COMMIT"
    yield Case("AppVeyor, PR alone", "AppVeyor", ELSE, number, refused=said)

    row = "branch, tag, schedule, API"
    yield Case("Travis", "Travis CI", row, {"TRAVIS_COMMIT": COMMIT})
    number = {"TRAVIS_EVENT_TYPE": "pull_request", "TRAVIS_PULL_REQUEST": "42"}
    variables = number | {"TRAVIS_PULL_REQUEST_SHA": COMMIT}
    yield Case("Travis, PR", "Travis CI", "pull request", variables)
    said = "Travis CI did not set TRAVIS_PULL_REQUEST_SHA"
    yield Case("Travis, PR alone", "Travis CI", ELSE, number, refused=said)


CASES: Sequence[Case] = [*github(), *others()]


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_each_build_has_its_commit_or_is_refused_with_what_to_pass(case: Case) -> None:
    system = next(one for one in SYSTEMS if one.name == case.system)
    what = dict(git_ref_page.rows(system))[case.row]
    if not case.refused:
        assert commit(case.environment, case.event, case.checkout) == COMMIT
        assert not what.startswith("nothing")
        return
    with pytest.raises(UsageError) as error:
        commit(case.environment, case.event, case.checkout)
    assert case.refused in error.value.message
    assert case.system in error.value.message
    assert what == f"nothing (2); pass `{passed(error.value.advice)}"


def passed(advice: str) -> str:
    """What a message says to pass, as the page puts it."""
    before, option, after = advice.partition("Pass it: ")
    assert option
    assert not before
    for unknown in git_ref_unknowns():
        if after.startswith(unknown.instead):
            return after.replace(unknown.instead, f"{unknown.instead}`", 1)
    raise AssertionError(after)


def git_ref_unknowns() -> Iterator[Unknown]:
    for system in SYSTEMS:
        yield system.otherwise
        yield from (rule.take for rule in system.rules if isinstance(rule.take, Unknown))


def test_each_row_of_the_page_has_a_case() -> None:
    rows = {(system.name, when) for system in SYSTEMS for when, _ in git_ref_page.rows(system)}
    assert rows == {(case.system, case.row) for case in CASES}


def test_each_event_of_the_page_has_a_case() -> None:
    named = {
        event
        for rule in SYSTEMS[0].rules
        for variable, pattern in rule.where
        if variable == "GITHUB_EVENT_NAME"
        for event in pattern.split("|")
    }
    assert named <= {case.variables.get("GITHUB_EVENT_NAME") for case in CASES}


def test_the_page_says_what_the_rules_say() -> None:
    # To bring it in step: python -m tests.write_readme
    text = git_ref_page.PAGE.read_text(encoding="utf-8")
    assert text == git_ref_page.page_brought_in_step(text)


@pytest.mark.parametrize("system", SYSTEMS, ids=[system.name for system in SYSTEMS])
def test_the_system_that_is_recognised_decides(system: System) -> None:
    """Where it lacks its variable, what another one left over is not taken, nor the checkout."""
    left = {
        name: MERGE
        for variables in BUILDS.values()
        for name in variables
        if name.endswith(("_SHA", "COMMIT", "SOURCEVERSION", "VCS_NUMBER"))
    }
    sign = {system.sign[0]: "true"}
    own = {"GITHUB_EVENT_NAME": "schedule"}
    lacking = {name: value for name, value in left.items() if name not in OWN[system.name]}
    with pytest.raises(UsageError, match=f"{system.name} did not set"):
        commit(sign | own | lacking)


OWN = {
    "GitHub Actions": ["GITHUB_SHA"],
    "GitLab": ["CI_COMMIT_SHA"],
    "Azure Pipelines": ["BUILD_SOURCEVERSION"],
    "TeamCity": ["BUILD_VCS_NUMBER"],
    "Buildkite": ["BUILDKITE_COMMIT"],
    "Jenkins": ["GIT_COMMIT"],
    "CircleCI": ["CIRCLE_SHA1"],
    "Bitbucket Pipelines": ["BITBUCKET_COMMIT"],
    "AppVeyor": ["APPVEYOR_REPO_COMMIT"],
    "Travis CI": ["TRAVIS_COMMIT"],
}


def test_of_two_systems_the_first_on_the_page_decides() -> None:
    both = BUILDS["Jenkins"] | BUILDS["GitLab"] | {"CI_COMMIT_SHA": COMMIT}
    assert commit(both) == COMMIT


PULL_REQUEST = BUILDS["GitHub Actions"] | {"GITHUB_EVENT_NAME": "pull_request"}


@pytest.mark.parametrize(
    ("event", "said"),
    [
        pytest.param(None, "No such file", id="no file"),
        pytest.param(b"{", "Expecting", id="no JSON"),
        pytest.param(b"\xff\x00\xff", "decode", id="no text"),
        pytest.param(b"[" * 200_000, "recursion", id="deep"),
        pytest.param(b"1" * 5_000, "digits", id="a long number"),
        pytest.param(b" " * (EVENT_LIMIT + 2), "more than 26214400 bytes", id="too large"),
        pytest.param([], "it has no pull_request.head.sha", id="a list"),
        pytest.param({}, "it has no pull_request.head.sha", id="empty"),
        pytest.param({"pull_request": None}, "it has no pull_request", id="no pull request"),
        pytest.param({"pull_request": {"head": {}}}, "it has no pull_request", id="no commit"),
        pytest.param({"pull_request": {"head": {"sha": None}}}, "sha is None, not", id="null"),
        pytest.param({"pull_request": {"head": {"sha": ""}}}, "sha is '', not", id="no digits"),
        pytest.param({"pull_request": {"head": {"sha": 1234567}}}, "1234567, not", id="a number"),
        pytest.param({"pull_request": {"head": {"sha": [COMMIT]}}}, "sha is [", id="many"),
    ],
)
def test_a_head_that_can_not_be_read_is_not_replaced_by_the_merge(event: object, said: str) -> None:
    with pytest.raises(UsageError) as error:
        commit(PULL_REQUEST, event)
    assert said in error.value.message
    assert "--git-ref ${{ github.event.pull_request.head.sha }}" in error.value.advice


def test_without_a_path_to_the_event_the_message_names_the_variable() -> None:
    with pytest.raises(UsageError, match="GITHUB_EVENT_PATH"):
        commit({"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_SHA": COMMIT})


def test_an_event_as_large_as_github_allows_is_read() -> None:
    event = json.dumps(pull_request()).encode()
    assert commit(PULL_REQUEST, event.ljust(EVENT_LIMIT)) == COMMIT


@pytest.mark.parametrize(
    "value",
    [
        *("main", "abcdef", "0" * 40, COMMIT + "\n", f" {COMMIT}", "a" * 65, "٣" * 40),
        *("refs/heads/abcdef0", "--all", "x" * 10_000, "\x1b[1m", "$(touch owned)"),
    ],
)
def test_what_is_no_commit_is_a_usage_error(value: str) -> None:
    with pytest.raises(UsageError, match="not 7 to 64 hexadecimal") as error:
        commit(BUILDS["GitLab"] | {"CI_COMMIT_SHA": value})
    assert len(error.value.message) < 200
    assert "\x1b" not in error.value.message


@pytest.mark.parametrize("value", ["abcdef0", COMMIT.upper(), "a" * 64])
def test_a_commit_may_be_abbreviated_or_long(value: str) -> None:
    assert commit(BUILDS["GitLab"] | {"CI_COMMIT_SHA": value}) == value


@pytest.mark.parametrize("ci", [{}, {"CI": ""}, {"CI": "false"}, {"CI": "0"}])
def test_without_a_ci_system_it_is_the_head_of_the_checkout(ci: dict[str, str]) -> None:
    assert commit(ci | {"GITHUB_SHA": MERGE, "GIT_COMMIT": MERGE}, checkout=f"{COMMIT}\n") == COMMIT


@pytest.mark.parametrize("ci", ["true", "1", "drone"])
def test_what_an_unknown_system_has_checked_out_is_not_taken(ci: str) -> None:
    with pytest.raises(UsageError, match="CI is set, but not by a CI system") as error:
        commit({"CI": ci}, checkout=COMMIT)
    assert "--git-ref" in error.value.advice


@pytest.mark.parametrize("head", ["HEAD", "", "fatal: ambiguous argument"])
def test_what_git_says_has_to_be_a_commit(head: str) -> None:
    with pytest.raises(UsageError, match="git's HEAD is") as error:
        commit({}, checkout=head)
    assert "--git-ref" in error.value.advice


def test_without_any_it_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="git says: not a git repository") as error:
        commit({}, checkout=OSError("not a git repository"))
    assert "--git-ref" in error.value.advice


@pytest.mark.parametrize("system", SYSTEMS, ids=[system.name for system in SYSTEMS])
def test_a_system_without_events_has_a_rule_for_every_build(system: System) -> None:
    assert system.event or not system.rules[-1].where
