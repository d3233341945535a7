"""Where settings come from, through the installed command."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import Simulator

CANARY = "canary-7d2e41f0"
EXPLAIN_SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "explain.schema.json").read_text(encoding="utf-8")
)


def explained(folder: Path, *arguments: str, **variables: str) -> dict[str, tuple[str, str]]:
    """Return what ``explain`` says of each setting: value and source."""
    done = command.run("explain", "--defaults", *arguments, cwd=folder, **variables)
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


def test_explain_shows_what_is_set_and_folds_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "testery-gate.toml").write_text('timeout = "90s"\n')
    done = command.run("explain", "--max-failed=2", cwd=tmp_path)
    first = done.stdout.partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in first[1:3]] == ["max-failed", "timeout"]
    assert re.fullmatch(r"\d+ settings have their defaults; --defaults shows them\.", first[3])
    assert len(first) == 4
    everything = command.run("explain", "--max-failed=2", "--defaults", cwd=tmp_path).stdout
    assert everything.startswith("\n".join(line.split("  ")[0] for line in first[:1]))
    assert [line.split()[0] for line in everything.splitlines()[1:4]] == [
        *("max-failed", "timeout", "git-ref")
    ]
    assert "--defaults shows" not in everything


def test_explain_says_so_where_nothing_is_set(tmp_path: Path) -> None:
    shown = command.run("explain", cwd=tmp_path).stdout
    assert re.match(r"\d+ settings have their defaults;.*\n\nWhat must hold ", shown)


def test_explain_tells_programs_the_same(tmp_path: Path) -> None:
    (tmp_path / "testery-gate.toml").write_text(
        "# ours\ntimeout = \"90s\"\nwarn = 'ignored == 0'\n"
    )
    done = command.run(
        *("explain", "55676", "--output=json", "--fail-fast", "--report=html=a.html"),
        "--baseline=previous",
        cwd=tmp_path,
        TESTERY_GATE_REQUIRE="total >= 10\nfailed <= 5%",
    )
    assert done.code == ExitCode.PASSED, done.output
    told = json.loads(done.stdout)
    jsonschema.validate(told, EXPLAIN_SCHEMA)
    assert told["runs"] == ["55676"]
    assert told["token"] == "environment variable TESTERY_API_TOKEN"
    found = {one["setting"]: (one["value"], one["source"]) for one in told["settings"]}
    line_2 = {"kind": "file", "name": "testery-gate.toml", "place": "testery-gate.toml, line 2"}
    variable = {
        "kind": "variable",
        "name": "TESTERY_GATE_REQUIRE",
        "place": "variable TESTERY_GATE_REQUIRE",
    }
    flag = {"kind": "flag", "name": "--fail-fast", "place": "--fail-fast"}
    assert found["baseline"][0] == "previous"
    assert found["timeout"] == ("1m30s", line_2)
    assert found["require"] == (["total >= 10", "fail_rate <= 5%"], variable)
    assert found["fail-fast"] == (True, flag)
    assert found["interval"] == ("auto", {"kind": "default", "name": None, "place": None})
    assert found["history"][0] is None
    assert found["min-runs"][0] == 1
    assert found["expect"][0] == []
    assert "token" not in found
    checks = {one["check"]: (one["decides"], one["source"]["kind"]) for one in told["checks"]}
    assert checks["ignored == 0"] == (False, "file")
    assert checks["fail_rate <= 5%"] == (True, "variable")
    assert checks["not_run == 0"] == (True, "built-in")


def test_the_address_can_come_from_the_vendors_variable(tmp_path: Path) -> None:
    found = explained(tmp_path, TESTERY_API_URL="https://api.dev.testery.io/api")
    assert found["api-url"] == ("https://api.dev.testery.io/api", "variable TESTERY_API_URL")


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("max-faild = 2", "did you mean max-failed?", id="a slip"),
        pytest.param(f"token = '{CANARY}'", "which a file can't set", id="a token in a file"),
        pytest.param("max-failed = true", "it needs a value, not true", id="a truth for a value"),
        pytest.param("max-failed = [1]", "a list; it takes one value", id="a list for a value"),
        pytest.param("trust-status = 2", "write true or false", id="a number for a truth"),
        pytest.param("junit-xml = true", "it needs a value", id="a truth for a path"),
        pytest.param("fail-fast = 'perhaps'", "boolean", id="a text for a truth"),
        pytest.param("require = 'failed'", "is not a criterion", id="no criterion"),
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
        pytest.param("wait 1 --config=broken.toml", "Fix it", id="no TOML"),
        pytest.param("wait 1 --config=pyproject.toml", "Add it", id="no section"),
        pytest.param("wait 1 --token-file=missing", "TESTERY_API_TOKEN", id="no token file"),
        pytest.param("wait 1 --token-file=empty", "TESTERY_API_TOKEN", id="an empty token file"),
        pytest.param("wait 1 --token=a\x7fb", "Copy it again", id="no token"),
        pytest.param("wait -", "create-test-run", id="no run on standard input"),
        pytest.param("wait - --token-file=-", "TESTERY_API_TOKEN", id="two from standard input"),
        pytest.param("wait 1 --junit-xml=a --report=json=a", "its own path", id="one path for two"),
        pytest.param(
            "wait 1 --api-url=https://me@x.y/api", "The default is https", id="a user's address"
        ),
        pytest.param("wait 1 --api-url=https://x.y/api?z", "The default is https", id="a query"),
        pytest.param(
            "wait 1 --api-url=https://[x/api", "The default is https", id="not an address"
        ),
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


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        pytest.param("TESTERY_GATE_MIN_TOTL", "TESTERY_GATE_MIN_TOTAL", id="a letter is missing"),
        pytest.param("TESTERY_GATE_MAX-FAILED", "TESTERY_GATE_MAX_FAILED", id="a dash"),
        pytest.param("TESTERY_GATE_max_failed", "TESTERY_GATE_MAX_FAILED", id="small letters"),
        pytest.param("TESTERY_GATE_REPORTS", "TESTERY_GATE_REPORT", id="a plural"),
        pytest.param("testery_gate_REQUIRE", "TESTERY_GATE_REQUIRE", id="a small prefix"),
        pytest.param("TESTERY_GATE_NO_CONFG", "TESTERY_GATE_NO_CONFIG", id="no configuration"),
    ],
)
@pytest.mark.parametrize("line", ["wait 1", "check 1", "explain", "list", "doctor"])
def test_a_variable_that_is_nearly_a_setting_is_an_error(
    tmp_path: Path, line: str, variable: str, meant: str
) -> None:
    done = command.run(*line.split(), cwd=tmp_path, **{variable: "1"})
    assert done.code == ExitCode.USAGE, done.output
    assert f"the variable {variable} is no setting; did you mean {meant}?" in done.stderr


def test_another_variable_is_a_warning_that_every_report_shows(tmp_path: Path) -> None:
    variables = {
        "TESTERY_GATE_VERSION": "1.2",
        "TESTERY_GATE_X\x1b[2J": "1",
        "TESTERY_GATE_BLANK": " ",
        "TESTERY_GATE_MIN_TOTL": "\n",
        # Those of an earlier job's dotenv report, and of a service in Kubernetes.
        "TESTERY_GATE_FAILED": "0",
        "TESTERY_GATE_PORT": "tcp://10.0.0.1:80",
        "TESTERY_GATE_SIMULATOR_PORT_80_TCP_ADDR": "10.0.0.1",
        "TESTERY_GATE_SERVICE_HOST": "10.0.0.1",
    }
    told = "no setting, and so ignored: TESTERY_GATE_VERSION, TESTERY_GATE_X"
    with Simulator(load_scenario("documented")) as api:
        done = command.run(
            *("wait", "55676", "--report=json=a.json", "--junit-xml=a.xml"),
            *("--report=markdown=a.md", "--report=html=a.html"),
            cwd=tmp_path,
            api_url=api.url,
            **variables,
        )
    assert done.code == ExitCode.PASSED, done.output
    assert told in done.stderr
    assert "\x1b[2J" not in done.output
    for name in ("a.json", "a.xml", "a.md", "a.html"):
        text = re.sub("<wbr ?/?>|\u200b", "", (tmp_path / name).read_text())
        assert "TESTERY_GATE_VERSION" in text, name
    (note,) = json.loads((tmp_path / "a.json").read_text())["runs"][0]["notes"]
    assert note.startswith(told)
    assert "BLANK" not in note
    assert "PORT" not in note


def test_a_blank_variable_hides_no_other(tmp_path: Path) -> None:
    url = "https://api.dev.testery.io/api"
    for blank in ("", " ", "\n"):
        found = explained(tmp_path, TESTERY_GATE_API_URL=blank, TESTERY_API_URL=f" {url}\n")
        assert found["api-url"] == (url, "variable TESTERY_API_URL")


@pytest.mark.parametrize(
    ("arguments", "variable", "said"),
    [
        ("--latest", "MIN_RUNS", "--min-runs 3 (from variable TESTERY_GATE_MIN_RUNS) can't be"),
        ("--all", "EACH", "--each (from variable TESTERY_GATE_EACH) takes the newest of each"),
        ("--each=name", "ALL", "group and --all (from variable TESTERY_GATE_ALL) takes all"),
    ],
)
def test_what_contradicts_another_option_says_where_it_came_from(
    tmp_path: Path, arguments: str, variable: str, said: str
) -> None:
    value = {"MIN_RUNS": "3", "EACH": "name", "ALL": "true"}[variable]
    done = command.run("wait", arguments, cwd=tmp_path, **{f"TESTERY_GATE_{variable}": value})
    assert done.code == ExitCode.USAGE
    assert said in " ".join(done.stderr.split())


@pytest.mark.quick(4)
@pytest.mark.parametrize(
    ("content", "arguments", "variables", "place"),
    [
        pytest.param("", "--max-failed=x", {}, "value for '--max-failed':", id="a flag"),
        pytest.param(
            *("", "", {"TESTERY_GATE_MAX_FAILED": "x"}),
            "'--max-failed' (from variable TESTERY_GATE_MAX_FAILED):",
            id="a variable",
        ),
        pytest.param(
            *("\nmax-failed = 'x'", "", {}),
            "'--max-failed' (from testery-gate.toml, line 2):",
            id="a file",
        ),
        pytest.param(
            *("", "", {"TESTERY_GATE_REQUIRE": "total >= 1\nx"}),
            "'--require' (from variable TESTERY_GATE_REQUIRE):",
            id="one of several",
        ),
        pytest.param(
            *("output = 'x'", "", {}), "(from testery-gate.toml, line 1):", id="no choice of a file"
        ),
        pytest.param(
            *("fail-fast = 1", "", {}), "testery-gate.toml, line 1 gives fail-fast", id="no truth"
        ),
        pytest.param(
            *("", "", {"TESTERY_API_URL": "ftp://x"}),
            "(from variable TESTERY_API_URL)",
            id="no URL",
        ),
        pytest.param(
            *("", "", {"TESTERY_API_URL": "https://a..b/api"}),
            "invalid host name: https://a..b/api (from variable TESTERY_API_URL)",
            id="no host",
        ),
        pytest.param(
            *("", "", {"TESTERY_API_TOKEN": "", "TESTERY_GATE_TOKEN_FILE": "none"}),
            "file none: No such file or directory (from variable TESTERY_GATE_TOKEN_FILE)",
            id="no token file",
        ),
        pytest.param(
            *("", "", {"TESTERY_API_TOKEN": "", "TESTERY_GATE_TOKEN": "a b"}),
            "invalid characters (from variable TESTERY_GATE_TOKEN)",
            id="no token",
        ),
        pytest.param(
            *("report = 'x=y'", "", {}),
            "(from testery-gate.toml, line 1)",
            id="no format",
        ),
        pytest.param(
            *("", "", {"TESTERY_GATE_REPORT": "json"}),
            "(from variable TESTERY_GATE_REPORT)",
            id="no path in a variable",
        ),
    ],
)
def test_a_wrong_value_says_where_it_came_from(
    tmp_path: Path, content: str, arguments: str, variables: dict[str, str], place: str
) -> None:
    (tmp_path / "testery-gate.toml").write_text(content)
    done = command.run("wait", "1", *arguments.split(), cwd=tmp_path, **variables)
    assert done.code == ExitCode.USAGE, done.output
    assert place in done.stderr


@pytest.mark.parametrize(
    ("content", "arguments", "variables"),
    [
        pytest.param("", ["--junit-xml=a.xml\n"], {}, id="a flag"),
        pytest.param("", ["--report=junit=a.xml\r\n"], {}, id="a report"),
        pytest.param("", [], {"TESTERY_GATE_JUNIT_XML": "a.xml\n"}, id="a variable"),
        pytest.param('junit-xml = "a.xml\\n"', [], {}, id="a file"),
    ],
)
def test_a_line_end_is_no_part_of_a_reports_name(
    tmp_path: Path, content: str, arguments: list[str], variables: dict[str, str]
) -> None:
    (tmp_path / "testery-gate.toml").write_text(content)
    with Simulator(load_scenario("documented")) as api:
        done = command.run("wait", "55676", *arguments, cwd=tmp_path, api_url=api.url, **variables)
    assert done.code == ExitCode.PASSED, done.output
    assert {path.name for path in tmp_path.iterdir()} == {"a.xml", "testery-gate.toml"}
