"""Reads values from a code host's answers, which may have any form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from testery_gate.code_hosts.http import HostError


def value_at(data: object, *path: str) -> object:
    """Return the value at a path of names; ``None`` where there is none."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def text_at(data: object, *path: str) -> str:
    """Return the text at a path; empty where there is none."""
    found = value_at(data, *path)
    return found if isinstance(found, str) else ""


def number_at(data: object, *path: str) -> int:
    """Return the whole number at a path; raises :class:`HostError` where there is none."""
    found = value_at(data, *path)
    if not isinstance(found, int) or isinstance(found, bool):
        raise HostError(f"the code host's answer has no number {'.'.join(path)}")
    return found


def objects_in(data: object) -> Sequence[Mapping[str, Any]]:
    """Return the objects of a list; raises :class:`HostError` if the data is no such list."""
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise HostError("the code host's answer is no list of objects")
    return data
