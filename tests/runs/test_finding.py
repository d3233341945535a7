from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from testery_gate.errors import NotFound, Unauthorized
from testery_gate.model import Field, TestRun
from testery_gate.runs.finding import Search, appeared, find_runs
from testery_gate.runs.selection import Condition, Group, Query, Selection
from testery_gate.waiting.deadline import Deadline
from testery_gate.waiting.interval import SLOWEST
from tests.builders import with_unknown
from tests.fakes import FakeClock
from tests.runlist import NOW, RunList, run_of

STAGING = Condition(field=Field.ENVIRONMENT, wanted="staging")
QUERY = Query(selection=Selection(conditions=(STAGING,)))
OTHERS = [run_of(1000 - n, 10 * n) for n in range(300)]


class Api(RunList):
    """The list, on a clock by which runs appear, and the runs of deploys."""

    def __init__(self, runs: Sequence[TestRun] = (), **appearing: float) -> None:
        super().__init__(list(runs))
        self.clock = FakeClock()
        self.said: list[str] = []
        self.deploys: Callable[[], Sequence[TestRun]] = list

    def deployed(self, deploy_id: int) -> Sequence[TestRun]:
        self.requests.append((deploy_id, 0))
        return self.deploys()

    def find(self, query: Query = QUERY, *, appear_within: float = 0) -> list[int]:
        search = Search(query, self, lambda: NOW)
        choice = appeared(
            search,
            appear_by=Deadline.after(appear_within, self.clock),
            sleep=self.sleep,
            say=self.said.append,
        )
        if not choice.runs:
            raise search.not_found()
        return [run.id for run in choice.runs]

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)


class Late(Api):
    """A list on which a run appears after so many waits."""

    def __init__(self, run: TestRun, waits: int, others: Sequence[TestRun] = ()) -> None:
        super().__init__(others)
        self.run, self.waits = run, waits

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.waits -= 1
        if self.waits == 0:
            self.runs = [self.run, *self.runs]


def test_a_run_that_is_there_is_found_with_one_request() -> None:
    api = Api([run_of(1001, environment="staging"), *OTHERS])
    assert api.find() == [1001]
    assert (api.requests, api.clock.slept, api.said) == ([(0, 100)], [], [])


def test_a_run_that_appears_is_found_then_and_waiting_is_said_once() -> None:
    api = Late(run_of(1001, environment="staging"), waits=3)
    assert api.find(appear_within=60) == [1001]
    assert api.clock.slept == [1.25, 1.25 * 1.5, 1.25 * 1.5**2]
    assert api.said == ["There is no run with environment staging yet; waiting for one to appear"]


def test_what_was_read_once_is_not_read_again_while_a_run_is_waited_for() -> None:
    api = Late(run_of(1001, environment="staging"), waits=2, others=OTHERS)
    assert api.find(appear_within=60) == [1001]
    assert [number for number, _ in api.requests] == [0, 1, 2, 3, 3, 0, 0]


def test_a_status_may_still_change_so_all_is_read_again() -> None:
    status = Condition(field=Field.STATUS, wanted="FAIL")
    api = Late(run_of(1001, status="FAIL"), waits=2, others=OTHERS[:150])
    assert api.find(Query(selection=Selection(conditions=(status,))), appear_within=60) == [1001]
    assert [number for number, _ in api.requests] == [0, 1, 2, 0, 1, 2, 0]


def test_the_last_look_is_when_the_time_is_over() -> None:
    api = Api()
    with pytest.raises(NotFound):
        api.find(appear_within=90)
    assert sum(api.clock.slept) == pytest.approx(90)
    assert max(api.clock.slept) == SLOWEST == 15


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        pytest.param([], "no run with environment staging was found: 0 runs were searched", id="0"),
        pytest.param(
            [run_of(1, 90)],
            "1 run was searched, back to 2024-03-01 10:30 UTC",
            id="1",
        ),
        pytest.param(
            OTHERS,
            "300 runs were searched, back to 2024-02-28 10:10 UTC",
            id="many",
        ),
        pytest.param(
            [run_of(1, 60 * 24 * 30, environment="staging")],
            "run 1 has environment staging, but it is outside --lookback",
            id="too old",
        ),
        pytest.param(
            [with_unknown(run_of(1), "create_time")], "1 run was searched", id="without a time"
        ),
    ],
)
def test_where_there_is_none_it_says_what_was_searched(runs: list[TestRun], said: str) -> None:
    with pytest.raises(NotFound) as error:
        Api(runs).find()
    assert said in error.value.message
    assert "--lookback" in error.value.advice


def test_what_was_searched_is_told_of_all_looks_together() -> None:
    api = Late(run_of(1001, environment="production"), waits=2, others=OTHERS)
    with pytest.raises(NotFound, match="301 runs were searched, back to 2024-02-28 10:10 UTC"):
        api.find(appear_within=20)


def test_a_lookback_without_age_reads_by_number() -> None:
    api = Api([*OTHERS, run_of(1, 60 * 24 * 300, environment="staging")])
    unlimited = Query(selection=QUERY.selection, max_age=None, max_runs=1000)
    assert api.find(unlimited) == [1]


DEPLOY = Query(selection=Selection(every=True), deploy_id=77)


def test_the_runs_of_a_deploy_are_taken() -> None:
    api = Api()
    api.deploys = lambda: [run_of(1), run_of(2)]
    assert api.find(DEPLOY) == [2, 1]
    assert api.requests == [(77, 0)]


def test_a_deploys_runs_may_have_to_appear_too() -> None:
    api = Api()

    def deploys() -> Sequence[TestRun]:
        if len(api.requests) == 1:
            raise NotFound("HTTP 404")
        return [run_of(1)] if len(api.requests) == 3 else []

    api.deploys = deploys
    assert api.find(DEPLOY, appear_within=60) == [1]


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(NotFound("HTTP 404"), id="not found"),
        pytest.param(Unauthorized("HTTP 403", token_rejected=False), id="forbidden"),
    ],
)
def test_where_a_deploys_runs_are_not_offered_it_says_so(refusal: Exception) -> None:
    api = Api()

    def deploys() -> Sequence[TestRun]:
        raise refusal

    api.deploys = deploys
    with pytest.raises(NotFound, match="no run of deploy 77 was found: the API offers no") as error:
        api.find(DEPLOY)
    assert "--git-ref" in error.value.advice


def test_a_rejected_token_is_no_missing_deploy() -> None:
    api = Api()

    def deploys() -> Sequence[TestRun]:
        raise Unauthorized("HTTP 401")

    api.deploys = deploys
    with pytest.raises(Unauthorized):
        api.find(DEPLOY, appear_within=60)


# Asking again.


def test_what_is_asked_again_is_chosen_from_all_that_was_seen() -> None:
    api = Api([run_of(1001, environment="staging"), *OTHERS])
    search = Search(QUERY, api, lambda: NOW)
    assert [run.id for run in search().runs] == [1001]
    api.runs = [run_of(1061 - n, n - 59) for n in range(60)] + api.runs
    api.requests = []
    assert [run.id for run in search().runs] == [1001]
    assert api.requests == [(0, 100)]
    assert 1061 in search.shown


def test_a_run_that_is_looked_at_keeps_what_the_list_says_about_it() -> None:
    api = Api([run_of(1, environment="staging", status="RUNNING")])
    search = Search(QUERY, api, lambda: NOW)
    search()
    search.update([run_of(1, environment="qa", status="CANCELED"), run_of(2)])
    assert set(search.known) == {1}
    assert (search.known[1].environment, search.known[1].status_text) == ("staging", "CANCELED")


EVERY = Selection(conditions=(STAGING,), every=True)


@pytest.mark.parametrize(
    ("selection", "runs", "said"),
    [
        pytest.param(QUERY.selection, OTHERS, "", id="the newest of all"),
        pytest.param(EVERY, OTHERS[:2], "", id="all there is"),
        pytest.param(
            EVERY,
            [run_of(5, 5), run_of(1, 60 * 24 * 8)],
            "--lookback ends the search at 2024-03-01 11:55 UTC; runs from before are left out",
            id="too old",
        ),
        pytest.param(
            EVERY,
            [run_of(2, 60 * 24 * 8, environment="staging"), run_of(1, 60 * 24 * 9)],
            "--lookback ends the search; runs from before are left out, such as run 2, which fits"
            " too",
            id="too old, and it fits",
        ),
    ],
)
def test_what_is_cut_off_is_said_where_it_could_matter(
    selection: Selection, runs: list[TestRun], said: str
) -> None:
    search = Search(Query(selection=selection), Api(runs), lambda: NOW)
    search()
    assert search.cut_off() == said


def test_so_many_runs_that_more_may_follow_are_cut_off_too() -> None:
    search = Search(Query(selection=EVERY, max_runs=200), Api(OTHERS), lambda: NOW)
    search()
    assert "--lookback ends the search at 2024-02-29 02:50 UTC" in search.cut_off()


def test_a_deploys_runs_are_not_cut_off() -> None:
    api = Api()
    api.deploys = lambda: [run_of(1, 60 * 24 * 30)]
    search = Search(DEPLOY, api, lambda: NOW)
    assert [run.id for run in search().runs] == [1]
    assert search.cut_off() == ""


def test_a_deploys_runs_that_were_there_are_not_gone_because_they_are_refused() -> None:
    api = Api()
    answers: list[Sequence[TestRun] | NotFound] = [[run_of(1)], NotFound("HTTP 404")]

    def deploys() -> Sequence[TestRun]:
        answer = answers.pop(0)
        if isinstance(answer, NotFound):
            raise answer
        return answer

    api.deploys = deploys
    search = Search(DEPLOY, api, lambda: NOW)
    search()
    with pytest.raises(NotFound):
        search()


def test_it_is_waited_until_enough_runs_are_there() -> None:
    api = Late(run_of(1001, environment="staging", name="Search"), waits=2)
    api.runs = [run_of(1000, environment="staging")]
    each = Selection(conditions=(STAGING,), each=(Group.NAME,))
    assert api.find(Query(selection=each, min_runs=2), appear_within=60) == [1001, 1000]
    assert api.said == ["There is 1 of 2 runs so far; waiting for one to appear"]


def test_too_few_runs_are_told_with_what_was_left_out() -> None:
    runs = [run_of(2, environment="staging"), run_of(1, 60 * 24 * 8, environment="staging")]
    search = Search(Query(selection=EVERY, min_runs=3), Api(runs), lambda: NOW)
    error = search.too_few(len(search().runs))
    assert error.message == (
        "1 of at least 3 runs were found: run with environment staging; --lookback ends the search"
        " at 2024-03-01 12:00 UTC; runs from before are left out, such as run 1, which fits too"
    )
    assert "--appear-within" in error.advice


def test_a_run_that_may_be_the_newest_is_listed_as_well() -> None:
    doubtful = with_unknown(run_of(9, environment="staging"), "create_time")
    api = Api([doubtful, run_of(1, environment="staging")])
    assert [run.id for run in find_runs(QUERY, api, lambda: NOW)] == [9, 1]
