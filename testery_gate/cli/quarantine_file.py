"""The quarantine file, as it is here or as it stands at a commit."""

from __future__ import annotations

import shlex

from testery_gate.cli.process import Machine, NoSuchCommit
from testery_gate.errors import UsageError
from testery_gate.evidence.quarantine import LARGEST_FILE, Quarantine, parse_quarantine


def read_quarantine(path: str, ref: str | None, most_days: int, machine: Machine) -> Quarantine:
    """Read a quarantine file, at a commit where there is a ``ref``; raises :class:`UsageError`."""
    if not path.strip():
        raise UsageError(
            "--quarantine is empty",
            advice="Check that its variable is set, or leave the option out.",
        )
    content = _read(path, machine) if ref is None else _read_at(ref, path, machine)
    source = path if ref is None else f"{path} at {ref}"
    # A day begins and ends in UTC.
    today = machine.now().date()
    return parse_quarantine(content, source, today=today, most_days=most_days)


def _read(path: str, machine: Machine) -> bytes:
    try:
        return machine.read_start(path, LARGEST_FILE + 1)
    except OSError as error:
        raise UsageError(
            f"the quarantine file {path} can't be read: {error.strerror or error}",
            advice="Check the path, or create the file; an empty one tolerates nothing.",
        ) from None


def _read_at(ref: str, path: str, machine: Machine) -> bytes:
    try:
        return machine.file_at(ref, path, LARGEST_FILE)
    except NoSuchCommit as error:
        branch = shlex.quote(ref.removeprefix("origin/"))
        raise UsageError(
            f"the quarantine file {path} can't be read: {error}",
            advice=f"A shallow clone may lack it: run 'git fetch --depth=1 origin {branch}'"
            " before, and name the commit, or FETCH_HEAD for a branch.",
        ) from None
    except OSError as error:
        raise UsageError(
            f"the quarantine file {path} can't be read at {ref}: {error.strerror or error}",
            advice=f"This takes a checkout of the repository; add the file to {ref} first.",
        ) from None
