"""What a person sees who comes back to a terminal in which the command has ended."""

from __future__ import annotations

import pytest

from testery_gate.errors import ExitCode
from tests.acceptance.last_screens import SCENES, Scene, take

pytestmark = pytest.mark.acceptance


@pytest.mark.parametrize("scene", SCENES, ids=[scene.happened for scene in SCENES])
def test_the_last_screen_says_how_it_ended_and_what_to_do(scene: Scene) -> None:
    screen = take(scene)
    labels = [line.split()[0] for line in screen if line.strip()]
    assert ("next:" in labels) is (scene.code is not ExitCode.PASSED)
