"""What a person sees in a real terminal while the gate waits, and what is left of it afterwards."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from testery_gate.simulator.scenario import Counts, Phase, Run, Scenario
from tests.acceptance.terminal import Tmux, until
from tests.canary import Simulator

pytestmark = pytest.mark.acceptance

FRAMES = Path(__file__).parents[1] / "data" / "frames"
UTF_8, C = "C.UTF-8", "C"


def still(
    id: int,
    name: str,
    status: str,
    done: int,
    total: int,
    *,
    failed: int = 0,
    complete: bool = False,
) -> Run:
    """A run that has got as far as this long ago, and no further since."""
    counts = Counts(total=total, passed=done - failed, failed=failed)
    before = Phase(status="RUNNING", counts=counts, lasts=10)
    now = Phase(status=status, counts=counts, complete=complete)
    return Run(id=id, name=name, environment="staging", created=-60, phases=(before, now))


LONG = "Payment with every card that there is, in every currency that we take"
WIDE = "日本語のテスト 決済 ログイン"
HOSTILE = "👩\U0001f3fd\u200d💻 \x1b[31mred\x1b[0m e\u0301\r\n\u202etwo\tlines\u200b"
RUNS = (
    still(1001, "Sign in", "PASS", 30, 30, complete=True),
    still(1002, "Nightly", "QUEUED", 0, 0),
    still(1003, "Checkout", "RUNNING", 48, 120),
    still(1004, LONG, "RUNNING", 90, 300, failed=7),
    still(1005, WIDE, "FAIL", 30, 30, failed=2, complete=True),
    still(1006, HOSTILE, "CANCELED", 10, 30),
    still(1007, "Search", "MENDING", 29, 30),
)
# Which tests have failed comes in its own time.
WAIT = "testery-gate wait --no-test-results"
ONE = f"{WAIT} 1004"
SEVERAL = f"{WAIT} --appear-within=0 {' '.join(str(run.id) for run in RUNS)} 9"


@contextmanager
def terminal(
    folder: Path,
    *runs: Run,
    columns: int = 80,
    lines: int = 24,
    locale: str = UTF_8,
    **variables: str,
) -> Iterator[Tmux]:
    """A terminal in which the command asks a stand-in API."""
    with (
        Simulator(Scenario(description="", runs=runs or RUNS)) as api,
        Tmux(
            cwd=folder, columns=columns, lines=lines, api_url=api.url, LC_ALL=locale, **variables
        ) as started,
    ):
        yield started


def enter(shell: Tmux, line: str) -> list[str]:
    """Run a line that waits, from the top of the screen, and return the frame that is drawn."""
    # In a script, as a long line would fold.
    (shell.folder / "line").write_text(f"clear; {line}; echo code $?\n")
    shell.enter(". ./line")
    return shell.until(is_waiting)


def is_waiting(lines: list[str]) -> bool:
    return "next poll in" in lines[-1] or "polling now" in lines[-1]


def steady(lines: list[str]) -> list[str]:
    """The lines with N for the seconds and for the port, of which no two frames share any."""
    shown = (
        re.sub(
            r"\b\d+s of |in \d+s$|(?<=127\.0\.0\.1:)\d{5}",
            lambda found: re.sub(r"\d+", "N", found[0]),
            line,
        )
        for line in lines
    )
    return [line.replace("polling now", "next poll in Ns") for line in shown]


@pytest.mark.parametrize("locale", [UTF_8, C])
@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize(
    ("scene", "line"),
    [pytest.param("one", ONE, id="one"), pytest.param("several", SEVERAL, id="several")],
)
def test_a_frame(tmp_path: Path, scene: str, line: str, columns: int, locale: str) -> None:
    with terminal(tmp_path, columns=columns, locale=locale) as shell:
        seen = steady(enter(shell, line))
        assert seen == golden(scene, columns, locale)
        assert shell.cursor_shown
        assert locale == UTF_8 or all(line.isascii() for line in seen)
        shell.press("C-c")
        shell.until_shown(f"code {ExitCode.INTERRUPTED}")
        assert shell.cursor_shown


@pytest.mark.parametrize(("locale", "language"), [("", C), ("", "POSIX"), ("POSIX", UTF_8)])
def test_however_the_c_locale_is_chosen(tmp_path: Path, locale: str, language: str) -> None:
    with terminal(tmp_path, locale=locale, LANG=language, LC_CTYPE="") as shell:
        seen = steady(enter(shell, ONE))
    assert seen == golden("one", 80, C)


@pytest.mark.parametrize(("columns", "lines"), [(40, 10), (80, 24), (200, 50)])
def test_more_runs_than_the_terminal_has_lines(tmp_path: Path, columns: int, lines: int) -> None:
    well = [still(2000 + n, f"Suite {n}", "PASS", 30, 30, complete=True) for n in range(198)]
    ill = still(3001, "Suite of ill omen", "FAIL", 30, 30, failed=1, complete=True)
    busy = still(3002, "Suite at work", "RUNNING", 3, 30)
    with terminal(tmp_path, *well, ill, busy, columns=columns, lines=lines) as shell:
        seen = enter(shell, "testery-gate wait --all --environment staging")
    assert len(seen) == lines - 1
    assert seen[0].startswith("200 runs ")
    assert seen[0].endswith("5973/6000 done")
    assert [line.split()[0] for line in seen[2:4]] == ["3001", "3002"]
    hidden = 200 - (lines - 1 - 4)
    assert seen[-2] == f"and {hidden} more: {hidden} PASS"
    assert max(map(len, seen)) <= columns


def test_a_frame_in_colours(tmp_path: Path) -> None:
    with terminal(tmp_path) as shell:
        enter(shell, SEVERAL)
        (ill,) = (line for line in shell.screen(styles=True) if "1005" in line)
    green, red, default = "\x1b[32m", "\x1b[31m", "\x1b[39m"
    assert f"{red}FAIL{default}" in ill
    assert f"{green}{'━' * 20}{red}✗✗{default}" in ill
    assert f"{red} 2 failed{default}" in ill


def test_a_frame_without_colours(tmp_path: Path) -> None:
    with terminal(tmp_path, NO_COLOR="1") as shell:
        seen = enter(shell, SEVERAL)
        assert shell.screen(styles=True) == seen


@pytest.mark.parametrize("how", [f"TERM=dumb {ONE}", f"TERM=unknown {ONE}", f"{ONE} 2>&1 | cat"])
def test_lines_where_nothing_can_be_drawn_over(tmp_path: Path, how: str) -> None:
    with terminal(tmp_path) as shell:
        seen = enter(shell, how)
    assert steady(seen) == ["[    0s] run 1004 RUNNING 90/300 done, 7 failed, next poll in Ns"]


def test_a_wait_to_its_end(tmp_path: Path) -> None:
    with (
        Simulator(load_scenario("passing"), speed=4) as api,
        Tmux(cwd=tmp_path, lines=40, api_url=api.url) as shell,
    ):
        shell.enter("testery-gate wait 55676; echo code $?")
        seen = shell.until_shown("code 0")
        assert shell.cursor_shown
    frame = seen.index("run 55676  Checkout on staging")
    assert seen[frame + 1] == f"PASS {'━' * 64} 30/30 done"
    assert seen[frame + 2] == "28 passed, 0 failed, 2 ignored"
    assert re.fullmatch(r"\d+s of 1h00m", seen[frame + 3])
    assert seen[frame + 4].startswith("✓ PASSED: 28 of 30 passed")


def test_a_frame_follows_the_size_of_the_terminal(tmp_path: Path) -> None:
    with terminal(tmp_path, columns=100) as shell:
        enter(shell, SEVERAL)
        for columns, lines in [(40, 24), (200, 24), (40, 12), (80, 24)]:
            shell.resize(columns, lines)
            # What was folded may have moved up out of reach; the frame is whole below it.
            until_it_ends_with(shell, golden("several", columns))


@pytest.mark.parametrize(
    "scene", [pytest.param(ONE, id="one"), pytest.param(SEVERAL, id="several")]
)
def test_narrowing_and_widening_leave_what_was_before_and_nothing_else(
    tmp_path: Path, scene: str
) -> None:
    name, lines = ("one", 24) if scene == ONE else ("several", 60)
    before = [str(number) for number in range(1, lines + 1)]
    with terminal(tmp_path, lines=lines) as shell:
        enter(shell, f"seq {lines}; {scene}")
        for columns in (40, 80, 40, 200, 80):
            shell.resize(columns, lines)
            until_it_ends_with(shell, [*before, *golden(name, columns)], whole=True)


def golden(scene: str, columns: int, locale: str = UTF_8) -> list[str]:
    """The frame as it was looked at and found good."""
    return (FRAMES / f"{scene}-{columns}-{locale}.txt").read_text(encoding="utf-8").splitlines()


def until_it_ends_with(shell: Tmux, expected: list[str], *, whole: bool = False) -> None:
    shell.until(lambda lines: steady(lines)[-len(expected) :] == expected, whole=whole)


def test_ctrl_z_and_what_comes_after_it(tmp_path: Path) -> None:
    with terminal(tmp_path) as shell:
        before = steady(enter(shell, ONE))
        shell.press("C-z")
        shell.until_shown("Stopped")
        shell.enter("bg; echo in the background")
        shell.until(lambda seen: seen[-1].endswith("$") and "in the background" in seen[-2])
        shell.enter("fg")
        seen = shell.until(lambda seen: is_waiting(seen) and seen[-5].startswith("testery-gate"))
        assert steady(seen)[-4:] == before
        # Neither was drawn over the other.
        assert steady(seen)[:3] == before[:3]
        assert "in the background" in seen


def test_a_terminal_that_is_held_delays_no_report(tmp_path: Path) -> None:
    with (
        Simulator(load_scenario("passing"), speed=4) as api,
        Tmux(cwd=tmp_path, lines=40, api_url=api.url) as shell,
    ):
        enter(shell, "testery-gate wait 55676 --junit-xml t.xml")
        shell.press("C-s")
        await_file(tmp_path / "t.xml")
        assert not any("code" in line for line in shell.screen())
        shell.press("C-q")
        seen = shell.until_shown("code 0")
    assert sum("run 55676  Checkout" in line for line in seen) == 1


SIGNALS = [
    pytest.param("INT", ExitCode.INTERRUPTED, id="SIGINT"),
    pytest.param("TERM", ExitCode.TERMINATED, id="SIGTERM"),
    pytest.param("HUP", 128 + signal.SIGHUP, id="SIGHUP"),
    pytest.param("KILL", 128 + signal.SIGKILL, id="SIGKILL"),
]


@pytest.mark.parametrize(("name", "code"), SIGNALS)
def test_a_signal_leaves_a_terminal_as_it_was(tmp_path: Path, name: str, code: int) -> None:
    with terminal(tmp_path, lines=60) as shell:
        modes = [shell.value(mode) for mode in MODES]
        enter(shell, f"sh -c 'echo $$ >pid; exec {ONE}'")
        assert [shell.value(mode) for mode in MODES] == modes
        os.kill(int((tmp_path / "pid").read_text()), signal.Signals[f"SIG{name}"])
        shell.until_shown(f"code {int(code)}")
        assert [shell.value(mode) for mode in MODES] == modes
        shell.enter("echo typed")
        shell.until(lambda seen: seen[-2:] == ["typed", "$"])


MODES = (
    *("cursor_flag", "wrap_flag", "insert_flag", "origin_flag", "keypad_flag"),
    *("alternate_on", "mouse_any_flag", "scroll_region_upper", "scroll_region_lower"),
)


def test_a_crash_leaves_a_terminal_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(CRASH)
    with terminal(tmp_path, PYTHONPATH=str(tmp_path)) as shell:
        modes = [shell.value(mode) for mode in MODES]
        expected = enter(shell, ONE)
        (tmp_path / "crash").touch()
        seen = shell.until_shown(f"code {ExitCode.INTERNAL}")
        assert [shell.value(mode) for mode in MODES] == modes
    assert steady(seen)[:4] == steady(expected)
    assert seen[4] == "testery-gate: internal error: RuntimeError: on purpose"


CRASH = """
import os, time
wait = time.sleep
def sleep(seconds):
    while not os.path.exists("crash"):
        wait(0.05)
    raise RuntimeError("on purpose")
time.sleep = sleep
"""


def test_a_closed_terminal_ends_the_wait(tmp_path: Path) -> None:
    with terminal(tmp_path) as shell:
        enter(shell, f"sh -c 'echo $$ >pid; exec {ONE}'")
        shell.close()
        await_end(int((tmp_path / "pid").read_text()))


def test_a_closed_terminal_goes_unnoticed_where_the_signal_is_ignored(tmp_path: Path) -> None:
    with (
        Simulator(load_scenario("passing"), speed=4) as api,
        Tmux(cwd=tmp_path, api_url=api.url) as shell,
    ):
        wait = "testery-gate wait 55676 --junit-xml t.xml; echo $? >code.new; mv code.new code"
        enter(shell, f"(trap '' HUP; {wait})")
        shell.close()
        await_file(tmp_path / "code")
    assert (tmp_path / "code").read_text() == "0\n"
    assert 'name="testery-gate" tests="36"' in (tmp_path / "t.xml").read_text()


def await_file(path: Path) -> None:
    until(path.exists)


def await_end(pid: int) -> None:
    def is_over() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    until(is_over)
