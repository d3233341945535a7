"""Scenario files: what they may say, and what is said of their mistakes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.simulator import Scenario, ScenarioError, load_scenario, scenarios
from testery_gate.simulator.api import Now
from testery_gate.simulator.scenario import (
    ENDED,
    ClockStart,
    Counts,
    Endpoint,
    Fault,
    Json,
    Kind,
    Order,
    Patch,
    Run,
    RunList,
)
from testery_gate.simulator.script import results, run_object

RUN = '[[run]]\n[[run.phase]]\nstatus = "PASS"\n'
TESTS = '[tests]\n"a" = ["signs in", "signs out"]\n"b" = ["pays"]\n'
DOCS = Path(__file__).parents[2] / "docs" / "simulator.md"


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Scenario]:
    """Loads a scenario from the text of its file."""

    def load(content: str) -> Scenario:
        file = tmp_path / "scenario.toml"
        file.write_text(content, encoding="utf-8")
        return load_scenario(str(file))

    return load


def test_a_run_without_keys_is_about_what_the_documentation_has(
    read: Callable[[str], Scenario],
) -> None:
    run = read(RUN).runs[0]
    assert (run.id, run.environment, run.build_key) == (55676, "dev", "23")
    assert run.phases[0].complete


def test_every_key_of_a_run_arrives(read: Callable[[str], Scenario]) -> None:
    scenario = read("""
        description = "all of it"
        clock-starts = "server-start"
        [[run]]
        id = 7
        name = "a"
        test-name = "b"
        key = "c"
        environment = "d"
        git-ref = "e"
        build-key = "f"
        include-tags = ["g"]
        account-id = 1
        project-id = 2
        deploy-id = 3
        copies = 4
        created = 2026-01-02T05:04:05+02:00
        appears-after = "1m30s"
        testing-time = 2.5
        observed-fields = true
        branch = "r"
        test-names = ["h"]
        test-files = ["i"]
        errors = ["j"]
        fields = '{"k": null}'
        without = ["l"]
        result-fields = '{"m": 1}'
        result-without = ["n"]
        detail-fields = '{"videos": 1}'
        detail-without = ["screenShots"]
        [[run.phase]]
        status = "RUNNING"
        lasts = 10
        total = 9
        passed = 3
        failed = 2
        ignored = 1
        status-info = "o"
        complete = true
        fields = '{"p": []}'
        without = ["q"]
        [[run.phase]]
        status = "PASS"
        passed = 4
    """)
    assert scenario.description == "all of it"
    assert scenario.clock_starts is ClockStart.SERVER_START
    run = scenario.runs[0]
    assert run.id == 7
    assert (run.name, run.test_name, run.key, run.environment) == ("a", "b", "c", "d")
    assert (run.git_ref, run.build_key, run.include_tags) == ("e", "f", ("g",))
    assert (run.account_id, run.project_id, run.deploy_id, run.copies) == (1, 2, 3, 4)
    assert run.create_time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (run.created, run.testing_time, run.observed_fields) == (90, 2500, True)
    assert run.branch == "r"
    assert (run.test_names, run.test_files, run.errors) == (("h",), ("i",), ("j",))
    assert run.patch == Patch(fields={"k": None}, without=frozenset("l"))
    assert run.result_patch == Patch(fields={"m": 1}, without=frozenset("n"))
    assert run.detail_patch == Patch(fields={"videos": 1}, without=frozenset({"screenShots"}))
    first, last = run.phases
    assert (first.status, first.lasts, first.status_info) == ("RUNNING", 10, "o")
    assert first.counts == Counts(total=9, passed=3, failed=2, ignored=1)
    assert first.complete
    assert first.patch == Patch(fields={"p": []}, without=frozenset("q"))
    assert last.counts == Counts(total=9, passed=4, failed=2, ignored=1)
    assert (last.lasts, last.complete) == (math.inf, True)


def test_what_can_be_started_arrives(read: Callable[[str], Scenario]) -> None:
    started = RUN.replace("[[run", "[[started")
    projects = "[projects]\nb = ['c']\nd = []\n"
    scenario = read(f"run = []\nenvironments = ['a']\n{started}{projects}")
    assert [run.id for run in scenario.started] == [55676]
    assert scenario.projects == {"b": ("c",), "d": ()}
    assert scenario.environments == ("a",)


def test_a_local_time_is_taken_as_utc(read: Callable[[str], Scenario]) -> None:
    run = read(RUN.replace("[[run]]", "[[run]]\ncreated = 2026-01-02T03:04:05", 1)).runs[0]
    assert run.create_time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_repeats_are_numbered_and_created_one_after_the_other(
    read: Callable[[str], Scenario],
) -> None:
    runs = read("""
        [[run]]
        id = 100
        repeat = 3
        apart = "2s"
        age = "5s"
        name = "suite {n}"
        environment = "env-{n}"
        [[run.phase]]
        status = "CANCELED"
        status-info = "by {n}"
    """).runs
    assert [(run.id, run.created, run.name) for run in runs] == [
        (100, -5, "suite 1"),
        (101, -3, "suite 2"),
        (102, -1, "suite 3"),
    ]
    assert [run.environment for run in runs] == ["env-1", "env-2", "env-3"]
    assert [run.phases[0].status_info for run in runs] == ["by 1", "by 2", "by 3"]


def outcomes(run: Run, age: float = 1e6) -> list[tuple[str, str]]:
    """Names and statuses of the results of a run, after its end if no other time is given."""
    return [(text(row, "name"), str(row["status"])) for row in results(run, age)]


def text(row: Mapping[str, Json], name: str) -> str:
    test = row["projectTest"]
    assert isinstance(test, dict)
    return str(test[name])


def test_tests_that_have_names_end_as_each_run_says(read: Callable[[str], Scenario]) -> None:
    scenario = read(f"""{TESTS}
        [[run]]
        failing = {{ "signs in" = "boom" }}
        lacking = ["signs out"]
        [[run]]
        id = 2
        flaky = ["pays"]
        ignoring = ["signs in"]
    """)
    first, second = scenario.runs
    assert outcomes(first) == [("pays", "PASS"), ("signs in", "FAIL")]
    assert outcomes(second) == [
        ("signs out", "PASS"),
        ("pays", "FAIL"),
        ("pays", "PASS"),
        ("signs in", "IGNORED"),
    ]
    assert [text(row, "file") for row in results(first, 1e6)] == ["b", "a"]
    failed = results(first, 1e6)[1]
    assert (failed["error"], failed["stackTrace"]) == ("boom", "boom\n    at a:2")
    assert len({str(row["id"]) for run in scenario.runs for row in results(run, 1e6)}) == 6
    assert str(results(second, 1e6)[1]["error"]).endswith("expected 3 items, found 2")
    ends = [run_object(run, 1e6, datetime(2026, 1, 1, tzinfo=UTC)) for run in scenario.runs]
    shown = ("status", "totalCount", "passCount", "failCount", "ignoredCount", "totalTestingTime")
    assert [[end[name] for name in shown] for end in ends] == [
        ["FAIL", 2, 1, 1, 0, 2000],
        ["PASS", 3, 2, 0, 1, 2000],
    ]


def test_tests_that_have_names_are_counted_after_the_queue(
    read: Callable[[str], Scenario],
) -> None:
    (run,) = read(f"""{TESTS}
        [[run]]
        failing = ["signs in"]
        flaky = ["pays"]
        [[run.phase]]
        status = "QUEUED"
        lasts = 1
        [[run.phase]]
        status = "RUNNING"
        passed = 1
        failed = 0
        lasts = 10
        [[run.phase]]
        status = "RUNNING"
        lasts = 10
        [[run.phase]]
        status = "FAIL"
    """).runs
    counts = [phase.counts for phase in run.phases]
    end = Counts(total=3, passed=2, failed=1)
    assert counts == [Counts(), Counts(total=3, passed=1), end, end]
    assert outcomes(run, 0) == []
    assert outcomes(run, 1) == [
        ("signs out", "RUNNING"),
        ("pays", "PENDING"),
        ("signs in", "PENDING"),
    ]
    assert outcomes(run, 11) == [
        ("signs out", "PASS"),
        ("pays", "RUNNING"),
        ("signs in", "PENDING"),
    ]
    assert outcomes(run, 21) == [
        ("signs out", "PASS"),
        ("pays", "FAIL"),
        ("pays", "PASS"),
        ("signs in", "FAIL"),
    ]


def test_each_repeat_has_the_same_named_tests(read: Callable[[str], Scenario]) -> None:
    runs = read(f"{TESTS}[[run]]\nrepeat = 2\nfailing = ['pays']").runs
    assert [outcomes(run)[-1] for run in runs] == [("pays", "FAIL")] * 2


@pytest.mark.parametrize(
    "name", ["regression", "flaky-suite", "quarantined", "shrunk-suite", "demo"]
)
def test_earlier_runs_are_over_and_of_other_commits(name: str) -> None:
    meant, *earlier = load_scenario(name).runs
    now = Now(started=datetime(2026, 1, 1, tzinfo=UTC), elapsed=0.0)
    assert earlier
    for run in earlier:
        answered = now.show(run)
        assert answered["complete"]
        assert (run.name, run.environment) == (meant.name, meant.environment)
        assert meant.git_ref != run.git_ref
        assert run.build_key != meant.build_key
    refs = {(run.git_ref, run.build_key) for run in earlier}
    assert len(refs) == len(earlier)
    assert not any(one != other and one.startswith(other) for one, _ in refs for other, _ in refs)


def test_placeholders_stand_for_what_toml_cant_say(read: Callable[[str], Scenario]) -> None:
    run = read("""
        [[run]]
        name = "{lone-surrogate}"
        test-names = ["test {n}", "{long}"]
        [[run.phase]]
        status = "PASS"
        total = 3
        passed = 3
    """).runs[0]
    assert run.name == "\ud800"
    tests = [row["projectTest"] for row in results(run, 0)]
    names = [test["name"] for test in tests if isinstance(test, dict)]
    assert (names[0], names[2]) == ("test 1", "test 3")
    assert len(str(names[1])) == 100_000


def test_every_key_of_the_list_arrives(read: Callable[[str], Scenario]) -> None:
    listing = """
        [list]
        page-size = 1
        max-page-size = 2
        ignore-page = true
        ignore-limit = true
        order = "oldest-first"
    """
    assert read(RUN + listing).listing == RunList(
        page_size=1,
        max_page_size=2,
        ignore_page=True,
        ignore_limit=True,
        order=Order.OLDEST_FIRST,
    )


def test_every_common_key_of_a_fault_arrives(read: Callable[[str], Scenario]) -> None:
    fault = """
        [[fault]]
        kind = "answer"
        on = ["run", "list"]
        run = 5
        from = 2
        times = "for-ever"
        after = "1s"
        lasts = "500ms"
        probability = 0.5
        seed = 9
        code = 429
        body = "b"
        headers = { X-One = "1" }
        retry-after = "1m"
        retry-after-date = "1h"
    """
    assert read(RUN + fault).faults == (
        Fault(
            kind=Kind.ANSWER,
            endpoints=frozenset({Endpoint.RUN, Endpoint.LIST}),
            run_id=5,
            first=2,
            times=math.inf,
            after=1,
            lasts=0.5,
            probability=0.5,
            seed=9,
            code=429,
            body="b",
            headers=(("X-One", "1"),),
            retry_after=60,
            retry_after_date=3600,
        ),
    )


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param('kind = "answer"', Fault(kind=Kind.ANSWER, code=500), id="answer"),
        pytest.param('kind = "html"', Fault(kind=Kind.HTML, code=200), id="html"),
        pytest.param('kind = "empty"\ncode = 204', Fault(kind=Kind.EMPTY, code=204), id="empty"),
        pytest.param(
            'kind = "redirect"\nto = "/x"', Fault(kind=Kind.REDIRECT, to="/x", code=302), id="there"
        ),
        pytest.param(
            'kind = "alter"\nfields = \'{"id": 1}\'',
            Fault(kind=Kind.ALTER, patch=Patch(fields={"id": 1})),
            id="alter",
        ),
        pytest.param('kind = "slow"\ndelay = 3', Fault(kind=Kind.SLOW, delay=3), id="slow"),
        pytest.param('kind = "trickle"', Fault(kind=Kind.TRICKLE, delay=1), id="trickle"),
        pytest.param('kind = "big"\nmebibytes = 3', Fault(kind=Kind.BIG, size=3), id="big"),
        pytest.param('kind = "gzip-bomb"', Fault(kind=Kind.GZIP_BOMB, size=64), id="gzip-bomb"),
        pytest.param(
            'kind = "hang"\non = "run"\ntimes = 3',
            Fault(kind=Kind.HANG, endpoints=frozenset({Endpoint.RUN}), times=3),
            id="hang",
        ),
    ],
)
def test_each_kind_of_fault_has_its_own_keys_and_defaults(
    read: Callable[[str], Scenario], content: str, fault: Fault
) -> None:
    assert read(f"{RUN}[[fault]]\n{content}").faults == (fault,)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("0", 0, id="nothing"),
        pytest.param("1.5", 1.5, id="number"),
        pytest.param('"90s"', 90, id="seconds"),
        pytest.param('"1h2m3s"', 3723, id="mixed"),
        pytest.param('"500ms"', 0.5, id="milliseconds"),
        pytest.param('"1.5d"', 129_600, id="days"),
    ],
)
def test_durations_are_numbers_or_texts(
    read: Callable[[str], Scenario], value: str, seconds: float
) -> None:
    run = read(RUN.replace("[[run]]", f"[[run]]\nappears-after = {value}", 1)).runs[0]
    assert run.created == seconds


def test_a_scenario_takes_from_its_base_what_it_does_not_say(
    read: Callable[[str], Scenario],
) -> None:
    base = load_scenario("errors-500")
    scenario = read('based-on = "errors-500"\n[list]\npage-size = 3')
    assert (scenario.runs, scenario.faults) == (base.runs, base.faults)
    assert scenario.listing.page_size == 3
    assert read('based-on = "errors-500"\nfault = []').faults == ()


def test_a_scenario_without_runs_says_so(read: Callable[[str], Scenario]) -> None:
    assert read("run = []").runs == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "there is no [[run]]", id="empty-file"),
        pytest.param("run = 3", "'run' must be an array of tables, not 3", id="no-tables"),
        pytest.param("run = [3]", "'run' must be an array of tables", id="no-table-in-array"),
        pytest.param("[[run]]", "run 1: there is no [[run.phase]]", id="no-phase"),
        pytest.param(RUN + RUN, "two runs have the id 55676", id="same-id-twice"),
        pytest.param(
            "descripton = 'x'\n" + RUN,
            "unknown key 'descripton'; did you mean 'description'?",
            id="near-key",
        ),
        pytest.param(RUN + "[zzz]", "unknown key 'zzz'; known: based-on", id="far-key"),
        pytest.param(
            "[[run]]\n[[run.phase]]\nstaus = 'PASS'",
            "run 1, phase 1: 'status' is missing; is 'staus' meant for it?",
            id="misspelt-needed-key",
        ),
        pytest.param(RUN + "[[fault]]", "fault 1: 'kind' is missing", id="needed-key"),
        pytest.param(
            "[[run]]\n[[run.phase]]\nstatus = 3", "'status' must be a text, not 3", id="no-text"
        ),
        pytest.param(
            RUN + "[[run.phase]]\nstatus = 'PASS'",
            "run 1, phase 1: 'lasts' is missing; only the last phase goes on for ever",
            id="endless-phase-in-the-middle",
        ),
        pytest.param(RUN + "total = true", "from 0 to 1000000, not True", id="flag-as-number"),
        pytest.param(RUN + "total = -1", "from 0 to 1000000, not -1", id="negative"),
        pytest.param(RUN + "complete = 1", "'complete' must be true or false", id="no-flag"),
        pytest.param(RUN + "lasts = true", "'lasts' must be a time", id="flag-as-time"),
        pytest.param(RUN + "lasts = nan", "'lasts' must be a time", id="nan"),
        pytest.param(RUN + "lasts = 1e9", "within a year", id="longer-than-a-year"),
        pytest.param(RUN + "lasts = '5 s'", "not '5 s'", id="blank-in-time"),
        pytest.param(RUN + "lasts = ''", "not ''", id="empty-time"),
        pytest.param(RUN + "lasts = []", "not []", id="list-as-time"),
        pytest.param(RUN + "without = 'a'", "'without' must be a list of texts", id="no-list"),
        pytest.param(RUN + "without = [1]", "'without' must be a list of texts", id="no-texts"),
        pytest.param(RUN + "fields = {}", "the text of a JSON object", id="table-for-json"),
        pytest.param(RUN + "fields = '['", "the text of a JSON object", id="unreadable-json"),
        pytest.param(RUN + "fields = '[]'", "the text of a JSON object", id="json-list"),
        pytest.param(
            RUN + f"fields = '{'[' * 100_000}'", "the text of a JSON object", id="deep-json"
        ),
        pytest.param(
            "[[run]]\ncreated = 2026-01-02\n", "'created' must be a date and time", id="no-time"
        ),
        pytest.param(
            "[[run]]\ncreated = 0001-01-01T00:00:00+10:00\n",
            "in a plausible year",
            id="ancient-time",
        ),
        pytest.param(
            "[[run]]\nfailing = ['a']\n",
            "run 1: 'failing' names tests, but there is no [tests]",
            id="tests-that-nothing-names",
        ),
        *(
            pytest.param(TESTS + f"[[run]]\n{content}\n", f"run 1: {message}", id=name)
            for name, content, message in (
                ("unknown-test", "flaky = ['pay']", "'flaky': 'pay' is not in [tests]; did you"),
                (
                    "test-in-two-lists",
                    "failing = ['pays']\nlacking = ['pays']",
                    "'pays' is in 'failing' and in 'lacking'",
                ),
                (
                    "no-tests-left",
                    "lacking = ['pays', 'signs in', 'signs out']",
                    "all tests are in 'lacking'",
                ),
                ("no-names", "ignoring = [1]", "'ignoring' must be a list of names of tests, or a"),
                ("no-errors", "failing = {pays = 1}", "'failing' must be a list of names of tests"),
            )
        ),
        *(
            pytest.param(
                TESTS + f"[[run]]\nfailing = ['pays']\n[[run.phase]]\nstatus = 'X'\n{count}",
                "run 1, phase 1: it has more tests of a kind than",
                id=f"more-than-named-{count}",
            )
            for count in ("total = 4", "passed = 3", "failed = 2", "ignored = 1")
        ),
        *(
            pytest.param(f"tests = {value}\n{RUN}", "'tests' must be a table of files", id=value)
            for value in ("3", "{}", "{a = 'b'}", "{a = [1]}", "{a = []}", "{a = ['b'], c = ['b']}")
        ),
        pytest.param("[[run]]\ntest-names = []\n", "at least one text", id="no-test-names"),
        pytest.param(
            "[[run]]\nage = 1\nappears-after = 1\n", "exclude each other", id="age-and-appearance"
        ),
        pytest.param(
            "[[run]]\nrepeat = 400\napart = '1d'\n", "more than a year apart", id="far-apart"
        ),
        pytest.param(
            "[[run]]\n" + "[[run.phase]]\nstatus = 'RUNNING'\nlasts = '300d'\n" * 3,
            "the phases last longer than a year",
            id="long-script",
        ),
        pytest.param(RUN + "[list]\norder = 'up'", "one of 'newest-first'", id="no-order"),
        pytest.param("list = 3\n" + RUN, "'list' must be a table, not 3", id="no-list-table"),
        pytest.param(RUN + "[list]\npage = 3", "list: unknown key 'page'", id="key-of-the-list"),
        pytest.param("projects = 3\n" + RUN, "a table of lists of texts", id="no-projects"),
        pytest.param(RUN + "[projects]\na = ['b', 3]", "a table of lists", id="no-suites"),
        pytest.param(RUN + "[[fault]]\nkind = 'rest'", "one of 'answer'", id="no-kind"),
        pytest.param(
            RUN + "[[fault]]\nkind = 'reset'\ncode = 3",
            "fault 1: unknown key 'code'; known: after, carried-out, from, kind,",
            id="key-of-another-kind",
        ),
        pytest.param(
            RUN + "[[fault]]\nkind = 'redirect'", "'to' is missing", id="redirect-to-nowhere"
        ),
        pytest.param(
            RUN + "[[fault]]\nkind = 'redirect'\nto = \"a\\u0000b\"",
            "printable",
            id="unprintable-header",
        ),
        pytest.param(
            RUN + "[[fault]]\nkind = 'empty'\nheaders = 3", "must be a table of", id="no-headers"
        ),
        pytest.param(
            RUN + '[[fault]]\nkind = "empty"\nheaders = {X = "a\\nb"}',
            "printable ASCII",
            id="header-injection",
        ),
        pytest.param(
            RUN + '[[fault]]\nkind = "empty"\nheaders = {"a b" = "c"}',
            "printable ASCII",
            id="header-name",
        ),
        pytest.param(
            RUN + "[[fault]]\nkind = 'hang'\non = ['run', 'runs']", "one or a list of", id="no-on"
        ),
        pytest.param(RUN + "[[fault]]\nkind = 'hang'\non = []", "one or a list", id="on-nothing"),
        pytest.param(
            RUN + "[[fault]]\nkind = 'hang'\nprobability = 2", "from 0 to 1", id="no-probability"
        ),
        pytest.param(
            RUN + "[[fault]]\nkind = 'hang'\nprobability = '1'", "from 0 to 1", id="share-as-text"
        ),
        pytest.param(RUN + "[[fault]]\nkind = 'hang'\ntimes = 0", "above 0 or", id="no-times"),
        pytest.param(
            "based-on = 'pasing'",
            "names no built-in scenario; did you mean 'passing'?",
            id="no-base",
        ),
        pytest.param("based-on = 3", "'based-on' must be a text, not 3", id="base-no-text"),
        pytest.param("[[run]", "can't be read: ", id="no-toml"),
        pytest.param(f"x = {'[' * 50_000}", "can't be read: ", id="deep-toml"),
        pytest.param(f"x = {'9' * 5_000}", "can't be read: ", id="endless-number"),
    ],
)
def test_a_mistake_is_named(read: Callable[[str], Scenario], content: str, message: str) -> None:
    if content.startswith("[[run]]\n") and "run.phase" not in content:
        content += '[[run.phase]]\nstatus = "PASS"\n'
    with pytest.raises(ScenarioError, match=re.escape(message)):
        read(content)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("pasing", "neither a built-in scenario nor a file; did you mean", id="near"),
        pytest.param("", "can't be read", id="nothing"),
        pytest.param("zzzzzz", "nor a file; known: bad-gateway-html, ", id="far"),
        pytest.param(".", "can't be read", id="folder"),
        pytest.param("a\0b", "can't be read", id="null-character"),
    ],
)
def test_a_scenario_that_is_not_there_is_named(name: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(message)):
        load_scenario(name)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "latin-1.toml"
    file.write_bytes(b'description = "\xe9"')
    with pytest.raises(ScenarioError, match="can't be read"):
        load_scenario(str(file))


_KEYS = st.sampled_from(
    [
        *("id", "status", "lasts", "total", "fields", "kind", "on", "times", "created", "headers"),
        *("tests", "failing", "flaky", "lacking", "pays", "x"),
    ]
)
_VALUES = st.sampled_from(
    [
        *("1", "-1", "1e400", "nan", "true", '"1s"', '"{n}"', "[]", '["a"]', "{}", "'{}'"),
        *("1979-05-27", "['pays']", "{pays = 'a'}", "{a = ['pays']}"),
    ]
)
_LINES = st.one_of(
    st.builds("{} = {}".format, _KEYS, _VALUES),
    st.sampled_from(
        ["[[run]]", "[[run.phase]]", "[[fault]]", "[list]", "[tests]", 'kind = "reset"']
    ),
)


@given(st.lists(_LINES, max_size=12).map("\n".join))
def test_whatever_a_file_says_is_played_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzzed.toml"
    file.write_text(content, encoding="utf-8")
    try:
        scenario = load_scenario(str(file))
    except ScenarioError as error:
        assert str(file) in str(error)  # noqa: PT017 - either outcome is right
        return
    now = Now(started=datetime(2026, 1, 1, tzinfo=UTC), elapsed=1.0)
    for run in scenario.runs:
        assert isinstance(now.show(run), dict)


@pytest.mark.parametrize("name", scenarios())
def test_each_built_in_scenario_says_in_one_line_what_it_plays(name: str) -> None:
    description = load_scenario(name).description
    assert description
    assert "\n" not in description


@pytest.mark.parametrize("name", scenarios())
def test_each_built_in_run_is_consistent_at_every_age(name: str) -> None:
    created = datetime(2026, 1, 1, tzinfo=UTC)
    for run in load_scenario(name).runs[:1]:
        retried = {test.name for test in run.tests if test.retried}
        for age in (*(half / 2 for half in range(30)), 100, 500, 1000):
            answered = run_object(run, age, created)
            statuses = [
                row["status"]
                for row in results(run, age)
                if (text(row, "name"), row["status"]) not in {(name, "FAIL") for name in retried}
            ]
            assert len(statuses) == answered["totalCount"]
            assert statuses.count("FAIL") == answered["failCount"]
            assert statuses.count("IGNORED") == answered["ignoredCount"]
            assert answered["passCount"] in {statuses.count("PASS"), None}
            over = bool(answered["complete"]) or answered["status"] in ENDED
            assert (answered["endTime"] is not None) == over


def test_the_documentation_lists_the_built_in_scenarios() -> None:
    section = DOCS.read_text("utf-8").partition("## Built-in scenarios")[2].partition("\n## ")[0]
    assert dict(re.findall(r"^\| `(.*?)` \| (.*) \|$", section, re.MULTILINE)) == scenarios()


def test_the_examples_in_the_documentation_can_be_played(read: Callable[[str], Scenario]) -> None:
    first, second, third = re.findall(r"```toml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    scenario = read(first)
    assert scenario.runs
    assert scenario.faults
    assert [run.listed_from for run in read(second).started] == [3]
    now, before = read(third).runs
    assert set(outcomes(now)) - set(outcomes(before)) == {
        ("signs in", "FAIL"),
        ("pays by card", "FAIL"),
        ("pays by card", "PASS"),
    }


def _known(error: pytest.ExceptionInfo[ScenarioError]) -> list[str]:
    return str(error.value).rpartition("known: ")[2].split(", ")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("qqqqqq = 1\n" + RUN, id="top-level"),
        pytest.param(RUN.replace("[[run]]", "[[run]]\nqqqqqq = 1", 1), id="run"),
        pytest.param(RUN + "qqqqqq = 1", id="phase"),
        pytest.param(RUN + "[list]\nqqqqqq = 1", id="the-list"),
        *(
            pytest.param(
                f'{RUN}[[fault]]\nkind = "{kind.value}"\nto = "x"\nqqqqqq = 1', id=kind.value
            )
            for kind in Kind
        ),
    ],
)
def test_the_documentation_names_every_key(read: Callable[[str], Scenario], content: str) -> None:
    if 'kind = "redirect"' not in content:
        content = content.replace('to = "x"\n', "")
    with pytest.raises(ScenarioError, match="qqqqqq") as error:
        read(content)
    text = DOCS.read_text("utf-8")
    assert [key for key in _known(error) if f"`{key}`" not in text] == []


@pytest.mark.parametrize(
    "name", sorted({member.value for kind in (Kind, Endpoint) for member in kind})
)
def test_the_documentation_names_every_kind_and_endpoint(name: str) -> None:
    assert f"`{name}`" in DOCS.read_text("utf-8")
