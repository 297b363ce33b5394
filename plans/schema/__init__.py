"""The published JSON Schema of a plan, made from the model: `python -m plans.schema` writes it."""

import json
from pathlib import Path
from typing import Any

from plans.model import Plan

FILE = Path(__file__).parent / "plan.v1.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document() -> dict[str, Any]:
    """What the file should say now."""
    return {"$schema": DIALECT, "$id": "urn:baton:schema:plan.v1", **Plan.model_json_schema()}


def text() -> str:
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def write() -> None:
    FILE.write_text(text(), encoding="utf-8")
