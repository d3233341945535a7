"""Which system hosts the code."""

from __future__ import annotations

import pytest

from testery_gate.code_hosts import CHOICES, System, chosen, detect
from tests.code_hosts.connecting import STAND_INS
from tests.code_hosts.stand_in import StandIn


@pytest.mark.parametrize("kind", STAND_INS, ids=lambda kind: kind.contract_name)
def test_a_pipeline_says_which_one(kind: type[StandIn]) -> None:
    environment = kind().environment()
    assert detect(environment) is kind.system
    assert chosen("auto", environment) is kind.system
    assert chosen("none", environment) is None
    assert chosen("gitlab", environment) is System.GITLAB


def test_elsewhere_it_has_to_be_named() -> None:
    assert chosen("auto", {"CI": "true"}) is None
    assert [chosen(name, {}) for name in CHOICES[2:]] == list(System)
