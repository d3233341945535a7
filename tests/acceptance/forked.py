"""The command in a process that begins with the package loaded.

Most of what a short command does is to start Python and to import. Where a test asks for something
else, a process that has done so once forks itself for each command: it has its own exit code,
environment, working directory and streams like any other.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(
    [
        "tests.acceptance.forked",
        "testery_gate.__main__",
        "testery_gate.cli.main",
        "testery_gate.cli.wait",
        "testery_gate.cli.check",
    ]
)


def run(
    argv: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    stdin: str = "",
    *,
    seconds: float,
    one_stream: bool = False,
) -> tuple[int, str, str]:
    """Run the command to its end, and return its exit code and what it wrote.

    With one stream, standard error goes where standard output goes. Raises ``TimeoutError`` where
    there is no end in time.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, written, errors = (Path(folder, name) for name in ("stdin", "stdout", "stderr"))
        given.write_text(stdin, encoding="utf-8")
        errors.touch()
        streams = (given, written, written if one_stream else errors)
        process = _FORKING.Process(target=_play, args=(argv, cwd, dict(env), streams), daemon=True)
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"no end within {seconds:g} s: {' '.join(argv)}")
        return process.exitcode, written.read_bytes().decode(), errors.read_bytes().decode()


def _play(argv: Sequence[str], cwd: Path, env: Mapping[str, str], streams: Sequence[Path]) -> None:
    """Become the command; its exit code is that of the process."""
    for descriptor, path in enumerate(streams):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND if descriptor else os.O_RDONLY
        opened = os.open(path, flags)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  (open to the end)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False
    )
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = list(argv)
    from testery_gate.__main__ import main

    sys.exit(main())
