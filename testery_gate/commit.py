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


def current_commit(
    environment: Mapping[str, str],
    read_text: Callable[[str], str],
    head_of_checkout: Callable[[], str],
) -> str:
    """Return the commit under test: in a pull request its head, not the merge made for the build.

    ``read_text`` reads a file, ``head_of_checkout`` asks git; both may raise ``OSError``. Raises
    :class:`UsageError` where there is no commit to be found.
    """
    pull_request = _pull_request_head(environment, read_text)
    if pull_request:
        return pull_request
    # The system that is recognised comes first: a variable of another may be left over.
    for _, variable in sorted(_VARIABLES, key=lambda pair: not environment.get(pair[0])):
        commit = environment.get(variable, "")
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


def _pull_request_head(environment: Mapping[str, str], read_text: Callable[[str], str]) -> str:
    """Return the head of GitHub's pull request; ``GITHUB_SHA`` is a merge that nobody pushed."""
    path = environment.get("GITHUB_EVENT_PATH")
    if not environment.get("GITHUB_EVENT_NAME", "").startswith("pull_request") or not path:
        return ""
    try:
        event = json.loads(read_text(path))
        head = event["pull_request"]["head"]["sha"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(
            f"--git-ref auto can't read the pull request's head from {path}: {error}",
            advice="Name it: --git-ref ${{ github.event.pull_request.head.sha }}",
        ) from None
    return str(head)
