"""Text from elsewhere is text to every CI system."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.ci.inert import InertStream, commands_alone, guarded, inert, unguarded
from tests.ci.readers import BLANKS, READERS, Command, github
from tests.reports.examples import any_text

Reader = Callable[[str], Sequence[Command]]
LOG_READERS = [pytest.param(READERS[name], id=name) for name in READERS if name != "gitlab"]
ATTACKS = [
    "::error::owned",
    "  \t::set-output name=a::b",
    "\u2003\u3000::stop-commands::x",
    "text\r::add-mask::e",
    "\n\r \n::group::x",
    "##[error]owned",
    "text ##[group]owned",
    "###[warning]owned",
    "::no command::##[error]owned",
    "##vso[task.complete result=Succeeded;]done",
    "text ##vso[task.setvariable variable=a]b ##vso[build.addbuildtag]c",
    "##teamcity[buildStatus status='SUCCESS']",
    "text ####teamcity[buildNumber '1'] ##teamcity[buildNumber '2']",
]
any_lines = st.lists(
    st.sampled_from([*ATTACKS, "::", ":", "#", "##", "[", "]", "vso[", "\n", "\r", *BLANKS])
    | any_text
).map("".join)


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_attacks_are_commands_before(attack: str) -> None:
    assert any(READERS[name](attack) for name in READERS)


@pytest.mark.parametrize("read", LOG_READERS)
@given(text=any_lines)
def test_inert_text_holds_no_command(read: Reader, text: str) -> None:
    assert not read(inert(text))


@pytest.mark.parametrize("separator", ["", " ", "\u2028", "\x0b", "\x85", "%0D"])
@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if "##" in attack])
def test_a_command_holds_none_for_another_system(attack: str, separator: str) -> None:
    quoted = attack.replace("[error]", "[err]").partition("\n")[0]
    line = f"::error::x{separator}{quoted}\n"
    for name in ("azure", "teamcity"):
        assert not READERS[name](commands_alone(line)), name
    for line in ("::add-mask::x\n", "##vso[task.complete]x\n", "##teamcity[message text='x']\n"):
        assert commands_alone(line) == line


@given(any_lines)
def test_only_blanks_are_added(text: str) -> None:
    assert inert(text).replace(" ", "") == text.replace(" ", "")


@given(any_lines)
def test_inert_text_stays_as_it_is(text: str) -> None:
    assert inert(inert(text)) == inert(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("# Title\n## Chapter\n", id="Markdown"),
        pytest.param("Foo::bar calls ::baz, 12:34::56", id="colons in a line"),
        pytest.param("[##    ] 50 %", id="a bar"),
        pytest.param("#[x] ##(x) # #", id="no command"),
    ],
)
def test_harmless_text_is_left_alone(text: str) -> None:
    assert inert(text) == text


@given(st.lists(st.dictionaries(any_lines, st.lists(any_lines), max_size=1), max_size=3))
def test_json_stays_json_and_holds_no_command(data: list[dict[str, list[str]]]) -> None:
    text = inert(json.dumps(data, indent=2))
    shown = json.loads(text)
    assert [list(map(len, item.values())) for item in shown] == [
        list(map(len, item.values())) for item in data
    ]
    assert not [found for read in READERS.values() for found in read(text)]


def test_a_guarded_stream_is_the_one_below_but_for_commands() -> None:
    below = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", errors="replace")
    stream = guarded(below)
    assert isinstance(stream, InertStream)
    assert stream.write("::error::x\n") == 11
    unguarded(stream).write("::error::meant\n")
    stream.flush()
    assert below.buffer.getvalue() == b": :error::x\n::error::meant\n"
    assert [(c.name, c.data) for c in github(below.buffer.getvalue().decode())] == [
        ("error", "meant")
    ]
    assert (stream.encoding, stream.errors) == ("latin-1", "replace")
    assert stream.writable()
    assert not stream.isatty()
    with pytest.raises(OSError, match="fileno"):
        stream.fileno()


def test_a_closed_stream_stays_closed_and_another_is_its_own() -> None:
    stream = io.StringIO()
    assert guarded(None) is None
    assert unguarded(stream) is stream
