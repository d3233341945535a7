"""Jobs that use the action of this checkout."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.acceptance import command
from tests.action.runner import ROOT, Done, Job, Step
from tests.canary import CANARY

NAME = "testery-gate/testery-gate@"
OUTPUTS = (
    *("outcome", "exit-code", "passed", "failed", "ignored", "total", "pass-rate"),
    *("new-failed", "known-failed", "flaky-failed", "quarantined-failed"),
    *("fixed", "missing", "added"),
    *("run-id", "run-url", "junit-path", "json-path", "reason"),
)


def this_action(name: str) -> Path | None:
    """Take what the documentation calls the action for this checkout."""
    assert name.startswith(NAME), name
    return ROOT


def action_with_bundle(folder: Path, url: str, content: bytes) -> Path:
    """Make an action like this checkout's, for which the requirements are at an address.

    It expects them to be this content.
    """
    (folder / "action").mkdir(parents=True)
    for name in ("action.yml", "testery_gate", "requirements"):
        (folder / name).symlink_to(ROOT / name)
    for path in (ROOT / "action").iterdir():
        if path.name != "bundle.json":
            (folder / "action" / path.name).symlink_to(path)
    about = {"url": url, "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "action" / "bundle.json").write_text(json.dumps(about))
    return folder


def new_job(folder: Path, **machine: str) -> Job:
    """A job on a machine whose environment, but for these variables, is that of the tests."""
    env = command.environment(None, TESTERY_API_TOKEN="") | machine
    return Job(folder=folder, machine=env, actions=this_action, secrets={"TOKEN": CANARY})


def prepare(job: Job) -> None:
    """Leave what an earlier step would: the locked requirements are those of the tests here."""
    folder = job.temporary / "testery-gate"
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    shutil.copy(ROOT / "requirements" / "deploy.txt", folder / "installed.txt")


def step(inputs: Mapping[str, object]) -> Step:
    """A step that uses the action, for run 55676 unless the inputs say otherwise."""
    given = {"token": "${{ secrets.TOKEN }}", "runs": 55676, **inputs}
    return {"id": "gate", "uses": NAME, "with": given}


def use(
    folder: Path, api_url: str, inputs: Mapping[str, object], env: Mapping[str, str] | None = None
) -> Done:
    """Use the action in a job of its own, without installing anything."""
    with new_job(folder) as job:
        prepare(job)
        job.env |= {"TESTERY_API_URL": api_url, **(env or {})}
        (done,) = job.run([step(inputs)])
    return done


def block(page: Path, heading: str) -> list[dict[str, Any]]:
    """Read the steps in the first YAML block under a heading."""
    section = page.read_text(encoding="utf-8").split(f"\n{heading}\n", 1)[1]
    steps: list[dict[str, Any]] = yaml.safe_load(section.split("```yaml\n", 1)[1].split("```")[0])
    return steps
