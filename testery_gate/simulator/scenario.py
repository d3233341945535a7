"""What a scenario says: runs that follow scripts of timed phases, and the faults on the way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

QUEUED = frozenset({"SUBMITTED", "QUEUED"})
ENDED = frozenset({"PASS", "FAIL", "CANCELED"})


class Endpoint(Enum):
    """The requests that the stand-in knows; the values are the names used in scenario files."""

    RUN = "run"
    LIST = "list"
    RESULTS = "results"
    RESULT = "result"
    ACCOUNT = "account"
    BY_DEPLOY = "by-deploy"
    CREATE = "create"
    CANCEL = "cancel"
    PROJECTS = "projects"
    SUITES = "test-suites"
    ENVIRONMENTS = "environments"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """What to change in an answered object: fields to set, then fields to leave out."""

    fields: Mapping[str, Json] = field(default_factory=dict)
    without: frozenset[str] = frozenset()

    def apply(self, answered: Mapping[str, Json]) -> dict[str, Json]:
        """The object as changed; fields that it already had keep their place."""
        changed = {**answered, **self.fields}
        return {name: value for name, value in changed.items() if name not in self.without}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many tests there are, and how many of them ended in which way."""

    total: int = 0
    passed: int = 0
    failed: int = 0
    ignored: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A part of a run's time, in which passed, failed and ignored grow to ``counts``."""

    status: str
    lasts: float = math.inf
    counts: Counts = Counts()
    complete: bool = False
    status_info: str | None = None
    patch: Patch = Patch()


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """A test that the scenario names, and its outcome in one run."""

    name: str
    file: str
    status: str
    error: str | None = None
    """The error of its failure; ``None`` for one of the run's errors."""
    retried: bool = False
    """Whether it failed first and passed on a retry: it has a result of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run and its script; by default it has the facts of the example in the API's documentation.

    ``created`` is in seconds of the scenario's clock and is negative for a run that was there
    before it started; ``create_time`` is what the API says instead of that moment.
    ``testing_time`` is in milliseconds, over all tests that are executed in the end. It exists
    until ``vanishes``; the list has it from its request number ``listed_from`` on, counted from 1,
    and up to ``listed_until``. ``tests`` are those of a scenario that names them, in the order
    passed, failed, ignored; else they follow from the counts and from ``test_names``.
    """

    id: int = 55676
    phases: tuple[Phase, ...]
    created: float = 0.0
    create_time: datetime | None = None
    vanishes: float = math.inf
    listed_from: int = 1
    listed_until: float = math.inf
    name: str = "Checkout"
    test_name: str | None = None
    key: str = "ABCDABCD75349414053EB9961013126945472A93"
    environment: str = "dev"
    git_ref: str = "abcd4e87d8d928a21a393b0def6ab0c0a21d35a2"
    build_key: str = "23"
    include_tags: tuple[str, ...] = ()
    account_id: int = 123
    project_id: int = 123
    deploy_id: int | None = None
    branch: str | None = None
    copies: int = 1
    testing_time: int = 0
    observed_fields: bool = False
    tests: tuple[Test, ...] = ()
    test_names: tuple[str, ...] = ("scenario {n}",)
    test_files: tuple[str, ...] = (
        "features/cart.feature",
        "features/checkout.feature",
        "features/login.feature",
    )
    # The real ones often carry colours too.
    errors: tuple[str, ...] = ("\x1b[31mAssertionError\x1b[39m: expected 3 items, found 2",)
    patch: Patch = Patch()
    result_patch: Patch = Patch()
    detail_patch: Patch = Patch()


class ClockStart(Enum):
    """When the scenario's clock starts."""

    FIRST_REQUEST = "first-request"
    SERVER_START = "server-start"


class Order(Enum):
    """How the list endpoint sorts the runs."""

    NEWEST_FIRST = "newest-first"
    OLDEST_FIRST = "oldest-first"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """How the list endpoint behaves."""

    page_size: int = 10
    max_page_size: int = 250
    ignore_page: bool = False
    ignore_limit: bool = False
    order: Order = Order.NEWEST_FIRST


class Kind(Enum):
    """What a fault does to a request; the values are the names used in scenario files."""

    ANSWER = "answer"
    HTML = "html"
    EMPTY = "empty"
    NULL = "null"
    LIST = "list"
    GARBAGE = "garbage"
    ALTER = "alter"
    REDIRECT = "redirect"
    SLOW = "slow"
    TRICKLE = "trickle"
    CUT_OFF = "cut-off"
    RESET = "reset"
    RESET_IN_BODY = "reset-in-body"
    HANG = "hang"
    BIG = "big"
    GZIP_BOMB = "gzip-bomb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong, and for which requests.

    ``after`` and ``lasts`` are seconds of the scenario's clock; ``delay`` and the two forms of
    Retry-After are seconds of real time, because the client's patience is.
    """

    kind: Kind
    endpoints: frozenset[Endpoint] = frozenset()
    run_id: int | None = None
    first: int = 1
    times: float = 1
    after: float = 0.0
    lasts: float = math.inf
    probability: float = 1.0
    seed: int = 0
    code: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    carried_out: bool = False
    """Whether the request is carried out, although the client does not get to know that."""
    retry_after: float | None = None
    retry_after_date: float | None = None
    body: str | None = None
    patch: Patch = Patch()
    to: str = ""
    delay: float = 0.0
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """All that a simulated API plays."""

    description: str
    runs: tuple[Run, ...]
    faults: tuple[Fault, ...] = ()
    listing: RunList = RunList()
    started: tuple[Run, ...] = ()
    """The scripts of runs that a client starts, one after the other; the last one is repeated.
    Without any, the first of ``runs`` is played."""
    projects: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {"demo": ("Smoke", "Regression")}
    )
    """By the key of each project the names of its test suites."""
    environments: tuple[str, ...] = ("dev", "qa", "staging", "production")
    """The keys of the environments that no run is in."""
    clock_starts: ClockStart = ClockStart.FIRST_REQUEST
