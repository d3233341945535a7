"""What came of the tests of finished runs, so that nothing is asked for twice.

A finished run does not change. What is wrong with the file is a note and costs requests: it never
makes another verdict.
"""

from __future__ import annotations

import hmac
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from testery_gate.evidence.outcomes import Outcomes
from testery_gate.evidence.packing import packed, unpacked
from testery_gate.text import clean_line

if TYPE_CHECKING:
    from testery_gate.evidence.cache_file import CacheFile

MOST_BYTES = 64 * 1024 * 1024
"""How large the file may become, and what is held in memory besides."""
PATIENCE = 1.0
"""Seconds to wait for a process that has locked the file, before the gate does without it."""
_PURPOSE = b"testery-gate: the outcomes of tests, version 1"
_ALGORITHM = "sha256"
_SEAL_BYTES = 32


class Cache:
    """Keeps what came of the tests of complete runs: in a file, or without a path in memory only.

    No method raises. A row of the file is believed only where its seal is right, which takes the
    same token, API and run as when it was written. Threads may share a cache.
    """

    def __init__(
        self,
        path: Path | None,
        api: str,
        secret: str,
        *,
        most_bytes: int = MOST_BYTES,
        patience: float = PATIENCE,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._api = api
        # Not the token itself: what is sealed for the cache is no proof of it anywhere else.
        self._key = hmac.digest(secret.encode(errors="surrogatepass"), _PURPOSE, _ALGORITHM)
        self._most_bytes = most_bytes
        self._patience = patience
        self._now = now
        self._holding = threading.Lock()
        self._using_file = threading.Lock()
        self._held: dict[int, bytes] = {}
        """Packed; what was used last comes last."""
        self._notes: dict[str, None] = {}
        self._file = None if path is None else self._file_at(path)
        """``None`` where it is not used, or no longer."""
        self._writes = True

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reports say of the cache."""
        return tuple(self._notes)

    @property
    def has_file(self) -> bool:
        """Whether what is written is there for other processes too."""
        return self._file is not None

    def read(self, run_id: int) -> Outcomes | None:
        """Return what is known of a run."""
        data = self._held.get(run_id) or self._read_file(run_id)
        if data is None:
            return None
        self._hold(run_id, data)
        return unpacked(data)

    def write(self, run_id: int, outcomes: Outcomes) -> None:
        """Keep what came of the tests of a run, which has to be complete."""
        data = packed(outcomes)
        self._hold(run_id, data)
        self._write_file(run_id, data)

    def _hold(self, run_id: int, data: bytes) -> None:
        with self._holding:
            self._held.pop(run_id, None)
            self._held[run_id] = data
            size = sum(map(len, self._held.values()))
            while size > self._most_bytes:
                size -= len(self._held.pop(next(iter(self._held))))

    def _file_at(self, path: Path) -> CacheFile | None:
        try:
            # Only where a file is wanted; and there are Pythons without SQLite.
            from testery_gate.evidence.cache_file import CacheFile
        except ImportError:
            self._note("is not used: this Python was built without the module sqlite3.")
            return None
        return CacheFile(path, most_bytes=self._most_bytes, patience=self._patience, now=self._now)

    def _read_file(self, run_id: int) -> bytes | None:
        with self._using_file:
            try:
                row = self._file.read(self._api, run_id) if self._file else None
            except OSError as error:
                self._file = None
                self._note(f"is not used: {error}")
                return None
        if row is None:
            return None
        seal, data = row[:_SEAL_BYTES], row[_SEAL_BYTES:]
        if hmac.compare_digest(seal, self._seal(run_id, data)):
            return data
        self._note(
            "has results that were changed, or written with another token; they are requested"
            " again. If this comes again, give each token its own file with --cache."
        )
        return None

    def _write_file(self, run_id: int, data: bytes) -> None:
        row = self._seal(run_id, data) + data
        with self._using_file:
            try:
                if self._file and self._writes:
                    self._file.write(self._api, run_id, row)
            except OSError as error:
                self._writes = False
                self._note(f"is not written to: {error}")
                if isinstance(error, TimeoutError):
                    self._file = None  # no other row shall take that long

    def _seal(self, run_id: int, data: bytes) -> bytes:
        key = json.dumps([self._api, run_id]).encode()
        return hmac.digest(self._key, key + b"\n" + data, _ALGORITHM)

    def _note(self, what: str) -> None:
        self._notes[f"the cache {clean_line(str(self._path))} {what}"] = None
