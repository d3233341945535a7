"""Writes reports to files: the whole report, or nothing of it."""

from __future__ import annotations

import errno
import os
import secrets
import select
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from testery_gate.errors import ExitCode, ReportLost, UsageError
from testery_gate.judging.judged import Judged
from testery_gate.reports import FORMATS, Renderer, Report
from testery_gate.reports.recognised import ENOUGH, is_report
from testery_gate.reports.view import exit_code_of
from testery_gate.text import clean_line

PATIENCE = 10.0
"""Seconds to wait for a reader of a pipe."""
_WRITTEN_AT_ONCE = 65536
"""Characters."""


def check_writable(report: Report) -> None:
    """Check before the wait that a report can be written, and create its directories.

    Raises :class:`UsageError`; then no new directory is left.
    """
    path = report.path
    try:
        if report.careful:
            _check_harmless(path)
        _rehearse(path)
    except (OSError, ValueError) as error:
        raise UsageError(
            _complaint(path, error), advice="Name a file in a directory that can be written to."
        ) from error


def publish(
    runs: Sequence[Judged],
    wanted: Sequence[Report],
    stdout: TextIO,
    complain: Callable[[ReportLost], None],
    formats: Mapping[str, Renderer] = FORMATS,
) -> ExitCode:
    """Write the reports and return the exit code; a lost report changes only ``PASSED``."""
    code = exit_code_of(runs)
    for report in wanted:
        try:
            shown = runs
            if not _is_for_a_file(report.path):
                # Addresses may be signed, and more people can read a log than a file.
                shown = [replace(judged, attachments={}) for judged in runs]
            # The text has no name, so that its memory is free before the next one is made.
            _deliver(formats[report.format](shown), report, stdout)
        except ReportLost as error:
            complain(error)
            if code is ExitCode.PASSED:
                code = ExitCode.REPORT_LOST
    return code


def _is_for_a_file(path: str) -> bool:
    """Whether the path is a file, and not a log."""
    try:
        existing = None if path == "-" else _existing(path)
    except (OSError, ValueError):
        return False  # writing it will raise the error
    return path != "-" and (existing is None or _is_file(existing))


def withdraw(reports: Iterable[Report]) -> None:
    """Remove the reports that an earlier invocation wrote to the same paths.

    Otherwise they would be collected as the reports of this invocation.
    """
    for report in reports:
        with suppress(OSError, ValueError):
            if report.careful:
                _check_harmless(report.path)
            target = os.path.realpath(report.path)
            if _is_file(os.lstat(target)) and _is_report(target):
                os.unlink(target)


def _deliver(text: str, report: Report, stdout: TextIO) -> None:
    """Write a report where it is wanted; raises :class:`ReportLost`."""
    if report.path != "-":
        write(report.path, text, careful=report.careful)
        return
    try:
        stdout.write(text)
        stdout.flush()
    except (OSError, ValueError) as error:
        # ValueError: the stream is closed, or a character is not in its encoding.
        raise ReportLost(f"can't write the report to standard output: {error}") from None


def write(path: str, text: str, *, careful: bool = False, patience: float = PATIENCE) -> None:
    """Write a report as UTF-8: the whole file or, where that fails, nothing of it.

    Pipes and devices, such as ``/dev/stdout``, are written to, not replaced. ``patience`` is how
    many seconds to wait for a reader. Raises :class:`ReportLost`.
    """
    try:
        if careful:
            _check_harmless(path)
        existing = _existing(path)
        if existing is None or _is_file(existing):
            _replace(Path(os.path.realpath(path)), existing, text)
        else:
            _write_into(path, existing, text, patience)
    except (OSError, ValueError) as error:
        raise ReportLost(_complaint(path, error)) from error


def _rehearse(path: str) -> None:
    existing = _existing(path)
    if existing is None or _is_file(existing):
        _rehearse_file(Path(os.path.realpath(path)).parent)
    elif _own_output(existing) is None and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _rehearse_file(folder: Path) -> None:
    missing = [part for part in (folder, *folder.parents) if not os.path.lexists(part)]
    try:
        with _temporary(folder) as temporary, open(temporary, "x"):
            pass
    except BaseException:
        for part in missing:
            with suppress(OSError):
                part.rmdir()
        raise


def _replace(target: Path, existing: os.stat_result | None, text: str) -> None:
    with _temporary(target.parent) as temporary:
        # Created like any new file, so that the umask decides who may read it.
        with open(temporary, "x", encoding="utf-8", newline="\n") as file:
            # In parts: otherwise the whole text would be in memory as bytes too.
            for start in range(0, len(text), _WRITTEN_AT_ONCE):
                file.write(text[start : start + _WRITTEN_AT_ONCE])
        if existing is not None:
            temporary.chmod(stat.S_IMODE(existing.st_mode))
        temporary.replace(target)


def _write_into(path: str, existing: os.stat_result, text: str, patience: float) -> None:
    own = _own_output(existing)
    if own is not None:
        # Through the stream that keeps CI systems from executing what is printed.
        stream = sys.stdout if own == _STDOUT else sys.stderr
        stream.write(text)
        stream.flush()
        return
    content = text.encode()
    descriptor = _opened(path, patience)
    try:
        pour(descriptor, content, patience)
    finally:
        os.close(descriptor)


def _opened(path: str, patience: float) -> int:
    """Return the open descriptor of a pipe or device; wait for its reader only so many seconds."""
    until = time.monotonic() + patience
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO or time.monotonic() >= until:
                raise
            time.sleep(min(0.05, patience))


def pour(descriptor: int, content: bytes, patience: float) -> None:
    """Write all content to a non-blocking descriptor; raises ``OSError`` if nobody reads it."""
    rest = memoryview(content)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            if not select.select([], [descriptor], [], patience)[1]:
                raise TimeoutError(errno.ETIMEDOUT, "nobody reads it") from None


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """Yield the path of a temporary file in a folder, which is created; remove the file at the end.

    Its name matches no pattern that collects reports, and is short even if the report's is long.
    """
    with suppress(FileExistsError):  # if it is no folder, creating the file in it fails
        folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".testery-gate-{secrets.token_hex(8)}.tmp"
    try:
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink()


def _existing(path: str) -> os.stat_result | None:
    """Return the status of what is at the path, or ``None``; raises ``OSError`` for a directory."""
    try:
        existing = os.stat(path)
    except FileNotFoundError:
        if os.path.basename(path) not in {"", ".", ".."}:
            return None
    else:
        if not stat.S_ISDIR(existing.st_mode):
            return existing
    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


def _is_file(existing: os.stat_result) -> bool:
    return stat.S_ISREG(existing.st_mode) and _own_output(existing) is None


def _check_harmless(path: str) -> None:
    """Check a path that a configuration file sets; raises ``OSError`` for one that is refused.

    A report has names and errors of tests, which others write. So it may be a new file in the
    working directory, or replace a report of the gate. It must not be an executable file, a link,
    or a file in ``.git``.
    """
    if path == "-":
        return
    inside = os.path.relpath(path)
    parts = [part.rstrip(". ").casefold() for part in Path(inside).parts]
    if os.pardir in Path(inside).parts or os.path.isabs(inside):
        raise PermissionError(errno.EPERM, "it is not inside the working directory")
    if not _GIT_FOLDERS.isdisjoint(parts):
        raise PermissionError(errno.EPERM, "a configuration file may not write into .git")
    if os.path.realpath(path) != os.path.join(os.path.realpath(os.curdir), inside):
        raise PermissionError(errno.EPERM, "a configuration file may not write through a link")
    try:
        existing = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(existing.st_mode) or existing.st_mode & 0o111 or not _is_report(path):
        raise PermissionError(
            errno.EPERM, "a configuration file may only replace a report of the gate"
        )


_GIT_FOLDERS = {".git", "git~1"}
"""The second is the short name of the first on Windows."""
_STDOUT, _STDERR = 1, 2


def _is_report(path: str) -> bool:
    with open(path, encoding="utf-8", errors="replace") as file:
        return is_report(file.read(ENOUGH))


def _own_output(existing: os.stat_result) -> int | None:
    """Return the descriptor where the path is this process's own standard output or error.

    A log file behind ``/dev/stdout`` must not be replaced, nor written at another offset.
    """
    for descriptor in (_STDOUT, _STDERR):
        with suppress(OSError):  # it can be closed
            if os.path.samestat(existing, os.fstat(descriptor)):
                return descriptor
    return None


def _complaint(path: str, error: OSError | ValueError) -> str:
    reason = error.strerror if isinstance(error, OSError) else error
    return f"can't write the report {clean_line(path)}: {reason}"
