"""Unpack the locked requirements into the virtual environment that runs this.

They come from the release of this action, as one archive of wheels, and count only if its digest is
the one that stands in bundle.json. So no package index is needed, and nothing is installed by pip.
The exit code is 0 when all of them are there. Else it is 1, the log says why, and nothing was
unpacked that could not be removed with the environment.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import sysconfig
import urllib.request
import zipfile
from http.client import HTTPException, IncompleteRead
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

CONNECT_SECONDS = 5
SECONDS = 20
"""For all of the download, the look-up of the host's address included."""
MOST = 20_000_000
"""Bytes that are read at most."""


class NoBundleError(Exception):
    """The archive can't be had in time."""


def download(url: str, seconds: float = SECONDS) -> bytes:
    """Return what is at the address, within the time."""
    ended: SimpleQueue[bytes | Exception] = SimpleQueue()

    def read() -> None:
        try:
            # The address is the action's own, and the digest decides whether the content is used.
            with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as answer:  # noqa: S310
                content = answer.read(MOST)
                if answer.length:
                    raise IncompleteRead(content, answer.length)
                ended.put(content)
        except (OSError, HTTPException) as error:
            ended.put(error)

    # A thread, because nothing bounds the look-up of an address or an answer that drips.
    Thread(target=read, daemon=True).start()
    try:
        end = ended.get(timeout=seconds)
    except Empty:
        raise NoBundleError(f"not complete after {seconds:g} s") from None
    if isinstance(end, Exception):
        raise NoBundleError(str(end)) from end
    return end


def unpack(bundle: bytes, folder: Path) -> None:
    """Unpack each wheel as installing it would, as all of them are pure Python."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as wheels:
        for name in wheels.namelist():
            with zipfile.ZipFile(io.BytesIO(wheels.read(name))) as wheel:
                wheel.extractall(folder)


def main() -> int:
    """Bring the requirements, or say why they could not be brought."""
    about = json.loads((Path(__file__).parent / "bundle.json").read_text("utf-8"))
    try:
        bundle = download(about["url"])
    except NoBundleError as error:
        sys.stdout.write(f"No bundle of the requirements at {about['url']}: {error}\n")
        return 1
    found = hashlib.sha256(bundle).hexdigest()
    if found != about["sha256"]:
        sys.stdout.write(
            "::warning title=Testery%3A a file of the release was refused::"
            f"{about['url']} has the SHA-256 {found}, and not {about['sha256']}, "
            "which this action expects. It was not used.\n"
        )
        return 1
    unpack(bundle, Path(sysconfig.get_path("purelib")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
