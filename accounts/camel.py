"""camelCase on the wire, snake_case in Python: one rule for every serializer of the API."""

from typing import Any

from pydantic.alias_generators import to_camel
from rest_framework import serializers


class CamelSerializer(serializers.Serializer[Any]):
    """Shows and takes each field under its camelCase name."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {
            self._on_the_wire(name, field): field for name, field in super().get_fields().items()
        }

    def _on_the_wire(self, name: str, field: serializers.Field[Any, Any, Any, Any]) -> str:
        wire = to_camel(name)
        if isinstance(field, serializers.SerializerMethodField):
            field.method_name = field.method_name or f"get_{name}"
        elif wire != name and field.source is None:
            field.source = name
        return wire
