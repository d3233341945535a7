"""The cache keeps what it was given, and believes nobody else."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from testery_gate.evidence import cache_file
from testery_gate.evidence.cache import Cache
from testery_gate.evidence.outcomes import Outcomes, TestId, TestOutcome

API = "https://api.testery.test/api"
SECRET = "a token"


def outcomes_of_run(run_id: int, tests: int = 3) -> Outcomes:
    """Return what tells one run from another."""
    return {
        TestId("a.feature", f"test {number} of run {run_id}"): TestOutcome.PASSED
        for number in range(tests)
    }


def cache_at(path: Path, api: str = API, secret: str = SECRET, **others: float) -> Cache:
    """Return a cache that nobody has used yet in this process."""
    now = others.pop("now", 0.0)
    most = int(others.pop("most_bytes", 1_000_000))
    return Cache(path, api, secret, most_bytes=most, now=lambda: now, **others)


def change(path: Path, statement: str, *values: object) -> None:
    """Change the file as somebody would who has no token."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.sqlite"


def test_another_process_finds_what_was_written(path: Path) -> None:
    cache_at(path).write(1, outcomes_of_run(1))
    later = cache_at(path)
    assert later.read(1) == outcomes_of_run(1)
    assert later.read(2) is None
    assert later.notes == ()


def test_a_run_without_tests_is_known_as_such(path: Path) -> None:
    cache_at(path).write(1, {})
    assert cache_at(path).read(1) == {}


def test_nothing_is_made_before_something_is_written(path: Path) -> None:
    assert cache_at(path).read(1) is None
    assert not path.exists()


def test_its_folders_are_made_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "results.sqlite"
    cache_at(path).write(1, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["results.sqlite"]


def test_a_file_that_is_only_read_is_not_written(path: Path) -> None:
    cache_at(path).write(1, outcomes_of_run(1))
    before = path.read_bytes()
    assert cache_at(path, now=cache_file.READ_AGAIN_AFTER).read(1) is not None
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", ["ünï", "\ud800", ""])
def test_any_text_can_be_the_token(path: Path, text: str) -> None:
    cache_at(path, secret=text).write(1, {})
    assert cache_at(path, secret=text).read(1) == {}


def test_the_file_does_not_show_the_token(path: Path) -> None:
    cache_at(path, secret="canary-in-a-mine").write(1, outcomes_of_run(1))
    assert b"canary" not in path.read_bytes()


# Who may be believed


def test_who_does_not_have_the_token_is_not_believed(path: Path) -> None:
    cache_at(path, secret="of somebody else").write(1, outcomes_of_run(1))
    cache_at(path, secret="of somebody else").write(2, outcomes_of_run(2))
    cache = cache_at(path)
    assert cache.read(1) is None
    assert cache.read(2) is None
    (note,) = cache.notes
    assert "written with another token; they are requested again" in note
    cache.write(1, outcomes_of_run(1))
    assert cache_at(path).read(1) == outcomes_of_run(1)


def test_runs_of_another_api_are_others(path: Path) -> None:
    cache_at(path, api="https://other.test/api").write(1, outcomes_of_run(7))
    cache = cache_at(path)
    assert cache.read(1) is None
    assert cache.notes == ()


def test_the_file_of_another_api_is_not_believed(path: Path) -> None:
    cache_at(path, api="https://other.test/api").write(1, outcomes_of_run(7))
    change(path, "UPDATE runs SET api = ?", API)
    cache = cache_at(path)
    assert cache.read(1) is None
    assert len(cache.notes) == 1


def test_a_row_does_not_pass_for_another_run(path: Path) -> None:
    cache_at(path).write(1, outcomes_of_run(1))
    change(path, "UPDATE runs SET run_id = 2")
    cache = cache_at(path)
    assert cache.read(2) is None
    assert len(cache.notes) == 1


@pytest.mark.parametrize("value", [1, 1.5, "text", b"", b"x" * 31, b"x" * 32, b"x" * 99])
def test_a_changed_row_is_not_believed(path: Path, value: object) -> None:
    cache_at(path).write(1, outcomes_of_run(1))
    change(path, "UPDATE runs SET outcomes = ?", value)
    cache = cache_at(path)
    assert cache.read(1) is None
    assert len(cache.notes) == 1


@pytest.mark.parametrize("value", ["text", b"bytes", 1.5, -(2**60), 2**60])
def test_a_changed_time_does_no_harm(path: Path, value: object) -> None:
    cache_at(path).write(1, outcomes_of_run(1))
    change(path, "UPDATE runs SET read_at = ?", value)
    assert cache_at(path).read(1) == outcomes_of_run(1)
    cache_at(path).write(2, outcomes_of_run(2))
    assert cache_at(path).read(2) == outcomes_of_run(2)


# How large it may become


def test_what_was_not_read_for_longest_goes_first(path: Path) -> None:
    size = 3 * (cache_file.OVERHEAD + 300)
    for run_id in (1, 2, 3):
        cache_at(path, now=run_id, most_bytes=size).write(run_id, outcomes_of_run(run_id))
    later = 4.0 + cache_file.READ_AGAIN_AFTER
    assert cache_at(path, now=later, most_bytes=size).read(1) is not None
    cache_at(path, now=later + 1, most_bytes=size).write(4, outcomes_of_run(4))
    kept = [run_id for run_id in (1, 2, 3, 4) if cache_at(path).read(run_id) is not None]
    assert kept == [1, 3, 4]


def test_the_file_does_not_outgrow_its_limit(path: Path) -> None:
    most = 300_000
    cache = cache_at(path, most_bytes=most)
    for run_id in range(200):
        cache.write(run_id, outcomes_of_run(run_id, tests=run_id))
    assert path.stat().st_size <= most + 4 * cache_file.OVERHEAD
    assert cache_at(path).read(199) is not None
    assert cache.notes == ()


def test_a_run_that_is_too_large_for_the_file_is_not_kept(path: Path) -> None:
    cache = cache_at(path, most_bytes=4100)
    cache.write(1, outcomes_of_run(1))
    assert cache.read(1) is None
    assert cache.notes == ()
    assert not path.exists()
