"""Whatever a stranger writes, the gate ends as it is documented to, and passes on evidence only.

What once broke it, or nearly, is kept in ``corpus/TARGET/`` and tried each time; then comes what
hypothesis thinks of: the same few things each time in ``make test``, and new ones for about a
minute in ``make acceptance``. What that finds belongs into the corpus, as it is printed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz import targets
from tests.fuzz.strategies import CONTENTS

CORPUS = Path(__file__).parent / "corpus"
KEPT = sorted(path for path in CORPUS.glob("*/*") if path.is_file())
TARGETS: dict[str, Callable[[targets.Place, bytes], None]] = {
    "run_object": targets.run_object,
    "run_list": targets.run_list,
    "results": targets.results,
    "result": targets.result,
    "configuration": targets.configuration,
    "quarantine": targets.quarantine,
    "baseline": targets.baseline,
    "criterion": targets.criterion,
    "scenario": targets.scenario,
}
SECONDS = 5
"""How long new things are tried on each target."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[targets.Place]:
    with targets.place(tmp_path_factory.mktemp("fuzz")) as found:
        yield found


@pytest.mark.parametrize(
    "kept", [pytest.param(path, id=f"{path.parent.name}-{path.name}") for path in KEPT]
)
def test_what_is_kept_is_survived(here: targets.Place, kept: Path) -> None:
    TARGETS[kept.parent.name](here, kept.read_bytes())


def test_something_is_kept_for_each_target() -> None:
    assert {path.parent.name for path in KEPT} == TARGETS.keys() == CONTENTS.keys()


def explore(here: targets.Place, target: str, examples: int, *, known: bool) -> None:
    """Try so many things, the same ones each time where they are ``known``."""

    @settings(
        max_examples=examples,
        derandomize=known,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(CONTENTS[target])
    def survives(content: bytes) -> None:
        TARGETS[target](here, content)

    survives()


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_the_first_things_that_come_to_mind_are_survived(here: targets.Place, target: str) -> None:
    explore(here, target, 30, known=True)


@pytest.mark.acceptance
@pytest.mark.parametrize("target", TARGETS)
def test_new_things_are_survived(here: targets.Place, target: str) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        explore(here, target, 100, known=False)
