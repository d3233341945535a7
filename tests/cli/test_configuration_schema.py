"""The schema that editors hold a configuration file against says what the gate says."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest

from testery_gate.cli.config_file import InFile
from testery_gate.cli.doctor import doctor
from testery_gate.cli.list_runs import list_runs
from testery_gate.cli.option_types import Setting
from testery_gate.cli.options import SETTINGS
from testery_gate.cli.run import run
from testery_gate.cli.wait import wait
from testery_gate.errors import UsageError
from tests.cli.test_arguments import context
from tests.configuration_schema import ADDRESS, FILES, ROOT, made

SCHEMA = json.loads(made())
VALUES = (
    *(0, 1, 5, -1, 1.5, 100, 101, 10**6, True, False),
    *("5", "5%", "5.5%", "x", "auto", "90s", "1h30m", "30m1h", "7d", "2d,10", "10,2d", ",3"),
    *("all", "json", "new", "skipped", "name", "previous", "out/a.xml", "github", "never"),
    *(["name", "environment"], [5], ["x", "y"]),
)
GRAMMARS = {"require", "warn"}
"""Of these an editor sees how they begin; what they mean is for the gate."""


def accepted(settings: dict[str, Any]) -> bool:
    return jsonschema.Draft7Validator(SCHEMA).is_valid(settings)


def taken(folder: Path, settings: str, command: click.Command) -> bool:
    """Whether the command takes them from a file that it trusts."""
    path = folder / "testery-gate.toml"
    path.write_text(settings)
    try:
        with context(command, f"--config={path}", "--trust-config"):
            return True
    except (UsageError, click.UsageError):
        return False


def command_of(setting: Setting) -> click.Command:
    for command in (wait, list_runs, doctor, run):
        names = {param.option_name for param in command.params if isinstance(param, Setting)}
        if setting.option_name in names:
            return command
    raise AssertionError(setting.option_name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.parent.name))
def test_the_published_schema_is_current(path: Path) -> None:
    # To bring it in step: python -m tests.write_readme
    assert path.read_text(encoding="utf-8") == made()


def test_it_is_a_schema_and_has_all_that_a_file_may_set() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"].keys() == {
        setting.option_name for setting in SETTINGS if setting.in_file is not InFile.NEVER
    }


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param(setting, id=setting.option_name)
        for setting in SETTINGS
        if setting.in_file is not InFile.NEVER and setting.option_name not in GRAMMARS
    ],
)
def test_what_an_editor_takes_the_gate_takes(tmp_path: Path, setting: Setting) -> None:
    good = 0
    for value in VALUES:
        if accepted({setting.option_name: value}):
            line = f"{setting.option_name} = {json.dumps(value)}\n"
            assert taken(tmp_path, line, command_of(setting)), line
            good += 1
    assert good or setting.option_name == "expect"


RIGHT = [
    'timeout = "30m"\nmax-failed = "2%"\nrequire = ["total >= 100", "duration <= 20m"]',
    'interval = "auto"\noutage-tolerance = "90s"\nappear-within = "5m"\nmax-age = "7d"',
    'report = ["json=out/a.json", "html=out/a.html"]\njunit-xml = "out/TEST-a.xml"',
    'lookback = "7d,1000"\neach = ["name"]\nmin-runs = 3',
    'expect = "build-key=5"\nwarn = "ignored == 0"\nmin-pass-rate = 99.5',
    'baseline = "previous"\nhistory = 20\nonly-new = true',
]
WRONG = [
    'max-faild = "2%"',
    'token = "x"',
    "max-failed = true",
    "max-failed = [1]",
    "max-failed = 1.5",
    "trust-status = 2",
    'interval = "soon"',
    "max-duration = 30",
    'require = "failed"',
    'require = ["fail <= 5"]',
    'expect = "build=5"',
    'output = "xml"',
    "history = 201",
]


@pytest.mark.parametrize("settings", RIGHT)
def test_a_right_file_is_right_to_both(tmp_path: Path, settings: str) -> None:
    assert accepted(tomllib.loads(settings))
    assert taken(tmp_path, settings, wait)


@pytest.mark.parametrize("settings", WRONG)
def test_a_wrong_file_is_wrong_to_both(tmp_path: Path, settings: str) -> None:
    assert not accepted(tomllib.loads(settings))
    assert not taken(tmp_path, settings, wait)


def test_the_page_shows_the_line_for_editors() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert f"#:schema {ADDRESS}" in page
