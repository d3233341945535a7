from __future__ import annotations

import pytest

from testery_gate.runs.references import RunReference, parse_reference, parse_references

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
    with pytest.raises(ValueError, match="is not a run; give its id, such as 55676"):
        parse_reference(text)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        pytest.param("1\n2\n", [1, 2], id="ids"),
        pytest.param("\n 1 \r\n\r\n2", [1, 2], id="blank lines and blanks"),
        pytest.param(f"{ADDRESS}\n7", [55676, 7], id="an address and an id"),
        pytest.param("\ufeff1", [1], id="a byte order mark"),
        pytest.param(
            "{'project': 'demo', 'copies': 1}\ntest_run_id: 12345\nCompleted: 30 of 30 pass\n",
            [12345],
            id="what the Testery client prints",
        ),
        pytest.param("test_run_id: 1\n...\n  test_run_id:2\n", [1, 2], id="of two calls"),
        pytest.param("6\ntest_run_id: 5", [6, 5], id="an id before what the client prints"),
        pytest.param(f"test_run_id: 5\n{ADDRESS}", [5, 55676], id="and an address after it"),
        *(
            pytest.param(f"{line}\ntest_run_id: 55676\n{line}", [55676], id=line)
            for line in (
                "12 of 30 tests",
                "1500 of 3000 tests",
                "12/30 done",
                "1000/2000 passed",
                "1500 tests selected",
                "1234ms",
                "2024/05/01 10:00 waiting",
                "Run #55676: status PASS, 10 tests",
                "id: 55676 (project 7)",
                "Run: 3 of 5 tests done",
                "Waiting for test run: 55676",
                "- 30 passed",
                "100%",
                "Run 12 of 30",
                "deploy_id: 77",
                "2024-03-01 12:00:00 started",
                "----------",
                f"See {ADDRESS}/results.",
                f"- {ADDRESS}",
                "run: 55676",
                "Run 55676",
                "Run 12345 of 55677",
                "{'testSuiteId': 77001}",
            )
        ),
    ],
)
def test_runs_are_read_from_lines(text: str, ids: list[int]) -> None:
    assert [reference.run_id for reference in parse_references(text)] == ids


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "it is empty", id="nothing"),
        pytest.param(" \n\n", "it is empty", id="blank lines"),
        pytest.param("1\n2x\n3", "line 2", id="a slip among ids"),
        pytest.param("deploy_id: 77", "line 1", id="a deploy"),
        pytest.param("test_run_id: 0", "line 1", id="an id that is none"),
        pytest.param("test_run_id: 12345 or so", "line 1", id="no id alone"),
        pytest.param("test_run_id: 5\ntest_run_id: None", "line 2", id="the client has no id"),
        pytest.param("test_run_id: 5\nTest_Run_Id 6", "line 2", id="nearly the client's form"),
        pytest.param("5\ntest_run_id: None", "line 2", id="no id after an id"),
        pytest.param(f"test_run_id: 5\ntest_run_id: {'9' * 20}", "line 2", id="20 digits"),
        pytest.param(f"test_run_id: 5\n{'9' * 20}", "line 2", id="20 digits alone"),
        pytest.param("test_run_id: 5\n6,", "line 2", id="an id and a comma"),
        pytest.param("test_run_id: 5\n#6", "line 2", id="an id and a sign"),
        pytest.param("test_run_id: 5\n-6", "line 2", id="below 0"),
        pytest.param("test_run_id: 5\nhttps://testery.app/acme/runs/6", "line 2", id="address"),
        pytest.param("test_run_id: 5\ntestery.app/a/test-runs/6", "line 2", id="no scheme"),
        *(
            pytest.param(f"test_run_id: 55676\n{line}", "line 2", id=line)
            for line in (
                "55677 55678",
                "55676, 55677",
                "7 | 8",
                "1. 55677",
                "* 55677",
                "• 7",
                "- 55677 smoke",
                "55677 # smoke",
                "55677\tsmoke",
                "(55677: smoke)",
                f"- {ADDRESS}7",
                f"See {ADDRESS} and {ADDRESS}7",
                f"- {ADDRESS.upper()}7",
                f"See {ADDRESS}{'9' * 5000}",
                "Run: 55677",
                "run #7",
                "Run 55677",
                "id: 55677",
                "- id: '55677'",
                "ids = [55676, 55677]",
                "testRunId: 55677",
                "test_run_ids: 55677",
                "- test_run_id: 55677",
                "INFO test_run_id: 55677",
                "Waiting for test run: 55677",
                '{"test_run_id": 55677}',
            )
        ),
    ],
)
def test_a_text_without_runs_or_with_a_slip_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_references(text)


def test_what_stands_on_standard_input_is_never_quoted() -> None:
    with pytest.raises(ValueError, match="line 1") as error:
        parse_references("{'variables': {'PASSWORD': 'canary'}}")
    assert "canary" not in str(error.value)
