"""What a command works with: the process that it runs in, and what it takes from the machine."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from testery_gate.api.credentials import without_token
from testery_gate.api.time_limit import within
from testery_gate.ci import System
from testery_gate.errors import UsageError
from testery_gate.reports import Report
from testery_gate.reports.ending import Ending
from testery_gate.waiting.deadline import utc_now
from testery_gate.waiting.signals import Interrupts

GIT_SECONDS = 10.0
"""How long git may take to name a commit."""
LONGEST_INPUT = 16 * 1024 * 1024
"""Bytes of standard input."""


class NoSuchCommit(OSError):
    """The repository has no commit of that name, or not yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the command line takes from the machine, besides its arguments."""

    environment: Mapping[str, str]
    home: Path | None
    """The user's folder; ``None`` where there is none."""
    now: Callable[[], datetime]
    read_stdin: Callable[[float], str]
    """Returns all of standard input, within so many seconds; raises :class:`UsageError` where there
    is none, and :class:`TookTooLong` where it does not end in time."""
    read_start: Callable[[str, int], bytes]
    """Reads so many bytes of a file at most; raises ``OSError``."""
    head_of_checkout: Callable[[], str]
    """Asks git for the commit that is checked out; raises ``OSError``."""
    remote_of_checkout: Callable[[], str]
    """Asks git for the address of the remote ``origin``; raises ``OSError``."""
    file_at: Callable[[str, str, int], bytes]
    """Asks git for a file as it stands at a commit, by ref, path and the most bytes it may have;
    raises ``OSError``."""


def this_machine() -> Machine:
    """Return the real one."""
    return Machine(
        environment=os.environ,
        home=find_home(),
        now=utc_now,
        read_stdin=_read_stdin,
        read_start=_read_start,
        head_of_checkout=lambda: head_of_checkout(os.environ),
        remote_of_checkout=lambda: remote_of_checkout(os.environ),
        file_at=lambda ref, path, most: file_at(os.environ, ref, path, most),
    )


def find_home() -> Path | None:
    """Return the user's folder, if it is one that does not depend on the working directory.

    Without HOME, and for a user who has no entry, Python leaves ``~`` as it is: a folder of that
    name may come with the change under test.
    """
    home = Path(os.path.expanduser("~"))
    return home if home.is_absolute() else None


def _read_stdin(seconds: float) -> str:
    if sys.stdin is None:
        raise UsageError(
            "there is no standard input to read from",
            advice="Connect one, name the run, or name a file with --token-file.",
        )
    descriptor = sys.stdin.fileno()
    return within(seconds, lambda _: _read_to_the_end(descriptor)).decode(errors="replace")


def _read_to_the_end(descriptor: int) -> bytes:
    # Not through sys.stdin: a thread that still reads from it would make Python's exit fail.
    content = bytearray()
    while chunk := os.read(descriptor, 65536):
        content += chunk
        if len(content) > LONGEST_INPUT:
            raise UsageError("there is more than 16 MiB on standard input, which can't be runs")
    return bytes(content)


def _read_start(path: str, most: int) -> bytes:
    try:
        kind = os.stat(path).st_mode
    except ValueError:
        raise OSError("no path holds such a character") from None
    # Not a folder, and not a pipe, for which the gate would wait.
    if not stat.S_ISREG(kind):
        raise OSError("it is not a regular file")
    with Path(path).open("rb") as file:
        return file.read(most)


def head_of_checkout(environment: Mapping[str, str], seconds: float = GIT_SECONDS) -> str:
    """Ask git for the commit that is checked out; raises ``OSError``."""
    return _git(environment, "rev-parse", "HEAD", seconds=seconds).decode()


def remote_of_checkout(environment: Mapping[str, str]) -> str:
    """Ask git for the address of the remote ``origin``; raises ``OSError``."""
    return _git(environment, "remote", "get-url", "origin").decode()


def file_at(environment: Mapping[str, str], ref: str, path: str, most: int) -> bytes:
    """Ask git for a file of at most so many bytes as it stands at a commit.

    Raises :class:`NoSuchCommit` where the repository has none of that name, else ``OSError``.
    """
    unknown = NoSuchCommit(f"git knows no commit {ref}")
    if ref.startswith(("-", "^")):
        raise unknown  # git would read it as an option, or as an excluded commit
    wanted = ("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    commit = _git(environment, *wanted, silence=unknown).decode().strip()
    place = f"{commit}:./{os.path.relpath(path)}"
    size = int(_git(environment, "cat-file", "-s", place))
    if size > most:
        raise OSError(f"it is larger than {most // 1024} KiB")
    return _git(environment, "cat-file", "blob", place)


def _git(
    environment: Mapping[str, str],
    *arguments: str,
    seconds: float = GIT_SECONDS,
    silence: OSError | None = None,
) -> bytes:
    """Run git; ``silence`` is raised where it fails and says nothing."""
    try:
        done = subprocess.run(  # noqa: S603  (its arguments are checked above)
            # Never a bare repository: the change may bring a folder that looks like one.
            ["git", "-c", "safe.bareRepository=explicit", *arguments],  # noqa: S607  (the user's)
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=seconds,
            env=_without_secrets(environment),
        )
    except ValueError:
        raise OSError("no argument holds such a character") from None
    except subprocess.TimeoutExpired:
        raise OSError(f"no answer within {seconds:g} s") from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        raise (OSError(lines[0]) if lines else silence or OSError(str(error))) from None
    return done.stdout


def _without_secrets(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment without the token and without proxy addresses with a password."""
    return {
        name: value
        for name, value in without_token(environment).items()
        if not (name.lower().endswith("_proxy") and "@" in value)
    }


@dataclass(slots=True, kw_only=True)
class Process:
    """What is needed after a command too: the debug flag, signals, the CI system, reports."""

    interrupts: Interrupts
    machine: Machine = field(default_factory=this_machine)
    debug: bool = False
    ci: System | None = None
    reports: Sequence[Report] = ()
    """The requested reports; files of an earlier invocation must not be taken for new ones."""
    announce: Callable[[Ending], None] = lambda _: None
    """Says on the system that hosts the code how the gate ended, once; never raises."""
    started: float = field(default_factory=time.monotonic)
    """When the gate's time began to count, on a monotonic clock."""
