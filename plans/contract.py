"""Documents against their published schemas: the first thing that does not fit, by its path."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.exceptions import best_match

from plans.errors import ContractError, joined

SCHEMAS = Path(__file__).parent / "schema"
PLAN = "plan.v1.json"

Schema = Mapping[str, Any]
_TYPES = {
    "null": "null",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}


@cache
def load(name: str) -> Schema:
    schema: Schema = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return schema


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(load(name), format_checker=FormatChecker(["date"]))


def check(document: object, schema_name: str = PLAN, *, at: str = "") -> None:
    """Raise for the first field that breaks the contract; `at` says where the document stands."""
    error = best_match(_validator(schema_name).iter_errors(document))
    if error is not None:
        raise ContractError(joined(at, path_of(error)), _problem(error))


def path_of(error: ValidationError) -> str:
    """The field as a person would write it: exerciseList[0].date."""
    path = written(error.absolute_path)
    if error.validator == "required":
        return joined(path, _missing(error))
    if error.validator == "additionalProperties":
        return joined(path, _unexpected(error))
    return path


def written(parts: Iterable[str | int]) -> str:
    path = ""
    for part in parts:
        path = joined(path, f"[{part}]" if isinstance(part, int) else part)
    return path


def _wanted(error: ValidationError) -> list[str]:
    """The names that a schema asks for: types or members."""
    value = error.validator_value
    return [value] if isinstance(value, str) else [str(name) for name in cast("list[str]", value)]


def _missing(error: ValidationError) -> str:
    members = error.instance if isinstance(error.instance, Mapping) else {}
    return next(name for name in _wanted(error) if name not in members)


def _problem(error: ValidationError) -> str:
    match error.validator:
        case "required":
            return f"is missing; expected {_expected(error)}"
        case "additionalProperties":
            return "is not part of the contract"
    return f"expected {_wish(error)}, got {shown(error.instance)}"


def _wish(error: ValidationError) -> str:
    wanted: object = error.validator_value
    match error.validator:
        case "type":
            return _one_of(_wanted(error))
        case "anyOf":
            return _alternatives(wanted)
        case "enum" | "const":
            return json.dumps(wanted)
        case "format":
            return f"a {wanted}"
    return f"{error.validator} {wanted}"


def _expected(error: ValidationError) -> str:
    schema: Schema = error.schema if isinstance(error.schema, Mapping) else {}
    member = schema.get("properties", {}).get(_missing(error), {})
    return _one_of(member["type"]) if "type" in member else "a value"


def _one_of(types: str | list[str]) -> str:
    names = [types] if isinstance(types, str) else types
    return " or ".join(_TYPES[name] for name in names)


def _alternatives(schemas: Any) -> str:
    return _one_of([schema.get("type", "object") for schema in schemas])


def _unexpected(error: ValidationError) -> str:
    schema: Schema = error.schema if isinstance(error.schema, Mapping) else {}
    members = error.instance if isinstance(error.instance, Mapping) else {}
    return min(str(name) for name in members if name not in schema.get("properties", {}))


def shown(value: object) -> str:
    """What was there, short enough to read and without the whole of somebody's words."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = json.dumps(value, ensure_ascii=True, default=str)
    kind = "the text " if isinstance(value, str) else ""
    return kind + (text if len(text) <= 40 else f"{text[:39]}…")
