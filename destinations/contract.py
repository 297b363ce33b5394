"""Payload contracts: a payload that breaks its destination's JSON Schema never leaves."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match

from destinations.errors import PayloadError


@cache
def load_schema(path: Path) -> Mapping[str, Any]:
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return schema


def check(payload: object, schema: Mapping[str, Any]) -> None:
    """Refuse a payload that breaks its contract, naming the field but never its content."""
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    error = best_match(validator.iter_errors(payload))
    if error is not None:
        where = error.json_path.removeprefix("$").lstrip(".") or "the payload"
        raise PayloadError(
            f"The payload breaks its contract at {where} ({error.validator}).",
            code="contract_broken",
        )
