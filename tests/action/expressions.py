"""GitHub's expressions, as far as this project's files use them; anything else is an error.

Source: GitHub's documentation, "Evaluate expressions in workflows and actions".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Contexts = Mapping[str, Any]

_TOKEN = re.compile(
    r"\s*(?:(?P<operator>\|\||&&|==|!=|[!()])"
    r"|'(?P<text>(?:[^']|'')*)'"
    r"|(?P<name>[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*))"
)


class ExpressionError(Exception):
    """What this module does not understand, or what does not exist."""


def template(text: str, contexts: Contexts) -> str:
    """Fill in every ``${{ ... }}``."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: _text(evaluate(found[1], contexts)), text)


def condition(text: str, contexts: Contexts) -> bool:
    """Evaluate an ``if:``; without a function of its own it is held to ``success()`` as well."""
    text = re.sub(r"^\$\{\{(.*)\}\}$", r"\1", text.strip())
    if not re.search(r"\b(success|failure|always|cancelled)\(\)", text):
        text = f"success() && ({text})"
    return _truth(evaluate(text, contexts))


def evaluate(text: str, contexts: Contexts) -> Any:
    """Return the value: a text, a truth value, or ``None`` for what is empty."""
    reader = _Reader(list(_tokens(text)), contexts)
    value = reader.alternatives()
    if reader.tokens:
        raise ExpressionError(f"{reader.tokens[0]!r} comes too late in {text!r}")
    return value


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise ExpressionError(f"{text[at:]!r} in {text!r}")
        yield found.lastgroup, found[found.lastgroup]
        at = found.end()


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]], contexts: Contexts) -> None:
        self.tokens = tokens
        self._contexts = contexts

    def alternatives(self) -> Any:
        value = self._conjunction()
        while self._take("||"):
            other = self._conjunction()
            value = value if _truth(value) else other
        return value

    def _conjunction(self) -> Any:
        value = self._comparison()
        while self._take("&&"):
            other = self._comparison()
            value = other if _truth(value) else value
        return value

    def _comparison(self) -> Any:
        value = self._single()
        for symbol, wanted in (("==", True), ("!=", False)):
            if self._take(symbol):
                # Texts are compared without regard to their case.
                return (_text(value).lower() == _text(self._single()).lower()) is wanted
        return value

    def _single(self) -> Any:
        if self._take("!"):
            return not _truth(self._single())
        if self._take("("):
            value = self.alternatives()
            self._expect(")")
            return value
        kind, word = self.tokens.pop(0) if self.tokens else ("end", "")
        if kind == "text":
            return word.replace("''", "'")
        if kind != "name":
            raise ExpressionError(f"{word!r} is no value")
        if word in {"true", "false"}:
            return word == "true"
        return self._looked_up(word)

    def _looked_up(self, word: str) -> Any:
        value: Any = self._contexts
        for part in word.split("."):
            try:
                value = value[part]
            except (KeyError, TypeError):
                raise ExpressionError(f"there is no {word}") from None
        if callable(value):
            self._expect("(")
            self._expect(")")
            function: Callable[[], bool] = value
            return function()
        return value

    def _take(self, symbol: str) -> bool:
        if self.tokens[:1] == [("operator", symbol)]:
            self.tokens.pop(0)
            return True
        return False

    def _expect(self, symbol: str) -> None:
        if not self._take(symbol):
            raise ExpressionError(f"{symbol} is missing")


def _truth(value: Any) -> bool:
    return bool(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
