"""What users install is what was reviewed, built and audited."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

import testery_gate

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "requirements" / "deploy.txt"
BASE = ROOT / "requirements" / "base.Dockerfile"
WORKFLOWS = ROOT / ".github" / "workflows"
RELEASE = yaml.safe_load((WORKFLOWS / "release.yml").read_text("utf-8"))
IMAGE = yaml.safe_load((WORKFLOWS / "image.yml").read_text("utf-8"))


def needed(job: str, workflow: dict[str, Any] = RELEASE) -> set[str]:
    """All jobs that have to have succeeded before this one."""
    before = workflow["jobs"][job].get("needs", [])
    direct = {before} if isinstance(before, str) else set(before)
    return direct.union(*(needed(name, workflow) for name in direct))


def permissions(workflow: dict[str, Any]) -> dict[str, Any]:
    assert workflow["permissions"] == {}
    return {name: job["permissions"] for name, job in workflow["jobs"].items()}


def test_nothing_is_published_that_was_not_tested_audited_and_attested() -> None:
    built = [step.get("run", "") for step in RELEASE["jobs"]["build"]["steps"]]
    assert {"make coverage test-slow", "make audit", "make build sbom bundle"} <= set(built)
    assert needed("publish") == needed("image") == {"attest", "build"}
    assert needed("release") == {"publish", "image", "attest", "build"}
    attested = [step.get("with", {}) for step in RELEASE["jobs"]["attest"]["steps"]]
    assert any("sbom-path" in inputs for inputs in attested)
    assert any(inputs.get("subject-path") == "dist/*" for inputs in attested)


def test_an_image_has_a_tag_only_when_it_was_tried_scanned_attested_and_signed() -> None:
    assert needed("publish", IMAGE) == {"plan", "build", "scan"}
    assert "push-by-digest=true" in str(IMAGE["jobs"]["build"]["steps"])
    assert IMAGE["jobs"]["build"]["steps"][-1]["name"] == "Run it on each architecture"
    steps = IMAGE["jobs"]["publish"]["steps"]
    assert [step.get("name") for step in steps[2:]] == [
        "Fetch the bills of materials that the build made",
        "Attest the provenance",
        "Attest the bill of materials for amd64",
        "Attest the bill of materials for arm64",
        "Sign it, and the image of each architecture",
        "Verify the signature, as SECURITY.md shows it",
        "Name it",
    ]


def test_the_signature_is_verified_as_it_is_documented() -> None:
    documented = (ROOT / "SECURITY.md").read_text("utf-8")
    (identity,) = re.findall(r"--certificate-identity-regexp '(\S+)'", documented)
    (step,) = [
        step["run"]
        for step in IMAGE["jobs"]["publish"]["steps"]
        if step.get("name", "").startswith("Verify")
    ]
    assert f"--certificate-identity-regexp '{identity}'" in step
    workflow = "https://github.com/testery-gate/testery-gate/.github/workflows/image.yml"
    assert re.search(identity, f"{workflow}@refs/tags/v1.2.3")
    assert re.search(identity, f"{workflow}@refs/heads/main")
    for other in ("refs/heads/mainly", "refs/pull/1/merge", "refs/tags/vague"):
        assert not re.search(identity, f"{workflow}@{other}")
    assert not re.search(identity, f"{workflow}@refs/tags/v1".replace("image", "other"))


def test_a_release_needs_no_stored_secret_and_each_job_few_rights() -> None:
    for path in (WORKFLOWS / "release.yml", WORKFLOWS / "image.yml"):
        assert "secrets." not in path.read_text("utf-8")
    assert permissions(RELEASE) == {
        "build": {"contents": "read"},
        "attest": {"id-token": "write", "attestations": "write"},
        "publish": {"contents": "read", "id-token": "write"},
        # What it hands on to the jobs of the other workflow.
        "image": {
            "contents": "read",
            "packages": "write",
            "id-token": "write",
            "attestations": "write",
        },
        "release": {"contents": "write"},
    }
    assert permissions(IMAGE) == {
        "plan": {"contents": "read"},
        "build": {"contents": "read", "packages": "write"},
        "scan": {"packages": "read"},
        "publish": {"packages": "write", "id-token": "write", "attestations": "write"},
    }


def test_the_base_of_the_image_is_pinned_where_it_is_kept_up() -> None:
    (base,) = re.findall(r"^FROM (.+)$", BASE.read_text("utf-8"), re.MULTILINE)
    name, _, digest = base.partition("@")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert f"\nARG PYTHON_IMAGE={name}\n" in dockerfile


def test_newer_versions_are_looked_for_everywhere() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text("utf-8"))["updates"]
    watched = {(update["package-ecosystem"], update["directory"]) for update in updates}
    assert watched == {
        ("github-actions", "/"),
        ("docker", f"/{BASE.parent.name}"),
        ("npm", "/tests/acceptance"),
        ("pip", "/requirements"),
    }


def make(target: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Make something as a person would, whatever made this."""
    kept = {name: of for name, of in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", target, *arguments],  # noqa: S607
        cwd=ROOT,
        env=kept,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.mark.acceptance
def test_the_bill_of_materials_is_what_is_locked() -> None:
    done = make("sbom")
    assert done.returncode == 0, done.stdout + done.stderr
    bill = json.loads((ROOT / "dist" / "testery-gate.cdx.json").read_text("utf-8"))
    about = bill["metadata"]["component"]
    assert (about["name"], about["version"]) == ("testery-gate", testery_gate.__version__)
    lines = DEPLOY.read_text("utf-8").replace("\\\n", " ").splitlines()
    locked = {}
    for line in lines:
        if line.strip() and not line.startswith(("#", " ")):
            wanted, *hashes = line.split(" --hash=sha256:")
            requirement = Requirement(wanted.strip())
            (pin,) = requirement.specifier
            locked[f"{requirement.name}@{pin.version}"] = {text.split()[0] for text in hashes}
    listed = {
        component["purl"].removeprefix("pkg:pypi/"): {
            found["content"]
            for reference in component["externalReferences"]
            for found in reference["hashes"]
        }
        for component in bill["components"]
    }
    assert listed == locked
    before = (ROOT / "dist" / "testery-gate.cdx.json").read_bytes()
    make("sbom")
    assert (ROOT / "dist" / "testery-gate.cdx.json").read_bytes() == before


@pytest.mark.acceptance
def test_the_bundle_of_the_action_is_what_is_locked_and_the_same_every_time() -> None:
    expected = (ROOT / "action" / "bundle.json").read_bytes()
    about = json.loads(expected)
    bundle = ROOT / "dist" / about["url"].rpartition("/")[2]
    for _ in range(2):
        bundle.unlink(missing_ok=True)
        done = make("bundle")
        assert done.returncode == 0, done.stdout + done.stderr
        assert hashlib.sha256(bundle.read_bytes()).hexdigest() == about["sha256"]
    assert (ROOT / "action" / "bundle.json").read_bytes() == expected
    with zipfile.ZipFile(bundle) as wheels:
        digests = {hashlib.sha256(wheels.read(name)).hexdigest() for name in wheels.namelist()}
    lock = DEPLOY.read_text("utf-8")
    assert all(f"--hash=sha256:{digest}" in lock for digest in digests)
    assert len(digests) == lock.count("==")


@contextmanager
def service(**known: str) -> Iterator[str]:
    """Serve what is known against packages, as OSV's API tells it; an empty text is a fault."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = known.get(asked["package"]["name"])
            answer: dict[str, Any] = {}
            if found:
                affected = {"package": asked["package"], "ranges": [], "versions": []}
                answer = {"vulns": [{"id": found, "affected": [affected], "summary": "x"}]}
            self.send_response(500 if found == "" else 200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter that has the audit's tools."""
    done = make(".venv-audit/.installed")
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / ".venv-audit" / "bin" / "python"


def audit(python: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [python, "requirements/audit.py", *arguments, "requirements/deploy.txt"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.acceptance
@pytest.mark.parametrize(
    ("known", "code", "said"),
    [
        pytest.param({}, 0, "nothing is known against", id="clean"),
        pytest.param({"urllib3": "PYSEC-2026-1"}, 1, "PYSEC-2026-1, mended in", id="found"),
        pytest.param({"urllib3": ""}, 3, "could not be asked", id="a fault"),
    ],
)
def test_an_audit_ends_as_it_should(
    python: Path, known: dict[str, str], code: int, said: str
) -> None:
    with service(**known) as url:
        ended, output = audit(python, "--service=osv", f"--osv-url={url}")
    assert ended == code, output
    assert said in output


@pytest.mark.acceptance
def test_a_service_that_is_out_of_reach_is_no_clean_bill(python: Path) -> None:
    ended, output = audit(python, "--service=osv", "--osv-url=http://127.0.0.1:1/v1/query")
    assert ended == 3, output
    assert "could not be asked" in output
    assert "Not everything was audited" in output


@pytest.mark.acceptance
def test_nothing_is_known_against_what_users_install(python: Path) -> None:
    ended, output = audit(python)
    # A machine without a way to the service can't tell; the workflow of that name has one.
    assert ended == 0 or (ended == 3 and "Not everything was audited" in output), output
