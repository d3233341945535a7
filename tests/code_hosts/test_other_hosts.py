"""What all code hosts have in common: comments and statuses over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import cmarkgfm
import pytest

from testery_gate.code_hosts.comment import keep_one, note_of, own_comments
from testery_gate.code_hosts.host import State, Status
from testery_gate.code_hosts.http import Gone, HostError, Lost, NoRights
from tests.code_hosts.connecting import (
    MARKER,
    STAND_INS,
    Connected,
    connected,
    text_of,
    wanted,
)
from tests.code_hosts.stand_in import SOMEBODY_ELSE, TOKEN, Fault, Said


@pytest.fixture(params=STAND_INS, ids=lambda kind: kind.contract_name)
def there(request: pytest.FixtureRequest) -> Iterator[Connected]:
    """One system after the other."""
    with connected(request.param()) as found:
        yield found


STATUS = Status(state=State.PENDING, context="gate", description="Waiting for Testery")
FINAL = replace(STATUS, description="2 of 40 tests failed", url="https://example.test/run/5")


def texts(there: Connected) -> list[str]:
    return [entry.text for entry in there.stand_in.shown()]


def test_a_comment_is_added_found_and_updated(there: Connected) -> None:
    first, second = there.host(), there.host()
    keep_one(first, wanted(first, "one"))
    assert texts(there) == [text_of(first, "one")]
    keep_one(second, wanted(second, "two"))
    assert texts(there) == [text_of(second, "two")]


def test_fifty_updates_leave_one_comment(there: Connected) -> None:
    for number in range(50):
        host = there.host()
        keep_one(host, wanted(host, f"number {number}"))
    assert texts(there) == [text_of(there.host(), "number 49")]
    assert len(there.stand_in.entries) == 1


def test_jobs_at_once_leave_one_comment(there: Connected) -> None:
    begin = threading.Barrier(4)

    def job(number: int) -> None:
        host = there.host()
        begin.wait(10)
        keep_one(host, wanted(host, f"job {number}"))

    with ThreadPoolExecutor(4) as jobs:
        list(jobs.map(job, range(4)))
    assert len(texts(there)) == 1


def test_who_has_added_one_beside_another_leaves_the_oldest(there: Connected) -> None:
    host = there.host()
    oldest = host.add_comment(text_of(host, "a job"))
    host.add_comment(text_of(host, "another job"))
    host.add_comment(text_of(host, "a third one"))
    keep_one(host, wanted(host, "the newest"))
    assert texts(there) == [text_of(host, "the newest")]
    assert [found.id for found in own_comments(host, MARKER)] == [oldest.id]


def test_somebody_elses_comment_with_the_marker_is_left_alone(there: Connected) -> None:
    host = there.host()
    stolen = there.stand_in.write(SOMEBODY_ELSE, text_of(host, "not the gate's"))
    keep_one(host, wanted(host, "the gate's"))
    keep_one(there.host(), wanted(host, "the gate's next"))
    assert texts(there) == [text_of(host, "the gate's next")]
    assert not stolen.deleted
    assert stolen.text == text_of(host, "not the gate's")


def test_a_quote_of_the_comment_is_none(there: Connected) -> None:
    host = there.host()
    quote = there.stand_in.write(TOKEN, f"> {text_of(host, 'quoted')}")
    keep_one(host, wanted(host, "the gate's"))
    assert texts(there) == [quote.text, text_of(host, "the gate's")]


@pytest.mark.parametrize("odd", ["7", None, 7.5])
def test_somebody_elses_comment_may_look_like_anything(there: Connected, odd: object) -> None:
    host = there.host()
    there.stand_in.write(SOMEBODY_ELSE, "prose")
    keep_one(host, wanted(host, "one"))
    relist(there, lambda found: next(one for one in found if one["id"] == 1).update(id=odd))
    keep_one(host, wanted(host, "two"))
    assert texts(there) == [text_of(host, "two")]


def test_the_oldest_is_the_same_one_in_whatever_order_they_are_listed(there: Connected) -> None:
    host = there.host()
    # Numbers of one digit and of two: as texts they have another order.
    own = [host.add_comment(text_of(host, f"job {number}")).id for number in range(10)]
    assert [found.id for found in own_comments(host, MARKER)] == own
    relist(there, list.reverse)
    assert [found.id for found in own_comments(host, MARKER)] == own


def relist(there: Connected, change: Callable[[Any], object]) -> None:
    """List the comments as they are now, with a change, whatever becomes of them."""
    path = there.host().path
    asked = next(
        one for one in there.stand_in.asked if one.method == "GET" and one.path == f"/{path}"
    )
    data: Any = json.loads(json.dumps(there.stand_in.do(asked, TOKEN).data))
    found = data if isinstance(data, list) else data.get("value", data.get("values"))
    change(found)
    said = Said(body=json.dumps(data).encode())
    there.stand_in.faults = [Fault(said=said, method="GET", path=asked.path)]


def test_comments_of_all_pages_are_found(there: Connected) -> None:
    host = there.host()
    for number in range(250):
        author = "nobody" if number % 3 == 0 else SOMEBODY_ELSE
        there.stand_in.write(author, f"comment {number}")
    there.stand_in.write(TOKEN, text_of(host, "before"))
    keep_one(host, wanted(host, "after"))
    assert texts(there) == [text_of(host, "after")]
    pages = 1 if there.stand_in.contract_name == "azure" else 3
    assert there.stand_in.count("GET", "7/") == pages


def test_a_deleted_comment_is_made_anew(there: Connected) -> None:
    host = there.host()
    keep_one(host, wanted(host, "one"))
    there.stand_in.entries[0].deleted = True
    keep_one(host, wanted(host, "two"))
    assert texts(there) == [text_of(host, "two")]


def test_a_comment_that_goes_meanwhile_is_gone(there: Connected) -> None:
    host = there.host()
    comment = host.add_comment(text_of(host, "one"))
    there.stand_in.entries[0].deleted = True
    with pytest.raises(Gone):
        host.replace_comment(comment, "two")
    host.delete_comment(comment)


@pytest.mark.parametrize("said", [Said(status=500), Said(status=502), Said(body=b"{", status=200)])
def test_a_comment_whose_answer_is_lost_is_not_doubled(there: Connected, said: Said) -> None:
    there.stand_in.faults = [Fault(said=said, method="POST", times=1, done=True)]
    host = there.host()
    with pytest.raises(HostError) if said.status == 200 else pytest.raises(Lost):
        host.add_comment(text_of(host, "one"))
    keep_one(host, wanted(host, "two"))
    assert texts(there) == [text_of(host, "two")]


def test_the_hidden_line_is_not_seen(there: Connected) -> None:
    host = there.host()
    shown = cmarkgfm.github_flavored_markdown_to_html(text_of(host, "**seen**"))
    visible = shown.partition("-->")[2] if "<!--" in shown else shown
    assert visible.strip() == "<p><strong>seen</strong></p>"
    found = note_of(text_of(host, "seen", outcome="failed"), MARKER)
    assert found is not None
    assert found.outcome == "failed"


def test_a_comment_takes_what_the_system_takes(there: Connected) -> None:
    host = there.host()
    longest = "x" * host.comment_limit
    comment = host.add_comment(longest)
    host.replace_comment(comment, longest)
    assert texts(there) == [longest]


def test_a_status_is_pending_then_final(there: Connected) -> None:
    host = there.host()
    host.set_status(STATUS)
    host.set_status(replace(FINAL, state=State.FAILED))
    failed = ENDS[there.stand_in.contract_name][State.FAILED]
    assert [said_of(status) for status in latest(there)] == [
        (failed, "gate", "2 of 40 tests failed", "https://example.test/run/5")
    ]


def test_a_status_tells_each_end(there: Connected) -> None:
    ends = {}
    for state in State:
        there.stand_in.statuses = []
        there.host().set_status(replace(FINAL, state=state, context=state.name))
        ((ends[state], *_),) = [said_of(status) for status in latest(there)]
    assert ends == ENDS[there.stand_in.contract_name]


ENDS = {
    "github": {
        State.PENDING: "pending",
        State.PASSED: "success",
        State.FAILED: "failure",
        State.NO_VERDICT: "error",
        State.STOPPED: "error",
    },
    "gitlab": {
        State.PENDING: "running",
        State.PASSED: "success",
        State.FAILED: "failed",
        State.NO_VERDICT: "failed",
        State.STOPPED: "canceled",
    },
    "azure": {
        State.PENDING: "pending",
        State.PASSED: "succeeded",
        State.FAILED: "failed",
        State.NO_VERDICT: "error",
        State.STOPPED: "error",
    },
    "bitbucket": {
        State.PENDING: "INPROGRESS",
        State.PASSED: "SUCCESSFUL",
        State.FAILED: "FAILED",
        State.NO_VERDICT: "FAILED",
        State.STOPPED: "STOPPED",
    },
}


def test_long_texts_are_cut_to_what_the_system_takes(there: Connected) -> None:
    context = "gate of the \N{LATIN SMALL LETTER U WITH DIAERESIS}bershop " * 4
    host = there.host()
    host.set_status(replace(FINAL, context=context, description="long " * 1000))
    (said,) = there.stand_in.statuses
    assert len(str(said["description"])) < 300


@pytest.mark.parametrize("status", [401, 403, 404])
def test_no_rights_are_said_as_such(there: Connected, status: int) -> None:
    refusal = replace(there.stand_in.forbidden(), status=status)
    there.stand_in.faults = [Fault(said=refusal)]
    host = there.host()
    with pytest.raises(NoRights) as caught:
        keep_one(host, wanted(host, "one"))
    assert caught.value.status == status
    with pytest.raises(NoRights):
        host.set_status(STATUS)
    # Nothing is asked for twice; GitHub has two kinds of status to try.
    assert len(there.stand_in.asked) == (3 if there.stand_in.contract_name == "github" else 2)
    assert not there.clock.slept


def test_an_unknown_token_has_no_rights(there: Connected) -> None:
    host = there.host(token="wrong-token")
    with pytest.raises(NoRights, match="401 Unauthorized"):
        keep_one(host, wanted(host, "one"))
    with pytest.raises(NoRights, match="401 Unauthorized"):
        host.set_status(STATUS)


def test_a_limit_is_waited_for_as_long_as_the_system_asks(there: Connected) -> None:
    limited = Said(status=429, data={"message": "Too many requests"}, headers={"Retry-After": "3"})
    there.stand_in.faults = [
        Fault(said=limited, method=method, times=1) for method in ("POST", "GET")
    ]
    host = there.host()
    keep_one(host, wanted(host, "one"))
    assert texts(there) == [text_of(host, "one")]
    assert there.clock.slept == [3, 3]


def test_a_limit_without_an_end_takes_no_more_than_the_time(there: Connected) -> None:
    there.stand_in.faults = [Fault(said=Said(status=429))]
    host = there.host()
    with pytest.raises(HostError, match="429 Too Many Requests"):
        keep_one(host, wanted(host, "one"))
    assert sum(there.clock.slept) < 10


def test_a_limit_that_ends_too_late_is_not_waited_for(there: Connected) -> None:
    there.stand_in.faults = [Fault(said=Said(status=429, headers={"Retry-After": "60"}))]
    with pytest.raises(HostError, match="429 Too Many Requests"):
        there.host().set_status(STATUS)
    assert not there.clock.slept


def test_a_fault_of_the_system_is_tried_again(there: Connected) -> None:
    there.stand_in.faults = [Fault(said=Said(status=503), method="GET", times=2)]
    host = there.host()
    keep_one(host, wanted(host, "one"))
    assert texts(there) == [text_of(host, "one")]
    assert there.clock.slept == [0.5, 1]


def test_the_token_is_in_no_message(there: Connected) -> None:
    echo = Said(status=400, body=b'{"message": "You sent %s"}' % TOKEN.encode())
    there.stand_in.faults = [Fault(said=echo)]
    with pytest.raises(HostError, match=r"You sent \*\*\*") as caught:
        there.host().set_status(STATUS)
    assert TOKEN not in str(caught.value)


_NONSENSE = [
    b"[]",
    b"{}",
    b"null",
    b'"x"',
    b"[1]",
    b'{"value": [1]}',
    b'{"values": [[]]}',
    b"<html>",
]


@pytest.mark.parametrize("body", _NONSENSE, ids=bytes.decode)
def test_nonsense_is_no_crash(there: Connected, body: bytes) -> None:
    host = there.host()
    comment = host.add_comment(text_of(host, "one"))
    there.stand_in.faults = [Fault(said=Said(body=body))]
    fresh = there.host()
    for request in (
        lambda: own_comments(fresh, MARKER),
        lambda: fresh.add_comment("two"),
        lambda: fresh.replace_comment(comment, "two"),
        lambda: fresh.delete_comment(comment),
        lambda: fresh.set_status(STATUS),
    ):
        with suppress(HostError):
            request()


def test_who_the_token_is_may_be_nonsense(there: Connected) -> None:
    host = there.host()
    there.stand_in.write(SOMEBODY_ELSE, text_of(host, "not the gate's"))
    for path in ("/user", "connectionData"):
        there.stand_in.faults.append(Fault(said=Said(body=b"{}"), path=path))
    with suppress(HostError):
        assert not own_comments(host, MARKER)


def said_of(status: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """What a status says, in whatever words the system has."""
    context = status.get("context") or status["name"]
    context = context["name"] if isinstance(context, dict) else context
    url = status.get("targetUrl") or status.get("target_url") or status.get("url") or ""
    return status["state"], context, status["description"], url


def latest(there: Connected) -> list[Mapping[str, Any]]:
    """The newest status of each name: Azure keeps all."""
    return list({said_of(one)[1]: one for one in there.stand_in.statuses}.values())
