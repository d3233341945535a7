"""Start a run: only once, also where the answer is lost.

The API has no way to repeat a start safely. But the ``buildId`` of the request becomes the run's
build key: where the answer is lost, the gate searches the list of runs for the run that may have
been created. Only a key that the gate made up is proof: other jobs of the pipeline often use the
same key of the user's, and the list does not show which tests they wanted. Without proof the gate
reports the doubt; it never starts a second run.

The body of the request is what the vendor's command-line client sends (``testery`` 1.20.0 on PyPI).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from testery_gate.errors import (
    ApiError,
    Lost,
    NotFound,
    Refused,
    Unauthorized,
    Unavailable,
    UsageError,
)
from testery_gate.model import Entry, TestRun, same_git_ref
from testery_gate.runs.listing import PAGE_SIZE
from testery_gate.waiting.deadline import Deadline

LOOK_SECONDS = 30.0
"""How long a run may take to be in the list after the answer to its start was lost."""
FIRST_DELAY, LONGEST_DELAY = 1.0, 8.0
SHORTEST_SECRET = 6
"""Shorter secrets are not looked for in the API's answers: any text may hold them by chance."""
_MOST_NAMED = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable of the environment that the tests get."""

    key: str
    value: str = field(repr=False)
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is to be started."""

    project: str
    environment: str
    build_key: str
    own_key: bool = False
    """Whether the gate made up the build key, so that no other run can have it."""
    git_ref: str | None = None
    branch: str | None = None
    test_suite: str | None = None
    """By its name."""
    include_tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    vcs_status: bool = True
    """Whether Testery sets a commit status of its own."""

    @property
    def secrets(self) -> Sequence[str]:
        """The values that must not be shown, except short ones, which occur in any text."""
        values = [variable.value for variable in self.variables if variable.secret]
        return [value for value in values if len("".join(value.split())) >= SHORTEST_SECRET]

    def body(self, suite_id: int | None) -> Mapping[str, object]:
        """Return the body of the request."""
        wanted = {
            "project": self.project,
            "environment": self.environment,
            "updateVcsStatus": self.vcs_status,
            "copies": 1,
            "buildId": self.build_key,
            "ref": self.git_ref,
            "branch": self.branch,
            "testSuiteId": suite_id,
            "includeTags": list(self.include_tags),
            "excludedTags": list(self.exclude_tags),
            "variables": [
                {"key": one.key, "value": one.value, "encrypted": one.secret}
                for one in self.variables
            ],
        }
        return {name: value for name, value in wanted.items() if value not in (None, [])}

    def is_not(self, run: TestRun) -> bool:
        """Whether a run is certainly not the one to start."""
        if any(secret in self.build_key for secret in self.secrets):
            return False  # the key in the API's answer has the secret removed
        return run.build_key not in {None, "", self.build_key}

    def may_be(self, run: TestRun) -> bool:
        """Whether a run of the list can be the one that was to be started."""
        if run.build_key != self.build_key:
            return False
        if self.own_key:
            return True
        return (
            run.environment == self.environment
            and (self.git_ref is None or same_git_ref(self.git_ref, run.git_ref or ""))
            and set(self.include_tags) <= set(run.include_tags)
        )

    @property
    def how_to_look(self) -> str:
        """The advice where it is not known whether a run was started."""
        shown = f"testery-gate list --build-key {shlex.quote(self.build_key)}"
        where = "" if self.own_key else f" --environment {shlex.quote(self.environment)}"
        return f"Look for it before you start another one: '{shown}{where}'."


class Source(Protocol):
    """What is used of the API."""

    def start(self, wanted: Mapping[str, object], note_doubt: Callable[[bool], None], /) -> TestRun:
        """Start a run, and report when one may exist."""

    def newest(self, limit: int, /) -> Sequence[TestRun]:
        """Return the newest runs, if one request gets them."""

    def projects(self) -> Sequence[Entry]:
        """Return the projects."""

    def environments(self) -> Sequence[Entry]:
        """Return the environments."""

    def test_suites(self, project_id: int, /) -> Sequence[Entry]:
        """Return the test suites of a project."""


class Starter:
    """One start, and how far it has come."""

    def __init__(
        self,
        wanted: Start,
        source: Source,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        say: Callable[[str], None],
    ) -> None:
        self.wanted = wanted
        self.in_doubt = False
        """Whether a run with an unknown id may exist, or may be created at any moment."""
        self.run_id: int | None = None
        self.notes: tuple[str, ...] = ()
        self._source = source
        self._clock = clock
        self._sleep = sleep
        self._say = say
        self._newest_before = 0

    def start(self, aside: Callable[[float], Source]) -> int:
        """Start the run, and return its id; ``aside`` asks the API for so many seconds at most.

        Raises :class:`UsageError` for what can't be started, and :class:`ApiError`, which says
        whether a run may have been started.
        """
        wanted = self.wanted
        body = wanted.body(self._suite_id())
        if not wanted.own_key:
            # Other runs may have the same key: those that exist already are not the started one.
            with suppress(ApiError):
                before = self._source.newest(PAGE_SIZE)
                self._newest_before = max((run.id for run in before), default=0)
        try:
            self.run_id = self._asked(body)
        except Lost as error:
            self.run_id = self._found(error, aside(LOOK_SECONDS))
        except ApiError as error:
            raise self._not_started(error) from None
        return self.run_id

    def look(
        self, source: Source, seconds: float, sleep: Callable[[float], None]
    ) -> Sequence[TestRun]:
        """Return the runs of the list that may be the one that was started, once there are any.

        Raises :class:`ApiError` where the list can't be read to the end.
        """
        until = Deadline.after(seconds, self._clock)
        delay = FIRST_DELAY
        while True:
            try:
                # By id, because a list that moves may show a run twice.
                found = {
                    run.id: run
                    for run in source.newest(PAGE_SIZE)
                    if run.id > self._newest_before and self.wanted.may_be(run)
                }
                if found or until.passed:
                    return tuple(found.values())
            except ApiError:
                if until.passed:
                    raise
            sleep(min(delay, until.remaining()))
            delay = min(2 * delay, LONGEST_DELAY)

    def _asked(self, body: Mapping[str, object]) -> int:
        run = self._source.start(body, self._note_doubt)
        if self.wanted.is_not(run):
            raise Lost(f"the API returned run {run.id}, which has another build key")
        return run.id

    def certain(self, runs: Sequence[TestRun]) -> int | None:
        """Return the id of the run that is certainly the started one, or ``None``."""
        return runs[0].id if self.wanted.own_key and len(runs) == 1 else None

    def _note_doubt(self, in_doubt: bool) -> None:
        self.in_doubt = in_doubt

    def _found(self, lost: Lost, source: Source) -> int:
        wanted = self.wanted
        self._say(f"{lost.message}; looking for the run that may have been started")
        try:
            runs = self.look(source, LOOK_SECONDS, self._sleep)
        except ApiError as error:
            seen = f"the list of runs can't be read: {error.message}"
        else:
            found = self.certain(runs)
            if found is not None:
                how = f"it has the build key {wanted.build_key}, which the gate made up for it"
                note = (
                    f"the answer to the start was lost ({lost.message}); run {found} is taken"
                    f" for the one that was started: {how}"
                )
                self._say(f"Run {found} is the one that was started: {how}")
                self.notes = (note,)
                return found
            ids = ", ".join(str(run.id) for run in runs[:_MOST_NAMED])
            match len(runs):
                case 0:
                    seen = f"the list shows none within {LOOK_SECONDS:.0f} s"
                case 1:
                    seen = f"run {ids} may be it, or another job's with the same build key"
                case _:
                    seen = f"each of the runs {ids} may be it"
        raise Unavailable(
            f"whether a run was started is not known: {lost.message}; {seen}",
            advice=wanted.how_to_look,
        )

    def _not_started(self, error: ApiError) -> ApiError | UsageError:
        """Return an error that says that nothing was started, and why."""
        match error:
            case NotFound():
                return self._unknown(error)
            case Refused():
                return UsageError(f"no run was started: {error.message}", advice=_CHECK)
            case Unauthorized(token_rejected=False):
                return Unauthorized(
                    f"no run was started: {error.message}",
                    advice=f"Use a token that may start runs of project {self.wanted.project}.",
                    token_rejected=False,
                )
            case _:
                error.message = f"no run was started: {error.message}"
                return error

    def _unknown(self, error: NotFound) -> UsageError:
        wanted = self.wanted
        wrong = [
            *_missing("project", wanted.project, self._source.projects),
            *_missing("environment", wanted.environment, self._source.environments),
        ]
        what = "; ".join(wrong) or (
            f"Testery knows no project {wanted.project} or no environment {wanted.environment}:"
            f" {error.message}"
        )
        return UsageError(f"no run was started: {what}", advice=_CHECK)

    def _suite_id(self) -> int | None:
        wanted = self.wanted
        if wanted.test_suite is None:
            return None
        try:
            projects = self._source.projects()
            project = next((one for one in projects if one.key == wanted.project), None)
            if project is None or project.id is None:
                raise UsageError(
                    f"no run was started: {_none('project', wanted.project, _keys(projects))}",
                    advice=_CHECK,
                )
            suites = self._source.test_suites(project.id)
        except ApiError as error:
            if isinstance(error, Unauthorized):
                raise
            raise Unavailable(
                f"no run was started: the id of test suite {wanted.test_suite} can't be found out:"
                f" {error.message}",
                advice="Try again, or say what to run with --include-tags instead of --test-suite.",
            ) from None
        names = [suite.name or "" for suite in suites]
        for same in (str, str.casefold):
            ids = [one.id for one in suites if same(one.name or "") == same(wanted.test_suite)]
            if ids and ids[0] is not None:
                return ids[0]
        raise UsageError(
            f"no run was started: {_none('test suite', wanted.test_suite, names)}",
            advice="Check --test-suite, which takes a name.",
        )


_CHECK = "Check --project and --environment, which take keys, and the other options of the start."


def _missing(what: str, wanted: str, entries: Callable[[], Sequence[Entry]]) -> Sequence[str]:
    """Return a sentence if there is no such thing; nothing if there is, or if that is unknown."""
    try:
        keys = _keys(entries())
    except ApiError:
        return ()
    return () if wanted in keys or not keys else (_none(what, wanted, keys),)


def _keys(entries: Sequence[Entry]) -> Sequence[str]:
    return [entry.key for entry in entries if entry.key]


def _none(what: str, wanted: str, known: Sequence[str]) -> str:
    more = len(known) - _MOST_NAMED
    names = ", ".join(known[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"there is no {what} {wanted}" + (f"; there are: {names}" if names else "")
