"""One comment for each gate, which is found by a hidden marker and updated.

Jobs may do this at the same time, and a code host has no lock. So a job that has added a comment
reads all again. Of the comments with the same marker the oldest stays and gets the newest text, and
the younger ones are deleted. The oldest is the same for all jobs, so no job deletes it.
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
"""How often the comments are read before the gate gives up, because others change them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What the hidden line of a comment says to later gates."""

    outcome: str
    pipeline: int
    """See :class:`.host.Place`."""

    def line(self, marker: str) -> str:
        """Return the marker and the note as a line."""
        return f"{marker} outcome={self.outcome} pipeline={self.pipeline}"


def marker_of(key: str) -> str:
    """Return the marker for a key, which may be any text."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", key).strip("-")[:40]
    # The digest keeps keys different that differ only in removed characters.
    return f"testery-gate:{plain or 'key'}-{sha256(key.encode()).hexdigest()[:12]}"


def note_of(body: str, marker: str) -> Note | None:
    """Return the note of a comment that begins with this marker; ``None`` if it does not.

    A comment that quotes such a comment does not begin with the marker.
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
    """The whole text, with the hidden line first."""

    def over(self, note: Note | None) -> bool:
        """Whether to write it over a comment with this note, or as a new one for ``None``."""
        # The comment may be from a newer pipeline; without a number that is not known.
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
    # In every system a younger comment has a larger number, in whatever order they are listed.
    marked.sort(key=lambda found: number_at(found, "id"))
    # The token's user is requested only if there are marked comments.
    return list(filter(host.wrote, map(host.read, marked)))


def keep_one(host: CodeHost, wanted: Wanted) -> None:
    """Make one comment with the marker have the wanted text; raises :class:`HostError`."""
    added: Comment | None = None
    for _ in range(ROUNDS):
        own = own_comments(host, wanted.marker)
        if not own:
            # Some systems do not list a new comment at once.
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
