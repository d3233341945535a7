"""A code host in memory, whose calls can be put in any order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from testery_gate.code_hosts.comment import is_marked
from testery_gate.code_hosts.host import Comment, Gone, Lost, Status


@dataclass
class Board:
    """What all jobs share: the comments by their numbers."""

    comments: dict[int, str] = field(default_factory=dict)
    last: int = 0


@dataclass
class Host:
    """A code host in memory, of which each call is one step."""

    board: Board
    step: Callable[[], None] = lambda: None
    steps: list[str] = field(default_factory=list)
    lose: int = 0
    """How many answers to an added comment are lost."""
    blind: int = 0
    """How often the list does not show yet what is there."""
    statuses: list[Status] = field(default_factory=list)
    name: str = "memory"
    comment_limit: int = 65_536
    folds: bool = True

    def _take(self, what: str) -> None:
        self.step()
        self.steps.append(what)

    def hidden(self, note: str) -> str:
        return f"<!-- {note} -->"

    def own_comments(self, marker: str) -> Sequence[Comment]:
        self._take("list")
        if self.blind:
            self.blind -= 1
            return []
        return [
            Comment(id=str(number), body=body)
            for number, body in sorted(self.board.comments.items())
            if is_marked(body, marker)
        ]

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
