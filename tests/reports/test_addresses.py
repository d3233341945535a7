"""Which addresses become links."""

from __future__ import annotations

from dataclasses import replace

import pytest

from testery_gate.errors import ExitCode
from testery_gate.reports.addresses import other_run_page, run_page
from testery_gate.reports.addresses import test_page as console_page
from tests.builders import not_judged
from tests.reports.examples import PAGE

VERDICT = not_judged(55676, ExitCode.TIMED_OUT, "too late")


@pytest.mark.parametrize(
    ("url", "page"),
    [
        pytest.param(PAGE, PAGE, id="as the gate builds it"),
        pytest.param("http://127.0.0.1:8080/a/b", "http://127.0.0.1:8080/a/b", id="a port"),
        pytest.param(None, "", id="unknown"),
        pytest.param("javascript:alert(1)", "", id="a script"),
        pytest.param(f"{PAGE}?a=b", "", id="a query"),
        pytest.param(f'{PAGE}"', "", id="a quotation mark"),
        pytest.param(f"{PAGE})", "", id="a parenthesis"),
        pytest.param(f"{PAGE}\n", "", id="a line break"),
        pytest.param("https://user@testery.app/a", "", id="a user"),
    ],
)
def test_only_a_plain_web_address_is_a_page(url: str | None, page: str) -> None:
    assert run_page(replace(VERDICT, web_url=url)) == page


@pytest.mark.parametrize(
    ("url", "page"),
    [
        pytest.param(PAGE, "https://testery.app/acme/test-runs/55600", id="by its id"),
        pytest.param("https://testery.app/acme/test-runs/55676/tests", "", id="another end"),
        pytest.param("https://testery.app/acme/test-runs/155676", "", id="another id"),
        pytest.param(None, "", id="unknown"),
    ],
)
def test_the_page_of_another_run_differs_in_the_id(url: str | None, page: str) -> None:
    assert other_run_page(replace(VERDICT, web_url=url), 55600) == page


@pytest.mark.parametrize(
    ("page", "test_id", "address"),
    [
        pytest.param(PAGE, "11", f"{PAGE}/tests/11/console", id="known"),
        pytest.param("", "11", "", id="no page"),
        pytest.param(PAGE, "", "", id="no id"),
        pytest.param(PAGE, "1/../2", "", id="an odd id"),
    ],
)
def test_the_console_of_a_test_takes_a_page_and_a_number(
    page: str, test_id: str, address: str
) -> None:
    assert console_page(page, test_id) == address
