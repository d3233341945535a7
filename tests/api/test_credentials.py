from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from testery_gate.api.credentials import (
    CODE_HOST_VARIABLE,
    FILE_SECONDS,
    Token,
    find_code_host_token,
    find_token,
    redacted,
    without_token,
)
from testery_gate.errors import UsageError


def test_other_programs_do_not_get_the_token() -> None:
    tokens = dict.fromkeys(["TESTERY_API_TOKEN", "TESTERY_TOKEN", "TESTERY_GATE_TOKEN"], "x")
    assert without_token({"PATH": "/bin", "TESTERY_API_URL": "y"} | tokens) == {
        "PATH": "/bin",
        "TESTERY_API_URL": "y",
    }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory with credentials."""
    folder = tmp_path / ".testery"
    folder.mkdir()
    (folder / "credentials").write_text(
        "[default]\ntoken = from-default\n[staging]\ntoken = from-%staging\n[empty]\nurl = x\n"
    )
    return tmp_path


def token(
    home: Path | None,
    *,
    flag: str | None = None,
    file: str | None = None,
    profile: str = "default",
    environment: Mapping[str, str] | None = None,
    stdin: str = "from-stdin\n",
    file_seconds: float = FILE_SECONDS,
) -> Token:
    return find_token(
        flag=flag,
        file=file,
        profile=profile,
        environment=environment or {},
        home=home,
        read_stdin=lambda: stdin,
        file_seconds=file_seconds,
    )


def test_the_sources_of_the_token_come_in_order(home: Path) -> None:
    file = home / "token"
    file.write_text("\nfrom-file \n")
    environment = {"TESTERY_API_TOKEN": "from-api", "TESTERY_TOKEN": "from-old"}
    assert token(home, flag="from-flag", file=str(file), environment=environment).value == (
        "from-flag"
    )
    found = token(home, file=str(file), environment=environment)
    assert (found.value, found.source) == ("from-file", f"file {file}")
    found = token(home, environment=environment)
    assert (found.value, found.source) == ("from-api", "environment variable TESTERY_API_TOKEN")
    found = token(home, environment=environment | {"TESTERY_API_TOKEN": " "})
    assert (found.value, found.source) == ("from-old", "environment variable TESTERY_TOKEN")
    found = token(home)
    assert found.value == "from-default"
    assert found.source == f"profile default in {home / '.testery' / 'credentials'}"
    assert token(home, profile="staging").value == "from-%staging"


def test_the_token_can_come_from_standard_input(home: Path) -> None:
    found = token(home, file="-")
    assert (found.value, found.source) == ("from-stdin", "standard input")


def test_a_pipe_can_give_the_token_and_is_not_waited_for_without_end(tmp_path: Path) -> None:
    pipe, silent = tmp_path / "pipe", tmp_path / "silent"
    for path in (pipe, silent):
        os.mkfifo(path)
    with pytest.raises(UsageError, match="did not end in time"):
        token(None, file=str(silent), file_seconds=0.05)
    with pytest.raises(UsageError, match="did not end in time"):
        find_code_host_token(str(silent), {}, file_seconds=0.05)
    silent.write_text("")  # so that what still reads it ends
    writer = threading.Thread(target=pipe.write_text, args=("from-pipe\n",))
    writer.start()
    assert token(None, file=str(pipe)).value == "from-pipe"
    writer.join()


@pytest.mark.parametrize("name", ["TESTERY_API_TOKEN", "TESTERY_TOKEN", CODE_HOST_VARIABLE])
def test_a_token_in_a_text_of_our_own_is_not_shown(name: str) -> None:
    text = "can't read file a-long-token: no such file"
    assert redacted(text, {name: " a-long-token\n"}) == "can't read file ***: no such file"
    assert redacted(text, {name: "file"}) == redacted(text, {}) == text


def test_the_token_is_in_no_representation(home: Path) -> None:
    assert "from-default" not in repr(token(home))


@pytest.mark.parametrize("profile", ["missing", "empty"])
def test_without_a_token_the_error_says_where_to_put_one(home: Path, profile: str) -> None:
    with pytest.raises(UsageError, match="there is no API token") as caught:
        token(home, profile=profile)
    assert "TESTERY_API_TOKEN" in caught.value.advice


def test_a_home_that_is_not_there_holds_no_token(tmp_path: Path) -> None:
    for home in (None, tmp_path / "missing"):
        with pytest.raises(UsageError, match="there is no API token"):
            token(home)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b" \n", "it is empty", id="empty"),
        pytest.param(b"\xff\xfe", "is not text", id="not text"),
        pytest.param(b"two words", "spaces or other invalid characters", id="a blank"),
        pytest.param("tökén".encode(), "spaces or other invalid characters", id="not ASCII"),
        pytest.param(
            b"line\r\nEvil: header", "spaces or other invalid characters", id="a header of its own"
        ),
        pytest.param(None, "can't be read", id="missing"),
    ],
)
def test_a_token_file_that_is_wrong_is_named_without_its_content(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=said) as caught:
        token(None, file=str(file))
    assert str(file) in caught.value.message
    assert "words" not in caught.value.message


@pytest.mark.parametrize("content", ["token = secret-without-a-section\n", "[default\nsecret\n"])
def test_a_broken_credentials_file_is_named_without_its_content(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / ".testery").mkdir()
    (tmp_path / ".testery" / "credentials").write_text(content)
    with pytest.raises(UsageError, match="not a valid credentials file") as caught:
        token(tmp_path)
    assert "secret" not in caught.value.message


def test_the_code_hosts_token_comes_from_a_file_or_its_variable(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    environment = {CODE_HOST_VARIABLE: "from-variable"}
    assert find_code_host_token(str(file), environment).value == "from-file"
    assert find_code_host_token(None, environment).value == "from-variable"
    with pytest.raises(UsageError, match=r"can't be read from file .*gone"):
        find_code_host_token(str(tmp_path / "gone"), environment)
