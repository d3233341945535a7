"""The JSON Schema of the configuration file, made from the settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from testery_gate.cli import option_types
from testery_gate.cli.config_file import InFile
from testery_gate.cli.option_types import Setting
from testery_gate.cli.options import SETTINGS, SHORT_CRITERIA
from testery_gate.judging.criteria import Metric, Operator
from testery_gate.judging.policy import EXPECTABLE

ROOT = Path(__file__).parents[1]
NAME = "configuration.schema.json"
FILES = (ROOT / "testery_gate" / NAME, ROOT / "docs" / NAME)
"""Where it is published: with the package, and for editors that fetch it."""
ADDRESS = f"https://raw.githubusercontent.com/testery-gate/testery-gate/main/docs/{NAME}"

_TEXT: dict[str, Any] = {"type": "string"}
_NO_TIME: dict[str, Any] = {"enum": [0]}
_BARE = r"\d+(\.\d+)?"
_DURATION = r"(?=\d)" + "".join(rf"({_BARE}{unit})?" for unit in ("h", "m", "s", "ms"))
_PERCENT = rf"{_BARE}%"


def _pattern(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^({pattern})$"}


_METRICS = "|".join(metric.value for metric in Metric)
_OPERATORS = "|".join(operator.value for operator in Operator)
_FIELDS = "|".join(field.value for field in EXPECTABLE)
_TYPES: dict[click.ParamType, dict[str, Any]] = {  # type: ignore[type-arg]  # only from click 8.4 on
    option_types.DURATION: {"anyOf": [_NO_TIME, _pattern(f"{_DURATION}|0")]},
    option_types.INTERVAL: _pattern(f"auto|{_DURATION}"),
    option_types.APPEARANCE: {"anyOf": [_NO_TIME, _pattern(f"auto|{_DURATION}|0")]},
    option_types.SPAN: {"anyOf": [_NO_TIME, _pattern(rf"\d+d|{_DURATION}|0")]},
    option_types.LOOKBACK: {
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": 100_000},
            _pattern(rf"\d+|(\d+d|{_DURATION})(,\d+)?|,\d+"),
        ]
    },
    option_types.CRITERION: _pattern(rf" *({_METRICS}) *({_OPERATORS}) *\d\S* *"),
    option_types.EXPECTATION: _pattern(rf"({_FIELDS})=.+"),
    option_types.BASELINE: {"anyOf": [_TEXT, {"type": "integer", "minimum": 1}]},
}


def _short(setting: Setting) -> dict[str, Any] | None:
    """Return what a criterion's own option takes, if it is one."""
    if setting not in SHORT_CRITERIA:
        return None
    match setting.type.name:
        case "DURATION":
            return _pattern(f"{_DURATION}|0")
        case "P":
            number = {"type": "number", "minimum": 0, "maximum": 100}
            return {"anyOf": [number, _pattern(f"{_BARE}%?")]}
        case "N|P%":
            texts = rf"\d+|{_PERCENT}"
        case _:
            texts = r"\d+"
    return {"anyOf": [{"type": "integer", "minimum": 0}, _pattern(texts)]}


def _value(setting: Setting) -> dict[str, Any]:
    """Return what one value of a setting may be."""
    if setting.is_flag:
        return {"type": "boolean"}
    if short := _short(setting):
        return short
    match setting.type:
        case click.Choice() as choice:
            return {"enum": list(choice.choices)}
        case click.IntRange() as bounds:
            limits = {"minimum": bounds.min, "maximum": bounds.max}
            return {"type": "integer"} | {k: v for k, v in limits.items() if v is not None}
        case kind if kind is click.INT:
            return {"type": "integer"}
        case kind:
            return _TYPES.get(kind, _TEXT)


def _property(setting: Setting) -> dict[str, Any]:
    value = _value(setting)
    several = {"anyOf": [value, {"type": "array", "items": value}]} if setting.multiple else value
    text = " ".join((setting.help or "").split())
    if setting.in_file in {InFile.TRUSTED, InFile.JUDGES}:
        text += " A file may set it only with --trust-config."
    default = setting.default if isinstance(setting.default, str | int) else None
    known = default is not None and not setting.is_flag
    return {"description": text, **({"default": default} if known else {}), **several}


def made() -> str:
    """Return the schema as it should be."""
    schema = {
        # Not a newer draft: this is the newest that editors' TOML extensions know.
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": ADDRESS,
        "title": "testery-gate.toml",
        "description": "The configuration file of testery-gate.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            setting.option_name: _property(setting)
            for setting in SETTINGS
            if setting.in_file is not InFile.NEVER
        },
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write() -> None:
    """Bring the files in step with the settings."""
    for path in FILES:
        path.write_text(made(), encoding="utf-8")
