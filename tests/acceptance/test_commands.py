"""What the commands beside the main one do, through the installed command."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testery_gate import __version__
from testery_gate.__main__ import drop_unwritten
from testery_gate.cli.main import COMMANDS
from testery_gate.cli.options import ALL
from testery_gate.errors import ExitCode
from tests.acceptance import command


def test_the_help_names_the_commands_and_the_exit_codes(tmp_path: Path) -> None:
    done = command.run("--help", cwd=tmp_path)
    assert done.code == 0
    for word in COMMANDS:
        assert f"  {word}" in done.stdout
    for code in ExitCode:
        assert f"  {int(code):<3}  {code.outcome.replace('_', ' ')}: " in done.stdout


def test_the_package_runs_as_a_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "testery_gate", "--version"],
        cwd=tmp_path,
        env=command.environment(None),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"testery-gate {__version__}\n"


@pytest.mark.parametrize(
    "start",
    [
        pytest.param([command.COMMAND], id="script"),
        pytest.param([sys.executable, "-P", "-m", "testery_gate"], id="python -P -m"),
    ],
)
def test_nothing_is_imported_from_the_working_directory(tmp_path: Path, start: list[str]) -> None:
    for name in ("click", "requests", "testery_gate"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(0)\n")
    done = command.run_program([*start, "wait"], cwd=tmp_path, env=command.environment(None))
    assert done.code == ExitCode.USAGE, done.output


def test_every_place_that_starts_the_module_keeps_the_working_directory_out() -> None:
    root = Path(__file__).parents[2]
    folders = ("action", "benchmarks", "docs", "templates", "tests", ".github", ".ci")
    files = [path for folder in folders for path in (root / folder).rglob("*") if path.is_file()]
    # Not what a run of these tests writes meanwhile, such as .coverage.
    files += [path for path in root.iterdir() if path.is_file() and path.name[0] != "."]
    starts = {
        f"{path.relative_to(root)}: {start}"
        for path in files
        if path.suffix not in {".pyc", ".png"}
        for start in re.findall(
            r"[^\n]*-m[\s\",]+testery_gate\b[^\n]*", path.read_text("utf-8", errors="replace")
        )
        # Which shows what it comes to where the directory is not kept out.
        if path.name not in {Path(__file__).name, "test_working_directory.py"}
    }
    assert starts, "the pattern finds nothing any more"
    assert not [start for start in starts if "-P" not in start.replace('"', "")]


def test_what_can_not_be_written_is_dropped_at_the_end() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        stream.write("nobody reads this")
        drop_unwritten(stream)
        # Without that, closing the stream would try again and fail.


def test_the_help_of_a_command_groups_its_options(tmp_path: Path) -> None:
    done = command.run("wait", "--help", cwd=tmp_path)
    assert done.code == 0
    headings = [line[:-1] for line in done.stdout.splitlines() if line[:1].isalpha()]
    assert [heading for heading in headings if heading in ALL] == list(ALL)
    assert "Exit codes" in headings


def test_explain_names_the_runs(tmp_path: Path) -> None:
    assert "Runs: 1, 2" in command.run("explain", "1", "2", cwd=tmp_path).stdout


def test_simulate_says_how_to_use_it_and_serves_until_it_is_stopped(tmp_path: Path) -> None:
    api = command.start(
        ["simulate", "--port=0"],
        cwd=tmp_path,
        env=command.environment(None, PYTHONUNBUFFERED="1"),
        measured=True,
    )
    assert api.stdout is not None
    lines = [api.stdout.readline() for _ in range(3)]
    url = lines[1].split("TESTERY_API_URL=")[1].split()[0]
    token = lines[1].split("TESTERY_API_TOKEN=")[1].strip()
    arguments = lines[2].split()[1:]
    done = command.run(*arguments, cwd=tmp_path, api_url=url, TESTERY_API_TOKEN=token)
    assert done.code == ExitCode.PASSED, done.output
    api.send_signal(signal.SIGTERM)
    ended = command.finish(api)
    assert ended.code == ExitCode.TERMINATED
    assert "GET /api/test-runs/55676 -> 200" in ended.stderr


@pytest.fixture
def open_input(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the gate with a standard input that holds a run and does not end."""
    processes = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [command.COMMAND, "wait", "-", "--report=json=out.json", *arguments],
            cwd=tmp_path,
            env=command.unmeasured(command.environment("http://127.0.0.1:1/api")),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdin is not None
        process.stdin.write("55676\n")
        process.stdin.flush()
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_a_standard_input_that_does_not_end_is_no_reason_to_wait_for_ever(
    tmp_path: Path, open_input: Callable[..., subprocess.Popen[str]]
) -> None:
    process = open_input("--timeout=500ms")
    assert process.wait(timeout=command.LONGEST) == ExitCode.TIMED_OUT
    report = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert report["exitCode"] == ExitCode.TIMED_OUT
    assert "standard input did not end" in json.dumps(report)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_standard_input_is_read_leaves_reports(
    tmp_path: Path, open_input: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    process = open_input("--timeout=1h")
    assert process.stdin is not None
    while fcntl.ioctl(process.stdin, termios.FIONREAD, b"    ") != bytes(4):
        assert process.poll() is None  # until it has read what there is
    process.send_signal(number)
    assert process.wait(timeout=command.LONGEST) == 128 + number
    assert json.loads((tmp_path / "out.json").read_text("utf-8"))["exitCode"] == 128 + number


def test_an_endless_standard_input_is_not_read_whole(tmp_path: Path) -> None:
    done = command.run("wait", "-", cwd=tmp_path, stdin="55676\n" * 3_000_000)
    assert done.code == ExitCode.USAGE
    assert "more than 16 MiB on standard input" in done.stderr


def test_simulate_lists_its_scenarios(tmp_path: Path) -> None:
    done = command.run("simulate", "--list", cwd=tmp_path)
    assert done.code == 0
    assert "documented " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--scenario=pasing"], "passing", id="a slip in a name"),
        pytest.param(["--port=1", "--scenario=documented"], "can't open port 1", id="port"),
    ],
)
def test_simulate_says_what_is_wrong(tmp_path: Path, arguments: list[str], said: str) -> None:
    # Nobody may take port 1 but root, and root finds it taken.
    blocker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import socket, sys\n"
            "try: server = socket.create_server(('127.0.0.1', 1))\n"
            "except OSError: pass\n"
            "print(flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert blocker.stdout is not None
    blocker.stdout.readline()
    done = command.run("simulate", *arguments, cwd=tmp_path)
    blocker.communicate()
    assert done.code == ExitCode.USAGE
    assert said in done.stderr


@pytest.mark.slow
@pytest.mark.covering
def test_demo_leaves_its_reports_in_the_folder_that_it_names(tmp_path: Path) -> None:
    done = command.run("demo", cwd=tmp_path, TMPDIR=str(tmp_path))
    assert done.code == ExitCode.PASSED, done.output
    folder = Path(done.stderr.splitlines()[-1].removeprefix("The reports are in "))
    assert sorted(path.name for path in folder.iterdir()) == [
        *("TEST-testery.xml", "testery.html", "testery.json"),
    ]
    assert "FAILED" in done.stdout
    assert "(failed: 1 new, 1 flaky, 1 known)" in done.stdout


def test_demo_without_a_place_for_reports_says_so(tmp_path: Path) -> None:
    program = (
        "import sys, tempfile\n"
        "from testery_gate.__main__ import main\n"
        "tempfile.tempdir = '/dev/null/none'\n"
        "sys.exit(main(['demo']))"
    )
    done = command.run_python(program, cwd=tmp_path)
    assert done.code == ExitCode.USAGE, done.stderr
    assert "--folder" in done.stderr


@pytest.mark.quick(4)
@pytest.mark.parametrize(
    ("broken", "code"),
    [
        pytest.param("raise RuntimeError('on purpose')", ExitCode.INTERNAL, id="a defect"),
        pytest.param(
            "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
            ExitCode.TERMINATED,
            id="a signal",
        ),
    ],
)
@pytest.mark.parametrize("module", ["testery_gate.cli.main", "testery_gate.cli.explain"])
def test_what_happens_while_modules_are_imported_never_ends_with_1(
    tmp_path: Path, broken: str, code: ExitCode, module: str
) -> None:
    program = (
        "import sys, testery_gate\n"
        "from testery_gate.__main__ import main\n"
        "class Breaks:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}: exec({broken!r})\n"
        "sys.meta_path.insert(0, Breaks())\n"
        "sys.exit(main(['explain']))"
    )
    done = command.run_python(program, cwd=tmp_path)
    assert done.code == code
