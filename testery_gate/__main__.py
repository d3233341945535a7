"""The command ``testery-gate``, which is also ``python -m testery_gate``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

from testery_gate.errors import ExitCode, Interrupted
from testery_gate.interrupts import Interrupts


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    The signals are taken over before the rest is imported, because until then process 1 of a
    container loses a SIGTERM, and anything else dies of it without an exit code of ours. Whatever
    escapes from the rest must not exit 1, as Python would have it: that means failed tests.
    """
    interrupts = Interrupts()
    try:
        interrupts.install()
        _open_streams()
        from testery_gate.cli import run

        code = run(argv, interrupts)
    except Interrupted as error:
        code = int(error.exit_code)
    except Exception:  # noqa: BLE001  (nothing is left that could say more)
        code = int(ExitCode.INTERNAL)
    interrupts.hold()
    let_go(sys.stdout, sys.stderr)
    return code


def _open_streams() -> None:
    """Open what the caller has closed; what is written to standard output then fails."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, encoding="utf-8")  # noqa: SIM115  (open to the end)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (open to the end)


def let_go(*streams: TextIO) -> None:
    """Drop what can't be written; else the interpreter would try again, and exit 120."""
    for stream in streams:
        try:
            stream.flush()
        except (OSError, ValueError):
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
