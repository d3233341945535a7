"""Where each CI system says which commit it is about: a table that :mod:`.commit` reads.

The commit under test is the one that somebody pushed: in a pull or merge request the newest of its
branch, not the merge that is made for the build. ``docs/git-ref.md`` shows this table; a test holds
the two together. Each rule is from the system's own documentation, which ``System.source`` names:

* GitHub also: "Webhook events and payloads", and the payloads of octokit/webhooks. A merge group's
  commit is a merge too, but GitHub pushes it, the queue is there to test it, it becomes the branch
  if the tests pass, and the event names no other. A push may be that of a deletion, where
  ``GITHUB_SHA`` is the default branch's. ``workflow_run.head_sha`` is a change's only where the
  first workflow's own event is one whose ``GITHUB_SHA`` belongs to a change, or a pull request.
* GitLab: ``CI_MERGE_REQUEST_SOURCE_BRANCH_SHA`` is set only where ``CI_COMMIT_SHA`` is a merge,
  which is in merged results and merge trains. A pipeline of another project that starts this one
  says nothing of its commit.
* Azure also: "Trigger one pipeline after another": the second pipeline has the first one's commit
  if both have one repository, else the default branch's; no variable says which it is.
* Jenkins also: the plugins branch-api (``CHANGE_ID``), github-branch-source (a pull request is
  built as PR-1-head and PR-1-merge, or as PR-1 for either of them; its head is fetched as
  ``origin/$BRANCH_NAME``), ghprb and gitlab-plugin.
* Buildkite: ``BUILDKITE_COMMIT`` may be the word HEAD, for what the agent has checked out.
* TeamCity: ``BUILD_VCS_NUMBER`` is set only where a build has a single VCS root.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InEvent:
    """The commit is in the file of GitHub's event, under these keys, joined by dots."""

    path: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """The commit is the one that is checked out."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The system does not show the commit: what to pass instead, and a remark on that."""

    instead: str
    remark: str = ""


_OTHERWISE = Unknown("--git-ref COMMIT", "the commit that was tested")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Where the commit is, if the variables match."""

    when: str
    """For people: the event, or the kind of build."""
    where: tuple[tuple[str, str], ...] = ()
    """Variables and the patterns of their whole values; one that is not set is empty."""
    take: str | InEvent | Checkout | Unknown
    """The variable whose value is the commit, or another place of the commit."""
    only_if: tuple[str, tuple[object, ...]] | None = None
    """Keys in the event, and the values that are allowed there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A CI system, and its rules: the first one that fits counts."""

    name: str
    sign: tuple[str, str]
    """The variable by which the system is recognised, and the pattern of its whole value."""
    source: str
    """The documentation of the rules."""
    rules: tuple[Rule, ...]
    event: str = ""
    """The variable that names the event, if there are events without a rule."""
    otherwise: Unknown = _OTHERWISE
    """What holds where no rule gives a commit."""


_SET = r"(?s).+"


def _rule(when: str, take: str | InEvent | Checkout | Unknown, **where: str) -> Rule:
    """Return a rule that holds where the variables match these patterns."""
    return Rule(when=when, take=take, where=tuple(where.items()))


def _github(
    events: str,
    take: str | InEvent | Unknown,
    only_if: tuple[str, tuple[object, ...]] | None = None,
) -> Rule:
    names = events.split()
    return Rule(
        when=", ".join(f"`{name}`" for name in names),
        where=(("GITHUB_EVENT_NAME", "|".join(names)),),
        take=take,
        only_if=only_if,
    )


_GITHUB = System(
    name="GitHub Actions",
    sign=("GITHUB_ACTIONS", "true"),
    event="GITHUB_EVENT_NAME",
    source="https://docs.github.com/actions/reference/events-that-trigger-workflows",
    rules=(
        _github(
            "pull_request pull_request_target pull_request_review pull_request_review_comment",
            InEvent("pull_request.head.sha"),
        ),
        _github("push", "GITHUB_SHA", only_if=("deleted", (False,))),
        _github("create schedule workflow_dispatch", "GITHUB_SHA"),
        _rule(
            "`release` with a tag in `GITHUB_REF`",
            "GITHUB_SHA",
            GITHUB_EVENT_NAME="release",
            GITHUB_REF="refs/tags/.+",
        ),
        _github("deployment deployment_status", InEvent("deployment.sha")),
        _github("merge_group", InEvent("merge_group.head_sha")),
        _github("check_run", InEvent("check_run.head_sha")),
        _github("check_suite", InEvent("check_suite.head_sha")),
        _github("status", InEvent("sha")),
        _github("page_build", InEvent("build.commit")),
        _github(
            "workflow_run",
            InEvent("workflow_run.head_sha"),
            only_if=(
                "workflow_run.event",
                (
                    *("pull_request", "push", "create", "schedule", "workflow_dispatch"),
                    *("release", "merge_group"),
                ),
            ),
        ),
        _github(
            "issue_comment",
            Unknown(
                '--git-ref "$(gh pr view ${{ github.event.issue.number }} --json headRefOid'
                ' --jq .headRefOid)"'
            ),
        ),
        _github(
            "repository_dispatch",
            Unknown("--git-ref ${{ github.event.client_payload.sha }}", "if the sender sends it"),
        ),
    ),
)

_GITLAB = System(
    name="GitLab",
    sign=("GITLAB_CI", "true"),
    source="https://docs.gitlab.com/ci/variables/predefined_variables/",
    rules=(
        _rule(
            "merged results, merge train",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA",
            CI_MERGE_REQUEST_EVENT_TYPE="merged_result|merge_train",
        ),
        _rule(
            "merge request without a merge",
            "CI_COMMIT_SHA",
            CI_MERGE_REQUEST_EVENT_TYPE="detached",
            CI_MERGE_REQUEST_SOURCE_BRANCH_SHA="",
        ),
        _rule(
            "any other merge request",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA",
            CI_MERGE_REQUEST_IID=_SET,
        ),
        _rule(
            "pull request of another host",
            "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA",
            CI_EXTERNAL_PULL_REQUEST_IID=_SET,
        ),
        _rule(
            "started by another project's pipeline",
            Unknown(
                '--git-ref "$UPSTREAM_COMMIT"', "a variable that the other pipeline hands down"
            ),
            CI_PIPELINE_SOURCE="pipeline",
        ),
        _rule("branch, tag, schedule, child pipeline", "CI_COMMIT_SHA"),
    ),
)

_AZURE = System(
    name="Azure Pipelines",
    sign=("TF_BUILD", _SET),
    event="BUILD_REASON",
    source="https://learn.microsoft.com/azure/devops/pipelines/build/variables",
    rules=(
        _rule("pull request", "SYSTEM_PULLREQUEST_SOURCECOMMITID", BUILD_REASON="PullRequest"),
        _rule(
            "a pull request's merge, started by hand",
            Unknown('--git-ref "$(git rev-parse HEAD^2)"', "with a fetchDepth of 2 or more"),
            BUILD_SOURCEBRANCH="refs/pull/.+/merge",
        ),
        _rule(
            "started by another pipeline",
            Unknown(
                "--git-ref $(resources.pipeline.ALIAS.sourceCommit)", "of the pipeline resource"
            ),
            BUILD_REASON="ResourceTrigger|BuildCompletion",
        ),
        _rule(
            "branch, tag, schedule, by hand, release",
            "BUILD_SOURCEVERSION",
            BUILD_REASON="|Manual|IndividualCI|BatchedCI|Schedule",
        ),
    ),
)

_TEAMCITY = System(
    name="TeamCity",
    sign=("TEAMCITY_VERSION", _SET),
    source="https://www.jetbrains.com/help/teamcity/predefined-build-parameters.html",
    otherwise=Unknown(
        "--git-ref %build.vcs.number.ID%", "with the ID of the VCS root whose code was tested"
    ),
    rules=(_rule("a single VCS root", "BUILD_VCS_NUMBER"),),
)

_BUILDKITE = System(
    name="Buildkite",
    sign=("BUILDKITE", _SET),
    source="https://buildkite.com/docs/pipelines/configure/environment-variables",
    rules=(
        _rule(
            "pull request that is built as a merge",
            Unknown('--git-ref "$(git rev-parse HEAD^2)"'),
            BUILDKITE_PULL_REQUEST_USING_MERGE_REFSPEC="true",
        ),
        _rule(
            "HEAD, started by another pipeline",
            Unknown("build: { commit: $BUILDKITE_COMMIT }", "in the step that triggers it"),
            BUILDKITE_COMMIT="HEAD",
            BUILDKITE_SOURCE="trigger_job",
        ),
        _rule("HEAD, started in another way", Checkout(), BUILDKITE_COMMIT="HEAD"),
        _rule("branch, tag, pull request, merge queue", "BUILDKITE_COMMIT"),
    ),
)

_JENKINS = System(
    name="Jenkins",
    sign=("JENKINS_URL", _SET),
    source="https://www.jenkins.io/doc/book/pipeline/multibranch/",
    rules=(
        _rule("multibranch, `PR-1-head`", "GIT_COMMIT", CHANGE_ID=_SET, BRANCH_NAME=".+-head"),
        _rule(
            "multibranch, any other change request",
            Unknown('--git-ref "$(git rev-parse "origin/$BRANCH_NAME")"'),
            CHANGE_ID=_SET,
        ),
        _rule("GitHub Pull Request Builder", "ghprbActualCommit", ghprbPullId=_SET),
        _rule(
            "GitLab plugin, merge request",
            "gitlabMergeRequestLastCommit",
            gitlabMergeRequestIid=_SET,
        ),
        _rule("branch, tag", "GIT_COMMIT"),
    ),
)

_CIRCLECI = System(
    name="CircleCI",
    sign=("CIRCLECI", _SET),
    source="https://circleci.com/docs/variables/",
    rules=(_rule("any build", "CIRCLE_SHA1"),),
)

_BITBUCKET = System(
    name="Bitbucket Pipelines",
    sign=("BITBUCKET_BUILD_NUMBER", _SET),
    source="https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/",
    rules=(
        _rule(
            "pull request, which is merged only in the checkout",
            "BITBUCKET_COMMIT",
            BITBUCKET_PR_ID=_SET,
        ),
        _rule("branch, tag, custom", "BITBUCKET_COMMIT"),
    ),
)

_APPVEYOR = System(
    name="AppVeyor",
    sign=("APPVEYOR", "(?i)true"),
    source="https://www.appveyor.com/docs/environment-variables/",
    rules=(
        _rule(
            "pull request", "APPVEYOR_PULL_REQUEST_HEAD_COMMIT", APPVEYOR_PULL_REQUEST_NUMBER=_SET
        ),
        _rule("branch, tag", "APPVEYOR_REPO_COMMIT"),
    ),
)

_TRAVIS = System(
    name="Travis CI",
    sign=("TRAVIS", "true"),
    source="https://docs.travis-ci.com/user/environment-variables/",
    rules=(
        _rule("pull request", "TRAVIS_PULL_REQUEST_SHA", TRAVIS_PULL_REQUEST="[0-9]+"),
        _rule("branch, tag, schedule, API", "TRAVIS_COMMIT"),
    ),
)

# Where the variables fit several systems, the first counts, as for reporting (docs/ci.md).
SYSTEMS = (
    *(_GITHUB, _GITLAB, _AZURE, _TEAMCITY, _BUILDKITE, _JENKINS, _CIRCLECI, _BITBUCKET),
    *(_APPVEYOR, _TRAVIS),
)
