"""The commit that a pipeline is about, from the CI system's variables or the local checkout.

The variables are each system's own, from its documentation of predefined variables.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from testery_gate.errors import UsageError

_VARIABLES = (
    ("GITHUB_ACTIONS", "GITHUB_SHA"),
    ("GITLAB_CI", "CI_COMMIT_SHA"),
    ("TF_BUILD", "BUILD_SOURCEVERSION"),
    ("BUILDKITE", "BUILDKITE_COMMIT"),
    ("CIRCLECI", "CIRCLE_SHA1"),
    ("BITBUCKET_BUILD_NUMBER", "BITBUCKET_COMMIT"),
    ("TEAMCITY_VERSION", "BUILD_VCS_NUMBER"),
    ("JENKINS_URL", "GIT_COMMIT"),
)
"""What tells a system, and where it says the commit."""

_HEADS = (
    ("pull_request", ("pull_request", "head", "sha")),
    ("workflow_run", ("workflow_run", "head_sha")),
)
"""Where GitHub's event has the commit, by what the event's name begins with.

In a pull request ``GITHUB_SHA`` is a merge that nobody pushed, or the base; after another workflow
it is whatever the default branch has come to (GitHub, "Events that trigger workflows").
"""


def current_commit(
    environment: Mapping[str, str],
    read_text: Callable[[str], str],
    head_of_checkout: Callable[[], str],
) -> str:
    """Return the commit under test: in a pull request its head, not the merge made for the build.

    ``read_text`` reads a file, ``head_of_checkout`` asks git; both may raise ``OSError``. Raises
    :class:`UsageError` where there is no commit to be found.
    """
    # The system that is recognised comes first: a variable of another may be left over.
    for _, variable in sorted(_VARIABLES, key=lambda pair: not environment.get(pair[0])):
        head = _head_of_event(environment, read_text) if variable == "GITHUB_SHA" else ""
        commit = head or environment.get(variable, "")
        # Buildkite says HEAD where a build was started by hand.
        if commit not in {"", "HEAD"}:
            return commit
    try:
        return head_of_checkout().strip()
    except OSError as error:
        raise UsageError(
            f"--git-ref auto finds no commit: no CI variable is set, and git says: {error}",
            advice="Name the commit itself with --git-ref.",
        ) from None


def _head_of_event(environment: Mapping[str, str], read_text: Callable[[str], str]) -> str:
    """Return the commit of GitHub's event, or ``""`` where ``GITHUB_SHA`` is the one."""
    name, path = (environment.get(f"GITHUB_EVENT_{what}", "") for what in ("NAME", "PATH"))
    for start, keys in _HEADS:
        if not name.startswith(start):
            continue
        try:
            head = json.loads(read_text(path))
            for key in keys:
                head = head[key]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise _unreadable(path, str(error)) from None
        if not (isinstance(head, str) and head):
            raise _unreadable(path, f"it is {head!r}")
        return head
    return ""


def _unreadable(path: str, why: str) -> UsageError:
    return UsageError(
        f"--git-ref auto can't read the commit of the event from {path!r}: {why}",
        advice="Name it, for example --git-ref ${{ github.event.pull_request.head.sha }}",
    )
