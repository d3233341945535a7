"""The tables of ``docs/git-ref.md``, from the rules of each CI system."""

from __future__ import annotations

from pathlib import Path
from typing import assert_never

from testery_gate.runs.commit_rules import (
    SYSTEMS,
    Checkout,
    InEvent,
    Rule,
    System,
    Unknown,
)

PAGE = Path(__file__).parents[1] / "docs" / "git-ref.md"
BEGIN, END = "<!-- begin systems -->\n", "<!-- end systems -->"
ELSE = "anything else, or a variable that is missing"


def rows(system: System) -> list[tuple[str, str]]:
    """What a system's table says, row by row."""
    return [*((rule.when, taken(rule)) for rule in system.rules), (ELSE, passed(system.otherwise))]


def taken(rule: Rule) -> str:
    """Which commit a rule takes, in words."""
    only_if = ""
    if rule.only_if is not None:
        path, values = rule.only_if
        shown = " or ".join(f"`{str(value).lower()}`" for value in values)
        only_if = f", if `github.event.{path}` is {shown}"
    match rule.take:
        case str(name):
            return f"`{name}`{only_if}"
        case InEvent(path):
            return f"`github.event.{path}`{only_if}"
        case Checkout():
            return "the commit that is checked out"
        case Unknown():
            return passed(rule.take)
        case _:
            assert_never(rule.take)


def passed(unknown: Unknown) -> str:
    """What to pass, in words."""
    remark = f", {unknown.remark}" if unknown.remark else ""
    return f"nothing (2); pass `{unknown.instead}`{remark}"


def tables() -> str:
    """All systems' tables."""
    return "\n".join(
        f"## {system.name}\n\n"
        f"Recognised by `{system.sign[0]}`; [its documentation]({system.source}).\n\n"
        "| build | auto takes |\n| --- | --- |\n"
        + "".join(f"| {when} | {what} |\n" for when, what in rows(system))
        for system in SYSTEMS
    )


def page_brought_in_step(page: str) -> str:
    """Return the page with its tables as they should be."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + tables() + END + rest.split(END, 1)[1]
