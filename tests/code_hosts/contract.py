"""The published contracts, against which every request and every answer of the tests is held.

``contracts/`` has the few operations that the gate uses, with the source of each file in it.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

FOLDER = Path(__file__).parent / "contracts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation, and the values that its path was asked with."""

    path: str
    described: Mapping[str, Any]
    values: Mapping[str, str]


@cache
def _read(name: str) -> Any:
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


class Contract:
    """What one system takes and answers."""

    def __init__(self, name: str, document: Any = None) -> None:
        self._document = document or _read(name)
        self.used = set[tuple[str, str]]()

    def operations(self) -> set[tuple[str, str]]:
        """Every operation that is described, as its method and path."""
        return {
            (method.upper(), path)
            for path, methods in self._document["paths"].items()
            for method in methods
        }

    def faults_of_request(self, method: str, target: str, body: object) -> Sequence[str]:
        """Say what is wrong with a request; ``target`` is its path with the query."""
        parts = urllib.parse.urlsplit(target)
        operation = self._operation(method, parts.path)
        if operation is None:
            return [f"{method} {parts.path} is not described"]
        self.used.add((method, operation.path))
        return [*self._wrong_parameters(operation, parts.query), *self._wrong_body(operation, body)]

    def faults_of_answer(
        self, method: str, target: str, status: int, data: object
    ) -> Sequence[str]:
        """Say what is wrong with an answer of a stand-in."""
        operation = self._operation(method, urllib.parse.urlsplit(target).path)
        if operation is None:
            return []  # that the request is wrong was said already
        answer = operation.described["responses"].get(str(status))
        if answer is None:
            return [f"{method} {operation.path} does not answer with {status}"]
        return self._wrong(answer["schema"], data) if "schema" in answer else []

    def _operation(self, method: str, path: str) -> Operation | None:
        for template, methods in self._document["paths"].items():
            pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
            if (found := re.fullmatch(pattern, path)) and method.lower() in methods:
                values = {
                    name: urllib.parse.unquote(text) for name, text in found.groupdict().items()
                }
                return Operation(path=template, described=methods[method.lower()], values=values)
        return None

    def _wrong_parameters(self, operation: Operation, query: str) -> Iterator[str]:
        asked = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        known = [self._resolved(one) for one in operation.described.get("parameters", [])]
        for name in asked.keys() - {one["name"] for one in known if one["in"] == "query"}:
            yield f"{operation.path} has no parameter {name}"
        for one in known:
            values = operation.values if one["in"] == "path" else asked
            if one["name"] in values:
                text = values[one["name"]]
                value = (
                    int(text)
                    if one["schema"].get("type") == "integer" and text.isdecimal()
                    else text
                )
                yield from (
                    f"{one['name']}: {fault}" for fault in self._wrong(one["schema"], value)
                )
            elif one.get("required"):
                yield f"{operation.path} lacks {one['name']}"

    def _wrong_body(self, operation: Operation, body: object) -> Sequence[str]:
        if "body" in operation.described:
            return self._wrong(operation.described["body"], body)
        return [] if body is None else [f"{operation.path} takes no body"]

    def _wrong(self, schema: Mapping[str, Any], value: object) -> Sequence[str]:
        whole = {**schema, "components": self._document["components"]}
        return [error.message for error in Draft202012Validator(whole).iter_errors(value)]

    def _resolved(self, one: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in one:
            return one
        found: Any = self._document
        for name in one["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return dict(found)
