"""The command ``testery-gate``, which is also ``python -m testery_gate``."""

import sys  # which is part of the interpreter

if __name__ == "__main__" and not sys.flags.safe_path:
    # Started with -m, Python would first look in the working directory for all that is imported
    # below. The files there come with the change under test.
    del sys.path[0]

import io
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

from testery_gate.errors import ExitCode, Interrupted
from testery_gate.waiting.signals import Interrupts


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    The signal handlers are installed before the rest is imported: until then process 1 of a
    container loses a SIGTERM, and any other process ends without one of our exit codes. An
    exception from the rest must not exit 1, as it would by Python's default: 1 means failed tests.
    """
    interrupts = Interrupts()
    code = int(ExitCode.INTERNAL)
    # From here on a first signal is raised within this, and a second ends the process.
    with suppress(Interrupted):
        interrupts.install()
        code = _ended(argv, interrupts)
        interrupts.hold()
    drop_unwritten(sys.stdout, sys.stderr)
    # Whatever the code is: the signal may have become another error by now.
    return code if interrupts.received is None else int(interrupts.received.exit_code)


def _ended(argv: Sequence[str] | None, interrupts: Interrupts) -> int:
    try:
        _open_streams()
        # Only after the signal handlers are installed: it takes some time.
        from testery_gate.cli.main import run

        return run(argv, interrupts)
    except Exception:  # noqa: BLE001  (there is no better handler above)
        return int(ExitCode.INTERNAL)


def _open_streams() -> None:
    """Open the streams that the caller has closed; writing to standard output then fails."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, encoding="utf-8")  # noqa: SIM115  (open to the end)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (open to the end)
    sys.stdout, sys.stderr = _buffered(sys.stdout), _buffered(sys.stderr)


def _buffered(stream: TextIO) -> TextIO:
    """Return a stream that writes all it is given or fails.

    Without a buffer, as with PYTHONUNBUFFERED, Python drops what a pipe does not take at once.
    """
    if not isinstance(getattr(stream, "buffer", None), io.RawIOBase):
        return stream
    return open(
        stream.fileno(),
        "w",
        buffering=1,  # line by line
        encoding=stream.encoding,
        errors=stream.errors,
        closefd=False,
    )


def drop_unwritten(*streams: TextIO) -> None:
    """Drop output that can't be written; else the interpreter would try again, and exit 120."""
    for stream in streams:
        try:
            stream.flush()
        except (OSError, ValueError):
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
