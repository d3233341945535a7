"""Remove the token from every text that may come from the API."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, takewhile
from operator import eq

from testery_gate.text import clean_text


class Redaction:
    """Removes secrets from texts of the API: the token, and others that it is given.

    A secret is found in upper and lower case, split by blanks or by characters that are not
    printable ASCII, in look-alike characters (full width, mathematical), and encoded: percent,
    base64 at any place of a longer text, hexadecimal, and the numeric escapes of JSON, Python and
    HTML. A part of it is found too, if it is at least half of the secret and has at least 16
    characters. Smaller parts, other encodings, and secrets that are reversed or separated by
    visible characters are not found. A secret that is not all ASCII is found in upper and lower
    case, with other blanks, in base64 and hexadecimal.
    """

    def __init__(self, token: str, *others: str) -> None:
        self._others = Redaction(*others) if others else None
        # Of other scripts little or nothing is left in ASCII, and that little is in any text.
        plain = _bare(token) if token.isascii() else b""
        words = [] if token.isascii() else clean_text(token).split()
        self._other_script = re.compile(r"\s*".join(map(re.escape, words)), re.IGNORECASE)
        encoded = [token.encode().hex().encode(), *map(_bare, _in_base64(token.encode()))]
        self._length = len(token)
        self._plain = plain
        whole = [plain, *(form for form in encoded if len(form) >= _SHORTEST_CODE)]
        self._whole = [form for form in whole if form]
        self._least = max(_SHORTEST_STRETCH, -(-len(plain) // 2))
        # A part that is that long holds one of these blocks in full.
        size = (self._least + 1) // 2
        self._blocks = [
            (at, plain[at : at + size]) for at in range(0, len(plain) - size + 1, size)
        ] * (len(plain) > self._least)
        signs = [*self._whole, *(block for _, block in self._blocks)]
        self._sign = re.compile(b"|".join(map(re.escape, signs)))

    def __repr__(self) -> str:
        return "Redaction(***)"

    def beginning(self, text: str) -> str:
        """Return a text that was cut off, without the token and without a part of it at the cut."""
        whole = self(text)
        return whole[: max(0, len(whole) - _LONGEST_ESCAPE * self._longest)]

    @property
    def _longest(self) -> int:
        return max(self._length, self._others._longest if self._others else 0)

    def __call__(self, text: str) -> str:
        """Return a remote text cleaned, and without the secrets."""
        if self._others is not None:
            text = self._others(text)
        if len(text) > LONGEST_TEXT:
            return f"{self.beginning(text[:LONGEST_TEXT])}…"
        # Cleaned first: a control character could split the token here and be removed later.
        cleaned = clean_text(text)
        if self._other_script.pattern:
            cleaned = self._other_script.sub("***", cleaned)
        if not self._whole:
            return cleaned
        bare = _bare(cleaned)
        if _SIGNS_OF_ESCAPES.search(bare):
            bare = re.sub(_ESCAPE, _unescaped, bare)
        return self._without(cleaned) if self._sign.search(bare) else cleaned

    def _without(self, text: str) -> str:
        bare, spans = _with_spans(text)
        found = sorted([*self._forms(bare), *self._stretches(bare)])
        parts, at = list[str](), 0
        for first, last in found:
            begin, end = spans[first][0], spans[last][1]
            if end > at:
                parts += [text[at:begin], "***"] if begin >= at else []
                at = end
        return "".join([*parts, text[at:]])

    def _forms(self, bare: bytes) -> Iterator[tuple[int, int]]:
        for form in self._whole:
            for at in _occurrences(form, bare):
                yield at, at + len(form) - 1

    def _stretches(self, bare: bytes) -> Iterator[tuple[int, int]]:
        for offset, block in self._blocks:
            for at in _occurrences(block, bare):
                before = _in_common(
                    self._plain[:offset][::-1], bare[max(0, at - offset) : at][::-1]
                )
                rest = self._plain[offset:]
                after = _in_common(rest, bare[at : at + len(rest)])
                if before + after >= self._least:
                    yield at - before, at + after - 1


LONGEST_TEXT = 1_000_000
"""Characters of one text that are kept: looking for the token takes a hundred times its size."""
_SHORTEST_STRETCH = 16
_SHORTEST_CODE = 8
"""Shorter parts would be found in texts that have nothing to do with the token."""
_LONGEST_ESCAPE = 6

_LOWER = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ-_",  # base64 has two alphabets, of which one is for addresses
    b"abcdefghijklmnopqrstuvwxyz+/",
)
_DROPPED = bytes(code for code in range(256) if not 0x21 <= code <= 0x7E)
_SIGNS_OF_ESCAPES = re.compile(rb"[%\\&]")
# In lower case; compiled when first needed, by re: few texts have escapes.
_ESCAPE = rb"(?:%(?:25)*|\\x|\\u00)([0-9a-f]{2})|&#x0*([0-9a-f]{2});?|&#0*([0-9]{2,3});?"


def _bare(text: str) -> bytes:
    """Return the letters, digits and signs of a text."""
    if not text.isascii():
        text = text.translate(_look_alikes())
    return text.encode("ascii", "ignore").translate(_LOWER, _DROPPED)


def _unescaped(escape: re.Match[bytes]) -> bytes:
    in_hex = escape[1] or escape[2]
    code = int(in_hex, 16) if in_hex else int(escape[3])
    return bytes([code]).translate(_LOWER, _DROPPED) if code < 0x100 else b""


def _with_spans(text: str) -> tuple[bytes, Sequence[tuple[int, int]]]:
    """Return the bare text without escapes, and where each of its bytes stands in the text."""
    if not text.isascii():
        text = text.translate(_look_alikes())
    kept = [at for at, character in enumerate(text) if "!" <= character <= "~"]
    bare = _bare(text)
    plain = bytearray()
    spans: list[tuple[int, int]] = []
    done = 0
    for escape in [*re.finditer(_ESCAPE, bare), None]:
        begin, end = escape.span() if escape else (len(bare), len(bare))
        plain += bare[done:begin]
        spans += [(at, at + 1) for at in kept[done:begin]]
        if escape and (sign := _unescaped(escape)):
            plain += sign
            spans.append((kept[begin], kept[end - 1] + 1))
        done = end
    return bytes(plain), spans


def _in_base64(secret: bytes) -> Iterator[str]:
    """Yield its forms in base64, one for each place where it can begin in three bytes."""
    for before in range(3):
        coded = base64.b64encode(bytes(before) + secret).decode()
        # Characters that also depend on the bytes next to it are left out.
        yield coded[-(-8 * before // 6) : 8 * (before + len(secret)) // 6]


def _occurrences(part: bytes, whole: bytes) -> Iterator[int]:
    at = whole.find(part)
    while at >= 0:
        yield at
        at = whole.find(part, at + len(part))


def _in_common(one: bytes, other: bytes) -> int:
    """Return the length of the common beginning of both."""
    return sum(1 for _ in takewhile(bool, map(eq, one, other)))


@cache
def _look_alikes() -> Mapping[int, str]:
    """Return the characters that look like ASCII ones, by their code points."""
    blocks = ((0xAA, 0xBA), (0x17F, 0x17F), (0x2070, 0x209C), (0x2100, 0x214F), (0x2460, 0x24FF))
    codes = chain(
        *(range(first, last + 1) for first, last in (*blocks, (0xFF01, 0xFF5E), (0x1D400, 0x1D7FF)))
    )
    dressed = {code: unicodedata.normalize("NFKC", chr(code)) for code in codes}
    return {code: sign for code, sign in dressed.items() if len(sign) == 1 and sign.isascii()}
