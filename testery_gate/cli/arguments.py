"""From click's values to typed options: a frozen dataclass for each concern of a gate.

Every function here raises :class:`UsageError`; what it needs of the machine is passed to it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Any

from testery_gate import code_hosts
from testery_gate.api.address import check_api_url
from testery_gate.api.credentials import (
    Token,
    describe_token_file,
    find_code_host_token,
    find_token,
)
from testery_gate.api.time_limit import TookTooLong
from testery_gate.cli.given import DESCRIBING, Given, is_given
from testery_gate.cli.option_types import LookbackSpan
from testery_gate.cli.options import SHORT_CRITERIA
from testery_gate.cli.process import Machine
from testery_gate.errors import UsageError
from testery_gate.judging.verdict import NO_NEW_FAILURES, Expectation, ExpectedField, Policy
from testery_gate.model import same_git_ref
from testery_gate.reports import Renderer, Report, parse_report, with_options
from testery_gate.runs.references import PipedRuns, RunReference, parse_reference, parse_references
from testery_gate.runs.selection import Condition, Field, Group, Query, Selection
from testery_gate.runs.start import Start, Variable
from testery_gate.text import clean_text, one_line
from testery_gate.waiting import interval
from testery_gate.waiting.polling import PollInterval

if TYPE_CHECKING:
    from testery_gate.cli.single_tests import EvidenceOptions

AUTO = "auto"
TOKEN_SECONDS = 60.0
"""How long the token may take to come on standard input."""
_APPEARING, _NAMED_APPEARING = Fraction(120), Fraction(10)
"""Seconds that a run may take to appear where the user does not say. An id that is known has been
given to a run: all that can be late is a copy of the data that the API reads."""
_SHOWN_RUNS = 20
"""Comparable runs in an html report, unless the user says how many."""

Values = Mapping[str, Any]
"""Click's values, by the names of their parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """How the API is asked."""

    api_url: str
    token: Token
    secrets: Sequence[str] = field(default=(), repr=False)
    """What else must not show of what the API says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitOptions:
    """How long to wait for what; times in seconds."""

    timeout: float
    appear_within: float
    outage_tolerance: float
    patience: float = 0.0
    """How far past the timeout an API without usable answers may be asked again."""
    poll_interval: PollInterval = interval.adaptive
    fail_fast: bool = False
    follow: bool = True
    """Whether it is asked again which runs are meant, and a canceled one gives way to a newer."""
    cancel_on_interrupt: bool = False
    cancel_when_decided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """What is written at the end, and gathered for it."""

    wanted: Sequence[Report]
    formats: Mapping[str, Renderer]
    with_results: bool
    with_attachments: bool
    """Whether a report shows screenshots and the like, which only a file may."""
    shown_runs: int
    """How many comparable runs are shown, the one that is judged among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayOptions:
    """How much is shown to people."""

    quiet: bool
    verbose: bool
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeHostOptions:
    """What is said where people look at the change, and with which token."""

    system: code_hosts.System | None
    """``None`` where it is not known."""
    wishes: code_hosts.Wishes
    token: Token | None
    why_no_token: str = ""
    commit: Callable[[], str | None]
    """Returns the commit under test, ``None`` where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOptions:
    """The options of ``wait``, ``check`` and ``run``."""

    target: Sequence[RunReference] | PipedRuns | Query | Start
    policy: Policy
    reports: ReportOptions
    connection: ConnectionOptions
    waiting: WaitOptions
    display: DisplayOptions
    evidence: EvidenceOptions | None = None
    """What the single tests are held against, where that was asked for."""
    code_host: CodeHostOptions | None = None
    """What is said on the system that hosts the code, where that was asked for."""
    notes: Sequence[str] = ()
    """What every report shows of how the gate is set up."""


def wait_options(values: Values, machine: Machine, given: Given) -> GateOptions:
    """Return the options of ``wait``."""
    waiting = _waiting(values, given, _appear_within(values))
    return _gate_options(values, machine, given, waiting, _target)


def run_options(
    values: Values, machine: Machine, given: Given, unguessable: Callable[[], str]
) -> GateOptions:
    """Return the options of ``run``, which starts what it then waits for."""

    def target(values: Values, machine: Machine, _: Given) -> Start:
        return _start(values, machine, given, unguessable)

    waiting = _waiting(values, given, _NAMED_APPEARING)
    return _gate_options(values, machine, given, waiting, target)


def _waiting(values: Values, given: Given, appear_within: Fraction) -> WaitOptions:
    if values["cancel_when_decided"] and not values["fail_fast"]:
        raise UsageError(
            f"{given.named('cancel_when_decided')} needs --fail-fast: without it no run is decided"
            " before it has finished",
            advice="Add --fail-fast, or leave the other one out.",
        )
    return WaitOptions(
        timeout=float(values["timeout"]),
        appear_within=float(min(appear_within, values["timeout"])),
        outage_tolerance=float(values["outage_tolerance"]),
        poll_interval=(
            interval.adaptive
            if values["interval"] is None
            else interval.fixed(float(values["interval"]))
        ),
        fail_fast=values["fail_fast"],
        follow=not values["no_follow"],
        cancel_on_interrupt=values["cancel_on_interrupt"],
        cancel_when_decided=values["cancel_when_decided"],
    )


def check_options(values: Values, machine: Machine, given: Given) -> GateOptions:
    """Return the options of ``check``, which waits only for a run to be there."""
    appear_within = float(_appear_within(values))
    waiting = WaitOptions(
        timeout=appear_within,
        appear_within=appear_within,
        outage_tolerance=float(values["outage_tolerance"]),
        patience=float(values["outage_tolerance"]),
        follow=not values["no_follow"],
    )
    return _gate_options(values, machine, given, waiting, _target)


def _appear_within(values: Values) -> Fraction:
    wanted: Fraction | None = values["appear_within"]
    default = _NAMED_APPEARING if values["runs"] else _APPEARING
    return default if wanted is None else wanted


def explained_policy(values: Values, machine: Machine, given: Given) -> Policy:
    """Return the policy for ``explain``, after the checks that a gate would make."""
    given.check_limits()
    policy = _policy(values, machine, given)
    _evidence(values, machine, given, policy)
    _wanted_reports(values, given)
    return policy


def _gate_options(
    values: Values,
    machine: Machine,
    given: Given,
    waiting: WaitOptions,
    target: Callable[[Values, Machine, Given], Sequence[RunReference] | PipedRuns | Query | Start],
) -> GateOptions:
    given.check_limits()
    policy = _policy(values, machine, given)
    meant = target(values, machine, given)
    connection = connection_options(values, machine, given)
    if isinstance(meant, Start):
        connection = replace(connection, secrets=meant.secrets)
    return GateOptions(
        target=meant,
        policy=policy,
        evidence=_evidence(values, machine, given, policy),
        reports=_reports(values, given),
        connection=connection,
        waiting=waiting,
        code_host=_code_host(values, machine, given),
        notes=(*given.notes, *given.selection_note()),
        display=DisplayOptions(
            quiet=values["quiet"], verbose=values["verbose"], failures=values["failures"]
        ),
    )


def _evidence(
    values: Values, machine: Machine, given: Given, policy: Policy
) -> EvidenceOptions | None:
    """Return what the single tests are held against; ``None`` where nothing asks for them."""
    api_url = _api_url(values, given)
    options = ("baseline", "baseline_ref", "quarantine", "quarantine_ref")
    asked_for = any(values[option] is not None for option in options) or values["history"]
    if not (asked_for or policy.needs_baseline or policy.judges_tests):
        return None
    # Files, threads and a database, which most gates have no use for.
    from testery_gate.cli.single_tests import evidence_options

    return evidence_options(values, machine, given, api_url)


def _code_host(values: Values, machine: Machine, given: Given) -> CodeHostOptions | None:
    wishes = code_hosts.Wishes(
        comment=code_hosts.Mode(values["comment"]),
        key=one_line(clean_text(values["comment_key"] or "")),
        status=values["commit_status"],
        context=one_line(clean_text(values["status_context"] or "")),
    )
    nothing = wishes.comment is code_hosts.Mode.NEVER and not wishes.status
    if nothing or values["code_host"] == code_hosts.NONE:
        return None
    token, why_no_token = None, ""
    try:
        token = find_code_host_token(values["code_host_token_file"], machine.environment)
    except UsageError as error:
        # A change from elsewhere gets no secrets, and its gate is none the worse for it.
        why_no_token = error.message
    # A file comes with one change, and must not set the status of another.
    trusted = values["trust_config"] or not given.origin("git_ref")
    git_ref = values["git_ref"] if trusted else None
    return CodeHostOptions(
        system=code_hosts.chosen(values["code_host"], machine.environment),
        wishes=wishes,
        token=token,
        why_no_token=why_no_token,
        commit=lambda: _commit_under_test(git_ref, machine),
    )


def _commit_under_test(git_ref: str | None, machine: Machine) -> str | None:
    if git_ref and re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", git_ref, re.IGNORECASE):
        return git_ref.lower()
    try:
        commit = _commit(machine)
    except UsageError:
        return None
    # Of a commit that is abbreviated the rest is known only if it is the pipeline's.
    if git_ref and re.fullmatch("[0-9a-f]{7,}", git_ref, re.IGNORECASE):
        return commit if same_git_ref(git_ref, commit) else None
    return commit


def _policy(values: Values, machine: Machine, given: Given) -> Policy:
    def asked_for(name: str) -> tuple[Any, ...]:
        value = values[name]
        items = value if isinstance(value, tuple) else (value,)
        return tuple(replace(item, origin=given.origin(name)) for item in items if item is not None)

    short = [asked_for(criterion.name or "") for criterion in SHORT_CRITERIA]
    only_new = (
        [replace(NO_NEW_FAILURES, origin=given.origin("only_new"))] if values["only_new"] else []
    )
    max_age: Fraction | None = values["max_age"]
    return Policy(
        required=(*asked_for("require"), *only_new, *chain.from_iterable(short)),
        warned=asked_for("warn"),
        expected=tuple(_resolved(expectation, machine) for expectation in asked_for("expect")),
        trust_status=values["trust_status"],
        max_age=None if max_age is None else _timedelta(max_age),
        quarantine=values["quarantine"] is not None,
        needs_baseline=values["no_baseline"] == "inconclusive",
        trust_origin=given.origin("trust_status"),
        age_origin=given.origin("max_age"),
    )


def _resolved(expectation: Expectation, machine: Machine) -> Expectation:
    if expectation.field is ExpectedField.GIT_REF and expectation.value == AUTO:
        return replace(expectation, value=_commit(machine))
    return expectation


def _commit(machine: Machine) -> str:
    from testery_gate.runs.commit import current_commit  # a table of all CI systems

    return current_commit(machine.environment, machine.read_start, machine.head_of_checkout)


def _timedelta(seconds: Fraction) -> timedelta:
    # A longer time than this is all time; datetime can't go further back.
    return timedelta(seconds=float(min(seconds, Fraction(3600 * 24 * 365 * 1000))))


def _target(
    values: Values, machine: Machine, given: Given
) -> Sequence[RunReference] | PipedRuns | Query:
    """Return which runs are meant: by name, or by description."""
    runs: Sequence[str] = values["runs"]
    describing = [option for option in DESCRIBING if is_given(values[option])]
    if runs and describing:
        # Even a file or a variable says what is meant, and a run that is named may be another.
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
    return query_of(values, machine)


def _start(values: Values, machine: Machine, given: Given, unguessable: Callable[[], str]) -> Start:
    """Return what is to be started; it has a build key that tells it from all other runs."""
    for name in ("project", "environment"):
        if values[name] is None:
            raise UsageError(
                f"--{name} is missing: a run is started of a project in an environment",
                advice=f"Name it by its key, as in --{name} KEY.",
            )
    named = {
        name: None if values[name] is None else _filled(name, values[name])
        for name in ("project", "environment", "git_ref", "branch", "build_key", "test_suite")
    }
    git_ref = _commit(machine) if named["git_ref"] == AUTO else named["git_ref"]
    return Start(
        project=str(named["project"]),
        environment=str(named["environment"]),
        build_key=named["build_key"] or f"testery-gate-{unguessable()}",
        own_key=named["build_key"] is None,
        git_ref=git_ref,
        branch=named["branch"],
        test_suite=named["test_suite"],
        include_tags=_tags(values["include_tags"]),
        exclude_tags=_tags(values["exclude_tags"]),
        variables=tuple(
            _variable(text, number, machine, given)
            for number, text in enumerate(values["variable"], 1)
        ),
        vcs_status=not values["no_vcs_status"],
    )


def _tags(lists: Sequence[str]) -> tuple[str, ...]:
    tags = [tag.strip() for text in lists for tag in text.split(",")]
    return tuple(dict.fromkeys(filter(None, tags)))


_SECURE = "secure:"
"""What a secret variable begins with, in any case: one in capitals was not meant to be shown."""


def _variable(text: str, number: int, machine: Machine, given: Given) -> Variable:
    """Read a variable; an error quotes nothing of it, which may be a secret."""
    text = text.lstrip()
    secret = text[: len(_SECURE)].lower() == _SECURE
    key, equals, value = text[len(_SECURE) if secret else 0 :].partition("=")
    key = key.strip()
    if key and not equals and key in machine.environment:
        value = machine.environment[key]
    elif not key or not equals:
        raise UsageError(
            f"number {number} of {given.named('variable')} has no value, and no environment"
            " variable of its name is set",
            advice="Write KEY=VALUE, or KEY alone for one that is set here; and secure: before it"
            " for a secret.",
        )
    return Variable(key=key, value=value, secret=secret)


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


def query_of(values: Values, machine: Machine) -> Query:
    each, every, deploy_id = values["each"], values["every"], values["deploy_id"]
    if each and every:
        raise UsageError("--each takes the newest of each group and --all takes all: choose one")
    many, least = bool(each or every or deploy_id is not None), values.get("min_runs", 1)
    if least > 1 and not many:
        raise UsageError(
            f"--min-runs {least} can't be reached: only the newest run is meant",
            advice="Say which runs are meant besides: --each, --all or --deploy-id.",
        )
    git_ref, status = values["git_ref"], values["status"]
    wanted = (
        (Field.GIT_REF, _commit(machine) if git_ref == AUTO else git_ref),
        (Field.BUILD_KEY, values["build_key"]),
        (Field.ENVIRONMENT, values["environment"]),
        (Field.PROJECT_ID, values["project_id"]),
        (Field.NAME, values["name"]),
        *((Field.INCLUDE_TAG, tag) for tag in values["include_tag"]),
        (Field.STATUS, None if status is None else status.upper()),
    )
    lookback: LookbackSpan = values["lookback"]
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
        min_runs=least,
    )


def _condition(field: Field, wanted: str) -> Condition:
    advice = "Check that its variable is set, or leave the option out to accept any run."
    return Condition(field=field, wanted=_filled(field.value, wanted, advice))


def _filled(
    name: str, text: str, advice: str = "Check that its variable is set, or leave the option out."
) -> str:
    # As the run's own text is read.
    text = one_line(clean_text(text))
    if not text:
        raise UsageError(f"--{name.replace('_', '-')} is empty", advice=advice)
    return text


def connection_options(values: Values, machine: Machine, given: Given) -> ConnectionOptions:
    return ConnectionOptions(api_url=_api_url(values, given), token=token_of(values, machine))


def _api_url(values: Values, given: Given) -> str:
    with given.placed("api_url"):
        return check_api_url(values["api_url"])


def _token_of_stdin(machine: Machine) -> str:
    try:
        return machine.read_stdin(TOKEN_SECONDS)
    except TookTooLong:
        raise UsageError(
            f"standard input did not end within {TOKEN_SECONDS:.0f} s, so there is no token",
            advice="Is what writes into it stuck? Set TESTERY_API_TOKEN, or name a file.",
        ) from None


def token_of(values: Values, machine: Machine) -> Token:
    """Return the token, which may have to be read from standard input."""
    return find_token(
        flag=values["token"],
        file=values["token_file"],
        profile=values["profile"],
        environment=machine.environment,
        home=machine.home,
        read_stdin=lambda: _token_of_stdin(machine),
    )


def why_no_token(values: Values, machine: Machine) -> UsageError | None:
    """Return why there is no token; a file that is named for it is not read."""
    if values["token_file"] and not values["token"]:
        return None
    try:
        token_of({**values, "token_file": None}, machine)
    except UsageError as error:
        return error
    return None


def token_source(values: Values, machine: Machine) -> str:
    """Return where the token would come from, without reading a token file."""
    if values["token_file"] and not values["token"]:
        return describe_token_file(values["token_file"])
    try:
        return token_of({**values, "token_file": None}, machine).source
    except UsageError as error:
        return f"nowhere: {error.message}"


def _reports(values: Values, given: Given) -> ReportOptions:
    wanted = _wanted_reports(values, given)
    return ReportOptions(
        wanted=wanted,
        formats=with_options(
            markdown_limit=values["markdown_limit"],
            html_limit=values["html_limit"],
            junit_scope=values["junit_scope"],
            junit_tolerated=values["junit_tolerated"],
        ),
        with_results=not values["no_test_results"],
        with_attachments=not values["no_test_results"]
        and any(report.format in {"html", "json"} and report.path != "-" for report in wanted),
        shown_runs=_shown_runs(values) if any(report.format == "html" for report in wanted) else 0,
    )


def _shown_runs(values: Values) -> int:
    history: int | None = values["history"]
    return _SHOWN_RUNS if history is None else history


def _wanted_reports(values: Values, given: Given) -> Sequence[Report]:
    junit_xml: str | None = values["junit_xml"]
    asked_for = [("junit_xml", f"junit={junit_xml}")] if junit_xml is not None else []
    asked_for += [("report", text) for text in values["report"]]
    if values["output"] == "json":
        asked_for.append(("output", "json=-"))
    wanted = []
    for name, text in asked_for:
        with given.placed(name):
            # What a file asks for that nobody trusts may only be made where it harms nothing.
            careful = bool(given.origin(name)) and not values["trust_config"]
            wanted.append(replace(parse_report(text), careful=careful))
    try:
        places = [item.path if item.path == "-" else os.path.abspath(item.path) for item in wanted]
    except OSError as error:
        raise UsageError(
            f"the working directory no longer exists: {error.strerror}",
            advice="Change to one that exists, or give the reports absolute paths.",
        ) from None
    for item, place in zip(wanted, places, strict=True):
        if places.count(place) > 1 and item.path != os.devnull:
            where = "standard output" if place == "-" else item.path
            raise UsageError(
                f"two reports would be written to {where}", advice="Give each report its own path."
            )
    return wanted
