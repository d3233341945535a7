from __future__ import annotations

import codecs
import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import termios
import threading
import unicodedata
from dataclasses import replace
from typing import Self

import pytest

from testery_gate.errors import ApiError, Interrupted
from testery_gate.model import TestRun
from testery_gate.progress.display import TICK, Display, LogDisplay, display
from testery_gate.progress.frame import ASCII, UNICODE, Style, frame
from testery_gate.progress.live import LiveDisplay
from testery_gate.progress.standing import Look, clock_time
from testery_gate.progress.stream import SafeStream, moves_cursor, speaks_unicode
from testery_gate.text import beginning, columns, rows, settled
from testery_gate.waiting.polling import Progress
from tests.builders import make_run, with_unknown
from tests.fakes import FakeClock
from tests.progress.scenes import GONE, progress, running, sighting

PATIENCE = 30
"""Seconds after which something that must come counts as lost."""


class Log:
    """A log display with a clock that the test moves."""

    def __init__(self, *, verbose: bool = False) -> None:
        self.clock = FakeClock()
        self.stream = io.StringIO()
        self.display = LogDisplay(SafeStream(self.stream), self.clock, verbose=verbose)
        self._started = self.clock.now

    def at(self, seconds: float) -> LogDisplay:
        self.clock.now = self._started + seconds
        return self.display

    def new_lines(self) -> list[str]:
        lines = self.stream.getvalue().splitlines()
        self.stream.seek(0)
        self.stream.truncate()
        return lines


def test_a_log_gets_a_line_whenever_something_changed() -> None:
    log = Log()
    queued = make_run(total=0, status="QUEUED", complete=False)
    log.at(1).update(progress(queued, elapsed=1, next_look=1))
    log.at(2).update(progress(queued, elapsed=2, next_look=3))
    log.at(5).update(progress(running(0), elapsed=5, next_look=2))
    log.at(35).update(progress(sighting(running(12), 35, since=5), elapsed=35, next_look=30))
    log.at(65).update(progress(sighting(running(12), 65, since=5), elapsed=65))
    log.at(66).say("HTTP 502 from https://api.testery.io; next try in 3.0 s")
    log.at(80).update(
        progress(sighting(running(29, failed=1), 80, since=5), elapsed=80, next_look=2)
    )
    log.at(82).update(progress(make_run(failed=1, complete=False), elapsed=82, next_look=1))
    log.at(3700).update(progress(make_run(failed=1), elapsed=3700, next_look=None))
    assert log.new_lines() == [
        "[    1s] run 55676 QUEUED 0/0 done, 0 failed, next poll in 1s",
        "[    5s] run 55676 RUNNING 0/30 done, 0 failed, next poll in 2s",
        "[   35s] run 55676 RUNNING 12/30 done, 0 failed, about 45s to go, next poll in 30s",
        "[ 1m06s] HTTP 502 from https://api.testery.io; next try in 3.0 s",
        "[ 1m20s] run 55676 RUNNING 29/30 done, 1 failed, about 5s to go, next poll in 2s",
        "[ 1m22s] run 55676 FAIL 30/30 done, 1 failed, not complete yet, next poll in 1s",
        "[1h01m40s] run 55676 FAIL 30/30 done, 1 failed, finished",
    ]


@pytest.mark.parametrize(
    ("usual", "said"),
    [
        pytest.param([361, 380, 440, 482], "usually 6 to 7 min", id="the middle half of four"),
        pytest.param([350, 400, 470], "usually 6 to 8 min", id="all of three"),
        pytest.param([*range(100, 1300, 100)], "usually 7 to 15 min", id="of many"),
        pytest.param([470, 475, 482], "usually about 8 min", id="nearly the same"),
        pytest.param([38, 41, 57], "usually 40 to 55 s", id="seconds"),
        pytest.param([2, 2, 3], "usually about 5 s", id="a moment"),
        pytest.param([40, 80, 95], "usually 1 to 2 min", id="more than seconds"),
    ],
)
def test_a_wait_says_how_long_such_runs_usually_take(usual: list[float], said: str) -> None:
    log = Log()
    seen = replace(sighting(running(0)), usual=tuple(reversed(usual)))
    log.at(1).update(progress(seen, next_look=15))
    (line,) = log.new_lines()
    assert line.endswith(f"0/30 done, 0 failed, {said}, next poll in 15s")


@pytest.mark.parametrize(("elapsed", "said"), [(480, "usually"), (481, "longer than the usual")])
def test_a_run_that_takes_longer_than_all_like_it_is_named(elapsed: float, said: str) -> None:
    log = Log()
    seen = replace(sighting(running(0), since=0), usual=(480.0, 360.0, 420.0))
    log.at(1).update(progress(seen, elapsed=elapsed, next_look=15))
    assert f"{said} 6 to 8 min" in log.new_lines()[-1]


@pytest.mark.parametrize(
    ("passed", "failed", "bar"),
    [(299, 1, "━━━━✗"), (297, 2, "━━━━✗"), (0, 300, "✗✗✗✗✗"), (0, 1, "✗────"), (100, 0, "━────")],
)
def test_a_failed_test_is_seen_in_the_bar_without_colour(
    passed: int, failed: int, bar: str
) -> None:
    ignored = 1 if failed == 2 else 0
    run = replace(make_run(total=300), passed=passed, failed=failed, ignored=ignored)
    look = Look(progress(sighting(run)), 0)
    head = len(f"{run.status_text} ")
    done = f" {passed + failed + ignored}/300 done"
    _, (_, _, *drawn), *_ = frame(look, 0, 0, head + 5 + len(done), 9, UNICODE)
    assert "".join(text for text, _ in drawn) == f"{bar}{done}"


@pytest.mark.parametrize("style", [UNICODE, ASCII])
@pytest.mark.parametrize(
    ("width", "one", "each"),
    [(30, 11, 0), (60, 41, 20), (80, 61, 30), (120, 101, 30), (300, 120, 30)],
)
def test_a_bar_uses_the_width_there_is(width: int, one: int, each: int, style: Style) -> None:
    run = running(10, failed=1, name="Payment")

    def bars(runs: int) -> list[str]:
        shown = frame(Look(progress(*[run] * runs), 0), 0, 0, width, 24, style)
        lines = ["".join(text for text, _ in line) for line in shown]
        signs = re.escape(style.done + style.failed + style.rest)
        drawn = [(line, re.search(rf"[{signs}]{{5,}}", line)) for line in lines]
        assert all(columns(line) <= width for line, bar in drawn if bar)
        return [bar[0] for _, bar in drawn if bar]

    (alone,), (_, *several) = bars(1), bars(2)
    assert len(alone) == one
    assert [len(bar) for bar in several] == ([each, each] if each else [])
    assert all(style.failed in bar for bar in [alone, *several])


@pytest.mark.parametrize(
    ("trusted", "columns", "lines"),
    [
        pytest.param(
            False,
            80,
            ["28 passed, 2 failed, 0 ignored, 2 tolerated by Testery (no --trust-status)"],
            id="not trusted",
        ),
        pytest.param(True, 80, ["28 passed, 2 failed, 0 ignored, 2 tolerated"], id="trusted"),
        pytest.param(
            True, 40, ["28 passed, 2 failed, 0 ignored", "2 tolerated"], id="no room beside it"
        ),
    ],
)
def test_pass_above_failed_tests_has_a_reason(
    trusted: bool, columns: int, lines: list[str]
) -> None:
    look = Look(progress(make_run(failed=2, status="PASS")), 0, trusted)
    _, _, *shown, _ = frame(look, 0, 0, columns, 24, UNICODE)
    assert ["".join(text for text, _ in line) for line in shown] == lines


@pytest.mark.parametrize(
    ("timeout", "limit"), [(3598.7, "1h00m"), (1203, "20m"), (599.2, "9m59s"), (63, "1m03s")]
)
def test_a_long_timeout_is_shown_without_what_the_start_took(timeout: float, limit: str) -> None:
    shown = frame(Look(progress(make_run(), timeout=timeout), 0), 0, 0, 80, 24, UNICODE)
    assert shown[-1][0][0].startswith(f"0s of {limit}, ")


@pytest.mark.parametrize("height", [6, 24])
def test_the_reason_takes_the_place_of_no_other_line(height: int) -> None:
    runs = [make_run(failed=2, status="PASS"), *[make_run()] * 20]
    shown = frame(Look(progress(*runs), 0), 0, 0, 40, height, UNICODE)
    assert len(shown) == height - 1
    assert shown[-1][0][0].startswith("0s of 1h00m")


@pytest.mark.parametrize(
    ("trusted", "said"),
    [(False, "2 tolerated by Testery (no --trust-status)"), (True, "2 tolerated")],
)
def test_a_log_says_it_too(trusted: bool, said: str) -> None:
    stream = io.StringIO()
    runs = progress(make_run(failed=2, status="PASS"), make_run(failed=1), next_look=None)
    with display(stream, live=False, trusted=trusted, clock=FakeClock()) as log:
        log.update(runs)
    assert stream.getvalue().endswith(f"60/60 done, 3 failed, {said}\n")


def test_of_several_runs_those_that_take_longest_say_how_long() -> None:
    log = Log()
    short, long, unknown = (
        replace(sighting(running(0, id=number)), usual=usual)
        for number, usual in enumerate([(60.0,) * 3, (600.0,) * 3, ()])
    )
    over = replace(sighting(make_run(id=4)), usual=(6000.0,) * 3)
    log.at(1).update(progress(short, long, unknown, over, GONE))
    assert ", usually about 10 min, next poll" in log.new_lines()[-1]


def test_a_log_shows_life_within_every_minute() -> None:
    log = Log()
    written = [0.0]
    log.at(1).update(progress(sighting(running(3), 1, since=0), elapsed=1, next_look=300))
    for second in range(1, 300):
        log.at(second).tick()
        if log.new_lines():
            written.append(float(second))
    assert len(written) > 4
    gaps = [later - earlier for earlier, later in zip(written, [*written[1:], 300], strict=True)]
    assert max(gaps) < 60


def test_a_sign_of_life_says_what_is_known() -> None:
    log = Log()
    log.at(55).tick()
    log.at(56).update(progress(sighting(running(10), 56, since=6), elapsed=56, next_look=120))
    log.at(111).tick()
    log.at(166).tick()
    log.at(221).tick()
    assert log.new_lines() == [
        "[   55s] waiting for the first answer",
        "[   56s] run 55676 RUNNING 10/30 done, 0 failed, about 1m40s to go, next poll in 2m00s",
        "[ 1m51s] run 55676 RUNNING 10/30 done, 0 failed, about 45s to go, next poll in 1m05s",
        "[ 2m46s] run 55676 RUNNING 10/30 done, 0 failed, any moment now, next poll in 10s",
        "[ 3m41s] run 55676 RUNNING 10/30 done, 0 failed, any moment now, polling now",
    ]


def test_what_was_said_counts_as_life() -> None:
    log = Log()
    log.at(30).say("HTTP 502")
    log.at(60).tick()
    assert log.new_lines() == ["[   30s] HTTP 502"]


def test_a_prediction_beyond_the_deadline_names_the_deadline() -> None:
    log = Log()
    seen = sighting(running(1), 100, since=0)
    log.at(100).update(progress(seen, elapsed=100, timeout=160))
    assert log.new_lines() == [
        "[ 1m40s] run 55676 RUNNING 1/30 done, 0 failed, about 49m to go, timeout in 1m,"
        " next poll in 5s"
    ]


@pytest.mark.parametrize(
    ("found", "line"),
    [
        pytest.param(
            with_unknown(running(3), "failed"), "RUNNING ?/30 done, ? failed", id="a-count-missing"
        ),
        pytest.param(
            with_unknown(running(3), "failed", "total"), "RUNNING, no counts", id="no-counts"
        ),
        pytest.param(running(3, status=""), "no status 3/30 done, 0 failed", id="no-status"),
        pytest.param(
            running(3, status="MENDING" * 10),
            "MENDINGMENDINGMENDINGMEN 3/30 done, 0 failed",
            id="endless-status",
        ),
        pytest.param(GONE, f"not found: {GONE.message}", id="gone"),
        pytest.param(
            with_unknown(make_run(), "complete"),
            "PASS 30/30 done, 0 failed, not complete yet",
            id="completeness-unsaid",
        ),
    ],
)
def test_a_log_says_how_a_run_stands(found: TestRun | ApiError, line: str) -> None:
    log = Log()
    log.at(7).update(progress(found, elapsed=7, next_look=None))
    assert log.new_lines() == [f"[    7s] run 55676 {line}"]


def test_an_end_before_the_first_answer_changes_nothing() -> None:
    log = Log(verbose=True)
    log.at(7).update(progress(next_look=None))
    assert log.new_lines() == []


def test_several_runs_get_a_line_together_and_one_for_each_that_moved_on() -> None:
    log = Log()
    log.at(1).update(progress(GONE, running(3), make_run(status="QUEUED", complete=False)))
    log.at(9).update(progress(GONE, running(9), make_run(status="QUEUED", complete=False)))
    log.at(12).update(progress(GONE, running(12, failed=1), running(1)))
    log.at(15).update(progress(GONE, running(12, failed=1), running(1)))
    log.at(20).update(progress(GONE, make_run(failed=1), make_run(), next_look=None))
    assert log.new_lines() == [
        f"[    1s] run 55676 not found: {GONE.message}",
        "[    1s] run 55677 RUNNING 3/30 done, 0 failed",
        "[    1s] run 55678 QUEUED 30/30 done, 0 failed",
        "[    1s] 3 runs: 1 not found, 1 RUNNING, 1 QUEUED, 33/60 done, 0 failed, next poll in 5s",
        "[    9s] 3 runs: 1 not found, 1 RUNNING, 1 QUEUED, 39/60 done, 0 failed, next poll in 5s",
        "[   12s] run 55677 RUNNING 12/30 done, 1 failed",
        "[   12s] run 55678 RUNNING 1/30 done, 0 failed",
        "[   12s] 3 runs: 1 not found, 2 RUNNING, 13/60 done, 1 failed, next poll in 5s",
        "[   20s] run 55677 FAIL 30/30 done, 1 failed, finished",
        "[   20s] run 55678 PASS 30/30 done, 0 failed, finished",
        "[   20s] 3 runs: 1 not found, 1 FAIL, 1 PASS, 60/60 done, 1 failed",
    ]


def test_two_hundred_runs_do_not_flood_a_log() -> None:
    log = Log()
    log.at(1).update(progress(*[running(3)] * 200))
    lines = log.new_lines()
    assert len(lines) == 22
    assert lines[-2:] == [
        "[    1s] 180 more runs changed",
        "[    1s] 200 runs: 200 RUNNING, 600/6000 done, 0 failed, next poll in 5s",
    ]


def test_the_last_of_several_runs_is_predicted() -> None:
    log = Log()
    slow, fast = sighting(running(1), 10, since=0), sighting(running(29), 10, since=0)
    log.at(10).update(progress(slow, fast, make_run(), elapsed=10))
    assert log.new_lines()[-1].endswith("60/90 done, 0 failed, about 4m50s to go, next poll in 5s")


def test_verbose_gives_every_look_a_line() -> None:
    log = Log(verbose=True)
    for second in (1, 2):
        log.at(second).update(progress(running(3), next_look=1))
        log.at(second).update(progress(running(3), GONE, next_look=1))
    assert log.new_lines() == [
        line
        for second in (1, 2)
        for line in (
            f"[    {second}s] run 55676 RUNNING 3/30 done, 0 failed, next poll in 1s",
            f"[    {second}s] run 55676 RUNNING 3/30 done, 0 failed",
            f"[    {second}s] run 55677 not found: {GONE.message}",
            f"[    {second}s] 2 runs: 1 not found, 1 RUNNING, 3/30 done, 0 failed, next poll in 1s",
        )
    ]


def test_verbose_means_lines_on_a_terminal_too() -> None:
    stream = io.StringIO()
    with display(stream, live=True, verbose=True, environment={}, clock=FakeClock()) as log:
        log.update(progress(running(3), next_look=1))
    assert stream.getvalue() == (
        "[    0s] run 55676 RUNNING 3/30 done, 0 failed, next poll in 1s\n"
    )


def test_remote_text_stays_on_one_line_behind_the_time() -> None:
    log = Log()
    log.at(1).say("::error::gone\r\n##[error]too\x1b[2J" + "x" * 2000)
    (line,) = log.new_lines()
    assert line.startswith("[    1s] ::error::gone ##[error]tooxxx")
    assert len(line) == len("[    1s] ") + 1000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(0, "0s", id="nothing"),
        pytest.param(59.9, "59s", id="seconds"),
        pytest.param(60, "1m00s", id="minute"),
        pytest.param(3599, "59m59s", id="minutes"),
        pytest.param(3600, "1h00m00s", id="hour"),
        pytest.param(90061, "25h01m01s", id="more-than-a-day"),
    ],
)
def test_clock_times_read_as_on_a_stopwatch(seconds: float, text: str) -> None:
    assert clock_time(seconds) == text


def test_a_log_shows_life_though_nothing_calls_it() -> None:
    clock, stream = FakeClock(), SignallingStream()
    with display(stream, live=False, clock=clock):
        clock.now += 60
        assert stream.written.wait(PATIENCE)
    assert stream.getvalue() == "[ 1m00s] waiting for the first answer\n"


class SignallingStream(io.StringIO):
    """Says when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def flush(self) -> None:
        super().flush()
        self.written.set()


def test_quiet_shows_only_what_is_said() -> None:
    clock, stream = FakeClock(), io.StringIO()
    with display(stream, live=True, quiet=True, clock=clock) as quiet:
        clock.now += 5
        quiet.update(progress(running(3)))
        quiet.say("HTTP 502 from\nhttps://api.testery.io; next try in 3.0 s")
    assert stream.getvalue() == (
        "[    5s] HTTP 502 from https://api.testery.io; next try in 3.0 s\n"
    )


def test_a_process_without_the_stream_shows_nothing() -> None:
    with display(None, live=False) as nothing:
        nothing.update(progress(running(3)))
        nothing.say("HTTP 502")


def test_what_the_encoding_lacks_becomes_a_question_mark() -> None:
    raw = io.BytesIO()
    with display(io.TextIOWrapper(raw, encoding="ascii"), live=False, clock=FakeClock()) as log:
        log.say("日本 über\ud800")
        assert raw.getvalue() == b"[    0s] ?? ?ber\n"


class Broken(io.StringIO):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, _text: str) -> int:
        raise self.error

    def flush(self) -> None:
        raise self.error


@pytest.mark.parametrize("live", [pytest.param(True, id="live"), pytest.param(False, id="log")])
@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(Broken(BrokenPipeError()), id="reader-gone"),
        pytest.param(Broken(OSError(28, "No space left on device")), id="disk-full"),
        pytest.param(Broken(ValueError("I/O operation on closed file")), id="closed"),
        pytest.param(Broken(UnicodeEncodeError("ascii", "é", 0, 1, "no")), id="encoding"),
    ],
)
def test_a_broken_stream_goes_unnoticed(stream: io.StringIO, live: bool) -> None:
    with display(stream, live=live, environment={}) as shown:
        shown.update(progress(running(3)))
        shown.say("HTTP 502")
        shown.update(progress(make_run(), next_look=None))


SHOW_AND_EXIT_5 = """
import sys
from testery_gate.progress.display import display
with display(sys.stderr, live=sys.argv[1] == "live") as shown:
    for _ in range(1000):
        shown.say("HTTP 502 from https://api.testery.io; next try in 3.0 s")
sys.exit(5)
"""


@pytest.mark.parametrize("kind", ["live", "log"])
@pytest.mark.parametrize(
    "redirection",
    [
        pytest.param("", id="reader-gone"),
        pytest.param("2>&-", id="closed"),
        pytest.param(
            "2>/dev/full",
            id="disk-full",
            marks=pytest.mark.skipif(not os.path.exists("/dev/full"), reason="it is Linux's"),
        ),
    ],
)
def test_a_broken_stderr_leaves_the_exit_code(kind: str, redirection: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    script = ["sh", "-c", f'exec "$@" {redirection}', "sh"]
    command = [*script, sys.executable, "-c", SHOW_AND_EXIT_5, kind]
    try:
        done = subprocess.run(command, stderr=writer, timeout=PATIENCE, check=False)
    finally:
        os.close(writer)
    assert done.returncode == 5


class Terminal:
    """A real pseudo-terminal; ``screen`` is what a person would see on it."""

    def __init__(
        self, columns: int = 80, lines: int = 24, encoding: str = "utf-8", *, folds: bool = True
    ) -> None:
        self._controller, terminal = os.openpty()
        self.stream = os.fdopen(terminal, "w", encoding=encoding)
        self.text = ""
        self._screen = Screen(columns, folds=folds)
        self._fed = 0
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        termios.tcsetwinsize(self.stream.fileno(), (lines, columns))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self._reader.join(PATIENCE)
        os.close(self._controller)

    def resize(self, columns: int, lines: int = 24) -> None:
        termios.tcsetwinsize(self.stream.fileno(), (lines, columns))
        self._screen_now().resize(columns)

    def until(self, text: str) -> None:
        """Wait until this was written."""
        with self._news:
            assert self._news.wait_for(lambda: text in self.text[self._fed :], PATIENCE), self.text

    def screen(self) -> list[str]:
        """Return what is seen in the end; nothing can be shown any more."""
        self.stream.close()
        self._reader.join(PATIENCE)
        return self._screen_now().lines()

    def _screen_now(self) -> Screen:
        with self._news:
            self._screen.feed(self.text[self._fed :])
            self._fed = len(self.text)
            return self._screen

    def _read(self) -> None:
        decode = codecs.getincrementaldecoder("utf-8")().decode
        with contextlib.suppress(OSError):  # how Linux says that the other side is closed
            while data := os.read(self._controller, 65536):
                with self._news:
                    self.text += decode(data)
                    self._news.notify_all()


class Screen:
    """Draws what rich writes; ``folds`` is whether it folds its lines anew when it is resized."""

    def __init__(self, columns: int, *, folds: bool) -> None:
        self.columns = columns
        self.folds = folds
        self.rows: list[list[str]] = [[]]
        self.row = self.column = 0

    def feed(self, text: str) -> None:
        for number, command, character in re.findall(r"\x1b\[([?0-9;]*)([A-Za-z])|([^\x1b])", text):
            if character:
                self._put(character)
            elif command == "A":
                self.row = max(0, self.row - int(number or 1))
            elif command == "K":
                self.rows[self.row] = []
            elif command == "J":
                del self.rows[self.row + 1 :]
            else:
                assert command == "m", f"unexpected: CSI {number} {command}"

    def resize(self, columns: int) -> None:
        below = self.rows[self.row + 1 :]
        assert not any(below)
        folded: list[list[str]] = []
        for cells in self.rows[: self.row + 1]:
            folded += self._folded(cells, columns)
        self.rows, self.row, self.columns = folded, len(folded) - 1, columns
        self.column = min(self.column, columns)

    def _folded(self, cells: list[str], columns: int) -> list[list[str]]:
        rows = []
        while len(cells) > columns and self.folds:
            # The empty cell behind a wide character stays with it.
            at = columns if cells[columns] else columns - 1
            rows.append(cells[:at])
            cells = cells[at:]
        return [*rows, cells[:columns]]

    def lines(self) -> list[str]:
        return "\n".join("".join(cells).rstrip() for cells in self.rows).strip("\n").split("\n")

    def _put(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self._down()
        else:
            width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
            if self.column + width > self.columns:
                self._down()
                self.column = 0
            cells = self.rows[self.row]
            cells += [" "] * (self.column - len(cells))
            cells[self.column : self.column + width] = [character] + [""] * (width - 1)
            self.column += width

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])


def live(
    terminal: Terminal, clock: FakeClock, **environment: str
) -> contextlib.AbstractContextManager[Display]:
    return display(terminal.stream, live=True, environment=environment, clock=clock, tick=0.05)


def scene(clock: FakeClock) -> Progress:
    """Return a run of which a third is done after 20 s."""
    clock.now += 20
    run = running(10, failed=2, ignored=1, name="[red]Smoke[/red] 日本語のテスト", id=55676)
    return progress(sighting(run, 20, since=5), elapsed=20, next_look=10)


@pytest.mark.parametrize(
    ("columns", "locale", "frame"),
    [
        pytest.param(
            80,
            "C.UTF-8",
            [
                "run 55676  [red]Smoke[/red] 日本語のテスト on dev",
                "RUNNING ━━━━━━━━━━━━━━✗✗✗✗━━───────────────────────────────────────── 10/30 done",
                "7 passed, 2 failed, 1 ignored",
                "20s of 1h00m, about 30s to go, next poll in 10s",
            ],
            id="80",
        ),
        pytest.param(
            40,
            "C.UTF-8",
            [
                "run 55676  [red]Smoke[/red] 日本語のテ…",
                "RUNNING ━━━━✗✗━────────────── 10/30 done",
                "7 passed, 2 failed, 1 ignored",
                "20s of 1h00m",
                "about 30s to go, next poll in 10s",
            ],
            id="40",
        ),
        pytest.param(
            200,
            "C.UTF-8",
            [
                "run 55676  [red]Smoke[/red] 日本語のテスト on dev",
                f"RUNNING {'━' * 28}{'✗' * 8}━━━━{'─' * 80} 10/30 done",
                "7 passed, 2 failed, 1 ignored",
                "20s of 1h00m, about 30s to go, next poll in 10s",
            ],
            id="200",
        ),
        pytest.param(
            80,
            "C",
            [
                "run 55676  [red]Smoke[/red] ??????? on dev",
                "RUNNING ##############xxxx##----------------------------------------- 10/30 done",
                "7 passed, 2 failed, 1 ignored",
                "20s of 1h00m, about 30s to go, next poll in 10s",
            ],
            id="ascii",
        ),
    ],
)
def test_a_terminal_shows_one_run(columns: int, locale: str, frame: list[str]) -> None:
    clock = FakeClock()
    with Terminal(columns) as terminal:
        with live(terminal, clock, LC_ALL=locale) as shown:
            shown.update(scene(clock))
        assert terminal.screen() == frame


def test_a_terminal_waits_for_the_first_answer() -> None:
    clock = FakeClock()
    with Terminal() as terminal:
        with live(terminal, clock):
            clock.now += 65
            # Nothing is updated: the time goes on all the same.
            terminal.until("first answer, 1m05s")
        assert terminal.screen() == ["waiting for the first answer, 1m05s"]


def test_a_terminal_counts_down_between_looks() -> None:
    clock = FakeClock()
    with Terminal() as terminal:
        with live(terminal, clock) as shown:
            shown.update(scene(clock))
            clock.now += 4
            terminal.until("24s of 1h00m, about 30s to go, next poll in 6s")
            clock.now += 8
            terminal.until("32s of 1h00m, about 20s to go, polling now")
        assert terminal.screen()[-1] == "32s of 1h00m, about 20s to go, polling now"


def test_what_is_said_stands_above_the_frame_and_stays() -> None:
    clock = FakeClock()
    with Terminal(60) as terminal:
        with live(terminal, clock) as shown:
            shown.update(scene(clock))
            shown.say("HTTP 502 from https://api.testery.io/api/test-runs/55676 ([red]Bad[/red])")
            terminal.until("next poll in 10s")
            clock.now += 5
            shown.say("per-test results are not offered")
        assert terminal.screen() == [
            "[   20s] HTTP 502 from",
            "         https://api.testery.io/api/test-runs/55676",
            "         ([red]Bad[/red])",
            "[   25s] per-test results are not offered",
            "run 55676  [red]Smoke[/red] 日本語のテスト on dev",
            "RUNNING ━━━━━━━━━✗✗✗━──────────────────────────── 10/30 done",
            "7 passed, 2 failed, 1 ignored",
            "25s of 1h00m, about 25s to go, next poll in 5s",
        ]


SEVERAL = (
    make_run(name="done well"),
    make_run(total=0, status="QUEUED", complete=False, name="queued"),
    running(12, name="on its way"),
    running(20, failed=11, name="losing tests 日本語のテスト"),
    make_run(failed=1, name="failed"),
    make_run(status="MENDING 日本", complete=False, name=None),
    GONE,
    with_unknown(running(3, name="odd"), "passed"),
)


@pytest.mark.parametrize(
    ("columns", "lines", "frame"),
    [
        pytest.param(
            80,
            24,
            [
                "8 runs ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━✗✗✗✗──────────────────── 122/180 done",
                "110 tests passed, 12 failed, 0 ignored",
                "  55682 not found    HTTP 404 from https://api.testery.io/api/test-runs/55676:…",
                "  55679 RUNNING      ━━━━━━✗✗✗✗✗✗✗─────── 20/30 11 failed  losing tests 日本語…",
                "  55680 FAIL         ━━━━━━━━━━━━━━━━━━━✗ 30/30 1 failed   failed",
                "  55681 MENDING 日本 ━━━━━━━━━━━━━━━━━━━━ 30/30",
                "  55678 RUNNING      ━━━━━━━━──────────── 12/30            on its way",
                "  55683 RUNNING      ────────────────────  ?/30            odd",
                "  55677 QUEUED       ────────────────────   0/0            queued",
                "  55676 PASS         ━━━━━━━━━━━━━━━━━━━━ 30/30            done well",
                "0s of 1h00m, next poll in 5s",
            ],
            id="80",
        ),
        pytest.param(
            40,
            10,
            [
                "8 runs ━━━━━━━━━━━━✗─────── 122/180 done",
                "110 tests passed, 12 failed, 0 ignored",
                "  55682 not found  HTTP 404 from https:…",
                "  55679 RUNNING     20/30 11 failed  lo…",
                "  55680 FAIL        30/30 1 failed   fa…",
                "  55681 MENDING…    30/30",
                "  55678 RUNNING     12/30            on…",
                "and 3 more: 1 RUNNING, 1 QUEUED, 1 PASS",
                "0s of 1h00m, next poll in 5s",
            ],
            id="40-and-low",
        ),
        pytest.param(
            200,
            24,
            [
                f"8 runs {'━' * 73}{'✗' * 8}{'─' * 39} 122/180 done",
                "110 tests passed, 12 failed, 0 ignored",
                f"  55682 not found    {GONE.message}",
                f"  55679 RUNNING      {'━' * 9}{'✗' * 11}{'─' * 10} 20/30 11 failed"
                "  losing tests 日本語のテスト",
                f"  55680 FAIL         {'━' * 29}✗ 30/30 1 failed   failed",
                f"  55681 MENDING 日本 {'━' * 30} 30/30",
                f"  55678 RUNNING      {'━' * 12}{'─' * 18} 12/30            on its way",
                f"  55683 RUNNING      {'─' * 30}  ?/30            odd",
                f"  55677 QUEUED       {'─' * 30}   0/0            queued",
                f"  55676 PASS         {'━' * 30} 30/30            done well",
                "0s of 1h00m, next poll in 5s",
            ],
            id="200",
        ),
    ],
)
def test_a_terminal_shows_several_runs_with_the_most_urgent_on_top(
    columns: int, lines: int, frame: list[str]
) -> None:
    with Terminal(columns, lines) as terminal:
        with live(terminal, FakeClock()) as shown:
            shown.update(progress(*SEVERAL))
        assert terminal.screen() == frame


def test_a_terminal_says_why_the_only_run_is_gone() -> None:
    with Terminal(60) as terminal:
        with live(terminal, FakeClock()) as shown:
            shown.update(progress(GONE, next_look=None))
            shown.update(progress(next_look=None))
        assert terminal.screen() == [
            "run 55676 not found: HTTP 404 from",
            "https://api.testery.io/api/test-runs/55676: there is no such",
            "run",
            "0s of 1h00m",
        ]


@pytest.mark.parametrize("columns", [1, 9, 20])
@pytest.mark.parametrize("lines", [1, 2, 3, 5])
@pytest.mark.parametrize("runs", [1, 20])
def test_a_frame_never_outgrows_the_terminal(columns: int, lines: int, runs: int) -> None:
    with Terminal(columns, lines) as terminal:
        with live(terminal, FakeClock()) as shown:
            shown.update(progress(*SEVERAL[3:4] * runs))
        assert len(terminal.screen()) <= max(1, lines - 1)


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("folds", "environment"),
    [
        pytest.param(True, {"TERM": "xterm-256color"}, id="folds"),
        pytest.param(False, {"XTERM_VERSION": "XTerm(379)"}, id="xterm"),
        pytest.param(True, {"XTERM_VERSION": "XTerm(379)", "TMUX": "0"}, id="tmux"),
        pytest.param(False, {"STY": "1234.pts-0"}, id="screen"),
        pytest.param(False, {"TERM": "linux"}, id="console"),
    ],
)
def test_a_frame_follows_the_size_of_the_terminal(folds: bool, environment: dict[str, str]) -> None:
    clock = FakeClock()
    with Terminal(100, folds=folds) as terminal:
        with live(terminal, clock, **environment) as shown:
            shown.say("what was before")
            shown.update(progress(*SEVERAL))
            terminal.until("0s of 1h00m, next poll in")
            for columns in (45, 90, 40):
                terminal.resize(columns)
                clock.now += 1
                terminal.until(f"{clock.now - 1000:.0f}s of 1h00m, next poll in")
        with Terminal(40) as fresh:
            again = FakeClock()
            with live(fresh, again) as shown:
                shown.say("what was before")
                shown.update(progress(*SEVERAL))
                again.now += 3
                fresh.until("3s of 1h00m")
            assert terminal.screen() == fresh.screen()


class Resizable(SafeStream):
    """A terminal whose width a test sets."""

    width = 80

    def size(self) -> tuple[int, int]:
        return self.width, 24


def test_nothing_is_drawn_while_the_edge_of_the_window_is_dragged() -> None:
    out = Resizable(stream := io.StringIO())
    shown = live_on(out)
    shown.update(progress(running(3)))
    shown.draw()
    stream.truncate(stream.seek(0))
    for out.width in (70, 60, 50):
        shown.say("HTTP 502")
        shown.draw()
        assert stream.getvalue() == ""
    shown.draw()
    assert stream.getvalue().count("HTTP 502") == 3
    assert stream.getvalue().count("run 55676") == 1


def test_nothing_stays_below_a_cursor_that_the_terminal_moved_up() -> None:
    out = Resizable(stream := io.StringIO())
    shown, screen = live_on(out), Screen(out.width, folds=True)
    shown.update(progress(running(3)))
    shown.draw()
    screen.feed(stream.getvalue())
    stream.truncate(stream.seek(0))
    out.width = 60
    screen.resize(out.width)
    screen.row -= 1
    shown.draw()
    shown.draw()
    screen.feed(stream.getvalue())
    assert sum("next poll" in line for line in screen.lines()) == 1


def test_the_last_frame_waits_for_no_window() -> None:
    out = Resizable(stream := io.StringIO())
    shown = live_on(out)
    shown.draw()
    out.width = 20
    shown.end()
    assert stream.getvalue().endswith("\x1b[2Kwaiting for the\n\r\x1b[2Kfirst answer, 0s\n")


def test_only_what_changed_is_written_again() -> None:
    clock = FakeClock()
    with Terminal() as terminal, live(terminal, clock) as shown:
        shown.update(progress(*SEVERAL))
        terminal.until("next poll in 5s")
        before = len(terminal.text)
        clock.now += 1
        terminal.until("next poll in 4s")
        assert terminal.text[before:] == "\r\x1b[2K1s of 1h00m, next poll in 4s"
        before = len(terminal.text)
        shown.update(progress(*SEVERAL[:2], running(13, name="on its way"), *SEVERAL[3:]))
        terminal.until("13/30")
        terminal.until("next poll in 5s")
        assert "on its way" in terminal.text[before:]
        assert "losing tests" not in terminal.text[before:]


def test_a_frame_that_has_not_changed_is_not_written_again() -> None:
    stream = io.StringIO()
    shown = live_on(SafeStream(stream))
    shown.draw()
    written = stream.getvalue()
    shown.draw()
    assert stream.getvalue() == written
    assert written.endswith("waiting for the first answer, 0s")


def test_a_large_frame_is_followed_by_a_longer_pause() -> None:
    stream = io.StringIO()
    shown = live_on(SafeStream(stream))
    shown.draw()
    assert shown.pause() < TICK / 10
    shown.update(progress(*SEVERAL))
    before = len(stream.getvalue().encode())
    shown.draw()
    assert shown.pause() == (len(stream.getvalue().encode()) - before) / 4000 > TICK / 5
    shown.draw()
    assert shown.pause() == 0


def live_on(out: SafeStream) -> LiveDisplay:
    return LiveDisplay(out, FakeClock(), {}, UNICODE)


class Shared(SafeStream):
    """A terminal that somebody else has while ``taken``."""

    taken = False

    def in_front(self) -> bool:
        return not self.taken


def test_the_background_draws_nothing_until_it_is_in_front_or_done() -> None:
    out = Shared(stream := io.StringIO())
    shown = live_on(out)
    shown.draw()
    out.taken = True
    stream.truncate(stream.seek(0))
    shown.say("HTTP 502")
    shown.draw()
    assert stream.getvalue() == ""
    out.taken = False
    shown.draw()
    assert stream.getvalue() == (
        "\r\x1b[2K[    0s] HTTP 502\n\r\x1b[2Kwaiting for the first answer, 0s"
    )
    out.taken = True
    shown.draw()
    shown.end()
    assert stream.getvalue().endswith("\r\x1b[2Kwaiting for the first answer, 0s\n")


def test_a_frame_is_drawn_anew_below_what_was_written_while_the_process_was_stopped() -> None:
    clock = FakeClock()
    with Terminal() as terminal:
        with live(terminal, clock) as shown:
            shown.update(scene(clock))
            terminal.until("next poll in 10s")
            os.write(terminal.stream.fileno(), b"\n[1]+ Stopped\n$ fg\n")
            os.kill(os.getpid(), signal.SIGCONT)
            clock.now += 1
            terminal.until("next poll in 9s")
        assert terminal.screen()[3:7] == [
            "20s of 1h00m, about 30s to go, next poll in 10s",
            "[1]+ Stopped",
            "$ fg",
            "run 55676  [red]Smoke[/red] 日本語のテスト on dev",
        ]


def test_a_display_needs_not_be_in_the_main_thread() -> None:
    with Terminal() as terminal:

        def show() -> None:
            with live(terminal, FakeClock()):
                pass

        thread = threading.Thread(target=show)
        thread.start()
        thread.join(PATIENCE)
        assert terminal.screen() == ["waiting for the first answer, 0s"]


def test_a_terminal_that_takes_nothing_keeps_nobody_waiting() -> None:
    ours, theirs = os.openpty()
    os.set_blocking(theirs, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(theirs, b"x" * 1024):
            pass
    os.set_blocking(theirs, True)
    with contextlib.suppress(OSError), open(theirs, "w", encoding="utf-8") as stream:
        with display(stream, live=True, environment={}, patience=0.01) as shown:
            shown.update(progress(running(3)))
            shown.say("HTTP 502")
        # Lets the writer go; what it could not write is then lost.
        os.close(ours)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(RuntimeError("a defect"), id="crash"),
        pytest.param(Interrupted(2), id="signal"),
    ],
)
def test_the_cursor_is_seen_and_below_the_frame_however_the_wait_ends(error: BaseException) -> None:
    clock = FakeClock()

    def show_and_fail(terminal: Terminal) -> None:
        with live(terminal, clock) as shown:
            shown.update(scene(clock))
            raise error

    with Terminal() as terminal:
        with pytest.raises(type(error)):
            show_and_fail(terminal)
        assert terminal.screen()[-1] == "20s of 1h00m, about 30s to go, next poll in 10s"
        assert terminal.text.endswith("10s\r\n")
        assert MODE not in terminal.text


MODE = "\x1b[?"
"""How a change of the terminal begins that somebody has to take back, such as hiding the cursor."""


def colors_of(text: str) -> dict[str, str]:
    """Return what is written in which colour (ECMA-48, SGR)."""
    found = re.findall(r"\x1b\[([0-9;]+)m([^\x1b]+)", text)
    return {shown: code for code, shown in found if code != "0"}


def test_counts_and_bar_are_coloured() -> None:
    clock = FakeClock()
    with Terminal(40) as terminal:
        with live(terminal, clock) as shown:
            shown.update(scene(clock))
        terminal.screen()
        assert colors_of(terminal.text) == {
            "run 55676": "1",
            "RUNNING": "36",
            "━━━━": "32",
            "✗✗": "31",
            "━": "33",
            "──────────────": "2",
            "7 passed": "32",
            "2 failed": "31",
            "1 ignored": "33",
        }


def test_no_color_is_respected() -> None:
    clock = FakeClock()
    with Terminal() as terminal:
        with live(terminal, clock, NO_COLOR="1") as shown:
            shown.update(scene(clock))
        terminal.screen()
        assert not colors_of(terminal.text)


@pytest.mark.parametrize(
    ("encoding", "on_terminal", "environment", "speaks"),
    [
        pytest.param("utf-8", True, {"LANG": "C.UTF-8"}, True, id="utf-8"),
        pytest.param("utf-8", True, {}, True, id="no-locale"),
        pytest.param("utf-8", True, {"LC_ALL": "", "LANG": "C"}, False, id="empty-is-unset"),
        pytest.param("utf-8", True, {"LC_ALL": "C", "LANG": "C.UTF-8"}, False, id="c-locale"),
        pytest.param("utf-8", True, {"LC_CTYPE": "POSIX"}, False, id="posix-locale"),
        pytest.param(
            "utf-8", True, {"LC_CTYPE": "C.UTF-8", "LANG": "C"}, False, id="coerced-by-python"
        ),
        pytest.param("utf-8", True, {"LC_CTYPE": "C.UTF-8"}, True, id="nothing-but-coerced"),
        pytest.param(
            "utf-8", True, {"LC_CTYPE": "C.UTF-8", "LANG": "de_DE.UTF-8"}, True, id="both-utf-8"
        ),
        pytest.param("utf-8", False, {"LC_ALL": "C"}, True, id="file-in-c-locale"),
        pytest.param("latin-1", True, {"LANG": "de_DE"}, False, id="latin-1"),
        pytest.param("ascii", False, {}, False, id="ascii"),
    ],
)
def test_unicode_takes_an_encoding_and_a_locale(
    encoding: str, on_terminal: bool, environment: dict[str, str], speaks: bool
) -> None:
    with Terminal(encoding=encoding) as terminal:
        file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        stream = terminal.stream if on_terminal else file
        assert speaks_unicode(stream, environment) is speaks


@pytest.mark.parametrize(
    ("term", "moves"),
    [("xterm", True), ("", True), (None, True), ("dumb", False), ("unknown", False)],
)
def test_a_frame_takes_a_terminal_whose_cursor_moves(term: str | None, moves: bool) -> None:
    environment = {} if term is None else {"TERM": term}
    assert not moves_cursor(io.StringIO(), environment)
    with Terminal() as terminal:
        assert moves_cursor(terminal.stream, environment) is moves


@pytest.mark.parametrize(
    ("text", "shown", "taken"),
    [
        pytest.param("Checkout", "Checkout", 8, id="latin"),
        pytest.param("日本語", "日本語", 6, id="wide"),
        pytest.param("e\u0301", "é", 1, id="composed"),
        pytest.param("q\u0301", "q\u0301", 1, id="combining"),
        pytest.param("❤\ufe0f", "❤", 1, id="selector"),
        pytest.param("👩\U0001f3fd\u200d💻", "👩💻", 4, id="joined"),
        pytest.param("a\u00ad\u200bb", "ab", 2, id="invisible"),
        pytest.param("\ue000\U000e0080", "??", 2, id="private-and-unassigned"),
        pytest.param("का", "का", 2, id="a-mark-that-some-give-a-column"),
    ],
)
def test_what_terminals_draw_in_different_ways_takes_no_more_than_expected(
    text: str, shown: str, taken: int
) -> None:
    assert settled(text) == shown
    assert columns(settled(text)) == taken


@pytest.mark.parametrize(
    ("text", "width", "fits", "folded"),
    [
        ("", 3, "", 1),
        ("abc", 3, "abc", 1),
        ("abcd", 3, "abc", 2),
        ("日本語", 3, "日", 3),
        ("a日本語", 3, "a日", 3),
        ("abq\u0301", 3, "abq\u0301", 1),
    ],
)
def test_text_is_cut_and_folded_between_whole_characters(
    text: str, width: int, fits: str, folded: int
) -> None:
    assert beginning(text, width) == fits
    assert rows(text, width) == folded
