"""The API's documentation as a page: the published description, rendered here, no script needed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """One thing other software can do."""

    method: str
    path: str
    words: str
    parameters: list[dict[str, Any]]
    body: str
    answers: list[tuple[str, str]]


@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call] # the library has no types
    description: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call] # the library has no types
    groups: dict[str, list[Operation]] = {}
    for tag, operation in _operations(description):
        groups.setdefault(tag, []).append(operation)
    context = {"groups": sorted(groups.items()), "schemas": _schemas(description)}
    return render(request, "insight/api_docs.html", context)


def _operations(description: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, methods in description["paths"].items():
        group = path.removeprefix("/api/v1/").partition("/")[0]
        for method in METHODS:
            if method in methods:
                yield group, _operation(method, path, methods[method])


def _operation(method: str, path: str, said: dict[str, Any]) -> Operation:
    answers = [
        (status, _named(answer.get("content", {})))
        for status, answer in said.get("responses", {}).items()
    ]
    return Operation(
        method=method.upper(),
        path=path,
        words=said.get("description", ""),
        parameters=[p for p in said.get("parameters", []) if p["in"] == "query"],
        body=_named(said.get("requestBody", {}).get("content", {})),
        answers=answers,
    )


def _named(content: dict[str, Any]) -> str:
    """The name of the shape that is sent or answered."""
    schema = content.get("application/json", {}).get("schema", {})
    inner = schema.get("items", schema)
    return str(inner.get("$ref", "")).rpartition("/")[2]


def _schemas(description: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    found = description.get("components", {}).get("schemas", {})
    return [(name, _members(schema)) for name, schema in sorted(found.items())]


def _members(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "type": member.get("format") or member.get("type", "object"),
            "required": name in required,
            "read_only": member.get("readOnly", False),
            "words": member.get("description", ""),
        }
        for name, member in schema.get("properties", {}).items()
    ]
