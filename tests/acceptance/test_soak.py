"""A part of the waits of the soak, against a server that misbehaves on 30% of requests."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.acceptance.faults import document, soak
from tests.acceptance.faults.soak import Wait

pytestmark = pytest.mark.acceptance


PART = 100
"""``make faults`` takes them all."""


@pytest.fixture(scope="module")
def waits() -> Sequence[Wait]:
    return soak.run(PART)


def test_every_verdict_is_right(waits: Sequence[Wait]) -> None:
    assert len(waits) == PART
    wrong = [wait for wait in waits if not wait.is_right or "Traceback" in wait.log]
    assert not wrong


def test_the_server_misbehaved_as_often_as_it_should(waits: Sequence[Wait]) -> None:
    spoiled = sum(wait.spoiled for wait in waits) / sum(wait.requests for wait in waits)
    assert soak.SHARE - 0.05 < spoiled < soak.SHARE + 0.05


def test_the_page_says_that_all_were_right() -> None:
    # To bring it in step: python -m tests.acceptance.faults.soak
    kinds = [soak.KINDS[number % len(soak.KINDS)] for number in range(soak.WAITS)]
    waits = [Wait(kind=kind, code=kind.code, spoiled=0, requests=0, log="") for kind in kinds]
    assert document.read("soak") == soak.table(waits)
