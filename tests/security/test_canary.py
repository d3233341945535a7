"""The search for the token finds it, wherever it is left."""

from __future__ import annotations

import base64
import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.command import Finished
from tests.canary import CANARY, files_with_token, holds_token

ROOT = Path(__file__).parents[2]
SPLIT = f"'{CANARY[:8]}' + '{CANARY[8:]}'"
"""The token as these tests write it down, so that it is in no file of theirs."""


def run_tests(folder: Path, *bodies: str) -> tuple[int, str]:
    """Run tests of these bodies in a session of its own, with the hooks that all tests have."""
    tests = (f"def test_{n}(tmp_path):\n    {body}\n" for n, body in enumerate(bodies))
    (folder / "test_it.py").write_text(f"TOKEN = {SPLIT}\n\n{''.join(tests)}")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "tests.canary", "-p", "no:cacheprovider"),
            *("--rootdir=.", "--basetemp=left", "-c", "/dev/null", "test_it.py"),
        ],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).replace(CANARY, "***")


def test_a_token_that_is_left_anywhere_fails_the_tests(tmp_path: Path) -> None:
    code, output = run_tests(
        tmp_path,
        "print(TOKEN)",
        "import sys; sys.stderr.write(TOKEN)",
        "import logging; logging.error(TOKEN)",
        "(tmp_path / 'x').write_text('a' + TOKEN)",
        "import gzip; (tmp_path / 'x').write_bytes(gzip.compress(TOKEN.encode()))",
        "(tmp_path / TOKEN).touch()",
    )
    assert code == 1, output
    for number in range(3):
        assert f"the token was printed in test_it.py::test_{number}" in output
    found = re.search(r"the token is in (/.*)", output)
    assert found is not None, output
    for left in ("test_30/x", "test_40/x", "test_50/***"):
        assert left in found[1]
    assert "3 failed, 3 passed" in output
    (tmp_path / "test_it.py").unlink()
    for path in files_with_token(tmp_path):
        path.unlink()


def test_what_only_hides_or_holds_the_token_does_not(tmp_path: Path) -> None:
    code, output = run_tests(
        tmp_path,
        "print('::add-mask::' + TOKEN)",
        "(tmp_path / 'token').write_text(TOKEN + '\\n')",
        "(tmp_path / 'credentials').write_text('[ci]\\ntoken = ' + TOKEN)",
        "print(TOKEN[:-1])",
    )
    assert code == 0, output


def test_what_a_process_prints_is_looked_through() -> None:
    for stdout, stderr in (
        (f"a\n{CANARY}", ""),
        ("", f"x{CANARY}x"),
        (f"x ::add-mask::{CANARY}", ""),
    ):
        with pytest.raises(AssertionError, match="the token shows"):
            Finished(0, stdout, stderr)
    assert Finished(0, f"::add-mask::{CANARY}\n", "").code == 0


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "Bearer ", "user:"])
def test_the_token_is_known_in_other_clothes(before: str) -> None:
    text = f"{before}{CANARY} and more"
    for data in (
        text.encode(),
        text.encode("utf-16"),
        base64.b64encode(text.encode()),
        gzip.compress(text.encode()),
    ):
        assert holds_token(b"... " + data if data[:2] != b"\x1f\x8b" else data)


def test_what_is_packed_badly_is_looked_through_as_it_is() -> None:
    assert not holds_token(b"\x1f\x8bno gzip")
    assert not holds_token(gzip.compress(b"x" * 1000)[:-5])
