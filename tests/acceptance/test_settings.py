"""Where settings come from, through the installed command."""

from __future__ import annotations

from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from tests.acceptance import command

CANARY = "canary-7d2e41f0"


def explained(folder: Path, *arguments: str, **variables: str) -> dict[str, tuple[str, str]]:
    """Return what ``explain`` says of each setting: value and source."""
    done = command.run("explain", *arguments, cwd=folder, **variables)
    assert done.code == ExitCode.PASSED, done.output
    rows = [line.split("  ") for line in done.stdout.splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    return {row[0]: (row[1], row[2]) for row in cells if len(row) == 3}


def test_a_flag_wins_over_a_variable_and_a_variable_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "testery-gate.toml").write_text('max-failed = 3\ntimeout = "30m"\n')
    variables = {"TESTERY_GATE_MAX_FAILED": "2", "TESTERY_GATE_TIMEOUT": ""}
    everything = explained(tmp_path, "--max-failed=1", **variables)
    assert everything["max-failed"] == ("failed <= 1", "flag --max-failed")
    assert explained(tmp_path, **variables)["max-failed"] == (
        "failed <= 2",
        "variable TESTERY_GATE_MAX_FAILED",
    )
    from_file = explained(tmp_path)
    assert from_file["max-failed"] == ("failed <= 3", "file testery-gate.toml")
    assert from_file["timeout"] == ("30m", "file testery-gate.toml")
    assert from_file["interval"] == ("auto", "default")


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    (tmp_path / "testery-gate.toml").write_text("require = ['total >= 100']\n")
    for blank in ("", " ", "\n"):
        found = explained(tmp_path, TESTERY_GATE_TIMEOUT=blank, TESTERY_GATE_REQUIRE=blank)
        assert found["timeout"] == ("1h", "default")
        assert found["require"] == ("total >= 100", "file testery-gate.toml")


def test_a_variable_holds_one_value_a_line(tmp_path: Path) -> None:
    done = command.run(
        "explain", cwd=tmp_path, TESTERY_GATE_REQUIRE="failed <= 5%\n\n total >= 10 \n"
    )
    assert "fail_rate <= 5%" in done.stdout
    assert "total >= 10" in done.stdout


def test_a_list_in_a_file_is_one_value_an_item(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.testery-gate]\nrequire = ["failed <= 5%", "total >= 10"]\nfail-fast = true\n'
        'warn = "ignored == 0"\nmin-pass-rate = 99.5\n'
    )
    found = explained(tmp_path)
    assert found["fail-fast"] == ("yes", "file pyproject.toml")
    assert found["ignored == 0"] == ("only reported", "file pyproject.toml")
    assert found["fail_rate <= 5%"] == ("decides", "file pyproject.toml")
    assert found["pass_rate >= 99.5%"] == ("decides", "file pyproject.toml")
    assert "failed <= 0" not in found


def test_explain_names_what_is_always_checked(tmp_path: Path) -> None:
    found = explained(tmp_path, "--trust-status", "--expect=name=nightly")
    assert found["failed <= 0, unless the status is PASS"] == ("decides", "built in")
    assert found["not_run == 0"] == ("decides", "built in")
    assert found["name is nightly"] == ("decides", "flag --expect")


def test_the_address_can_come_from_the_vendors_variable(tmp_path: Path) -> None:
    found = explained(tmp_path, TESTERY_API_URL="https://api.dev.testery.io/api")
    assert found["api-url"] == ("https://api.dev.testery.io/api", "variable TESTERY_API_URL")


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("max-faild = 2", "did you mean max-failed?", id="a slip"),
        pytest.param(f"token = '{CANARY}'", "which no file can", id="a token in a file"),
        pytest.param("max-failed = true", "a value is due, not true", id="a truth for a value"),
        pytest.param("max-failed = [1]", "a list; it takes one value", id="a list for a value"),
        pytest.param("trust-status = 2", "write true or false", id="a number for a truth"),
        pytest.param("junit-xml = true", "a value is due", id="a truth for a path"),
        pytest.param("fail-fast = 'perhaps'", "boolean", id="a text for a truth"),
        pytest.param("require = 'failed'", "no criterion", id="no criterion"),
    ],
)
def test_a_wrong_file_ends_with_2_and_says_what_is_wrong(
    tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "testery-gate.toml").write_text(content)
    done = command.run("wait", "1", cwd=tmp_path)
    assert done.code == ExitCode.USAGE, done.output
    assert said in done.stderr
    assert CANARY not in done.output


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        pytest.param("wait 1 --config=missing.toml", "name another with --config", id="no file"),
        pytest.param("wait 1 --config=broken.toml", "Mend it", id="no TOML"),
        pytest.param("wait 1 --config=pyproject.toml", "Add it", id="no section"),
        pytest.param("wait 1 --token-file=missing", "TESTERY_API_TOKEN", id="no token file"),
        pytest.param("wait 1 --token-file=empty", "TESTERY_API_TOKEN", id="an empty token file"),
        pytest.param("wait 1 --token=a\x7fb", "Copy it again", id="no token"),
        pytest.param("wait -", "create-test-run", id="no run on standard input"),
        pytest.param("wait - --token-file=-", "TESTERY_API_TOKEN", id="two from standard input"),
        pytest.param("wait 1 --junit-xml=a --report=json=a", "of its own", id="one path for two"),
        pytest.param(
            "wait 1 --api-url=https://me@x.y/api", "must look like", id="a user's address"
        ),
        pytest.param("wait 1 --api-url=https://x.y/api?z", "must look like", id="a query"),
        pytest.param("wait 1 --api-url=https://[x/api", "must look like", id="no address"),
    ],
)
def test_what_is_set_wrong_comes_with_what_to_do_next(
    tmp_path: Path, arguments: str, advice: str
) -> None:
    (tmp_path / "broken.toml").write_text("timeout = [")
    (tmp_path / "pyproject.toml").write_text("[tool.other]")
    (tmp_path / "empty").touch()
    done = command.run(*arguments.split(), cwd=tmp_path)
    assert done.code == ExitCode.USAGE, done.output
    assert advice in done.stderr


@pytest.mark.quick(4)
@pytest.mark.parametrize(
    ("arguments", "variables", "source"),
    [
        pytest.param(["--token", CANARY], {}, "--token", id="flag"),
        pytest.param(["--token-file=token"], {}, "file token", id="file"),
        pytest.param(["--token-file=-"], {}, "standard input", id="standard input"),
        pytest.param([], {"TESTERY_API_TOKEN": CANARY}, "variable TESTERY_API_TOKEN", id="new"),
        pytest.param(
            [],
            {"TESTERY_API_TOKEN": "", "TESTERY_TOKEN": CANARY},
            "variable TESTERY_TOKEN",
            id="old",
        ),
        pytest.param(
            ["--profile=ci"], {"TESTERY_API_TOKEN": ""}, "profile ci in ", id="credentials"
        ),
        pytest.param(
            ["--profile=missing"], {"TESTERY_API_TOKEN": ""}, "there is no API token", id="none"
        ),
    ],
)
def test_explain_names_the_source_of_the_token_and_never_the_token(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], source: str
) -> None:
    (tmp_path / "token").write_text(CANARY)
    (tmp_path / ".testery").mkdir()
    (tmp_path / ".testery" / "credentials").write_text(f"[ci]\ntoken = {CANARY}\n")
    done = command.run(
        "explain", *arguments, cwd=tmp_path, stdin=CANARY, **({"HOME": str(tmp_path)} | variables)
    )
    assert done.code == ExitCode.PASSED
    assert source in done.stdout
    assert CANARY not in done.output
