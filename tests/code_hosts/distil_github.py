"""What GitHub's published API description says of the operations that the gate uses.

``python -m tests.code_hosts.distil_github FILE`` writes it anew from ``api.github.com.json`` of the
npm package ``@octokit/openapi``; an acceptance test holds the two together.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CONTRACT = Path(__file__).parent / "contracts" / "github.yaml"
OPERATIONS = (
    ("get", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("post", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("patch", "/repos/{owner}/{repo}/issues/comments/{comment_id}"),
    ("delete", "/repos/{owner}/{repo}/issues/comments/{comment_id}"),
    ("post", "/repos/{owner}/{repo}/statuses/{sha}"),
    ("post", "/repos/{owner}/{repo}/check-runs"),
    ("get", "/repos/{owner}/{repo}/commits/{ref}/check-runs"),
    ("patch", "/repos/{owner}/{repo}/check-runs/{check_run_id}"),
)
READ = {
    *("id", "body", "user", "login"),
    *("check_runs", "external_id", "name", "status", "conclusion"),
}
"""The fields of answers that are kept: those that somebody reads."""
ANYWHERE = ("401", "403", "404", "422", "429")
"""Statuses that any operation may have, by "Troubleshooting the REST API" and "Rate limits for the
REST API"; the description names them for some."""
_HEAD = """\
# The operations of GitHub's REST API (2022-11-28) that the gate uses, in the form of OpenAPI 3.
# Facts from https://github.com/octokit/openapi, by tests/code_hosts/distil_github.py. A request
# may have no field that is not described.
"""
_KEPT = {
    *("type", "enum", "required", "items", "properties", "additionalProperties", "oneOf", "anyOf"),
    *("maxLength", "minLength", "maxItems", "minItems", "maximum", "minimum", "format"),
}


def distilled(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return the operations in the form that the contracts have."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path in OPERATIONS:
        operation = description["paths"][path][method]
        known: dict[str, Any] = {
            "parameters": [
                _parameter(_resolved(description, one)) for one in operation["parameters"]
            ]
        }
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]["application/json"]
            known["body"] = _request(_plain(description, content["schema"]))
        known["responses"] = {
            **{status: {} for status in ANYWHERE},
            **{
                status: _answer(description, _resolved(description, answer))
                for status, answer in operation["responses"].items()
                if status.startswith("2")
            },
        }
        paths.setdefault(path, {})[method] = known
    return {"openapi": description["openapi"], "components": {}, "paths": paths}


def _parameter(one: Mapping[str, Any]) -> dict[str, Any]:
    schema = {key: value for key, value in one["schema"].items() if key in _KEPT}
    if one["name"] == "per_page":
        schema["maximum"] = 100  # which the description says in words
    return {
        "name": one["name"],
        "in": one["in"],
        "required": one.get("required", False),
        "schema": schema,
    }


def _answer(description: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    if "content" not in answer:
        return {}
    return {"schema": _read(_plain(description, answer["content"]["application/json"]["schema"]))}


def _resolved(description: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Any = description
    for name in schema["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return _resolved(description, found)


def _plain(description: Mapping[str, Any], schema: Mapping[str, Any], depth: int = 0) -> Any:
    """Return a schema without references and words, in today's form of JSON Schema."""
    schema = _resolved(description, schema)
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key not in _KEPT or depth > 6:
            continue
        if key == "properties":
            found[key] = {name: _plain(description, one, depth + 1) for name, one in value.items()}
        elif key in {"items", "additionalProperties"} and isinstance(value, dict):
            found[key] = _plain(description, value, depth + 1)
        elif key in {"oneOf", "anyOf"}:
            found[key] = [_plain(description, one, depth + 1) for one in value]
        else:
            found[key] = value
    if schema.get("nullable") and "type" in found:
        found["type"] = [found["type"], "null"]
    if schema.get("nullable") and "enum" in found and None not in found["enum"]:
        found["enum"] = [*found["enum"], None]
    return found


def _request(schema: Any) -> Any:
    """Close every object, so that a field with a slip is found."""
    if not isinstance(schema, dict):
        return schema
    closed = {key: _request(value) for key, value in schema.items()}
    if "properties" in schema:
        closed["properties"] = {name: _request(one) for name, one in schema["properties"].items()}
        if "type" in schema:
            closed["additionalProperties"] = False
    return closed


def _read(schema: Any) -> Any:
    """Leave what somebody reads."""
    if isinstance(schema, list):
        return [_read(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _read(value) for key, value in schema.items() if key != "properties"}
    if "properties" in schema:
        found["properties"] = {
            name: _read(one) for name, one in schema["properties"].items() if name in READ
        }
    if "required" in schema:
        found["required"] = [name for name in schema["required"] if name in READ]
    return found


def written(contract: Mapping[str, Any]) -> str:
    """Return the text of the file."""
    return _HEAD + yaml.safe_dump(dict(contract), sort_keys=False, width=100)


if __name__ == "__main__":
    whole = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    CONTRACT.write_text(written(distilled(whole)), encoding="utf-8")
