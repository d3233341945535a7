"""Whatever is wrong with the cache's file, it is a note, and the gate goes on without the file."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from testery_gate.evidence.cache import Cache
from testery_gate.evidence.cache_file import APPLICATION_ID, SCHEMA_VERSION
from tests.evidence.test_cache import cache_at, change, outcomes_of_run

NOBODY = 65534


def start(*lines: str, path: Path) -> subprocess.Popen[str]:
    """Start a process with a cache; its lines see it as ``cache``."""
    program = [
        "import os, resource, signal, sqlite3, sys, time",
        "from pathlib import Path",
        "from tests.evidence.test_cache import cache_at, outcomes_of_run",
        "path = Path(sys.argv[1])",
        "def say(what): print(what, flush=True)",
        *lines,
    ]
    return subprocess.Popen(
        [sys.executable, "-c", "\n".join(program), str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def said(process: subprocess.Popen[str]) -> Sequence[str]:
    """Return what a process said until it ended well."""
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    return output.splitlines()


def assert_goes_on_without(cache: Cache, *words: str) -> None:
    """Use a cache whose file can't be used, and read its only note."""
    assert cache.read(1) is None
    cache.write(1, outcomes_of_run(1))
    cache.write(2, outcomes_of_run(2))
    assert cache.read(1) is None
    (note,) = cache.notes
    for word in words:
        assert word in note


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.sqlite"


# What is at its place is something else


def test_a_text(path: Path) -> None:
    text = "what somebody has written\n" * 100
    path.write_text(text)
    assert_goes_on_without(cache_at(path), str(path), "is damaged, or something else", "--cache")
    assert path.read_text() == text


def test_a_folder(path: Path) -> None:
    path.mkdir()
    assert_goes_on_without(cache_at(path), "is a folder")


def test_a_pipe_is_not_waited_for(path: Path) -> None:
    os.mkfifo(path)
    assert_goes_on_without(cache_at(path), "is a pipe")


def test_a_device(path: Path) -> None:
    assert_goes_on_without(cache_at(Path(os.devnull)), "not a regular file")


@pytest.mark.parametrize("content", [None, b"", b"mine"])
def test_a_link_is_not_followed(path: Path, content: bytes | None) -> None:
    """Who may write into the folder could name a file that only the gate's user may write."""
    target = path.parent / "target"
    if content is not None:
        target.write_bytes(content)
    path.symlink_to(target)
    assert_goes_on_without(cache_at(path), "is a link")
    assert (target.read_bytes() if target.exists() else None) == content


def test_a_link_at_the_place_of_the_journal_is_not_followed(path: Path) -> None:
    target = path.parent / "target"
    target.write_bytes(b"mine")
    path.with_name(f"{path.name}-journal").symlink_to(target)
    cache = cache_at(path)
    cache.write(1, outcomes_of_run(1))
    assert cache.read(1) in (None, outcomes_of_run(1))
    assert target.read_bytes() == b"mine"


def test_a_file_in_the_place_of_its_folder(path: Path) -> None:
    path.write_text("")
    cache = cache_at(path / "results.sqlite")
    assert cache.read(1) is None
    cache.write(1, outcomes_of_run(1))
    assert len(cache.notes) == 1


def test_a_path_that_is_none() -> None:
    cache = cache_at(Path("a\0b"))
    cache.write(1, outcomes_of_run(1))
    assert cache.read(1) is None
    (note,) = cache.notes
    assert "null" in note
    assert "\0" not in note


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE notes (text TEXT)",
        "CREATE TABLE runs (api TEXT, run_id INTEGER)",
        f"PRAGMA application_id = {APPLICATION_ID + 1}",
        "PRAGMA user_version = 1",
    ],
)
def test_the_database_of_something_else(path: Path, statement: str) -> None:
    change(path, "PRAGMA encoding = 'UTF-16'")
    change(path, statement)
    before = path.read_bytes()
    assert_goes_on_without(cache_at(path), "is a database of something else")
    assert path.read_bytes() == before


def test_a_database_with_something_added(path: Path) -> None:
    """A trigger would be run when the gate writes."""
    cache_at(path).write(1, outcomes_of_run(1))
    change(path, "CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM runs; END")
    assert_goes_on_without(cache_at(path), "is a database of something else")


def test_the_schema_of_another_version(path: Path) -> None:
    cache_at(path).write(1, outcomes_of_run(1))
    change(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    assert_goes_on_without(cache_at(path), "another version", f"schema {SCHEMA_VERSION + 1}")
    assert path.read_bytes() == before


def test_a_file_that_is_empty_is_used(path: Path) -> None:
    path.touch()
    cache = cache_at(path)
    assert cache.read(1) is None
    cache.write(1, outcomes_of_run(1))
    assert cache_at(path).read(1) == outcomes_of_run(1)
    assert cache.notes == ()


# It is damaged


@pytest.mark.parametrize("seed", range(60))
def test_bytes_that_are_damaged(path: Path, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311  (damage is no secret)
    runs = {run_id: outcomes_of_run(run_id, tests=200) for run_id in range(1, 8)}
    for run_id, outcomes in runs.items():
        cache_at(path).write(run_id, outcomes)
    content = bytearray(path.read_bytes())
    if seed % 4 == 0:
        del content[dice.randrange(len(content)) :]
    else:
        for _ in range(dice.choice([1, 10, 1000])):
            # Most of what is not a row is at the beginning.
            end = dice.choice([120, 4096, len(content)])
            content[dice.randrange(end)] = dice.randrange(256)
    path.write_bytes(content)
    cache = cache_at(path)
    for run_id, outcomes in runs.items():
        assert cache.read(run_id) in (None, outcomes)
        cache.write(run_id + 100, outcomes)
        assert cache.read(run_id + 100) in (None, outcomes)


@pytest.mark.quick(3)
@pytest.mark.parametrize("seed", range(10))
def test_a_process_that_was_killed_while_writing(path: Path, seed: int) -> None:
    """What it wrote whole is there, and the file can be used."""
    with start(
        "cache = cache_at(path)",
        "for run_id in range(1, 10_000):",
        "    cache.write(run_id, outcomes_of_run(run_id, tests=100))",
        "    say(run_id)",
        path=path,
    ) as process:
        assert process.stdout is not None
        for _ in range(1 + 7 * seed):
            process.stdout.readline()
        time.sleep(random.Random(seed).random() / 100)  # noqa: S311  (somewhere between two lines)
        process.kill()
        written = int((process.stdout.read().split() or [f"{1 + 7 * seed}"])[-1])
    assert process.returncode == -signal.SIGKILL
    cache = cache_at(path)
    for run_id in range(max(1, written - 20), written + 1):
        assert cache.read(run_id) == outcomes_of_run(run_id, tests=100)
    cache.write(20_000, outcomes_of_run(20_000))
    assert cache_at(path).read(20_000) == outcomes_of_run(20_000)
    assert cache.notes == ()


# It can't be written, or not now


def test_a_process_that_keeps_it_locked(path: Path) -> None:
    cache_at(path).write(5, outcomes_of_run(5))
    process = start(
        "connection = sqlite3.connect(path)",
        "connection.execute('BEGIN EXCLUSIVE')",
        "say('locked')",
        "time.sleep(600)",
        path=path,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        assert_goes_on_without(cache_at(path, patience=0.05), "another process keeps it locked")
    finally:
        process.kill()
        process.communicate()
    assert cache_at(path).read(5) == outcomes_of_run(5)


def test_a_process_that_only_reads_it_for_long(path: Path) -> None:
    """Then it can be read, and not written; a reading is not waited to be noted."""
    cache_at(path).write(1, outcomes_of_run(1))
    process = start(
        "connection = sqlite3.connect(path, isolation_level=None)",
        "connection.execute('BEGIN')",
        "connection.execute('SELECT * FROM runs').fetchone()",
        "say('reading')",
        "time.sleep(600)",
        path=path,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        cache = cache_at(path, patience=0.05, now=1e9)
        assert cache.read(1) == outcomes_of_run(1)
        assert not cache.notes
        cache.write(2, outcomes_of_run(2))
        (note,) = cache.notes
        assert "is not written to: another process keeps it locked" in note
    finally:
        process.kill()
        process.communicate()


AS_NOBODY = (
    # The interpreter may lie where nobody else can read it, so all of it is imported before; an
    # address of a file takes another module from Python 3.13 on.
    "cache = cache_at(path)",
    "path.as_uri()",
    f"if os.geteuid() == 0: os.setuid({NOBODY})",
)


@pytest.mark.parametrize("mode", [0o444, 0o000])
def test_a_file_and_a_folder_that_are_read_only(mode: int) -> None:
    with TemporaryDirectory() as folder:  # not below pytest's own, which is for one user only
        path = Path(folder) / "results.sqlite"
        cache_at(path).write(1, outcomes_of_run(1))
        path.chmod(mode)
        Path(folder).chmod(0o555)
        lines = said(
            start(
                *AS_NOBODY,
                "say(cache.read(1) == outcomes_of_run(1))",
                "cache.write(2, outcomes_of_run(2))",
                "for note in cache.notes: say(note)",
                path=path,
            )
        )
        Path(folder).chmod(0o755)
        readable = mode != 0
        found, note = lines
        assert found == str(readable)
        assert ("is not written to: it is read-only" if readable else "unable to open") in note


def test_a_folder_in_which_nothing_can_be_made() -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        path = Path(folder) / "new" / "results.sqlite"
        lines = said(
            start(
                *AS_NOBODY,
                "cache.write(2, outcomes_of_run(2))",
                "for note in cache.notes: say(note)",
                path=path,
            )
        )
        Path(folder).chmod(0o755)
        (note,) = lines
        assert "is not written to: Permission denied" in note


def test_a_disk_that_is_full(path: Path) -> None:
    cache_at(path).write(1, outcomes_of_run(1))
    lines = said(
        start(
            "cache = cache_at(path)",
            "size = path.stat().st_size",
            "limits = resource.getrlimit(resource.RLIMIT_FSIZE)",
            "resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))",
            "cache.write(2, outcomes_of_run(2, tests=5000))",
            "say(cache.read(1) == outcomes_of_run(1))",
            "cache.write(3, outcomes_of_run(3))",
            "resource.setrlimit(resource.RLIMIT_FSIZE, limits)",  # others write as they end
            "for note in cache.notes: say(note)",
            path=path,
        )
    )
    found, note = lines
    assert found == "True"
    assert "is not written to: " in note
    assert cache_at(path).read(1) == outcomes_of_run(1)
    assert cache_at(path).read(2) is None


def test_a_python_without_sqlite(path: Path) -> None:
    lines = said(
        start(
            "sys.modules.pop('testery_gate.evidence.cache_file')",
            "sys.modules['sqlite3'] = None",
            "cache = cache_at(path)",
            "cache.write(1, {})",
            "say(cache.read(1))",
            "say(cache.notes)",
            path=path,
        )
    )
    assert lines[0] == "None"
    assert "this Python was built without the module sqlite3" in lines[1]
    assert not path.exists()


# Many at once


def test_eight_processes_at_once(path: Path) -> None:
    processes = [
        start(
            "cache = cache_at(path, patience=30.0)",
            f"for run_id in range({first}, {first} + 25):",
            "    cache.read(run_id - 30)",
            "    cache.write(run_id, outcomes_of_run(run_id, tests=300))",
            "say(cache.notes)",
            path=path,
        )
        for first in range(0, 800, 100)
    ]
    assert [said(process) for process in processes] == [["()"]] * 8
    cache = cache_at(path)
    for first in range(0, 800, 100):
        for run_id in range(first, first + 25):
            assert cache.read(run_id) == outcomes_of_run(run_id, tests=300)
    assert cache.notes == ()


def test_threads_share_one_cache(path: Path) -> None:
    cache = cache_at(path)
    wrong: list[int] = []

    def work(first: int) -> None:
        for run_id in range(first, first + 20):
            cache.write(run_id, outcomes_of_run(run_id))
            if cache.read(run_id) != outcomes_of_run(run_id):
                wrong.append(run_id)

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 10, 20, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert cache.notes == ()
    assert cache_at(path).read(119) == outcomes_of_run(119)
