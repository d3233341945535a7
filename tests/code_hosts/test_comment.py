"""One comment a gate, whoever else writes at the same time: every order of the steps."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from string import ascii_letters, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.code_hosts import Mode
from testery_gate.code_hosts.comment import (
    ROUNDS,
    Note,
    Wanted,
    keep_one,
    marker_of,
    note_of,
)
from testery_gate.code_hosts.host import CodeHost, Comment
from testery_gate.code_hosts.http import Gone, HostError
from tests.code_hosts.memory import Board, Host

KEY = marker_of("Deploy / gate")


def text(said: str, outcome: str = "failed", pipeline: int = 1, marker: str = KEY) -> str:
    return f"<!-- {Note(outcome=outcome, pipeline=pipeline).line(marker)} -->\n\n{said}"


def wanted(
    said: str, mode: Mode = Mode.ALWAYS, outcome: str = "failed", pipeline: int = 1
) -> Wanted:
    return Wanted(
        mode=mode,
        marker=KEY,
        note=Note(outcome=outcome, pipeline=pipeline),
        text=text(said, outcome, pipeline),
    )


def saying(board: Board) -> list[str]:
    return [body.rpartition("\n")[2] for _, body in sorted(board.comments.items())]


def test_the_stand_in_is_a_code_host() -> None:
    host: CodeHost = Host(Board())
    assert host.comment_limit


@dataclass
class Turns:
    """Lets one job at a time take a step, in an order that is given."""

    order: Sequence[int]
    jobs: int
    taken: list[int] = field(default_factory=list)
    done: set[int] = field(default_factory=set)
    condition: threading.Condition = field(default_factory=threading.Condition)

    def step(self, job: int) -> None:
        with self.condition:
            assert self.condition.wait_for(lambda: self._turn() == job, 10)
            self.taken.append(job)
            self.condition.notify_all()

    def end(self, job: int) -> None:
        with self.condition:
            self.done.add(job)
            self.condition.notify_all()

    def _turn(self) -> int:
        """Whose turn it is: the order's, or where that job is done, anybody's who is not."""
        number = len(self.taken)
        wish = self.order[number] if number < len(self.order) else 0
        jobs: list[int] = [wish, *range(self.jobs)]
        return next(job for job in jobs if job not in self.done)


def played(jobs: Sequence[Wanted], order: Sequence[int], board: Board) -> Board:
    """Let jobs comment at the same time, their steps in this order."""
    turns = Turns(order, len(jobs))

    def work(number: int) -> None:
        try:
            keep_one(Host(board, step=lambda: turns.step(number)), jobs[number])
        finally:
            turns.end(number)

    with ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(work, range(len(jobs))))
    return board


BOARDS = {
    "none yet": Board(),
    "one": Board({3: text("old")}, 3),
    "two, which others left": Board({3: text("old"), 5: text("double")}, 5),
}


@pytest.mark.parametrize("before", BOARDS.values(), ids=BOARDS)
def test_two_jobs_at_once_leave_one_comment_in_every_order_of_their_steps(before: Board) -> None:
    seen = set()
    for order in product((0, 1), repeat=10):
        board = played([wanted("a"), wanted("b")], order, Board(dict(before.comments), before.last))
        (said,) = saying(board)
        seen.add(said)
        if before.comments:
            assert list(board.comments) == [3]
    assert seen == {"a", "b"}


@given(st.lists(st.integers(0, 3), min_size=24, max_size=24), st.sampled_from(list(BOARDS)))
def test_four_jobs_at_once_leave_one_comment(order: Sequence[int], before: str) -> None:
    start = BOARDS[before]
    board = played(
        [wanted(said) for said in "abcd"], [3, *order], Board(dict(start.comments), start.last)
    )
    (said,) = saying(board)
    assert said in "abcd"


def test_fifty_updates_leave_one_comment() -> None:
    board = Board()
    for number in range(50):
        keep_one(Host(board), wanted(f"number {number}", pipeline=number))
    assert saying(board) == ["number 49"]
    assert board.last == 1


def test_an_update_takes_two_requests() -> None:
    host = Host(Board({1: text("old")}, 1))
    keep_one(host, wanted("new"))
    assert host.steps == ["list", "replace"]


def test_a_double_that_somebody_left_is_cleared_away() -> None:
    board = Board({1: text("old"), 4: text("double"), 7: text("triple")}, 7)
    keep_one(Host(board), wanted("new"))
    assert saying(board) == ["new"]


def test_another_gates_comment_is_left_alone() -> None:
    other = text("another gate", marker=marker_of("Deploy / smoke"))
    board = Board({1: other, 2: f"> {text('quoted')}", 3: "prose"}, 3)
    keep_one(Host(board), wanted("new"))
    assert saying(board) == ["another gate", "quoted", "prose", "new"]


@pytest.mark.parametrize(
    ("mode", "outcome", "there", "expected"),
    [
        (Mode.ALWAYS, "passed", None, ["new"]),
        (Mode.ALWAYS, "passed", "passed", ["new"]),
        (Mode.FAILED, "passed", None, []),
        (Mode.FAILED, "passed", "failed", ["new"]),
        (Mode.FAILED, "passed", "passed", ["new"]),
        (Mode.FAILED, "inconclusive", None, ["new"]),
        (Mode.CHANGED, "passed", None, ["new"]),
        (Mode.CHANGED, "passed", "passed", ["old"]),
        (Mode.CHANGED, "passed", "failed", ["new"]),
        (Mode.CHANGED, "timed_out", "unavailable", ["new"]),
        (Mode.NEVER, "failed", None, []),
        (Mode.NEVER, "failed", "passed", ["old"]),
    ],
)
def test_when_a_comment_is_made_and_updated(
    mode: Mode, outcome: str, there: str | None, expected: list[str]
) -> None:
    board = Board({1: text("old", there)}, 1) if there else Board()
    keep_one(Host(board), wanted("new", mode, outcome))
    assert saying(board) == expected


def test_an_older_pipeline_does_not_speak_over_a_newer_one() -> None:
    board = Board({1: text("newer", pipeline=12)}, 1)
    keep_one(Host(board), wanted("older", pipeline=9))
    assert saying(board) == ["newer"]
    keep_one(Host(board), wanted("newest", pipeline=12))
    assert saying(board) == ["newest"]


def test_a_pipeline_without_a_number_speaks_over_any() -> None:
    board = Board({1: text("another system's", pipeline=12)}, 1)
    keep_one(Host(board), wanted("new", pipeline=0))
    assert saying(board) == ["new"]


def test_an_added_comment_whose_answer_is_lost_is_not_doubled() -> None:
    board = Board()
    keep_one(Host(board, lose=1), wanted("new"))
    assert saying(board) == ["new"]
    assert board.last == 1


def test_a_list_that_is_behind_is_no_reason_for_another_comment() -> None:
    board = Board()
    host = Host(board, blind=2)
    keep_one(host, wanted("new"))
    assert host.steps == ["list", "add", "list"]
    assert saying(board) == ["new"]


def test_its_own_comment_goes_where_the_list_shows_only_an_older_one() -> None:
    board = Board({1: text("old")}, 1)

    class Behind(Host):
        def comments(self) -> Sequence[object]:
            return super().comments()[:1]

    keep_one(Behind(board, blind=1), wanted("new"))
    assert saying(board) == ["new"]
    assert list(board.comments) == [1]


def test_a_comment_that_somebody_deletes_meanwhile_is_made_anew() -> None:
    board = Board({1: text("old")}, 1)

    class Meddled(Host):
        def replace_comment(self, comment: Comment, text: str) -> None:
            self.board.comments.clear()
            super().replace_comment(comment, text)

    keep_one(Meddled(board), wanted("new"))
    assert saying(board) == ["new"]


def test_a_place_that_is_hidden_is_asked_for_once() -> None:
    class Hidden(Host):
        def add_comment(self, text: str) -> Comment:
            raise Gone("404 where a token may not comment")

    host = Hidden(Board())
    with pytest.raises(Gone, match="may not comment"):
        keep_one(host, wanted("new"))
    assert host.steps == ["list"]


def test_who_is_always_in_between_wins() -> None:
    board = Board({1: text("old")}, 1)

    class Hopeless(Host):
        def replace_comment(self, comment: Comment, text: str) -> None:
            raise Gone("again")

    host = Hopeless(board)
    with pytest.raises(HostError, match="others change"):
        keep_one(host, wanted("new"))
    assert host.steps == ["list"] * ROUNDS


@given(st.text(max_size=80), st.text(max_size=80))
def test_keys_that_differ_have_markers_that_differ(one: str, other: str) -> None:
    assert (marker_of(one) == marker_of(other)) == (one == other)
    # What stands in an HTML comment may not end it, and hold no two hyphens.
    assert set(marker_of(one)) <= set(ascii_letters + digits + ":-")
    assert "--" not in marker_of(one)
    assert note_of(text("x", marker=marker_of(one)), marker_of(one))


@pytest.mark.parametrize(
    "body",
    [
        "",
        f"hello\n{text('x')}",
        f"> {text('x')}",
        f"`{KEY}`",
        f"<!-- {KEY} -->",
        f"<!-- {KEY}0 outcome=failed pipeline=1 -->",
        f"<!-- {KEY} outcome=fai-led pipeline=1 -->",
        f"<!-- {KEY} outcome=failed pipeline=\N{ARABIC-INDIC DIGIT ONE} -->",
    ],
)
def test_what_only_looks_like_the_marker_is_none(body: str) -> None:
    assert note_of(body, KEY) is None


@pytest.mark.parametrize("form", ["<!-- {} -->", "[//]: # ({})", "<!--{}-->"])
def test_a_note_is_read_in_whatever_hides_it(form: str) -> None:
    note = Note(outcome="timed_out", pipeline=123_456_789_012)
    hidden = form.format(note.line(KEY))
    assert note_of(hidden, KEY) == note
