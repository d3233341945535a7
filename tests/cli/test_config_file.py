from __future__ import annotations

import os
from pathlib import Path

import pytest

from testery_gate.cli.config_file import (
    LARGEST_FILE,
    ConfigFile,
    InFile,
    check_trusted,
    read_config,
)
from testery_gate.cli.option_types import Setting
from testery_gate.cli.wait import wait
from testery_gate.errors import UsageError
from testery_gate.toml import MOST_DOTS

NEVER = ("config", "no-config", "token", "trust-config")
KNOWN = dict.fromkeys(("max-failed", "require", "timeout", "fail-fast"), InFile.HARMLESS) | (
    dict.fromkeys(NEVER, InFile.NEVER)
)


def test_no_file_is_no_setting(tmp_path: Path) -> None:
    assert read_config(None, tmp_path, KNOWN) is None


def test_the_project_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "testery-gate.toml").write_text("max-failed = 2\nrequire = ['total >= 10']\n")
    config = read_config(None, tmp_path, KNOWN)
    assert config is not None
    assert config.path == tmp_path / "testery-gate.toml"
    assert config.values == {"max-failed": 2, "require": ["total >= 10"]}


def test_the_section_of_pyproject_is_found(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.testery-gate]\nfail-fast = true\n")
    config = read_config(None, tmp_path, KNOWN)
    assert config is not None
    assert config.values == {"fail-fast": True}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[tool.other]\nmax-failed = 2\n", id="another tool's"),
        pytest.param("[project]\nname = 'x'\n", id="no tool"),
    ],
)
def test_a_pyproject_without_the_section_sets_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert read_config(None, tmp_path, KNOWN) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[[tool.testery-gate]]\nmin-total = 100\n", id="a list of tables"),
        pytest.param("[tool]\ntestery-gate = 'min-total = 100'\n", id="a text"),
        pytest.param("tool = 1\n", id="tool is no table"),
    ],
)
def test_settings_in_the_wrong_shape_are_not_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(UsageError, match="not a table of settings"):
        read_config(None, tmp_path, KNOWN)


def test_an_explicit_pyproject_must_have_the_section(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text("[project]\nname = 'x'\n")
    with pytest.raises(UsageError, match="has no section"):
        read_config(file, tmp_path, KNOWN)


@pytest.mark.parametrize("name", ["testery-gate.toml", "pyproject.toml"])
def test_a_file_that_can_not_be_read_is_not_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match="can't be read"):
        read_config(None, tmp_path, KNOWN)


def test_the_project_file_comes_before_pyproject(tmp_path: Path) -> None:
    (tmp_path / "testery-gate.toml").write_text("max-failed = 1\n")
    (tmp_path / "pyproject.toml").write_text("[tool.testery-gate]\nmax-failed = 2\n")
    config = read_config(None, tmp_path, KNOWN)
    assert config is not None
    assert config.values == {"max-failed": 1}


def test_an_explicit_file_comes_before_all(tmp_path: Path) -> None:
    (tmp_path / "testery-gate.toml").write_text("max-failed = 1\n")
    other = tmp_path / "staging.toml"
    other.write_text("max-failed = 3\n")
    config = read_config(other, tmp_path, KNOWN)
    assert config is not None
    assert config.values == {"max-failed": 3}


def test_an_explicit_pyproject_is_read_for_its_section(tmp_path: Path) -> None:
    other = tmp_path / "pyproject.toml"
    other.write_text("[project]\nname = 'x'\n[tool.testery-gate]\nmax-failed = 3\n")
    config = read_config(other, tmp_path / "elsewhere", KNOWN)
    assert config is not None
    assert config.values == {"max-failed": 3}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "max-faild = 2", "'max-faild', which is not a setting; did you mean max-failed?"
        ),
        pytest.param("zzz = 2", "the settings are fail-fast, max-failed, require, timeout"),
        pytest.param("max_failed = 2", "did you mean max-failed?"),
        pytest.param("max-failed = ", "not valid TOML"),
        pytest.param("[max-failed]\nx = 1", "to something that is not a text"),
        pytest.param("require = [['total >= 1']]", "to something that is not a text"),
        pytest.param("timeout = 2020-01-01", "to something that is not a text"),
        pytest.param(f"max-failed = {2**63}", "a number that is too large"),
        pytest.param(f"max-failed = 0x{'f' * 5000}", "that is too large", id="too large"),
        pytest.param(f"max-failed = {'9' * 5000}", "not valid TOML", id="an endless number"),
        pytest.param("require = " + "[" * 50_000, "not valid TOML", id="nested deeply"),
        pytest.param("config = 'other.toml'", "sets config, which a file can't set"),
        pytest.param("no-config = true", "sets no-config, which a file can't set"),
        pytest.param("token = 'x'", "sets token, which a file can't set"),
        pytest.param("trust-config = true", "sets trust-config, which a file can't set"),
        pytest.param('"\\u001b[2J" = 1', r"'\x1b[2J', which is not a setting"),
    ],
)
def test_a_file_that_is_wrong_says_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "testery-gate.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_config(None, tmp_path, KNOWN)
    assert str(path) in caught.value.message
    assert said in caught.value.message


def test_a_file_that_is_not_there_is_an_error_when_it_was_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read: No such file"):
        read_config(tmp_path / "missing.toml", tmp_path, KNOWN)


def test_a_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "testery-gate.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not valid TOML"):
        read_config(None, tmp_path, KNOWN)


def test_a_pipe_in_the_project_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "testery-gate.toml")
    with pytest.raises(UsageError, match="not a regular file"):
        read_config(None, tmp_path, KNOWN)


def test_a_pipe_that_was_named_is_read(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"max-failed = 1")
    os.close(writing)
    try:
        config = read_config(Path(f"/dev/fd/{reading}"), tmp_path, KNOWN)
    finally:
        os.close(reading)
    assert config is not None
    assert config.values == {"max-failed": 1}


@pytest.mark.parametrize("name", ["testery-gate.toml", "pyproject.toml"])
def test_a_file_too_large_for_settings_is_not_read_whole(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"#" * (LARGEST_FILE[name] + 1))
    with pytest.raises(UsageError, match=r"larger than \d+ KiB"):
        read_config(None, tmp_path, KNOWN)


@pytest.mark.parametrize("name", ["testery-gate.toml", "pyproject.toml"])
@pytest.mark.parametrize(
    "line",
    [
        pytest.param("a{dots} = 1", id="a key"),
        pytest.param("[a{dots}]", id="a heading"),
        pytest.param("x = {{a{dots} = 1}}", id="a key in a table"),
        pytest.param("x = '''\n''', {{a{dots} = 1}}", id="after a text of several lines"),
        pytest.param('"\\\\".a{dots} = 1', id="after a text"),
        pytest.param("""'"'.a{dots} = 1""", id="after a quote in a text"),
    ],
)
def test_a_key_of_very_many_parts_is_not_parsed(tmp_path: Path, name: str, line: str) -> None:
    (tmp_path / name).write_text("\n" + line.format(dots=".a" * 10_000))
    with pytest.raises(UsageError, match="more than 100 dots outside of texts"):
        read_config(None, tmp_path, KNOWN)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("max-failed = 1 # {dots}", id="a comment"),
        pytest.param('max-failed = "1" # "{dots}', id="a comment with a quote"),
        pytest.param("""max-failed = 1 # '"{dots}""", id="a comment after a text"),
        pytest.param("require = ['{dots}']", id="a text"),
        pytest.param('require = ["\\"{dots}"]', id="a text with a quote"),
    ],
)
def test_dots_in_texts_and_comments_are_no_parts(tmp_path: Path, line: str) -> None:
    (tmp_path / "testery-gate.toml").write_text(line.format(dots="." * (MOST_DOTS + 1)))
    assert read_config(None, tmp_path, KNOWN) is not None


def test_blanks_alone_are_no_value(tmp_path: Path) -> None:
    (tmp_path / "testery-gate.toml").write_text(
        "max-failed = ' '\ntimeout = \"\"\nrequire = ['', \" total >= 1\\n\"]\nfail-fast = []\n"
    )
    config = read_config(None, tmp_path, KNOWN)
    assert config is not None
    assert config.values == {"require": ["total >= 1"]}


def test_a_setting_is_found_in_its_line(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "timeout = 1\n[tool.x]\nmax-failed = 1\n\n[ tool.'testery-gate' ] # ours\n# none\n"
        "max-failed = 2\n\"timeout\" = '''\n1m'''\nrequire = [\n  'total >= 1',\n]\n"
    )
    config = read_config(None, tmp_path, KNOWN)
    assert config is not None
    assert config.place("max-failed") == f"{tmp_path}/pyproject.toml, line 7"
    assert config.lines == {"max-failed": 7, "timeout": 8, "require": 10, "total >": 11}
    assert config.place("fail-fast") == f"{tmp_path}/pyproject.toml"


def test_what_never_ends_is_not_read_whole(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="larger than 64 KiB"):
        read_config(Path("/dev/zero"), tmp_path, KNOWN)


def test_a_link_to_another_file_quotes_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2-is-my-password\n")
    (tmp_path / "testery-gate.toml").symlink_to(tmp_path / "secret")
    with pytest.raises(UsageError, match="not valid TOML") as caught:
        read_config(None, tmp_path, KNOWN)
    assert "hunter2" not in caught.value.message


def test_no_file_need_be_taken(tmp_path: Path) -> None:
    (tmp_path / "testery-gate.toml").write_text("max-failed = 1\n")
    config = read_config(Path(os.devnull), tmp_path, KNOWN)
    assert config is not None
    assert not config.values


@pytest.mark.parametrize(
    ("setting", "value", "allowed"),
    [
        pytest.param("api-url", "https://api.testery.io/api", False, id="the address"),
        pytest.param("token-file", "token", False, id="a token"),
        pytest.param("junit-xml", "out/TEST.xml", True, id="inside"),
        pytest.param("junit-xml", "out/../TEST.xml", True, id="inside after all"),
        pytest.param("junit-xml", "-", True, id="standard output"),
        pytest.param("junit-xml", "../TEST.xml", False, id="outside"),
        pytest.param("junit-xml", "/dev/stdout", False, id="a device"),
        pytest.param("junit-xml", "linked/TEST.xml", False, id="behind a linked folder"),
        pytest.param("junit-xml", "linked.xml", False, id="behind a link"),
        pytest.param("junit-xml", "looping", True, id="a link to itself"),
        pytest.param("junit-xml", "a\0b", False, id="no path at all"),
        pytest.param("junit-xml", 5, True, id="a number"),
        pytest.param("report", ["json=a.json", "dotenv=a.env"], True, id="reports inside"),
        pytest.param("report", ["json=a.json", "dotenv=../a.env"], False, id="one outside"),
        pytest.param("report", "json=/etc/a.json", False, id="elsewhere"),
        pytest.param("report", "json", True, id="no path"),
        pytest.param("max-failed", "../x", True, id="no path of a report"),
    ],
)
def test_what_a_file_may_set(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    value: object,
    *,
    allowed: bool,
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "linked").symlink_to(tmp_path)
    (work / "linked.xml").symlink_to(tmp_path / "missing.xml")
    (work / "looping").symlink_to(work / "looping")
    monkeypatch.chdir(work)
    file = ConfigFile(path=Path("testery-gate.toml"), values={setting: value}, lines={})
    use = next(
        s.in_file for s in wait.params if isinstance(s, Setting) and s.option_name == setting
    )
    if allowed:
        check_trusted(file, setting, use)
        return
    with pytest.raises(UsageError, match=f"testery-gate.toml sets {setting}") as caught:
        check_trusted(file, setting, use)
    assert "--trust-config" in caught.value.advice


@pytest.mark.usefixtures("nowhere")
def test_where_there_is_no_working_directory_nothing_is_inside() -> None:
    file = ConfigFile(path=Path("/x/gate.toml"), values={"junit-xml": "TEST.xml"}, lines={})
    with pytest.raises(UsageError, match="not inside"):
        check_trusted(file, "junit-xml", InFile.WRITES)
