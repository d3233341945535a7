"""action.yml and what is said of it, held against the settings."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from testery_gate.errors import ExitCode
from tests.action import generated
from tests.action.generated import ACTION, NO_INPUTS, PAGE
from tests.action.jobs import OUTPUTS
from tests.action.runner import ROOT, read_yaml

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_yaml(ACTION)["runs"]["steps"]
    return found


# To bring both in step: python -m tests.write_readme
def test_the_inputs_are_the_settings() -> None:
    text = ACTION.read_text(encoding="utf-8")
    assert text == generated.brought_in_step(text)
    names = {setting.option_name for setting, _, _ in generated.settings()}
    assert NO_INPUTS.keys() <= names
    others = {"runs", "command", "fail", "token", "github-token"}
    assert yaml.safe_load(text)["inputs"].keys() == (names - NO_INPUTS.keys()) | others


def test_the_page_describes_every_input_and_output() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == generated.page_brought_in_step(page, ACTION.read_text(encoding="utf-8"))
    for name in NO_INPUTS.keys() - {"token"}:
        assert f"`{name}`" in page.split("Settings that are no inputs:")[1].split("\n")[0]


def test_every_output_is_declared_and_every_outcome_named() -> None:
    outputs = read_yaml(ACTION)["outputs"]
    assert tuple(outputs) == OUTPUTS
    for code in ExitCode:
        assert re.search(rf"\b{code.outcome}\b", outputs["outcome"]["description"])


def test_every_input_is_handed_on() -> None:
    text = ACTION.read_text(encoding="utf-8").split("\nruns:\n")[1]
    used = set(re.findall(r"\binputs\.([\w-]+)", text))
    assert used == read_yaml(ACTION)["inputs"].keys()


@pytest.mark.parametrize("path", [pytest.param(p, id=p.name) for p in [ACTION, *WORKFLOWS]])
def test_no_script_holds_an_expression(path: Any) -> None:
    def scripts(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["run"]] if isinstance(node.get("run"), str) else []
            return own + [text for value in node.values() for text in scripts(value)]
        return [text for item in node for text in scripts(item)] if isinstance(node, list) else []

    found = scripts(read_yaml(path))
    assert found
    assert not [text for text in found if "${{" in text]


def test_the_action_uses_no_other() -> None:
    assert not [step for step in steps() if "uses" in step]


@pytest.mark.parametrize("path", [pytest.param(p, id=p.name) for p in WORKFLOWS])
def test_foreign_actions_are_pinned_to_commits(path: Any) -> None:
    used = re.findall(r"^ *(?:- )?uses: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    for name in used:
        assert name.startswith("./") or re.fullmatch(
            r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v[\d.]+", name
        )
