"""Three hundred waits against a server that misbehaves on 30% of requests."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.acceptance.faults import document, soak
from tests.acceptance.faults.soak import Wait

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def waits() -> Sequence[Wait]:
    return soak.run()


def test_every_verdict_is_right(waits: Sequence[Wait]) -> None:
    assert len(waits) == soak.WAITS
    wrong = [wait for wait in waits if not wait.is_right or "Traceback" in wait.log]
    assert not wrong


def test_the_server_misbehaved_as_often_as_it_should(waits: Sequence[Wait]) -> None:
    spoiled = sum(wait.spoiled for wait in waits) / sum(wait.requests for wait in waits)
    assert soak.SHARE - 0.05 < spoiled < soak.SHARE + 0.05


def test_the_page_has_what_was_found(waits: Sequence[Wait]) -> None:
    # To bring it in step: python -m tests.acceptance.faults.soak
    assert document.read("soak") == soak.table(waits)
