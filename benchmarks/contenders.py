"""What is compared: the gate as its users have it, and the vendor's client, each by itself.

The developers' environment is no place to measure in: there Python looks for an editable package
before it starts, and all else takes longer next to it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".bench"
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check", "install")
DEPENDENCIES = ROOT / "requirements" / "deploy.txt"
VENDOR_CLIENT = ROOT / "tests" / "acceptance" / "vendor-client.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """The interpreter that has the gate installed, the gate's command, and the vendor's."""

    python: str
    gate: str
    vendor: str | None


def installed() -> Programs:
    """Install what is compared into ``.bench``, with the locked versions of all it needs."""
    gate = _environment("gate", DEPENDENCIES)
    vendor = _environment("vendor", VENDOR_CLIENT)
    built = FOLDER / "built"
    shutil.rmtree(built, ignore_errors=True)
    # By way of the source archive, so that nothing left over from an earlier build gets in.
    _do([sys.executable, "-m", "build", "--no-isolation", f"--outdir={built}", str(ROOT)])
    (wheel,) = built.glob("*.whl")
    python = str(gate / "python")
    _do([python, *PIP, "--no-deps", "--force-reinstall", str(wheel)])
    return Programs(python=python, gate=str(gate / "testery-gate"), vendor=str(vendor / "testery"))


def _environment(name: str, lock: Path) -> Path:
    """Make a virtual environment with what a lock file lists, unless it is there already."""
    folder, done = FOLDER / name, FOLDER / f"{name}-done.txt"
    if not done.exists() or done.read_bytes() != lock.read_bytes():
        done.unlink(missing_ok=True)
        _do([sys.executable, "-m", "venv", "--clear", str(folder)])
        _do([str(folder / "bin" / "python"), *PIP, "--require-hashes", "-r", str(lock)])
        shutil.copyfile(lock, done)
    return folder / "bin"


def _do(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
