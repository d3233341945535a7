"""From the values of options to the objects that the gate works with.

Each function names the options it takes and leaves the rest to the others; all raise
:class:`UsageError`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testery_gate.api.credentials import Token, describe_token_file, find_token, without_token
from testery_gate.cli.options import Reach
from testery_gate.errors import UsageError
from testery_gate.judging.criteria import Criterion
from testery_gate.judging.verdict import Expectation, ExpectedField, Policy
from testery_gate.runs.commit import current_commit
from testery_gate.runs.references import RunReference, parse_reference, parse_references
from testery_gate.text import clean_text, one_line

if TYPE_CHECKING:
    from testery_gate.reports import Report
    from testery_gate.runs.selection import Condition, Field, Query

# Runs are mostly named: what describes them is imported by the functions that need it.

AUTO = "auto"


def policy(
    *,
    require: tuple[Criterion, ...],
    warn: tuple[Criterion, ...],
    expect: tuple[Expectation, ...],
    trust_status: bool,
    max_failed: Criterion | None,
    min_passed: Criterion | None,
    min_pass_rate: Criterion | None,
    max_ignored: Criterion | None,
    min_total: Criterion | None,
    min_coverage: Criterion | None,
    max_duration: Criterion | None,
    max_age: Fraction | None,
    **_others: object,
) -> Policy:
    """Build what decides the verdict."""
    short = (
        max_failed,
        min_passed,
        min_pass_rate,
        max_ignored,
        min_total,
        min_coverage,
        max_duration,
    )
    return Policy(
        required=(*require, *(criterion for criterion in short if criterion is not None)),
        warned=warn,
        expected=tuple(_resolved(expectation) for expectation in expect),
        trust_status=trust_status,
        max_age=None if max_age is None else _timedelta(max_age),
    )


def _resolved(expectation: Expectation) -> Expectation:
    if expectation.field is ExpectedField.GIT_REF and expectation.value == AUTO:
        return Expectation(field=expectation.field, value=_commit())
    return expectation


def _timedelta(seconds: Fraction) -> timedelta:
    # A longer time than this is all time; datetime can't go further back.
    return timedelta(seconds=float(min(seconds, Fraction(3600 * 24 * 365 * 1000))))


_DESCRIBING = (
    *("git_ref", "build_key", "environment", "project_id", "name", "include_tag", "status"),
    *("latest", "each", "every", "deploy_id"),
)


def target(
    runs: Sequence[str], source_of: Callable[[str], str], **values: Any
) -> Sequence[RunReference] | Query:
    """Tell which runs are meant: by name, or by description.

    ``source_of`` says what set an option.
    """
    describing = [option for option in _DESCRIBING if _is_given(values[option])]
    if runs and describing:
        # Even a file or a variable says what is meant, and a run that is named may be another.
        sources = ", ".join(map(source_of, describing))
        raise UsageError(
            f"runs are both named and described, by {sources}; do one of the two",
            advice="To hold a named run to a commit or an environment, use --expect.",
        )
    if runs:
        return _named(runs, values["token_file"])
    if not describing:
        raise UsageError(
            "no run is named and none described",
            advice="Give a run's id or address, or say which: --git-ref auto, --environment NAME,"
            " --latest, ...",
        )
    return _query(**values)


def _is_given(value: object) -> bool:
    return value is not None and value is not False and value != ()


def listed(*, latest: bool, each: tuple[str, ...], limit: int, **values: Any) -> Query:
    """Tell which runs are to be listed: all that are described, or the latest of them."""
    query = _query(each=each, **values)
    every = not each and not latest
    return replace(query, selection=replace(query.selection, every=every, most=limit))


def _query(
    *,
    git_ref: str | None,
    build_key: str | None,
    environment: str | None,
    project_id: int | None,
    name: str | None,
    include_tag: tuple[str, ...],
    status: str | None,
    each: tuple[str, ...],
    every: bool,
    deploy_id: int | None,
    lookback: Reach,
    **_others: object,
) -> Query:
    if each and every:
        raise UsageError("--each takes the newest of each group and --all takes all: choose one")
    from testery_gate.runs.selection import Field, Group, Query, Selection

    wanted = (
        (Field.GIT_REF, _commit() if git_ref == AUTO else git_ref),
        (Field.BUILD_KEY, build_key),
        (Field.ENVIRONMENT, environment),
        (Field.PROJECT_ID, project_id),
        (Field.NAME, name),
        *((Field.INCLUDE_TAG, tag) for tag in include_tag),
        (Field.STATUS, None if status is None else status.upper()),
    )
    return Query(
        selection=Selection(
            conditions=tuple(
                _condition(field, str(value)) for field, value in wanted if value is not None
            ),
            each=tuple(map(Group, each)),
            # A deploy's runs are meant as a whole.
            every=every or (deploy_id is not None and not each),
        ),
        deploy_id=deploy_id,
        max_age=None if lookback.seconds is None else _timedelta(lookback.seconds),
        max_runs=lookback.runs,
    )


def _condition(field: Field, wanted: str) -> Condition:
    from testery_gate.runs.selection import Condition

    # As the run's own text is read.
    wanted = one_line(clean_text(wanted))
    if not wanted:
        raise UsageError(
            f"--{field.value} is empty",
            advice="Is the variable set that it is taken from? Leave the option out for any run.",
        )
    return Condition(field=field, wanted=wanted)


def _named(runs: Sequence[str], token_file: str | None) -> Sequence[RunReference]:
    found: dict[int, RunReference] = {}
    try:
        for text in runs:
            if text != "-":
                references: Sequence[RunReference] = [parse_reference(text)]
            elif token_file == "-":  # noqa: S105  (a file's name)
                raise UsageError(
                    "standard input can't hold both the runs and the token",
                    advice="Set TESTERY_API_TOKEN instead, or name a file with --token-file.",
                )
            else:
                references = parse_references(_read_stdin())
            for reference in references:
                found.setdefault(reference.run_id, reference)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return tuple(found.values())


def _commit() -> str:
    return current_commit(
        os.environ, lambda path: Path(path).read_text(encoding="utf-8"), _head_of_checkout
    )


def _head_of_checkout() -> str:
    import subprocess

    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607  (the git on PATH is the user's)
            capture_output=True,
            text=True,
            check=True,
            env=without_token(os.environ),
        )
    except subprocess.CalledProcessError as error:
        raise OSError(
            error.stderr.strip().splitlines()[0] if error.stderr else str(error)
        ) from None
    return done.stdout


def _read_stdin() -> str:
    if sys.stdin is None:
        raise UsageError(
            "there is no standard input to read from",
            advice="Connect one, or name the run, or a file with --token-file.",
        )
    return sys.stdin.read()


def token(*, token: str | None, token_file: str | None, profile: str, **_others: object) -> Token:
    """Find the API token."""
    return find_token(
        flag=token,
        file=token_file,
        profile=profile,
        environment=os.environ,
        # Where there is no home, the folder of this name is not there either.
        home=Path(os.path.expanduser("~")),
        read_stdin=_read_stdin,
    )


def token_source(*, token_file: str | None, **others: Any) -> str:
    """Say where the token would come from, without reading a token file."""
    if token_file and not others["token"]:
        return describe_token_file(token_file)
    try:
        return token(token_file=None, **others).source
    except UsageError as error:
        return f"nowhere: {error.message}"


def reports(
    *, junit_xml: str | None, report: tuple[str, ...], output: str, **_others: object
) -> Sequence[Report]:
    """Tell which reports are wanted where."""
    from testery_gate.reports import parse_report

    texts = [*([f"junit={junit_xml}"] if junit_xml is not None else []), *report]
    if output == "json":
        texts.append("json=-")
    wanted = [parse_report(text) for text in texts]
    try:
        places = [item.path if item.path == "-" else os.path.abspath(item.path) for item in wanted]
    except OSError as error:
        raise UsageError(
            f"the working directory is gone: {error.strerror}",
            advice="Change to one that is there, or name reports by whole paths.",
        ) from None
    for item, place in zip(wanted, places, strict=True):
        if places.count(place) > 1 and item.path != os.devnull:
            where = "standard output" if place == "-" else item.path
            raise UsageError(
                f"two reports would be written to {where}", advice="Give each a path of its own."
            )
    return wanted
