"""Which runs: from what the user names to run ids."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ADDRESS = re.compile(r"(https?://[^\s/?#]+/[^\s?#]*?test-runs/(\d{1,18}))(?:[/?#]\S*)?", re.ASCII)
_ID = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReference:
    """A run as the user named it."""

    run_id: int
    web_url: str | None = None


def parse_reference(text: str) -> RunReference:
    """Read an id or a web address such as ``https://testery.app/acme/test-runs/55676``.

    Raises :class:`ValueError`.
    """
    if _ID.fullmatch(text) and int(text) > 0:
        return RunReference(run_id=int(text))
    match = _ADDRESS.fullmatch(text)
    if match and int(match[2]) > 0:
        return RunReference(run_id=int(match[2]), web_url=match[1])
    raise ValueError(
        f"{text!r} is no run; give its id, such as 55676,"
        " or its address, such as https://testery.app/acme/test-runs/55676"
    )
