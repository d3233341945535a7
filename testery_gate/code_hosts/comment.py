"""One comment a gate: found by a hidden marker, updated in place, never doubled.

Jobs may do this at the same time, and a code host has no lock. So whoever has added a comment looks
again: of those with the same marker the oldest stays, is made to say the newest, and the younger
ones are deleted. The oldest is the same one for everybody who looks, so nobody deletes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import assert_never

from testery_gate.code_hosts import Mode
from testery_gate.code_hosts.answers import number_at
from testery_gate.code_hosts.host import CodeHost, Comment
from testery_gate.code_hosts.http import Gone, HostError, Lost
from testery_gate.errors import ExitCode

ROUNDS = 5
"""How often it is looked which comments there are, before others that change them win."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a comment says to the gates that come after, in its hidden line."""

    outcome: str
    pipeline: int
    """See :class:`.host.Place`."""

    def line(self, marker: str) -> str:
        """Return the note behind its marker."""
        return f"{marker} outcome={self.outcome} pipeline={self.pipeline}"


def marker_of(key: str) -> str:
    """Return the marker of a key, which may be any text."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", key).strip("-")[:40]
    # Keys that differ only in what was dropped are different keys.
    return f"testery-gate:{plain or 'key'}-{sha256(key.encode()).hexdigest()[:12]}"


def note_of(body: str, marker: str) -> Note | None:
    """Return the note of a comment that begins with this marker; ``None`` where it does not.

    One that quotes such a comment does not.
    """
    found = re.match(
        rf"[^\w>]{{0,20}}{re.escape(marker)} outcome=(\w{{1,40}}) pipeline=(\d{{1,20}})\b",
        body,
        re.ASCII,
    )
    return Note(outcome=found[1], pipeline=int(found[2])) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The comment that this gate wants."""

    mode: Mode
    marker: str
    note: Note
    text: str
    """All of it, with the hidden line first."""

    def over(self, note: Note | None) -> bool:
        """Whether to write it, where there is a comment with this note, or none."""
        # A newer pipeline may have spoken; one that has no number can't tell.
        if note is not None and note.pipeline > self.note.pipeline > 0:
            return False
        match self.mode:
            case Mode.ALWAYS:
                return True
            case Mode.FAILED:
                return note is not None or self.note.outcome != ExitCode.PASSED.outcome
            case Mode.CHANGED:
                return note is None or note.outcome != self.note.outcome
            case Mode.NEVER:
                return False
            case _:
                assert_never(self.mode)


def own_comments(host: CodeHost, marker: str) -> Sequence[Comment]:
    """Return the comments with the marker that the token's own user wrote, the oldest first."""
    marked = [found for found in host.comments() if note_of(host.body_of(found), marker)]
    # Every system gives a younger comment a larger number, in whatever order it lists them.
    marked.sort(key=lambda found: number_at(found, "id"))
    # Who asks is asked only where it matters.
    return list(filter(host.wrote, map(host.read, marked)))


def keep_one(host: CodeHost, wanted: Wanted) -> None:
    """Have one comment with the marker, that says what is wanted; raises :class:`HostError`."""
    added: Comment | None = None
    for _ in range(ROUNDS):
        own = own_comments(host, wanted.marker)
        if not own:
            # Not every system lists at once what was added.
            if added is not None or not wanted.over(None):
                return
            with suppress(Lost):
                added = host.add_comment(wanted.text)
            continue
        oldest = own[0]
        its_own = added is not None and oldest.id == added.id
        if not its_own and wanted.over(note_of(oldest.body, wanted.marker)):
            try:
                host.replace_comment(oldest, wanted.text)
            except (Gone, Lost):
                continue
        surplus = {comment.id: comment for comment in (*own[1:], added) if comment is not None}
        surplus.pop(oldest.id, None)
        for comment in surplus.values():
            host.delete_comment(comment)
        return
    raise HostError("others change the comment all the time")
