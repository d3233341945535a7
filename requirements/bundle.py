"""Write the archive of wheels that the action takes from the release, and its digest.

It holds the locked requirements as they were published, so it depends on requirements/deploy.txt
alone: the wheels are not packed anew, and the same list gives the same bytes on every machine.
Its name has a digest of that list: an action with another list asks for another name. What the
action has to expect is written into action/bundle.json.

usage: python requirements/bundle.py FOLDER
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import testery_gate

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements" / "deploy.txt"
ABOUT = ROOT / "action" / "bundle.json"
RELEASES = "https://github.com/testery-gate/testery-gate/releases/download"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that such an archive can tell."""


def wheels(folder: Path) -> list[Path]:
    """Download the wheels that hold on every system and every Python, each checked by its hash."""
    anywhere = ("--platform=any", "--implementation=py", "--abi=none", "--python-version=3.11")
    quiet = ("--quiet", "--disable-pip-version-check")
    exact = ("--require-hashes", "--no-deps", "--only-binary=:all:", f"--requirement={LOCK}")
    command = [sys.executable, "-m", "pip", *quiet, "download", *exact, *anywhere]
    subprocess.run([*command, f"--dest={folder}"], check=True)  # noqa: S603 - the lock says what
    return sorted(folder.iterdir())


def pack(files: list[Path], archive: Path) -> None:
    """Put the files together as they are: compressors differ from machine to machine."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as bundle:
        for path in files:
            bundle.writestr(zipfile.ZipInfo(path.name, EPOCH), path.read_bytes())


def main(into: Path) -> None:
    """Write the archive and action/bundle.json."""
    name = f"testery-gate-requirements-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}.zip"
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        pack(wheels(Path(folder)), into / name)
    about = {
        "url": f"{RELEASES}/v{testery_gate.__version__}/{name}",
        "sha256": hashlib.sha256((into / name).read_bytes()).hexdigest(),
    }
    ABOUT.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"{into / name}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
