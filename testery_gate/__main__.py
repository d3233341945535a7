"""The command ``testery-gate``, which is also ``python -m testery_gate``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from testery_gate.errors import Interrupted
from testery_gate.interrupts import Interrupts


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    The signals are taken over before the rest is imported, because until then process 1 of a
    container loses a SIGTERM, and anything else dies of it without an exit code of ours.
    """
    interrupts = Interrupts()
    try:
        interrupts.install()
        from testery_gate.cli import run

        return run(argv, interrupts)
    except Interrupted as error:
        return int(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
