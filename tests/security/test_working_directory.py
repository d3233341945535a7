"""What lies in the working directory comes with the change under test: none of it is run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from testery_gate import __version__
from testery_gate.errors import ExitCode
from tests.acceptance import command
from tests.canary import CANARY

MODULES = ("__future__", "click", "requests", "urllib3", "ssl", "contextlib", "typing", "signal")


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    for name in MODULES:
        (tmp_path / f"{name}.py").write_text("import os\nopen('owned', 'w').close()\nos._exit(0)\n")
    return tmp_path


@pytest.mark.covering
@pytest.mark.parametrize(
    "start",
    [
        pytest.param([command.COMMAND], id="script"),
        pytest.param([sys.executable, "-m", "testery_gate"], id="module"),
        pytest.param([sys.executable, "-P", "-m", "testery_gate"], id="module and -P"),
    ],
)
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param("wait 1 --token-file=missing", ExitCode.USAGE, id="wait"),
        pytest.param("--version", ExitCode.PASSED, id="version"),
    ],
)
def test_modules_beside_the_run_are_not_imported(
    planted: Path, start: list[str], arguments: str, code: ExitCode
) -> None:
    env = command.environment(None)
    done = command.run_program([*start, *arguments.split()], cwd=planted, env=env)
    assert done.code == code, done.output
    assert not (planted / "owned").exists()
    assert code is not ExitCode.PASSED or __version__ in done.stdout


def test_a_module_starts_where_the_working_directory_is_gone(tmp_path: Path) -> None:
    gone = 'd=$(mktemp -d) && cd "$d" && rmdir "$d" && exec "$0" -m testery_gate --version'
    argv = ["sh", "-c", gone, sys.executable]
    done = command.run_program(argv, cwd=tmp_path, env=command.environment(None))
    assert done.code == ExitCode.PASSED


def test_without_a_home_no_token_comes_from_the_working_directory(tmp_path: Path) -> None:
    for name in ("~", "here"):
        folder = tmp_path / name / ".testery"
        folder.mkdir(parents=True)
        (folder / "credentials").write_text(f"[default]\ntoken = {CANARY}\n")
    for home in ("~", "here"):
        done = command.run("explain", cwd=tmp_path, TESTERY_API_TOKEN="", HOME=home)
        assert "there is no API token" in done.stdout
    # As in a container whose user has a number alone.
    code = (
        "import os, pwd, sys; from testery_gate.__main__ import main; del os.environ['HOME'];"
        " pwd.getpwuid = {}.__getitem__; sys.exit(main(['explain']))"
    )
    env = command.environment(None, TESTERY_API_TOKEN="")
    done = command.run_program([sys.executable, "-c", code], cwd=tmp_path, env=env)
    assert "there is no API token" in done.stdout
