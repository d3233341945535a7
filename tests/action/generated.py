"""The parts of action.yml that follow from the settings, and the tables that follow from it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from testery_gate.cli.option_types import Setting
from testery_gate.cli.wait import wait
from tests.readme import run_only

ROOT = Path(__file__).parents[2]
ACTION = ROOT / "action.yml"
PAGE = ROOT / "docs" / "github-action.md"

NO_INPUTS = {
    "token": "is an input of its own, for a secret",
    "token-file": "a secret comes as the input token",
    "profile": "a secret comes as the input token",
    "ci": "it is always GitHub",
    "code-host": "it is always GitHub",
    "code-host-token-file": "a secret comes as the input github-token",
    "output": "the log is for people; report takes a file for programs",
    "no-config": "only the input config makes the action read a file",
    "debug": "GitHub's own switch for debugging turns it on",
}
"""Settings that no input is generated for, and why."""


def settings() -> Iterator[tuple[Setting, str, str]]:
    """Each setting with its placeholder and its help."""
    with click.Context(wait, info_name="wait") as context:
        for parameter in (*wait.params, *run_only()):
            if isinstance(parameter, Setting):
                record = parameter.get_help_record(context)
                assert record is not None
                names, text = record
                placeholder = "" if parameter.is_flag else names.rpartition(" ")[2]
                yield parameter, placeholder, " ".join(text.split())


def _description(setting: Setting, placeholder: str, text: str) -> str:
    text = re.sub(r"; x>=\d+\]$", "]", text).replace("Repeatable.", "One a line.")
    return f"{'true or false' if setting.is_flag else placeholder}: {text}"


def inputs() -> str:
    """The declarations of the inputs that are settings."""
    lines = []
    for setting, placeholder, text in settings():
        if setting.option_name not in NO_INPUTS:
            lines += [f"  {setting.option_name}:", "    description: >-"]
            lines += textwrap.wrap(
                _description(setting, placeholder, text),
                width=100,
                initial_indent=" " * 6,
                subsequent_indent=" " * 6,
                break_long_words=False,
                break_on_hyphens=False,
            )
    return "\n".join(lines)


def variables() -> str:
    """The variables that hand these inputs on."""
    return "\n".join(
        f"        TESTERY_GATE_INPUT_{name.upper().replace('-', '_')}: ${{{{ inputs.{name} }}}}"
        for setting, _, _ in settings()
        if (name := setting.option_name) not in NO_INPUTS
    )


def brought_in_step(action: str) -> str:
    """Return action.yml with its generated parts as they should be."""
    for name, part in (("inputs", inputs()), ("variables", variables())):
        action = re.sub(
            rf"(?<=# begin {name}\n).*?(?=^ *# end {name}$)",
            lambda _, part=part: f"{part}\n",  # type: ignore[misc]
            action,
            flags=re.DOTALL | re.MULTILINE,
        )
    return action


def _table(title: str, declared: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        f"| `{name}` | {about['description'].strip().replace('|', chr(92) + '|')} |"
        for name, about in declared.items()
    ]
    return "\n".join([f"| {title} | what it is |", "| --- | --- |", *rows])


def page_brought_in_step(page: str, action: str) -> str:
    """Return the page about the action with its tables as action.yml declares them."""
    declared = yaml.safe_load(action)
    for name in ("inputs", "outputs"):
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        before, rest = page.split(begin)
        table = _table(name.removesuffix("s"), declared[name])
        page = before + begin + table + "\n" + end + rest.split(end, 1)[1]
    return page
