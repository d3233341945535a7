"""What a stranger may write: near to what is right, so that it gets far, and far from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from hypothesis import strategies as st

from testery_gate.cli.option_types import Setting
from testery_gate.cli.wait import wait
from testery_gate.judging.criteria import Metric, Operator
from testery_gate.simulator import scenarios
from tests.builders import make_answer
from tests.fuzz import targets

_ATTACKS = st.sampled_from(
    [
        "\x1b]0;title\x07",
        "\x1b[2J",
        "\r::error::x",
        "##vso[task.complete result=Succeeded;]",
        "##teamcity[buildStatus text='x']",
        "]]>",
        "<script>alert(1)</script>",
        "&#0;",
        "\ud800",
        "\ufffe",
        "\u202e",
        "$(id)`id`",
        "%0A%25",
        "A=1\nB=2",
        "|" * 3,
        "a" * 3000,
    ]
)
_REPORTS = [
    path.read_bytes()
    for path in sorted((Path(__file__).parents[1] / "reports" / "golden").iterdir())
    if path.suffix in {".json", ".xml"}
]
_TEXT = st.text(max_size=8) | _ATTACKS
_NUMBER = st.sampled_from(
    [0, 1, -1, 30, 29, 31, 2**31, 2**53, 2**63, 10**400, 0.5, 1e300, 30.0, float("nan")]
)
_SCALAR = st.none() | st.booleans() | _NUMBER | _TEXT | st.just(f"x{targets.TOKEN}x")
_JSON = st.recursive(
    _SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_STATUS = st.sampled_from(
    ["PASS", "FAIL", "CANCELED", "RUNNING", "QUEUED", "SUBMITTED", "pass", "", " PASS", "PASSED"]
)
_TIME = st.sampled_from(
    ["2020-05-04 23:16:33+0000", "9999-12-31 23:59:59-2300", "0001-01-01", "yesterday", "24:00"]
)


def _pairs(base: Mapping[str, Any]) -> st.SearchStrategy[Sequence[tuple[str, Any]]]:
    """Draw an object with some fields altered, left out, added or said twice."""
    names = st.sampled_from(list(base))
    changed = st.dictionaries(names, _SCALAR | _STATUS | _TIME | _JSON, max_size=4)
    missing = st.sets(names, max_size=2)
    more = st.lists(st.tuples(names | _TEXT, _JSON), max_size=1)
    return st.builds(
        lambda changed, missing, more: [
            *((name, of) for name, of in {**base, **changed}.items() if name not in missing),
            *more,
        ],
        changed,
        missing,
        more,
    )


def _counted() -> st.SearchStrategy[Sequence[tuple[str, Any]]]:
    """Draw a run of which the counts may not agree."""
    count = st.sampled_from([0, 1, 2, 28, 29, 30, 31])
    return st.builds(
        lambda total, passed, failed, ignored, status, complete: list(
            make_answer(
                totalCount=total,
                passCount=passed,
                failCount=failed,
                ignoredCount=ignored,
                status=status,
                complete=complete,
            ).items()
        ),
        *(count, count, count, st.sampled_from([0, 1, 2])),
        _STATUS,
        st.sampled_from([True, True, False, None]),
    )


def _object(pairs: Sequence[tuple[str, Any]]) -> str:
    fields = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in pairs)
    return "{" + ", ".join(fields) + "}"


def _array(objects: Sequence[str]) -> str:
    return "[" + ", ".join(objects) + "]"


def _cut(text: str) -> st.SearchStrategy[bytes]:
    """Draw the text without its end, or with a few bytes put in."""
    whole = text.encode()
    at = st.integers(0, len(whole))
    junk = st.binary(max_size=4)
    return st.builds(
        lambda end, more, rest: whole[:end] + more + (whole[end:] if rest else b""),
        at,
        junk,
        st.booleans(),
    )


def _sent(texts: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    """Draw what a server sends: mostly whole, sometimes spoiled, rarely something else."""
    return st.one_of(
        texts.map(str.encode),
        texts.map(str.encode),
        texts.flatmap(_cut),
        _JSON.map(lambda value: json.dumps(value).encode()),
        st.sampled_from([b"", b"null", b"[" * 200_000, b'{"a":' * 200_000, b"9" * 5000, b"\xff"]),
    )


_RUN = (_pairs(make_answer()) | _counted()).map(_object)
_RESULT_FIELDS = {
    "id": 901,
    "status": "FAIL",
    "duration": 1250,
    "error": "expected 4, got 5",
    "stackTrace": "at add",
    "projectTest": {"name": "adds", "file": "calculator.feature", "fileFilter": None},
}
_RESULT = _pairs(_RESULT_FIELDS).map(_object)

_FILE = "https://files.example.test/1"
_ADDRESSES = st.sampled_from([_FILE, f"{_FILE}?a=b#c", f"javascript:{_FILE}", f'{_FILE}"><script>'])
_ATTACHED = st.one_of(
    _ADDRESSES, _JSON, st.builds(dict, url=_ADDRESSES), st.lists(_ADDRESSES | _JSON, max_size=3)
)
_DETAILS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("id", "screenShots", "videos", "processOutput"), _ATTACHED)
).map(json.dumps)


def _option_names() -> Sequence[str]:
    with click.Context(wait):
        return [
            parameter.option_name for parameter in wait.params if isinstance(parameter, Setting)
        ]


_WORDS = (
    *("PASS", "10", "5%", "1h30m", "failed <= 5%", "auto", "git-ref=abcd4e8", "../x", "/etc/x"),
    *("json=out.json", "junit=../x", "junit=linked/x", "-", "github", "json", "55676", "1,2"),
)
_TOML_VALUES = st.one_of(
    st.sampled_from(
        [
            *("1", "-1", "1.5", "1e400", "nan", "-inf", "true", "false", "0xfff", "1979-05-27"),
            *("[]", "{}", "[[]]", "'x", '"\\u0000"', '"\\u001b[2J"', '"\\ud800"', "9" * 5000),
        ]
    ),
    st.sampled_from(_WORDS).map(json.dumps),
    st.lists(st.sampled_from(_WORDS), max_size=3).map(json.dumps),
    _TEXT.map(lambda text: json.dumps(text, ensure_ascii=True)),
)


def _toml(keys: Sequence[str], headings: Sequence[str]) -> st.SearchStrategy[bytes]:
    line = st.builds("{} = {}".format, st.sampled_from(keys), _TOML_VALUES)
    other = st.sampled_from(headings) | st.text(max_size=6)
    return (
        st.lists(st.one_of(line, line, line, other), max_size=5)
        .map("\n".join)
        .flatmap(lambda text: st.just(text.encode("utf-8", "replace")) | _cut(text))
    )


_TOKENS = [
    *(metric.value for metric in Metric),
    *(operator.value for operator in Operator),
    *("0", "1", "5", "5%", "99.99%", "1e9", "-1", "90s", "1h30m", "500ms", "nan", "inf", "%"),
    *("10" * 200, "1." + "9" * 300, "٣", "(", "and", "=", "0x10", "1_000", "7d,1000", "git-ref="),
]
_SCENARIO_KEYS = [
    *("id", "name", "status", "lasts", "total", "passed", "failed", "ignored", "fields", "kind"),
    *("on", "times", "created", "headers", "from", "after", "delay", "status-code", "based-on"),
    *("description", "repeat", "tests", "errors", "files", "x", "retry-after", "body", "complete"),
    *("failing", "flaky", "ignoring", "lacking"),
]
_SCENARIO_HEADINGS = [
    *("[[run]]", "[[run.phase]]", "[[fault]]", "[list]", "[tests]", "[run]", "[[run"),
]


@st.composite
def _altered_scenario(draw: st.DrawFn) -> bytes:
    """Draw a built-in scenario with lines dropped, repeated, and put in."""
    name = draw(st.sampled_from(sorted(scenarios())))
    lines = [f'based-on = "{name}"']
    lines += draw(
        st.lists(
            st.sampled_from(['status = "PASS"', 'kind = "reset"', *_SCENARIO_HEADINGS])
            | st.builds("{} = {}".format, st.sampled_from(_SCENARIO_KEYS), _TOML_VALUES),
            max_size=5,
        )
    )
    return "\n".join(lines).encode("utf-8", "replace")


@st.composite
def _played_scenario(draw: st.DrawFn) -> bytes:
    """Draw a scenario that can be played more often than not."""
    number = st.integers(0, 40)
    phases = draw(st.integers(1, 3))
    lines = ["[[run]]", "id = 55676", f"total = {draw(number)}"]
    for _ in range(phases):
        lines += ["[[run.phase]]", f'status = "{draw(_STATUS)}"', f"lasts = {draw(number)}"]
        lines += [
            f"{name} = {draw(number)}"
            for name in draw(st.sets(st.sampled_from(["passed", "failed", "ignored", "total"])))
        ]
        if draw(st.booleans()):
            fields = draw(st.dictionaries(st.sampled_from(list(make_answer())), _JSON, max_size=2))
            lines.append(f"fields = {json.dumps(json.dumps(fields))}")
    return "\n".join(lines).encode("utf-8", "replace")


@st.composite
def _altered_report(draw: st.DrawFn) -> bytes:
    """Draw a report of ours with a piece taken out, doubled or put in."""
    content = draw(st.sampled_from(_REPORTS))
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(content)))
        end = min(start + draw(st.integers(0, 200)), len(content))
        put_in = draw(st.sampled_from([b"", content[start:end] * 2]) | st.binary(max_size=8))
        content = content[:start] + put_in + content[end:]
    return content


@st.composite
def _quarantine(draw: st.DrawFn) -> bytes:
    """Draw a quarantine file that is right more often than not."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        fields = {
            "file": draw(st.sampled_from(["'*.feature'", "'a.feature'", "'*'", "'b'"])),
            "name": draw(st.sampled_from(["'a'", "'*'", "'b*'", '"\\u001b[2Ja"', "'''"])),
            "reason": json.dumps(draw(_TEXT)),
            "owner": "'''\n[[test]]\n'''",
            "expires": str(datetime.now(UTC).date() + timedelta(draw(st.integers(-2, 91)))),
        }
        fields |= draw(
            st.dictionaries(st.sampled_from([*fields, "issue"]), _TOML_VALUES, max_size=1)
        )
        lines += ["[[test]]", *(f"{key} = {value}" for key, value in fields.items())]
    return "\n".join(lines).encode("utf-8", "replace")


CONTENTS: Mapping[str, st.SearchStrategy[bytes]] = {
    "run_object": _sent(_RUN),
    "run_list": _sent(st.lists(_RUN, max_size=3).map(_array)),
    "result": _sent(_DETAILS),
    "results": _sent(st.lists(_RESULT, max_size=3).map(_array)),
    "configuration": _toml(_option_names(), ["[tool.testery-gate]", "[[x]]", "#", "x"]),
    "quarantine": st.one_of(
        _quarantine(),
        _toml(["file", "name", "reason", "owner", "expires", "issue", "test"], ["[[test]]", "[x]"]),
    ),
    "baseline": _altered_report(),
    "criterion": (
        st.lists(st.sampled_from(_TOKENS) | _TEXT, max_size=4)
        .flatmap(lambda parts: st.sampled_from([" ".join(parts), "".join(parts)]))
        .map(lambda text: text.encode("utf-8", "replace"))
    ),
    "scenario": st.one_of(
        _played_scenario(), _altered_scenario(), _toml(_SCENARIO_KEYS, _SCENARIO_HEADINGS)
    ),
}
"""What is tried on each target of :mod:`tests.fuzz.targets`, by its name."""
