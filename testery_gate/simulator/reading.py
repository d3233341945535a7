"""From a TOML file to a scenario. The format is described in ``docs/simulator.md``."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from testery_gate.simulator.scenario import (
    ENDED,
    QUEUED,
    ClockStart,
    Counts,
    Endpoint,
    Fault,
    Kind,
    Order,
    Patch,
    Phase,
    Run,
    RunList,
    Scenario,
    Test,
)
from testery_gate.simulator.script import counts_of, fill, highest
from testery_gate.simulator.table import (
    DURATION,
    FILES,
    FLAG,
    HEADER,
    HEADERS,
    JSON_OBJECT,
    LISTS,
    OUTCOMES,
    SHARE,
    SOME_TEXTS,
    TEXT,
    TEXTS,
    TIME,
    YEAR,
    ScenarioError,
    Shape,
    Table,
    choice,
    choices,
    nearest,
    whole,
)

_BUILT_IN = resources.files("testery_gate.simulator") / "scenarios"

_ID = whole(1, 10**15)
_TESTS = whole(0, 1_000_000)
_RUNS = whole(1, 10_000)
_TIMES: Shape[float] = Shape(
    'a whole number above 0 or "for-ever"',
    lambda value: math.inf if value == "for-ever" else whole(1, 1_000_000).read(value),
)
_USUAL = 300.0
"""For how many seconds the tests of a run without phases run."""
_REQUESTS: Shape[int] = whole(1, 1_000_000)

# The kinds of fault that replace an answer, and its status code unless the file has another.
_CODES = {
    Kind.ANSWER: 500,
    Kind.HTML: 200,
    Kind.EMPTY: 200,
    Kind.NULL: 200,
    Kind.REDIRECT: 302,
}


def scenarios() -> dict[str, str]:
    """The built-in scenarios: each one's name, and what it plays in one line."""
    return {name: load_scenario(name).description for name in _built_in_names()}


def load_scenario(name_or_path: str) -> Scenario:
    """The built-in scenario of this name, else the one in this file.

    Raises ``ScenarioError``.
    """
    return _scenario(Table(_entries(name_or_path), source=name_or_path))


def _built_in_names() -> list[str]:
    files = (entry.name for entry in _BUILT_IN.iterdir())
    return sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))


def _entries(name_or_path: str) -> dict[str, object]:
    """The entries of the scenario, and those of the built-in one that it is based on."""
    names = _built_in_names()
    built_in = name_or_path in names
    file = _BUILT_IN / f"{name_or_path}.toml" if built_in else Path(name_or_path)
    try:
        entries: dict[str, object] = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ScenarioError(
            f"{name_or_path!r} is neither a built-in scenario nor a file"
            f"{nearest(name_or_path, names)}"
        ) from error
    # Not only TOMLDecodeError: bytes that are no UTF-8 and numbers of 5,000 digits are ValueErrors.
    except (OSError, ValueError, RecursionError) as error:
        raise ScenarioError(f"{name_or_path!r} can't be read: {error}") from error
    base = Table(entries, source=name_or_path).take("based-on", TEXT, None)
    if base is None:
        return entries
    if base not in names:
        raise ScenarioError(
            f"{name_or_path}: 'based-on' names no built-in scenario{nearest(base, names)}"
        )
    return {**_entries(base), **entries}


def _scenario(table: Table) -> Scenario:
    table.take("based-on", TEXT, None)
    files = table.take("tests", FILES, {})
    if not table.has("run"):
        table.refuse('there is no [[run]]: add one, or based-on = "passing"; run = [] for none')
    plain = Scenario(description="", runs=())
    scenario = Scenario(
        description=table.take("description", TEXT, ""),
        clock_starts=table.take("clock-starts", choice(ClockStart), ClockStart.FIRST_REQUEST),
        runs=tuple(run for entry in table.tables("run") for run in _runs(entry, files)),
        faults=tuple(_fault(entry) for entry in table.tables("fault")),
        listing=_listing(table.table("list")),
        started=tuple(run for entry in table.tables("started") for run in _runs(entry, files)),
        projects=table.take("projects", LISTS, plain.projects),
        environments=table.take("environments", TEXTS, plain.environments),
    )
    table.done()
    seen: set[int] = set()
    for run in scenario.runs:
        if run.id in seen:
            table.refuse(f"two runs have the id {run.id}")
        seen.add(run.id)
    return scenario


def _runs(table: Table, files: Mapping[str, str]) -> list[Run]:
    """The run that the table describes, as often as it is to be repeated."""
    repeat, apart = table.take("repeat", _RUNS, 1), table.take("apart", DURATION, 1.0)
    if repeat * apart > YEAR:
        table.refuse("the first and the last repeat are more than a year apart")
    tests = _tests(table, files)
    return [_run(table, number, (number - 1) * apart, tests) for number in range(1, repeat + 1)]


def _tests(run: Table, files: Mapping[str, str]) -> tuple[Test, ...]:
    """The run's tests, of those that the scenario names, with the outcome of each.

    Tests that pass come first, then those that fail, then those that are ignored.
    """
    named: dict[str, str] = {}
    errors: dict[str, str | None] = {}
    for key in ("failing", "flaky", "ignoring", "lacking"):
        for name, error in run.take(key, OUTCOMES, {}).items():
            if not files:
                run.refuse(f"{key!r} names tests, but there is no [tests]")
            if name not in files:
                run.refuse(f"{key!r}: {name!r} is not in [tests]{nearest(name, files)}")
            if name in named:
                run.refuse(f"{name!r} is in {named[name]!r} and in {key!r}")
            named[name], errors[name] = key, error
    ends = {"failing": "FAIL", "ignoring": "IGNORED"}
    tests = [
        Test(
            name=name,
            file=file,
            status=ends.get(named.get(name, ""), "PASS"),
            error=errors.get(name),
            retried=named.get(name) == "flaky",
        )
        for name, file in files.items()
        if named.get(name) != "lacking"
    ]
    if files and not tests:
        run.refuse("all tests are in 'lacking'")
    order = ("PASS", "FAIL", "IGNORED")
    return tuple(sorted(tests, key=lambda test: order.index(test.status)))


def _run(table: Table, number: int, later: float, tests: tuple[Test, ...]) -> Run:
    phases = _phases(table, number, counts_of(tests) if tests else None)
    if table.has("age") and table.has("appears-after"):
        table.refuse("'age' and 'appears-after' exclude each other")
    age = table.take("age", DURATION, 0.0)
    created = table.take("appears-after", DURATION, 0.0) - age + later
    plain = Run(phases=phases, tests=tests)
    most = highest(plain)
    test_name = table.take("test-name", TEXT, None)
    seconds = table.take("testing-time", DURATION, float(most.passed + most.failed))
    run = Run(
        id=table.take("id", _ID, plain.id) + number - 1,
        phases=phases,
        created=created,
        create_time=table.take("created", TIME, None),
        vanishes=table.take("vanishes-after", DURATION, plain.vanishes),
        listed_from=table.take("listed-from", _REQUESTS, plain.listed_from),
        listed_until=table.take("listed-until", _REQUESTS, plain.listed_until),
        name=fill(table.take("name", TEXT, plain.name), number),
        test_name=None if test_name is None else fill(test_name, number),
        key=fill(table.take("key", TEXT, plain.key), number),
        environment=fill(table.take("environment", TEXT, plain.environment), number),
        git_ref=fill(table.take("git-ref", TEXT, plain.git_ref), number),
        build_key=fill(table.take("build-key", TEXT, plain.build_key), number),
        include_tags=tuple(
            fill(tag, number) for tag in table.take("include-tags", TEXTS, plain.include_tags)
        ),
        account_id=table.take("account-id", _ID, plain.account_id),
        project_id=table.take("project-id", _ID, plain.project_id),
        deploy_id=table.take("deploy-id", _ID, None),
        branch=table.take("branch", TEXT, None),
        copies=table.take("copies", _RUNS, plain.copies),
        testing_time=round(seconds * 1000),
        observed_fields=table.take("observed-fields", FLAG, False),
        tests=tests,
        test_names=table.take("test-names", SOME_TEXTS, plain.test_names),
        test_files=table.take("test-files", SOME_TEXTS, plain.test_files),
        errors=table.take("errors", SOME_TEXTS, plain.errors),
        patch=_patch(table),
        result_patch=_patch(table, "result-"),
        detail_patch=_patch(table, "detail-"),
    )
    table.done()
    return run


def _phases(run: Table, number: int, end: Counts | None) -> tuple[Phase, ...]:
    """The phases of a run; counts that a phase leaves out are those of the phase before.

    If the tests are named, the counts at the ``end`` follow from them: phases after the queue have
    these counts by default, and the run may have no phases at all.
    """
    tables = run.tables("phase")
    if not tables and end is not None:
        status = "FAIL" if end.failed else "PASS"
        return (
            Phase(status="RUNNING", lasts=_USUAL, counts=end),
            Phase(status=status, counts=end, complete=True),
        )
    if not tables:
        run.refuse("there is no [[run.phase]]")
    phases: list[Phase] = []
    counts = Counts()
    for table in tables:
        status = table.need("status", TEXT)
        counts = counts if end is None or status in QUEUED else end
        counts = Counts(
            total=table.take("total", _TESTS, counts.total),
            passed=table.take("passed", _TESTS, counts.passed),
            failed=table.take("failed", _TESTS, counts.failed),
            ignored=table.take("ignored", _TESTS, counts.ignored),
        )
        if end is not None and not _fits(counts, end):
            table.refuse("it has more tests of a kind than [tests] and the run give it")
        info = table.take("status-info", TEXT, None)
        phase = Phase(
            status=status,
            lasts=table.take("lasts", DURATION, math.inf),
            counts=counts,
            complete=table.take("complete", FLAG, status in ENDED),
            status_info=None if info is None else fill(info, number),
            patch=_patch(table),
        )
        table.done()
        if phase.lasts == math.inf and table is not tables[-1]:
            table.refuse("'lasts' is missing; only the last phase goes on for ever")
        phases.append(phase)
    if sum(phase.lasts for phase in phases[:-1]) > YEAR:
        run.refuse("the phases last longer than a year")
    return tuple(phases)


def _fits(counts: Counts, end: Counts) -> bool:
    return (
        counts.total <= end.total
        and counts.passed <= end.passed
        and counts.failed <= end.failed
        and counts.ignored <= end.ignored
    )


def _patch(table: Table, prefix: str = "") -> Patch:
    return Patch(
        fields=table.take(f"{prefix}fields", JSON_OBJECT, {}),
        without=frozenset(table.take(f"{prefix}without", TEXTS, ())),
    )


def _listing(table: Table) -> RunList:
    plain = RunList()
    listing = RunList(
        page_size=table.take("page-size", _RUNS, plain.page_size),
        max_page_size=table.take("max-page-size", _RUNS, plain.max_page_size),
        ignore_page=table.take("ignore-page", FLAG, plain.ignore_page),
        ignore_limit=table.take("ignore-limit", FLAG, plain.ignore_limit),
        order=table.take("order", choice(Order), plain.order),
    )
    table.done()
    return listing


def _fault(table: Table) -> Fault:
    """The fault that the table describes; which keys it may have depends on the kind."""
    kind = table.need("kind", choice(Kind))
    answers = kind not in {Kind.RESET, Kind.HANG}
    replaces = kind in {*_CODES, Kind.RESET, Kind.HANG}
    waits = kind in {Kind.SLOW, Kind.TRICKLE}
    swells = kind in {Kind.BIG, Kind.GZIP_BOMB}
    fault = Fault(
        kind=kind,
        endpoints=table.take("on", choices(Endpoint), frozenset()),
        run_id=table.take("run", _ID, None),
        first=table.take("from", whole(1, 1_000_000), 1),
        times=table.take("times", _TIMES, 1.0),
        after=table.take("after", DURATION, 0.0),
        lasts=table.take("lasts", DURATION, math.inf),
        probability=table.take("probability", SHARE, 1.0),
        seed=table.take("seed", whole(0, 10**9), 0),
        code=table.take("code", whole(200, 599), _CODES[kind]) if kind in _CODES else 200,
        headers=table.take("headers", HEADERS, ()) if answers else (),
        carried_out=table.take("carried-out", FLAG, False) if replaces else False,
        retry_after=table.take("retry-after", DURATION, None) if answers else None,
        retry_after_date=table.take("retry-after-date", DURATION, None) if answers else None,
        body=table.take("body", TEXT, None) if kind is Kind.ANSWER else None,
        patch=_patch(table) if kind is Kind.ALTER else Patch(),
        to=table.need("to", HEADER) if kind is Kind.REDIRECT else "",
        delay=table.take("delay", DURATION, 1.0) if waits else 0.0,
        size=table.take("mebibytes", whole(1, 100_000), 64) if swells else 0,
    )
    table.done()
    return fault
