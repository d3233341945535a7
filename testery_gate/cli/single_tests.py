"""The options about single tests: what they are compared with.

Imported only where single tests are asked for; most gates do without.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from testery_gate.api import client as api
from testery_gate.cli.arguments import GateOptions
from testery_gate.cli.client import connect, connect_behind
from testery_gate.cli.connection import api_url
from testery_gate.cli.given import Given, Values
from testery_gate.cli.process import Machine
from testery_gate.cli.quarantine_file import read_quarantine
from testery_gate.errors import UsageError
from testery_gate.evidence.baseline import Previous
from testery_gate.evidence.baseline_file import MOST_BYTES, FileBaseline, read_baseline_file
from testery_gate.evidence.cache import Cache
from testery_gate.evidence.gathering import AFTER_THE_END, Gathering, Wanted
from testery_gate.evidence.quarantine import Quarantine
from testery_gate.evidence.read_ahead import ReadAhead
from testery_gate.runs.wait import Effects
from testery_gate.waiting.deadline import Deadline

NO_CACHE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceOptions:
    """What the single tests of the runs are compared with."""

    wanted: Wanted
    cache: Path | None
    """Where the tests of earlier runs are kept, if in a file."""


def evidence_options(values: Values, machine: Machine, given: Given) -> EvidenceOptions:
    """Return what the single tests are compared with."""
    baseline, git_ref, history = values["baseline"], given.filled("baseline_ref"), values["history"]
    if baseline and not isinstance(baseline, Previous) and git_ref and not history:
        raise UsageError(
            f"{given.named('baseline_ref')} is for the previous run, and"
            f" {given.named('baseline')} names another",
            advice="Leave one of them out.",
        )
    if isinstance(baseline, Path):
        with given.placed("baseline"):
            baseline = baseline_file(baseline, machine).for_run
    wanted = Wanted(
        baseline=baseline or Previous(),
        git_ref=git_ref,
        history=history or 0,
        quarantine=_quarantine(values, machine, given),
    )
    return EvidenceOptions(wanted=wanted, cache=_cache(values, machine, given))


def _quarantine(values: Values, machine: Machine, given: Given) -> Quarantine | None:
    file, ref = values["quarantine"], values["quarantine_ref"]
    if file is None and ref is not None:
        raise UsageError(
            f"{given.named('quarantine_ref')} is for a quarantine file, and there is none",
            advice="Name the file with --quarantine, or leave the option out.",
        )
    if file is None:
        return None
    # With an empty ref, the change's own version of the file would be read.
    ref = given.filled("quarantine_ref")
    with given.placed("quarantine" if ref is None else "quarantine_ref"):
        return read_quarantine(file, ref, values["quarantine_days"], machine)


def baseline_file(
    path: Path,
    machine: Machine,
    advice: str = "Write previous, a run's id or address, or the path of a report.",
) -> FileBaseline:
    """Read a report on a run; raises :class:`UsageError`, with this advice for a wrong path."""
    try:
        content = machine.read_start(str(path), MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"the baseline {str(path)!r} can't be read: {error.strerror or error}",
            advice=advice,
        ) from None
    return read_baseline_file(content, str(path))


def _cache(values: Values, machine: Machine, given: Given) -> Path | None:
    """Return the file that keeps the tests of earlier runs.

    There is none where the user names none and the cache folder can't be created, and none for
    plain http, which is for addresses of this machine: the next stand-in API at the same port has
    other runs with the same ids.
    """
    named: str | None = values["cache"]
    if named is not None:
        return None if named == NO_CACHE else Path(named)
    folder = _cache_folder(machine)
    if folder is None or not api_url(values, given).startswith("https:"):
        return None
    # Path.exists() would raise for a home folder that this user may not read.
    existing = next(part for part in (folder, *folder.parents) if os.path.exists(part))
    usable = os.path.isdir(existing) and os.access(existing, os.W_OK | os.X_OK)
    return folder / "results.sqlite" if usable else None


def _cache_folder(machine: Machine) -> Path | None:
    """Return where the user's files of this kind are (XDG Base Directory Specification)."""
    named = Path(machine.environment.get("XDG_CACHE_HOME", ""))
    if not named.is_absolute():
        if machine.home is None:
            return None
        named = machine.home / ".cache"
    return named / "testery-gate"


def gathering(options: GateOptions, evidence: EvidenceOptions, effects: Effects) -> Gathering:
    """Return what reads the evidence of single tests, with clients of its own.

    They have their own time limits, because the wait may have used up the gate's.
    """
    waiting, connection = options.waiting, options.connection
    limits = api.Limits(
        deadline=Deadline.after(waiting.timeout + waiting.patience),
        outage_tolerance=min(waiting.outage_tolerance, AFTER_THE_END),
        grace=AFTER_THE_END,
    )
    client = connect(connection, limits, sleep=effects.sleep, say=effects.say)
    path = evidence.cache
    cache = Cache(path, connection.api_url, connection.token.value) if path else None
    return Gathering(
        evidence.wanted,
        ReadAhead(connect_behind(connection, limits), cache),
        client,
        trust_status=options.policy.trust_status,
        clock=time.monotonic,
        sleep=effects.sleep,
    )
