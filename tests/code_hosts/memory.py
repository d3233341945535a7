"""A code host in memory, whose calls can be put in any order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from testery_gate.code_hosts.answers import number_at, text_at
from testery_gate.code_hosts.host import CodeHost, Comment, Place, Status, Surroundings
from testery_gate.code_hosts.http import Gone, Lost
from testery_gate.waiting.deadline import Deadline


@dataclass
class Board:
    """What all jobs share: the comments by their numbers."""

    comments: dict[int, str] = field(default_factory=dict)
    last: int = 0


PLACE = Place(
    api_url="https://api.example.test",
    repository="acme/web-shop",
    commit="4f7b2c9a1e5d8f60b3a2c1d0e9f8a7b6c5d4e3f2",
    pull_request=7,
    pipeline_url="https://ci.example.test/900",
    pipeline=900,
    gate="Deploy / gate",
)


@dataclass
class Limits:
    """How long requests might take, as often as that was said."""

    seconds: list[float] = field(default_factory=list)

    def limit(self, deadline: Deadline) -> None:
        self.seconds.append(deadline.remaining())


@dataclass
class Host(CodeHost):
    """A code host in memory, of which each call is one step."""

    board: Board
    step: Callable[[], None] = lambda: None
    steps: list[str] = field(default_factory=list)
    lose: int = 0
    """How many answers to an added comment are lost."""
    blind: int = 0
    """How often the list does not show yet what is there."""
    statuses: list[Status] = field(default_factory=list)
    place: Place = PLACE
    http: Any = field(default_factory=Limits)
    name: str = "memory"
    comment_limit: int = 65_536
    folds: bool = True

    @staticmethod
    def find_place(surroundings: Surroundings) -> Place:
        raise NotImplementedError

    def find_user(self) -> str:
        raise NotImplementedError

    def body_of(self, data: object) -> str:
        return text_at(data, "body")

    def read(self, data: object) -> Comment:
        return Comment(id=str(number_at(data, "id")), body=self.body_of(data))

    def _take(self, what: str) -> None:
        self.step()
        self.steps.append(what)

    def comments(self) -> Sequence[object]:
        self._take("list")
        if self.blind:
            self.blind -= 1
            return []
        return [
            {"id": number, "body": body} for number, body in sorted(self.board.comments.items())
        ]

    def wrote(self, comment: Comment) -> bool:
        return True

    def add_comment(self, text: str) -> Comment:
        self._take("add")
        self.board.last += 1
        self.board.comments[self.board.last] = text
        if self.lose:
            self.lose -= 1
            raise Lost("no answer")
        return Comment(id=str(self.board.last), body=text)

    def replace_comment(self, comment: Comment, text: str) -> None:
        self._take("replace")
        if int(comment.id) not in self.board.comments:
            raise Gone("it is not there")
        self.board.comments[int(comment.id)] = text

    def delete_comment(self, comment: Comment) -> None:
        self._take("delete")
        self.board.comments.pop(int(comment.id), None)

    def set_status(self, status: Status) -> None:
        self._take("status")
        self.statuses.append(status)
