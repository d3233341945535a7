"""Which reports are asked for."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest

from testery_gate.cli.wait import wait
from testery_gate.errors import UsageError
from testery_gate.reports import FORMATS, Report, parse_report


@pytest.mark.parametrize(
    ("text", "report"),
    [
        pytest.param(
            "junit=out/TEST-testery.xml",
            Report(format="junit", path="out/TEST-testery.xml"),
            id="file",
        ),
        pytest.param("json=-", Report(format="json", path="-"), id="standard output"),
        pytest.param("out/x.html", Report(format="html", path="out/x.html"), id="html"),
        pytest.param("TEST-x.xml\n", Report(format="junit", path="TEST-x.xml"), id="xml"),
        pytest.param("x.JSON", Report(format="json", path="x.JSON"), id="json"),
        pytest.param("x.md", Report(format="markdown", path="x.md"), id="md"),
        pytest.param("gate.env", Report(format="dotenv", path="gate.env"), id="env"),
        pytest.param("sonar=x.xml", Report(format="sonar", path="x.xml"), id="said all the same"),
        pytest.param("./html:x.md", Report(format="markdown", path="./html:x.md"), id="a colon"),
        pytest.param("json=a=b.json", Report(format="json", path="a=b.json"), id="= in the path"),
    ],
)
def test_a_report_is_asked_for_by_format_and_path(text: str, report: Report) -> None:
    assert parse_report(text) == report


@pytest.mark.parametrize(
    ("text", "message", "advice"),
    [
        *(
            pytest.param(path, "does not show its format", "Write FORMAT=PATH", id=f"no ={path}")
            for path in ("out/x.txt", "report", "json", ".env", "x.xml.gz", "-", "")
        ),
        pytest.param("=x.xml", "'=x.xml' has an unknown format", "Formats are", id="no format"),
        pytest.param(
            "junti=x", "'junti=x' has an unknown format", "Did you mean junit?", id="misspelt"
        ),
        pytest.param("JSON=x", "'JSON=x' has an unknown format", "Did you mean json?", id="case"),
        pytest.param(
            "pdf=x", "'pdf=x' has an unknown format", "Formats are junit, json,", id="unknown"
        ),
        pytest.param(
            "\x1b[31m\nx=y", "'x=y' has an unknown format", "Formats are", id="control characters"
        ),
        pytest.param(
            "html:x.html", "a colon behind its format", "Write html=x.html, or ./html:x", id="colon"
        ),
        pytest.param("junit=", "'junit=' has an empty path", "junit=- for", id="empty path"),
    ],
)
def test_what_is_no_report_is_refused_with_advice(text: str, message: str, advice: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_report(text)
    assert advice in caught.value.advice


def test_the_help_names_every_format() -> None:
    (option,) = (option for option in wait.params if option.name == "report")
    assert isinstance(option, click.Option)
    named = re.match("Write a report: (.+); PATH - is", option.help or "")
    assert named is not None
    assert set(re.split(", | or ", named[1])) == FORMATS.keys()


def test_no_format_is_imported_before_it_is_used() -> None:
    script = (
        "import sys, testery_gate.reports\n"
        "print(*(name for name in sys.modules if name.startswith(('junit_xml', 'testery_gate.r'))))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert loaded.stdout.split() == ["testery_gate.reports"]
