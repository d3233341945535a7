"""Environment variables that are meant for the gate, and are no setting."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping

from testery_gate.cli.config_file import ENVIRONMENT_PREFIX
from testery_gate.errors import UsageError
from testery_gate.text import clean_line, shorten

_NEAR = 0.8
"""How similar two names are where one is probably a typing error for the other."""
_OURS = {
    *("OUTCOME", "EXIT_CODE", "PASSED", "FAILED", "IGNORED", "TOTAL", "PASS_RATE"),
    *("RUN_ID", "RUN_URL", "REASON"),
}
"""What a dotenv report of an earlier job sets."""
_KUBERNETES = re.compile(
    r"(?:.*_)?(?:SERVICE_HOST|SERVICE_PORT.*|PORT|PORT_\d+_(?:TCP|UDP|SCTP).*)"
)
"""What Kubernetes sets in every container for a service named testery-gate."""
_LONGEST = 500


def check(environment: Mapping[str, str], known: Collection[str]) -> str:
    """Return a warning of variables that are no setting, if there are any.

    Raises :class:`UsageError` for a name that is nearly a setting's: a criterion or a selection
    would be ignored.
    """
    names = {name.removeprefix(ENVIRONMENT_PREFIX) for name in known}
    unknown = []
    for variable, value in sorted(environment.items()):
        prefix, name = variable[: len(ENVIRONMENT_PREFIX)], variable[len(ENVIRONMENT_PREFIX) :]
        if prefix.upper() != ENVIRONMENT_PREFIX or variable in known or not value.strip():
            continue
        if name in _OURS or _KUBERNETES.fullmatch(name):
            continue
        near = difflib.get_close_matches(name.upper().replace("-", "_"), names, n=1, cutoff=_NEAR)
        if near:
            raise UsageError(
                f"the variable {clean_line(variable)} is no setting;"
                f" did you mean {ENVIRONMENT_PREFIX}{near[0]}?",
                advice="Rename it or unset it.",
            )
        unknown.append(clean_line(variable))
    listed = shorten(", ".join(unknown), _LONGEST)
    return f"no setting, and so ignored: {listed}" if unknown else ""
