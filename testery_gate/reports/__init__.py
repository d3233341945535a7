"""What the gate tells other programs: one module a format, and the one place that writes files."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from testery_gate.errors import ReportLost, UsageError
from testery_gate.judging.verdict import Verdict
from testery_gate.text import clean_text, one_line


def _junit(verdicts: Sequence[Verdict], *, scope: str = "all", tolerated: str = "failure") -> str:
    from testery_gate.reports import junit

    return junit.render(verdicts, scope=junit.Scope(scope), tolerated=junit.Tolerated(tolerated))


def _json(verdicts: Sequence[Verdict]) -> str:
    from testery_gate.reports import json_report

    return json_report.render(verdicts)


def _dotenv(verdicts: Sequence[Verdict]) -> str:
    from testery_gate.reports import dotenv

    return dotenv.render(verdicts)


def _markdown(verdicts: Sequence[Verdict], **options: int) -> str:
    from testery_gate.reports import markdown

    return markdown.render(verdicts, **options)


def _html(verdicts: Sequence[Verdict], **options: int) -> str:
    from testery_gate.reports import html

    return html.render(verdicts, **options)


def _sonar(verdicts: Sequence[Verdict]) -> str:
    from testery_gate.reports import sonar

    return sonar.render(verdicts)


Renderer = Callable[[Sequence[Verdict]], str]
"""Renders at least one verdict as a whole file."""

FORMATS: Mapping[str, Renderer] = {
    "junit": _junit,
    "json": _json,
    "dotenv": _dotenv,
    "markdown": _markdown,
    "html": _html,
    "sonar": _sonar,
}
"""The formats as they are by default; the module of each is imported when it is first called."""


def with_options(
    *, markdown_limit: int, html_limit: int, junit_scope: str, junit_tolerated: str
) -> Mapping[str, Renderer]:
    """Return the formats as a user wants them; the limits are in bytes."""
    return {
        **FORMATS,
        "junit": partial(_junit, scope=junit_scope, tolerated=junit_tolerated),
        "markdown": partial(_markdown, limit=markdown_limit),
        "html": partial(_html, limit=html_limit),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report that was asked for; the path ``-`` stands for the caller's standard output."""

    format: str
    path: str


def parse_report(text: str) -> Report:
    """Read ``FORMAT=PATH``; raises :class:`UsageError`."""
    name, separator, path = text.partition("=")
    shown = _shown(text)
    if not separator:
        raise UsageError(
            f"the report {shown!r} has no path",
            advice="Write FORMAT=PATH, for example junit=out/TEST-testery.xml.",
        )
    if name not in FORMATS:
        import difflib  # only here, as it takes its time

        near = difflib.get_close_matches(name.lower(), FORMATS, n=1)
        raise UsageError(
            f"the report {shown!r} has an unknown format",
            advice=f"Did you mean {near[0]}?" if near else f"Formats are {', '.join(FORMATS)}.",
        )
    if not path:
        raise UsageError(
            f"the report {shown!r} has an empty path",
            advice=f"Name a file, for example {name}=out/report, or {name}=- for standard output.",
        )
    return Report(format=name, path=path)


def check_writable(path: str) -> None:
    """Find out before the wait whether a report can be written, and create its directories.

    Raises :class:`UsageError`, and leaves nothing behind then.
    """
    try:
        _rehearse(path)
    except (OSError, ValueError) as error:
        raise UsageError(
            _complaint(path, error), advice="Name a file in a directory that can be written to."
        ) from error


def write(path: str, text: str) -> None:
    """Write a report as UTF-8: the whole file or, where that fails, nothing of it.

    What is no file, such as a pipe or ``/dev/stdout``, is written into. Raises
    :class:`ReportLost`.
    """
    try:
        existing = _existing(path)
        if existing is None or _is_file(existing):
            _replace(Path(os.path.realpath(path)), existing, text)
        else:
            _write_into(path, existing, text)
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
        # Created as any new file is, so that the umask alone decides who may read it.
        with open(temporary, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        if existing is not None:
            temporary.chmod(stat.S_IMODE(existing.st_mode))
        temporary.replace(target)


def _write_into(path: str, existing: os.stat_result, text: str) -> None:
    own = _own_output(existing)
    target = path if own is None else own
    with open(target, "a", encoding="utf-8", newline="\n", closefd=own is None) as file:
        file.write(text)


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """Name a file to make in a folder, which is created; afterwards the file is gone.

    Its name matches no pattern that collects reports, and is short whatever the report's is.
    """
    with suppress(FileExistsError):  # where that is no folder, making a file in it says so
        folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".testery-gate-{secrets.token_hex(8)}.tmp"
    try:
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink()


def _existing(path: str) -> os.stat_result | None:
    """Return what the path leads to, if there is anything; a directory is an :class:`OSError`."""
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


def _own_output(existing: os.stat_result) -> int | None:
    """Return the descriptor where the path is this process's own standard output or error.

    A log file behind ``/dev/stdout`` must neither be replaced nor be written at another offset.
    """
    for descriptor in (1, 2):
        with suppress(OSError):  # it can be closed
            if os.path.samestat(existing, os.fstat(descriptor)):
                return descriptor
    return None


def _complaint(path: str, error: OSError | ValueError) -> str:
    reason = error.strerror if isinstance(error, OSError) else error
    return f"can't write the report {_shown(path)}: {reason}"


def _shown(text: str) -> str:
    return one_line(clean_text(text))
