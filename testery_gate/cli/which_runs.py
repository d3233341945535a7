"""From click's values to which runs are meant: by name, or by description.

Every function here raises :class:`UsageError`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

from testery_gate.cli.given import DESCRIBING, Given, Values, is_given
from testery_gate.cli.option_types import LookbackSpan
from testery_gate.cli.process import Machine
from testery_gate.errors import UsageError
from testery_gate.model import Field
from testery_gate.runs.references import PipedRuns, RunReference, parse_reference, parse_references
from testery_gate.text import clean_text, one_line

if TYPE_CHECKING:
    from testery_gate.runs.selection import Query

AUTO = "auto"


def target(
    values: Values, machine: Machine, given: Given
) -> Sequence[RunReference] | PipedRuns | Query:
    """Return which runs are meant: by name, or by description."""
    runs: Sequence[str] = values["runs"]
    describing = [option for option in DESCRIBING if is_given(values[option])]
    if runs and describing:
        # A description in a file or variable counts too: the named run may be another one.
        sources = ", ".join(map(given.named, describing))
        raise UsageError(
            f"runs are both named and described, by {sources}; use one of the two",
            advice="To require a commit or an environment of a named run, use --expect.",
        )
    if runs:
        if values["min_runs"] > 1:
            raise UsageError(f"{given.named('min_runs')} is for runs that are described, not named")
        return _named(runs, values["token_file"], machine)
    if not describing:
        raise UsageError(
            "no run is named or described",
            advice="Give a run's id or address, or say which: --git-ref auto, --environment NAME,"
            " --latest, ...",
        )
    return query_of(values, machine, given)


def _named(
    runs: Sequence[str], token_file: str | None, machine: Machine
) -> Sequence[RunReference] | PipedRuns:
    references = {text: references_in(text) for text in runs if text != "-"}
    if "-" not in runs:
        return _once(chain.from_iterable(references.values()))
    if token_file == "-":  # noqa: S105  (a file's name)
        raise UsageError(
            "standard input can't hold both the runs and the token",
            advice="Set TESTERY_API_TOKEN instead, or name a file with --token-file.",
        )

    def read(seconds: float) -> Sequence[RunReference]:
        piped = references_in(machine.read_stdin(seconds), parse_references)
        return _once(chain.from_iterable(references.get(text, piped) for text in runs))

    return PipedRuns(read=read)


def references_in(
    text: str,
    parse: Callable[[str], Sequence[RunReference]] = lambda text: [parse_reference(text)],
) -> Sequence[RunReference]:
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _once(references: Iterable[RunReference]) -> Sequence[RunReference]:
    """Return each run once, as it was first named."""
    found: dict[int, RunReference] = {}
    for reference in references:
        found.setdefault(reference.run_id, reference)
    return tuple(found.values())


def query_of(values: Values, machine: Machine, given: Given) -> Query:
    """Return the query for the described runs; an error names what set the option."""
    from testery_gate.runs.selection import Condition, Group, Query, Selection

    each, every, deploy_id = values["each"], values["every"], values["deploy_id"]
    if each and every:
        raise UsageError(
            f"{given.named('each')} takes the newest of each group and {given.named('every')} takes"
            " all: choose one"
        )
    many, least = bool(each or every or deploy_id is not None), values.get("min_runs", 1)
    if least > 1 and not many:
        raise UsageError(
            f"--min-runs {least}{given.place('min_runs')} can't be reached: only the newest run is"
            " meant",
            advice="Say which runs are meant besides: --each, --all or --deploy-id.",
        )
    git_ref, status = values["git_ref"], values["status"]
    wanted = (
        (Field.GIT_REF, commit_under_test(machine) if git_ref == AUTO else git_ref),
        (Field.BUILD_KEY, values["build_key"]),
        (Field.ENVIRONMENT, values["environment"]),
        (Field.PROJECT_ID, values["project_id"]),
        (Field.NAME, values["name"]),
        *((Field.INCLUDE_TAG, tag) for tag in values["include_tag"]),
        (Field.STATUS, None if status is None else status.upper()),
    )
    advice = "Check that its variable is set, or leave the option out to accept any run."
    lookback: LookbackSpan = values["lookback"]
    return Query(
        selection=Selection(
            conditions=tuple(
                Condition(field=field, wanted=filled(field.value, str(value), advice))
                for field, value in wanted
                if value is not None
            ),
            each=tuple(map(Group, each)),
            # All runs of a deploy are meant.
            every=every or (deploy_id is not None and not each),
        ),
        deploy_id=deploy_id,
        max_age=None if lookback.seconds is None else time_of(lookback.seconds),
        max_runs=lookback.runs,
        min_runs=least,
    )


def filled(
    name: str, text: str, advice: str = "Check that its variable is set, or leave the option out."
) -> str:
    """Return a text, cleaned like the API's texts; raises :class:`UsageError` for an empty one."""
    text = one_line(clean_text(text))
    if not text:
        raise UsageError(f"--{name.replace('_', '-')} is empty", advice=advice)
    return text


def commit_under_test(machine: Machine) -> str:
    """Return the commit that the pipeline is about."""
    from testery_gate.runs.commit import current_commit  # a table of all CI systems

    return current_commit(machine.environment, machine.read_start, machine.head_of_checkout)


def time_of(seconds: Fraction) -> timedelta:
    """Return a time span; longer ones are shortened, because datetime can't go further back."""
    return timedelta(seconds=float(min(seconds, Fraction(3600 * 24 * 365 * 1000))))
