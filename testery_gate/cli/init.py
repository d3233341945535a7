"""``testery-gate init``: the pipeline file and the settings of a project that has none."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import click

from testery_gate.cli.connection import token_source
from testery_gate.cli.doctor import doctor
from testery_gate.cli.option_types import ASKING_CODES, Command
from testery_gate.cli.output import complain, hand_over, show
from testery_gate.cli.pipelines import (
    NAMES,
    PIPELINES,
    File,
    Pipeline,
    Repository,
    checked_environment,
    checked_max_failed,
    made,
    recognised,
    repository_of,
)
from testery_gate.cli.process import Machine, Process
from testery_gate.errors import ExitCode, UsageError
from testery_gate.text import clean_text

AUTO = "auto"
_T = TypeVar("_T")
Ask = Callable[[str], str]
"""Asks a question and returns the answer, which may be empty; raises :class:`UsageError`."""


@click.command(
    cls=Command,
    examples=(
        "testery-gate init",
        "testery-gate init --ci github --environment staging --max-failed 2%",
        "testery-gate init --ci gitlab --print",
    ),
    codes=ASKING_CODES
    | {
        ExitCode.PASSED: "the files are written, and doctor found nothing wrong",
        ExitCode.USAGE: "nothing is written, or doctor found a wrong setting",
        ExitCode.REPORT_LOST: "the files could not be shown",
    },
    page="examples/README.md",
)
@click.option(
    "--ci",
    type=click.Choice([AUTO, *NAMES]),
    help="The CI system to write the file for; auto is the one that is recognised.",
)
@click.option("--environment", metavar="NAME", help="Judge runs in this environment only.")
@click.option("--max-failed", metavar="N|P%", help="How many tests may fail; without it, none.")
@click.option("--print", "printing", is_flag=True, help="Print the files, and write none.")
@click.pass_context
def init(
    ctx: click.Context,
    /,
    ci: str | None,
    environment: str | None,
    max_failed: str | None,
    *,
    printing: bool,
) -> ExitCode:
    """Write the pipeline file and the settings for a project, and check the way to the API.

    Recognises the CI system by its variables, by files of the project and by its repository. On a
    terminal it asks for what is not given. It changes no existing file, and writes none outside the
    working directory. If there is a token, it ends with 'doctor'.
    """
    process: Process = ctx.obj
    ask = _ask if sys.stdin is not None and sys.stdin.isatty() else None
    pipeline = _pipeline(ci, ask, process.machine)
    answers = {
        "environment": _answer(
            environment, ask, "Environment of the runs (empty for any): ", checked_environment
        ),
        "max-failed": _answer(
            max_failed,
            ask,
            "Tests that may fail, such as 3 or 2% (empty for none): ",
            checked_max_failed,
        ),
    }
    files = made(pipeline, {name: text for name, text in answers.items() if text})
    if not printing:
        write_new(files, Path())
    before = "" if printing else "Wrote "
    shown = "".join(f"{before}{file.path}:\n\n{file.text}\n" for file in files)
    hand_over(shown, "the files")
    if printing:
        return ExitCode.PASSED
    to_do = "".join(f"  {line}\n" for file in files for line in file.to_do)
    show(f"Left to do:\n{to_do}\n", sys.stderr)
    return _examined(ctx, process.machine)


def _ask(question: str) -> str:
    show(question, sys.stderr)
    answer = sys.stdin.readline()
    if not answer:
        raise UsageError("there is no answer", advice="Give flags instead: --ci, --environment.")
    return answer.strip()


def _answer(given: str | None, ask: Ask | None, question: str, parse: Callable[[str], _T]) -> _T:
    """Return the value of the option, else the answer; ask again until it can be read."""
    if given is not None or ask is None:
        return parse(given or "")
    while True:
        answer = ask(question)
        try:
            return parse(answer)
        except UsageError as error:
            complain(error)


def _pipeline(ci: str | None, ask: Ask | None, machine: Machine) -> Pipeline:
    repository = _repository(machine)
    found = recognised(machine.environment, os.path.lexists, repository)
    likely = found[0].name if found else ""
    if ci is None and ask is None:
        raise UsageError(
            "there is no terminal to ask for the CI system on",
            advice=f"Pass --ci {likely or '|'.join(NAMES)}, and --environment NAME and"
            " --max-failed N|P% as they are needed.",
        )
    if ci == AUTO and not found:
        raise UsageError(
            "no CI system is recognised here", advice=f"Name it: --ci {'|'.join(NAMES)}."
        )
    if found and ci in {None, AUTO}:
        show(clean_text(f"Recognised {likely} by {found[1]}.\n"), sys.stderr)

    def parse(text: str) -> Pipeline:
        name = text or likely
        for pipeline in PIPELINES:
            if pipeline.name == name:
                return pipeline
        raise UsageError(f"{text!r} is not one of {', '.join(NAMES)}")

    default = f" [{likely}]" if likely else ""
    return _answer(
        "" if ci == AUTO else ci, ask, f"CI system ({', '.join(NAMES)}){default}: ", parse
    )


def _repository(machine: Machine) -> Repository | None:
    with suppress(OSError):  # no git, or no repository, or none with a remote
        return repository_of(machine.remote_of_checkout().strip())
    return None


def write_new(files: Sequence[File], folder: Path) -> None:
    """Write new files into a folder, following no links.

    Raises :class:`UsageError`, if possible before anything is written.
    """
    standing = [file.path for file in files if os.path.lexists(folder / file.path)]
    if standing:
        many = len(standing) > 1
        raise UsageError(
            f"{' and '.join(standing)} {'exist' if many else 'exists'} already; nothing is written",
            advice="Look at what would be written with --print, and add it to what is there by"
            f" hand, or rename {'them' if many else 'it'} first.",
        )
    for file in files:
        path = folder / file.path
        if os.path.realpath(path.parent) != os.path.join(
            os.path.realpath(folder), *Path(file.path).parent.parts
        ):
            raise UsageError(
                f"{file.path} would be written elsewhere: there is a link on the way",
                advice="Start in the folder that the link leads to, or use --print.",
            )
    for file in files:
        _write(file, folder)


def _write(file: File, folder: Path) -> None:
    path = folder / file.path
    mode = 0o777 if file.path.endswith(".sh") else 0o666
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # "x" fails where there is something by now, a link included.
        with open(
            path, "x", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, mode)
        ) as stream:
            stream.write(file.text)
    except OSError as error:
        raise UsageError(
            f"{file.path} can't be written: {error.strerror}",
            advice="--print shows what it would hold.",
        ) from None


def _examined(ctx: click.Context, machine: Machine) -> ExitCode:
    """Run ``doctor`` where there is a token; else say how to get one."""
    with doctor.make_context("doctor", [], parent=ctx) as sub:
        try:
            token_source(sub.params, machine)
        except UsageError as error:
            complain(error)
            show("Then check the way to the API: testery-gate doctor\n", sys.stderr)
            return ExitCode.PASSED
        show("$ testery-gate doctor\n", sys.stderr)
        code: ExitCode = doctor.invoke(sub)
        return code
