"""The file of the cache: SQLite, which many processes read and write.

Others may be able to write to its folder. So reading it must be safe whatever it holds; whether a
row is right is checked where it is used.

There is no write-ahead log: it needs shared memory, which network file systems do not have, and
more files, which can't be created in a read-only folder.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

APPLICATION_ID = 0x7E57_6A7E
"""Marks a file as ours."""
SCHEMA_VERSION = 1
SCHEMA = (
    "CREATE TABLE runs (api TEXT NOT NULL, run_id INTEGER NOT NULL, read_at INTEGER NOT NULL,"
    " outcomes BLOB NOT NULL, PRIMARY KEY (api, run_id))"
)
READ_AGAIN_AFTER = 3600
"""Seconds after which reading a row is noted again; before that, reading writes nothing."""
OVERHEAD = 4096
"""Bytes that a row may take besides its outcomes: pages that are not full."""


class CacheFile:
    """Reads and writes the rows.

    Every method raises ``OSError``, whose text says why the file can't be used and what to do; it
    is a ``TimeoutError`` where another process keeps the file locked. A connection is used for one
    row only, so it belongs to one thread, and holds no lock for long.
    """

    def __init__(
        self, path: Path, *, most_bytes: int, patience: float, now: Callable[[], float]
    ) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._patience = patience
        self._now = now

    def read(self, api: str, run_id: int) -> bytes | None:
        """Return what is kept of a run."""
        with _explained():
            if not os.path.lexists(self._path):
                return None
            with self._connection() as connection:
                connection.execute("BEGIN")
                if not _is_made(connection):
                    return None
                row = connection.execute(_READ, (api, run_id)).fetchone()
            if row is None:
                return None
            outcomes, read_at = row
            now = int(self._now())
            if not isinstance(read_at, int) or abs(now - read_at) > READ_AGAIN_AFTER:
                self._note_reading(now, api, run_id)
            # SQLite takes any type in any column.
            return outcomes if isinstance(outcomes, bytes) else b""

    def _note_reading(self, *row: object) -> None:
        """Note that the row was read, so that it is dropped later; not where the file is locked."""
        with suppress(sqlite3.Error, OSError), self._connection(patience=0) as connection:
            connection.execute(_NOTE_READING, row)

    def write(self, api: str, run_id: int, outcomes: bytes) -> None:
        """Keep the outcomes of a run; rows that were not read for longest are dropped for it."""
        size = len(outcomes) + OVERHEAD
        if size > self._most_bytes:
            return
        with _explained():
            self._make()
            with self._connection() as connection:
                connection.execute("BEGIN IMMEDIATE")
                if not _is_made(connection):
                    connection.execute(SCHEMA)
                    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                connection.execute(_DROP, (OVERHEAD, self._most_bytes - size))
                connection.execute(_WRITE, (api, run_id, int(self._now()), outcomes))
                connection.execute("COMMIT")

    def _make(self) -> None:
        """Create an empty file where there is none, which only this user can read."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):  # also for a link, whatever its target
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

    @contextmanager
    def _connection(self, patience: float | None = None) -> Iterator[sqlite3.Connection]:
        mode = os.lstat(self._path).st_mode
        if not stat.S_ISREG(mode):
            # In a folder of others, a link may lead to any file of ours, and a pipe may block.
            raise OSError(f"it is {_kind(mode)}. {_ANOTHER}")
        with closing(
            sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=rw",  # read-only where it must be
                uri=True,
                timeout=self._patience if patience is None else patience,
                isolation_level=None,
            )
        ) as connection:
            connection.text_factory = bytes  # damaged text can't be decoded
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, self._most_bytes)
            # What SQLite recommends for a file that others may have written.
            for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
                connection.execute(f"PRAGMA {pragma}")
            # Don't wait for the disk, so that other processes wait less for this one. If the
            # machine fails, the file may be damaged; that only costs requests.
            connection.execute("PRAGMA synchronous = OFF")
            yield connection


_READ = "SELECT outcomes, read_at FROM runs WHERE api = ? AND run_id = ?"
_NOTE_READING = "UPDATE runs SET read_at = ? WHERE api = ? AND run_id = ?"
_WRITE = "INSERT OR REPLACE INTO runs (api, run_id, read_at, outcomes) VALUES (?, ?, ?, ?)"
_DROP = (
    "DELETE FROM runs WHERE rowid IN (SELECT rowid FROM (SELECT rowid, sum(length(outcomes) + ?)"
    " OVER (ORDER BY read_at DESC, rowid DESC) AS bytes FROM runs) WHERE bytes > ?)"
)


def _is_made(connection: sqlite3.Connection) -> bool:
    """Whether the database has our table; false for an empty one, else raises ``OSError``."""
    ((application,),) = connection.execute("PRAGMA application_id")
    ((version,),) = connection.execute("PRAGMA user_version")
    tables = connection.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL").fetchmany(2)
    if (application, version, tables) == (0, 0, []):
        return False
    if application == APPLICATION_ID and version != SCHEMA_VERSION:
        raise OSError(f"another version of testery-gate made it (schema {version}). {_ANOTHER}")
    # The whole text, since others may have added a trigger.
    if application != APPLICATION_ID or tables != [(SCHEMA.encode(),)]:
        raise OSError(f"it is a database of something else. {_ANOTHER}")
    return True


_ANOTHER = "Name another file with --cache."
_OR_ANOTHER = "or name another file with --cache."
_DAMAGED = (
    "it is damaged, or something else. If testery-gate made it, delete it, and it is made again;"
    f" {_OR_ANOTHER}"
)
_REASONS = {
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_FULL: f"the disk is full. Make room, {_OR_ANOTHER}",
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_READONLY: f"it is read-only. Make it writable, {_OR_ANOTHER}",
}


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            raise TimeoutError(
                f"another process keeps it locked. End that process, {_OR_ANOTHER}"
            ) from None
        raise OSError(_REASONS.get(code) or f"{error}. {_ANOTHER}") from None
    except OSError as error:
        if error.strerror is None:  # it is explained already
            raise
        raise OSError(f"{error.strerror}. {_ANOTHER}") from None
    except ValueError as error:  # a path with a zero character
        raise OSError(f"{error}. {_ANOTHER}") from None


def _kind(mode: int) -> str:
    kinds = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe"}
    return kinds.get(stat.S_IFMT(mode), "not a regular file")
