"""How reports reach the file system and standard output."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from testery_gate.errors import ExitCode, GateError, ReportLost, UsageError
from testery_gate.judging.judged import Judged
from testery_gate.reports import FORMATS, Report
from testery_gate.reports.files import check_writable, pour, publish, withdraw, write
from tests.builders import judge, make_policy, make_run, not_judged
from tests.reports.examples import EXAMPLES, FILES

NOBODY = 65534


def at(path: str) -> Report:
    return Report(format="junit", path=path)


def test_a_file_is_written_as_utf_8_in_directories_that_are_created(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folders" / "TEST-testery.xml"
    write(str(path), "é\n😀\n")
    assert path.read_bytes() == "é\n😀\n".encode()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("umask", "mode"),
    [
        pytest.param(0o022, 0o644, id="readable for all"),
        pytest.param(0o027, 0o640, id="readable for the group"),
    ],
)
def test_the_umask_decides_who_may_read_a_new_file(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write(str(tmp_path / "report"), "new")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "report") == mode


@pytest.mark.parametrize("mode", [0o600, 0o666, 0o444])
def test_a_replaced_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    path.chmod(mode)
    write(str(path), "new")
    assert (path.read_text(), mode_of(path)) == ("new", mode)


def test_a_file_is_replaced_and_never_overwritten(tmp_path: Path) -> None:
    path, old = tmp_path / "report", tmp_path / "old"
    path.write_text("old")
    old.hardlink_to(path)
    write(str(path), "new")
    assert (path.read_text(), old.read_text()) == ("new", "old")


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_the_file_it_leads_to_is_written(tmp_path: Path, exists: bool) -> None:
    link, target = tmp_path / "link", tmp_path / "elsewhere" / "report"
    link.symlink_to(target)
    if exists:
        target.parent.mkdir()
        target.write_text("old")
    check_writable(at(str(link)))
    write(str(link), "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "link"]
    assert list(target.parent.iterdir()) == [target]


def test_a_directory_that_vanishes_during_the_wait_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "out" / "report"
    check_writable(at(str(path)))
    path.parent.rmdir()
    write(str(path), "new")
    assert path.read_text() == "new"


def test_the_check_creates_directories_and_nothing_else(tmp_path: Path) -> None:
    check_writable(at(str(tmp_path / "new" / "folders" / "report")))
    assert list(tmp_path.rglob("*")) == [tmp_path / "new", tmp_path / "new" / "folders"]


def test_the_check_leaves_an_existing_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    before = path.stat()
    check_writable(at(str(path)))
    assert path.read_text() == "old"
    assert path.stat() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_as_long_as_the_file_system_allows_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    check_writable(at(str(path)))
    write(str(path), "new")
    assert path.read_text() == "new"


@pytest.mark.parametrize(
    ("act", "error"),
    [
        pytest.param(lambda path: check_writable(at(path)), UsageError, id="before the wait"),
        pytest.param(lambda path: write(path, "new"), ReportLost, id="at the end"),
    ],
)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("folder", "Is a directory", id="directory"),
        pytest.param("folder/", "Is a directory", id="directory with a slash"),
        pytest.param("new/", "Is a directory", id="directory to be"),
        pytest.param("new/.", "Is a directory", id="dot"),
        pytest.param("new/..", "Is a directory", id="two dots"),
        pytest.param("file/report", "Not a directory", id="below a file"),
        pytest.param("file/new/report", "Not a directory", id="far below a file"),
        pytest.param("file/", "Not a directory", id="file with a slash"),
        pytest.param("x" * 256, "File name too long", id="name too long"),
        pytest.param(f"new/{'x' * 256}/report", "File name too long", id="directory too long"),
        pytest.param("loop", "Too many levels of symbolic links", id="links in a circle"),
        pytest.param("a\0b", "embedded null", id="NUL"),
        pytest.param("\ud800", "surrogates not allowed", id="not encodable"),
        pytest.param("/proc/report", "No such file or directory", id="no room for files"),
        pytest.param("/proc/new/report", "No such file or directory", id="none for directories"),
    ],
)
def test_what_the_file_system_refuses_is_named(
    tmp_path: Path, act: Callable[[str], None], error: type[GateError], name: str, reason: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("old")
    (tmp_path / "loop").symlink_to("loop")
    path = f"{tmp_path}/{name}" if not name.startswith("/") else name
    with pytest.raises(error, match=reason) as caught:
        act(path)
    shown = path.replace("\0", "").replace("\ud800", "")
    assert caught.value.message.startswith(f"can't write the report {shown}: ")
    left = sorted(path.name for path in tmp_path.rglob("*"))
    assert left in (["file", "folder", "loop"], ["file", "folder", "loop", "new"])
    assert "new" not in left or error is ReportLost


def test_a_directory_that_this_user_may_not_write_to_is_refused() -> None:
    with for_ordinary_users() as folder:
        folder.chmod(0o555)
        with as_ordinary_user(), pytest.raises(UsageError, match="Permission denied"):
            check_writable(at(str(folder / "report")))


def test_a_pipe_that_this_user_may_not_write_to_is_refused() -> None:
    with for_ordinary_users() as folder:
        os.mkfifo(folder / "pipe")
        (folder / "pipe").chmod(0o444)
        with as_ordinary_user(), pytest.raises(UsageError, match="Permission denied"):
            check_writable(at(str(folder / "pipe")))


def test_a_pipe_is_written_into_and_not_opened_before(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    check_writable(at(str(path)))  # opening it would wait for a reader
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(path.read_text()), daemon=True)
    reader.start()
    write(str(path), "new")
    reader.join(timeout=30)
    assert read == ["new"]
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert list(tmp_path.iterdir()) == [path]


def test_a_device_is_written_into() -> None:
    check_writable(at(os.devnull))
    write(os.devnull, "new")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_device_without_room_loses_the_report() -> None:
    check_writable(at("/dev/full"))
    with pytest.raises(ReportLost, match="can't write the report /dev/full: No space left"):
        write("/dev/full", "new")


OWN_OUTPUT = """
import sys
from testery_gate.reports import Report
from testery_gate.reports.files import check_writable, write
at = lambda path: Report(format="junit", path=path)
print("before", flush=True)
check_writable(at("/dev/stdout"))
write("/dev/stdout", "report\\n")
print("after")
"""


def test_a_log_behind_standard_output_gets_the_report_between_its_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w") as stdout:
        subprocess.run([sys.executable, "-c", OWN_OUTPUT], stdout=stdout, check=True)
    assert log.read_text() == "before\nreport\nafter\n"
    assert list(tmp_path.iterdir()) == [log]


def test_a_pipe_behind_standard_output_gets_the_report_between_its_lines() -> None:
    assert python(OWN_OUTPUT).stdout == "before\nreport\nafter\n"


def test_a_report_can_be_written_with_standard_output_closed(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    script = (
        "import os, sys\n"
        "from testery_gate.reports.files import write\n"
        "os.close(1), os.close(2)\n"
        "write(sys.argv[1], 'new')"
    )
    subprocess.run([sys.executable, "-c", script, path], check=True)
    assert path.read_text() == "new"


def test_a_full_disk_loses_the_new_report_and_keeps_the_old(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    script = (
        "import resource, sys\n"
        "from testery_gate.errors import ReportLost\n"
        "from testery_gate.reports.files import write\n"
        "limits = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))\n"
        "try:\n"
        "    write(sys.argv[1], 'new' * 10_000)\n"
        "except ReportLost as error:\n"
        "    print(error)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, limits)"  # others write as they end
    )
    assert python(script, path).stdout == f"can't write the report {path}: File too large\n"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interruption_leaves_the_old_report_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    script = (
        "import sys\n"
        "from testery_gate.errors import Interrupted\n"
        "from testery_gate.reports.files import write\n"
        "def interrupt(event, arguments):\n"
        "    if event == 'os.rename':\n"  # the last step, when all is written
        "        raise Interrupted(2)\n"
        "sys.addaudithook(interrupt)\n"
        "try:\n"
        "    write(sys.argv[1], 'new')\n"
        "except Interrupted as error:\n"
        "    print(error)"
    )
    assert python(script, path).stdout == "SIGINT\n"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


PASSED = judge(make_policy(), make_run())
FAILED = judge(make_policy(), make_run(failed=1))


class Broken(io.StringIO):
    """A pipe whose reader went away."""

    def flush(self) -> None:
        raise BrokenPipeError(32, "Broken pipe")


def test_reports_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    stdout = io.StringIO()
    file = tmp_path / "t.xml"
    code = publish(
        [PASSED],
        [
            Report(format="junit", path=str(file)),
            Report(format="json", path="-"),
        ],
        stdout,
        lambda error: pytest.fail(str(error)),
    )
    assert code is ExitCode.PASSED
    assert file.read_text(encoding="utf-8").startswith("<?xml")
    assert stdout.getvalue().startswith("{")


@pytest.mark.parametrize(
    ("runs", "code"),
    [
        pytest.param([PASSED], ExitCode.REPORT_LOST, id="passed"),
        pytest.param([FAILED], ExitCode.FAILED, id="failed"),
        pytest.param([PASSED, FAILED], ExitCode.FAILED, id="both"),
        pytest.param(
            [not_judged(1, ExitCode.TIMED_OUT, "late")], ExitCode.TIMED_OUT, id="timed out"
        ),
    ],
)
def test_a_lost_report_is_complained_of_and_hides_no_worse_code(
    tmp_path: Path, runs: list[Judged], code: ExitCode
) -> None:
    lost: list[ReportLost] = []
    (tmp_path / "file").touch()
    wanted = [
        Report(format="json", path=str(tmp_path / "file" / "below" / "a.json")),
        Report(format="json", path="-"),
    ]
    assert publish(runs, wanted, Broken(), lost.append) is code
    assert len(lost) == 2
    assert "Broken pipe" in lost[1].message


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def python(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own; its errors are shown."""
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)


@contextmanager
def for_ordinary_users() -> Iterator[Path]:
    """Make a directory that every user gets to, as ``tmp_path`` is not."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Lay down root's rights, which no permission binds."""
    if os.getuid() != 0:
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("example", EXAMPLES)
def test_a_report_is_known_again_and_withdrawn(tmp_path: Path, example: str, format_: str) -> None:
    path = tmp_path / "report"
    write(str(path), FORMATS[format_](EXAMPLES[example]))
    withdraw([at(str(path))])
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "## Notes\n", '<?xml version="1.0"?>', "{}", "\0\xff"])
def test_what_is_no_report_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report"
    path.write_text(text)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    places = ("report", "missing", "folder", "pipe", "a\0b")
    withdraw(at(str(tmp_path / name)) for name in places)
    assert path.read_text() == text
    assert {found.name for found in tmp_path.iterdir()} == {"report", "folder", "pipe"}


REPORT = "TESTERY_GATE_OUTCOME=passed\n"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param("hook", "only replace a report", id="another file"),
        pytest.param("program", "only replace a report", id="a program"),
        pytest.param("pipe", "only replace a report", id="a pipe"),
        pytest.param("link", "through a link", id="a link"),
        pytest.param("dangling", "through a link", id="a link to nothing"),
        pytest.param("linked/new", "through a link", id="behind a link"),
        pytest.param(".git/hooks/new", "into .git", id="git"),
        pytest.param("folder/.GIT/new", "into .git", id="git elsewhere"),
        pytest.param(".git. /new", "into .git", id="git as Windows reads it"),
        pytest.param("../new", "not inside", id="above"),
        pytest.param("/dev/null", "not inside", id="a device"),
    ],
)
def test_what_a_file_names_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, reason: str
) -> None:
    work = tmp_path / "work"
    (work / "folder").mkdir(parents=True)
    monkeypatch.chdir(work)
    Path("hook").write_text("#!/bin/sh\n")
    Path("program").write_text(REPORT)
    Path("program").chmod(0o755)
    Path("old").write_text(REPORT)
    Path("link").symlink_to("old")
    Path("dangling").symlink_to("nothing")
    Path("linked").symlink_to("folder")
    os.mkfifo("pipe")
    before = sorted(str(found) for found in tmp_path.rglob("*"))
    report = Report(format="dotenv", path=path, careful=True)
    with pytest.raises(UsageError, match=reason):
        check_writable(report)
    with pytest.raises(ReportLost, match=reason):
        write(path, REPORT, careful=True)
    withdraw([report])
    assert sorted(str(found) for found in tmp_path.rglob("*")) == before
    assert Path("hook").read_text() == "#!/bin/sh\n"


@pytest.mark.parametrize("path", ["new", "folder/new", "old", "./old"])
def test_what_a_file_names_may_be_new_or_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old").write_text(REPORT)
    check_writable(Report(format="dotenv", path=path, careful=True))
    write(path, REPORT + "new", careful=True)
    assert Path(path).read_text() == REPORT + "new"


def test_standard_output_is_no_file_to_be_careful_with() -> None:
    check_writable(Report(format="dotenv", path="-", careful=True))


def test_a_pipe_that_nobody_reads_is_not_waited_for_without_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ReportLost, match="can't write the report"):
        write(str(tmp_path / "pipe"), "new", patience=0.01)


def test_a_pipe_whose_reader_has_stopped_is_given_up() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        with pytest.raises(TimeoutError, match="nobody reads it"):
            pour(writing, b"x" * 1_000_000, 0.01)
    finally:
        os.close(reading)
        os.close(writing)


def test_a_pipe_takes_more_than_it_holds() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    read: list[bytes] = []
    with os.fdopen(reading, "rb") as stream:
        reader = threading.Thread(target=lambda: read.append(stream.read()), daemon=True)
        reader.start()
        pour(writing, b"x" * 1_000_000, 30)
        os.close(writing)
        reader.join(timeout=30)
    assert read == [b"x" * 1_000_000]


def test_signed_addresses_go_into_files_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "old").write_text("{}")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    stdout = io.StringIO()
    paths = ["-", *(str(tmp_path / name) for name in ("pipe", "new", "old"))]
    wanted = [Report(format="json", path=path) for path in (*paths, str(tmp_path))]
    lost: list[ReportLost] = []
    publish(EXAMPLES["evidence"], wanted, stdout, lost.append)
    reader.join()
    assert [FILES in text for text in (stdout.getvalue(), *read)] == [False, False]
    assert [FILES in (tmp_path / name).read_text() for name in ("new", "old")] == [True, True]
    assert len(lost) == 1
