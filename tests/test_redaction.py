from __future__ import annotations

import base64
import re
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.redaction import LONGEST_TEXT, Redaction

TOKEN = "canary-4f1c9e_Qz7Wm2Lx0Vb8"


def escaped(form: str) -> Callable[[str], str]:
    return lambda text: "".join(form.format(ord(sign)) for sign in text)


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "lower": str.lower,
    "swapped": str.swapcase,
    "percent": escaped("%{:02x}"),
    "percent in upper case": escaped("%{:02X}"),
    "percent where needed": lambda text: urllib.parse.quote(text).replace("-", "%2D"),
    "percent twice": lambda text: urllib.parse.quote(escaped("%{:02x}")(text)),
    "base64": in_base64,
    "base64 without padding": lambda text: in_base64(text).rstrip("="),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 of a header": lambda text: in_base64(f"Bearer {text}"),
    "base64 after a letter": lambda text: in_base64(f"x{text}y"),
    "base64 after two": lambda text: in_base64(f"xx{text}yy"),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal in upper case": lambda text: text.encode().hex().upper(),
    "JSON": escaped("\\u{:04x}"),
    "Python": escaped("\\x{:02X}"),
    "HTML": escaped("&#x{:X};"),
    "HTML in decimals": escaped("&#{};"),
    "full width": lambda text: "".join(chr(ord(sign) + 0xFEE0) for sign in text),
    "mathematical": lambda text: "".join(
        chr(0x1D41A + ord(sign) - ord("a")) if "a" <= sign <= "z" else sign for sign in text
    ),
}
INVISIBLE = (
    *("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u034f", "\u0301"),
    *("\ufe0f", "\u202e", "\u2066", "\x00", "\x1b[0m", "\x9b1m", "\u3164", "\u2800", "\u180e"),
    *("\U000e0041", "\ud800", " ", "\n", "\t", "\u00a0"),
)


@given(
    encode=st.sampled_from(list(ENCODINGS.values())),
    data=st.data(),
    before=st.text(max_size=5),
    after=st.text(max_size=5),
)
def test_no_form_of_the_token_is_left(
    encode: Callable[[str], str], data: st.DataObject, before: str, after: str
) -> None:
    form = encode(TOKEN)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(form)), max_size=8)))
    parts = [form[at:to] for at, to in zip([0, *cuts], [*cuts, len(form)], strict=True)]
    parted = "".join(part + data.draw(st.sampled_from(INVISIBLE)) for part in parts)
    shown = Redaction(TOKEN)(f"{before}\n{parted}\n{after}")
    assert "***" in shown
    visible = "".join(sign for sign in shown if "!" <= sign <= "~")
    assert len(visible) <= len(before) + len("***") + len(after) + 12  # the base64 of neighbours


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_what_stands_around_the_token_is_left(encode: Callable[[str], str]) -> None:
    shown = Redaction(TOKEN)(f"caf\u00e9 {encode(TOKEN)}; {encode(TOKEN)}; 100% \\x41 \u2713")
    around = r"[A-Za-z]{0,11}\*\*\*\S{0,4}; "  # with what base64 has of neighbours
    assert re.fullmatch(rf"caf\u00e9 {around}{around}100% \\x41 \u2713", shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(f"got {TOKEN[:20]}...", "got ***...", id="its beginning"),
        pytest.param(f"got ...{TOKEN[-17:]}!", "got ...***!", id="its end"),
        pytest.param(f"got {TOKEN[5:22]}", "got ***", id="its middle"),
        pytest.param(f"got {TOKEN[:12]}", f"got {TOKEN[:12]}", id="less than half of it"),
        pytest.param("canary-4f1c9e is a bird", "canary-4f1c9e is a bird", id="a word of it"),
        pytest.param(f"{TOKEN}{TOKEN}", "******", id="twice"),
        pytest.param(f"{TOKEN[:20]}{TOKEN}", "******", id="begun and said"),
    ],
)
def test_a_stretch_of_the_token_is_removed_where_it_is_half_of_it(text: str, shown: str) -> None:
    assert Redaction(TOKEN)(text) == shown


@given(st.text())
def test_no_token_is_removed_from_no_text(text: str) -> None:
    assert "***" not in Redaction("")(text) or "***" in text


@pytest.mark.parametrize("token", ["a", "ab", "61", "test"])
def test_codes_of_a_token_of_a_few_letters_are_not_looked_for(token: str) -> None:
    text = "NjE= 6162 YWI YQ 746573740 dGVzdA"
    assert "***" not in Redaction("~" * len(token))(text)
    assert Redaction(token)(f"~{token.upper()}~") == "~***~"


@pytest.mark.parametrize("token", ["", TOKEN])
@pytest.mark.parametrize("shown", range(0, len(TOKEN) + 3, 3))
def test_a_text_without_end_is_cut_and_shows_no_part_of_the_token(token: str, shown: int) -> None:
    redact = Redaction(token)
    assert redact("a" * LONGEST_TEXT) == "a" * LONGEST_TEXT
    cut = redact(f"{'a ' * ((LONGEST_TEXT - shown) // 2)}{TOKEN}{'b' * LONGEST_TEXT}")
    assert cut.endswith("…")
    assert len(cut) <= LONGEST_TEXT + 1
    assert not token or token[:3] not in cut


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("пароль", "вход: ПАРОЛЬ, a-b", "вход: ***, a-b"),
        ("Tür-Öffner 12", "it is tür-öffner\n12!", "it is ***!"),
        ("密码-密码", "a-b 密码-密码", "a-b ***"),
        ("пароль", f"in base64 {in_base64('пароль')}", "in base64 ***"),
        ("пароль", f"{'пароль'.encode().hex()}", "***"),
        ("\x01\x02\x03", "nothing is left of it", "nothing is left of it"),
        ("\u200b\u200b", "nor of this", "nor of this"),
    ],
)
def test_a_secret_that_is_not_all_ascii_is_removed_and_nothing_else(
    secret: str, text: str, shown: str
) -> None:
    assert Redaction(TOKEN, secret)(f"{text} {TOKEN}") == f"{shown} ***"
