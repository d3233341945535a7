from __future__ import annotations

import pytest

from testery_gate.selection import RunReference, parse_reference

ADDRESS = "https://testery.app/acme/test-runs/55676"


@pytest.mark.parametrize(
    ("text", "run_id", "web_url"),
    [
        pytest.param("55676", 55676, None, id="an id"),
        pytest.param(ADDRESS, 55676, ADDRESS, id="an address"),
        pytest.param(f"{ADDRESS}/", 55676, ADDRESS, id="a trailing slash"),
        pytest.param(f"{ADDRESS}/tests/7/console", 55676, ADDRESS, id="a test of the run"),
        pytest.param(f"{ADDRESS}?tab=1#top", 55676, ADDRESS, id="query and fragment"),
        pytest.param(
            "http://127.0.0.1:8099/api/test-runs/1",
            1,
            "http://127.0.0.1:8099/api/test-runs/1",
            id="an API address",
        ),
    ],
)
def test_a_run_is_named_by_id_or_address(text: str, run_id: int, web_url: str | None) -> None:
    assert parse_reference(text) == RunReference(run_id=run_id, web_url=web_url)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-1",
        "abc",
        "5 5",
        "٣",
        "9" * 19,
        "https://testery.app/acme/test-runs/",
        "https://testery.app/acme/test-runs/0",
        "https://testery.app/acme/test-runs/12x",
        f"x{ADDRESS}",
    ],
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is no run; give its id, such as 55676"):
        parse_reference(text)
