"""The outcomes of tests of finished runs, so that the API is not asked for them twice.

A finished run does not change. Where something is wrong with the file, there is a note, and the API
is asked again: the verdict stays the same.
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
"""How large the file may become."""
PATIENCE = 1.0
"""Seconds to wait for a process that has locked the file, before the gate does without it."""
_PURPOSE = b"testery-gate: the outcomes of tests, version 1"
_ALGORITHM = "sha256"
_SEAL_BYTES = 32


class Cache:
    """Keeps the outcomes of tests of complete runs in a file.

    No method raises. A row of the file is believed only where its seal is right, which takes the
    same token, API and run as when it was written. Threads may share a cache.
    """

    def __init__(
        self,
        path: Path,
        api: str,
        secret: str,
        *,
        most_bytes: int = MOST_BYTES,
        patience: float = PATIENCE,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._api = api
        # Not the token itself: a seal in the file must prove nothing about the token elsewhere.
        self._key = hmac.digest(secret.encode(errors="surrogatepass"), _PURPOSE, _ALGORITHM)
        self._lock = threading.Lock()
        self._notes: dict[str, None] = {}
        self._writes = True
        self._file: CacheFile | None = None
        """``None`` where it is not used, or not used any more."""
        try:
            # Imported here: most gates need no file, and some Pythons have no SQLite.
            from testery_gate.evidence.cache_file import CacheFile
        except ImportError:
            self._note("is not used: this Python was built without the module sqlite3.")
        else:
            self._file = CacheFile(path, most_bytes=most_bytes, patience=patience, now=now)

    @property
    def notes(self) -> tuple[str, ...]:
        """The reports' notes on the cache."""
        return tuple(self._notes)

    def read(self, run_id: int) -> Outcomes | None:
        """Return what is known of a run."""
        with self._lock:
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
            return unpacked(data)
        self._note(
            "has results that were changed, or written with another token; they are requested"
            " again. If this comes again, give each token its own file with --cache."
        )
        return None

    def write(self, run_id: int, outcomes: Outcomes) -> None:
        """Keep the outcomes of the tests of a run, which must be complete."""
        with self._lock:
            if self._file is None or not self._writes:
                return
            data = packed(outcomes)
            try:
                self._file.write(self._api, run_id, self._seal(run_id, data) + data)
            except OSError as error:
                self._writes = False
                self._note(f"is not written to: {error}")
                if isinstance(error, TimeoutError):
                    self._file = None  # the next row must not wait for the lock too

    def _seal(self, run_id: int, data: bytes) -> bytes:
        key = json.dumps([self._api, run_id]).encode()
        return hmac.digest(self._key, key + b"\n" + data, _ALGORITHM)

    def _note(self, what: str) -> None:
        self._notes[f"the cache {clean_line(str(self._path))} {what}"] = None
