"""What is built, locked and promised around the package, held against each other."""

import configparser
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from email import message_from_string
from importlib.metadata import requires
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import testery_gate

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
VENDOR_LOCK = ROOT / "tests" / "acceptance" / "vendor-client.txt"
BUILD_STEP = "import sys; from setuptools import build_meta as b; getattr(b, sys.argv[1])('dist')"


def build(step: str, source: Path) -> Path:
    (source / "dist").mkdir(exist_ok=True)
    command = [sys.executable, "-W", "error", "-c", BUILD_STEP, step]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (built,) = (source / "dist").iterdir()
    return built


@pytest.fixture(scope="module")
def source_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    checkout = tmp_path_factory.mktemp("checkout")
    copytree(
        ROOT / "testery_gate", checkout / "testery_gate", ignore=ignore_patterns("__pycache__")
    )
    copytree(ROOT / "tests", checkout / "tests", ignore=ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():
        if path.is_file():
            copy(path, checkout)
    return build("build_sdist", checkout)


@pytest.fixture(scope="module")
def wheel(source_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(source_archive) as archive:
        archive.extractall(unpacked, filter="data")
    (source,) = unpacked.iterdir()
    return build("build_wheel", source)


def dist_info(wheel: Path, name: str) -> str:
    folder = f"testery_gate-{testery_gate.__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"{folder}/{name}").decode()


def test_the_wheel_made_from_the_source_archive_holds_every_file_of_the_package(
    wheel: Path,
) -> None:
    checkout = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "testery_gate").rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    with zipfile.ZipFile(wheel) as archive:
        built = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert built == checkout
    assert "testery_gate/py.typed" in built
    assert any(re.fullmatch(r"testery_gate/simulator/scenarios/.+\.toml", name) for name in built)


def test_the_source_archive_has_no_part_of_the_tests(source_archive: Path) -> None:
    with tarfile.open(source_archive) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "CHANGELOG.md", "LICENSE", "setup.cfg", "pyproject.toml"} <= names
    assert not [name for name in names if name.startswith("tests")]


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    metadata = message_from_string(dist_info(wheel, "METADATA"))
    assert metadata["Name"] == "testery-gate"
    assert metadata["Version"] == testery_gate.__version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert (ROOT / "README.md").read_text(encoding="utf-8").strip() in metadata.get_payload()


def test_the_wheel_brings_the_command(wheel: Path) -> None:
    entry_points = configparser.ConfigParser()
    entry_points.read_string(dist_info(wheel, "entry_points.txt"))
    assert dict(entry_points["console_scripts"]) == {"testery-gate": "testery_gate.__main__:main"}


def locked_lines(lock: Path) -> Iterator[str]:
    """Each requirement with its hashes, as pip reads them: continued lines joined, no comments."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        stripped = line.partition("#")[0].strip()
        if stripped:
            yield stripped


def locked(lock: Path) -> Iterator[Requirement]:
    for line in locked_lines(lock):
        yield Requirement(line.partition(" --hash=")[0])


def pins(lock: Path) -> Mapping[str, frozenset[str]]:
    """The versions of each package, by name; several where they depend on the Python."""
    found: dict[str, frozenset[str]] = {}
    for requirement in locked(lock):
        name = canonicalize_name(requirement.name)
        (specifier,) = requirement.specifier
        found[name] = found.get(name, frozenset()) | {specifier.version}
    return found


@pytest.mark.parametrize(
    "lock", [pytest.param(lock, id=lock.name) for lock in [*LOCKS, VENDOR_LOCK]]
)
def test_locked_requirements_are_exact_hashed_and_free_of_any_address(lock: Path) -> None:
    lines = list(locked_lines(lock))
    assert lines
    for line in lines:
        wanted, *hashes = re.split(r" +--hash=", line)
        assert re.fullmatch(r"[a-z0-9._-]+==[\w.+!]+( ; [^;]+)?", wanted), line
        assert hashes, line
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in hashes), line
    assert "://" not in lock.read_text(encoding="utf-8")


def declared(section: str, option: str) -> list[Requirement]:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return [Requirement(line) for line in setup[section][option].strip().splitlines()]


@pytest.mark.parametrize(
    ("lock", "section", "option"),
    [
        pytest.param("deploy.txt", "options", "install_requires", id="deploy"),
        pytest.param("test.txt", "options.extras_require", "test", id="test"),
        pytest.param("dev.txt", "options.extras_require", "dev", id="dev"),
    ],
)
def test_a_lock_file_meets_every_requirement_declared(lock: str, section: str, option: str) -> None:
    pinned = pins(ROOT / "requirements" / lock)
    for requirement in declared(section, option):
        if requirement.name != "testery-gate":
            versions = pinned[canonicalize_name(requirement.name)]
            assert all(version in requirement.specifier for version in versions), requirement


def test_the_oldest_requirements_allowed_are_the_oldest_tested() -> None:
    pinned = pins(ROOT / "requirements" / "lowest.txt")
    for requirement in declared("options", "install_requires"):
        (bound,) = requirement.specifier
        (oldest,) = pinned[canonicalize_name(requirement.name)]
        assert bound.operator == ">="
        assert Version(oldest) == Version(bound.version), requirement


def applies_here(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def test_the_deployed_lock_file_is_closed_and_has_nothing_to_spare() -> None:
    reached: set[str] = set()
    wanted = declared("options", "install_requires")
    while wanted:
        requirement = wanted.pop()
        name = canonicalize_name(requirement.name)
        if name not in reached and applies_here(requirement):
            reached.add(name)
            wanted += [Requirement(text) for text in requires(name) or []]
    deployed = filter(applies_here, locked(ROOT / "requirements" / "deploy.txt"))
    assert {canonicalize_name(requirement.name) for requirement in deployed} == reached


@pytest.mark.parametrize("name", ["build.txt", "deploy.txt", "test.txt"])
def test_one_list_can_be_installed_over_another(name: str) -> None:
    everything = pins(ROOT / "requirements" / "dev.txt")
    for package, versions in pins(ROOT / "requirements" / name).items():
        assert everything[package] == versions


def test_the_changelog_begins_with_this_version_or_with_what_is_not_released() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert newest
    assert newest[1] in {"Unreleased", testery_gate.__version__}


def test_continuous_integration_runs_the_commands_that_the_readme_prints() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    printed = re.findall(r"^(?:\$ )?(make [a-z-]+)", "\n".join(blocks), re.MULTILINE)
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    called = re.findall(r"^section (make [a-z-]+)$", run, re.MULTILINE)
    assert called[:2] == printed[:2] == ["make demo", "make test"]
    assert called[2:] == ["make check", "make acceptance"]


def test_the_versions_declared_are_the_versions_tested() -> None:
    setup = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    matrix = re.search(r"^ +python: \[(.+)\]$", workflow, re.MULTILINE)
    assert matrix
    declared_versions = re.findall(r"Python :: (3\.\d+)$", setup, re.MULTILINE)
    assert re.findall(r"3\.\d+", matrix[1]) == declared_versions
    assert f"python_requires = >={declared_versions[0]}" in setup


def test_an_acceptance_test_is_never_skipped() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "mark.acceptance" in text:
            assert not re.search(r"\b(importorskip|skip|skipif|xfail)\(", text), path


def test_only_interpreters_that_work_are_found(tmp_path: Path) -> None:
    broken = tmp_path / "python3.98"
    broken.write_text("#!/bin/sh\necho '3.98 a version that is not selected'\nexit 127\n")
    working = tmp_path / "python3.99"
    working.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for script in (broken, working):
        script.chmod(0o755)
    (tmp_path / "python3").symlink_to(working)
    found = subprocess.run(
        [ROOT / ".ci" / "pythons"],
        env=os.environ | {"PATH": f"{tmp_path}:/usr/bin:/bin", "PYENV_ROOT": str(tmp_path)},
        capture_output=True,
        check=True,
        text=True,
    )
    versions = dict(line.split(" ", 1) for line in found.stdout.splitlines())
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert versions[own] == sys.executable
    assert len(versions) == len(found.stdout.splitlines())
    assert "3.98" not in versions
