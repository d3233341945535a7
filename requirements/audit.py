"""Ask a vulnerability service about every requirement that is locked.

usage: python requirements/audit.py [--service NAME] [--osv-url URL] LIST...

Ends with 0 where nothing is known against any of them, with 1 where something is, and with 3 where
that could not be found out: the service was out of reach, or did not know a package. What was not
asked about is never taken for clean.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CLEAN, FOUND, NOT_ASKED = 0, 1, 3


def audit(locked: Path, options: Sequence[str]) -> tuple[int, list[str]]:
    """Return how the audit of one list ended, and what there is to say."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(locked), "--disable-pip"]
    command += ["--require-hashes", "--format=json", "--progress-spinner=off", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (our own words)
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, LookupError):
        last = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        return NOT_ASKED, [f"{locked}: the service could not be asked: {last}"]
    known = [
        f"{locked}: {package['name']} {package['version']}: {found['id']},"
        f" mended in {', '.join(found['fix_versions']) or 'no version yet'}"
        for package in packages
        for found in package.get("vulns", ())
    ]
    unknown = [package["name"] for package in packages if "vulns" not in package]
    if known:
        return FOUND, known
    if unknown or not packages:
        return NOT_ASKED, [f"{locked}: the service knows nothing of {', '.join(unknown) or 'it'}"]
    return CLEAN, [f"{locked}: nothing is known against {len(packages)} packages"]


def main() -> int:
    """Audit all lists, and return the worst end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("lists", nargs="+", type=Path, metavar="LIST")
    parser.add_argument("--service", default="pypi", choices=["pypi", "osv"])
    parser.add_argument("--osv-url")
    wanted = parser.parse_args()
    options = [f"--vulnerability-service={wanted.service}"]
    options += [f"--osv-url={wanted.osv_url}"] if wanted.osv_url else []
    codes = set()
    for locked in wanted.lists:
        code, said = audit(locked, options)
        codes.add(code)
        print("\n".join(said))  # noqa: T201  (what it is for)
    if FOUND in codes:
        return FOUND
    if NOT_ASKED in codes:
        print(f"Not everything was audited: ask {wanted.service} again, with a way to it.")  # noqa: T201
        return NOT_ASKED
    return CLEAN


if __name__ == "__main__":
    sys.exit(main())
