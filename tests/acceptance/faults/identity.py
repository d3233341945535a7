"""Certificates that a server can show: one that is trusted, and some that must not be."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.authority import Authority

NAMES = ("localhost", "api.testery.invalid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a server shows, by the name of what is wrong with it, and the file of those to trust."""

    servers: Mapping[str, ssl.SSLContext]
    trusted: Path


def make_identity(folder: Path) -> Identity:
    """Make an authority that is trusted, one that is not, and certificates of theirs."""
    authority = Authority()
    return Identity(
        servers={
            "good": authority.context(*NAMES),
            "expired": authority.context(*NAMES, days=-2),
            "elsewhere": authority.context("elsewhere.invalid"),
            "unknown": Authority().context(*NAMES),
        },
        trusted=authority.bundle(folder / "authority.pem"),
    )
