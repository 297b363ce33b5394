"""The shapes of destinations on the wire. Settings are taken and never shown: they hold secrets."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.camel import CamelSerializer
from destinations import pace, registry, schedule
from destinations.models import Destination


@extend_schema_field({"type": "integer"})
class SecondsField(serializers.IntegerField):
    """A time as whole seconds on the wire, refused before it is too long to be one."""

    def to_internal_value(self, data: Any) -> Any:
        return pace.window(super().to_internal_value(data))

    def to_representation(self, value: Any) -> int:
        return int(value.total_seconds())


def _between(name: str, words: str) -> str:
    """The service refuses a new figure that lies outside; one from before the bounds may stay."""
    bounds = pace.BOUNDS[name]
    return f"{words} A new figure is between {bounds.least:,g} and {bounds.most:,g}."


class DestinationSerializer(CamelSerializer, serializers.ModelSerializer[Destination]):
    settings = serializers.DictField(
        write_only=True,
        required=False,
        default=dict,
        help_text="What this kind asks for; see /destination-kinds/. Never shown again.",
    )
    kind = serializers.ChoiceField(choices=sorted(registry.ADAPTERS))
    schedule = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=schedule.DAY),
        required=False,
        allow_null=True,
        min_length=1,
        max_length=schedule.MOST_TRIES,
        help_text="Seconds before each try, from 0 on, never shorter. null is the usual schedule.",
    )

    late_apply_window = SecondsField(
        required=False,
        help_text=_between(
            "late_apply_window",
            "Seconds for which a call without an answer may still take effect there. What such a "
            "call could undo waits that long.",
        ),
    )

    class Meta:
        model = Destination
        fields = [
            "id",
            "kind",
            "name",
            "settings",
            "pseudonymous",
            "delivery_mode",
            "rate_per_second",
            "burst",
            "slots",
            "late_apply_window",
            "schedule",
            "idempotency_class",
            "state",
            "stage",
            "paused_reason",
            "breaker_state",
            "last_ok_at",
            "last_error_code",
            "last_error_at",
        ]
        extra_kwargs = {
            "rate_per_second": {
                "help_text": _between("rate_per_second", "Calls per second in the long run.")
            },
            "burst": {"help_text": _between("burst", "Calls in one go after a quiet time.")},
            "slots": {"help_text": _between("slots", "Plans sent there at the same time.")},
            "idempotency_class": {
                "required": False,
                "help_text": (
                    "What it does with a message that comes twice; the kind says which it can be. "
                    "Not said: by the kind, for a webhook by its address. Only with `none` is a "
                    "person asked when nobody knows whether a call was applied."
                ),
            },
        }
        read_only_fields = [
            "id",
            "state",
            "stage",
            "paused_reason",
            "breaker_state",
            "last_ok_at",
            "last_error_code",
            "last_error_at",
        ]


class CheckedSerializer(CamelSerializer, serializers.Serializer[Any]):
    ok = serializers.BooleanField(read_only=True)
    words = serializers.CharField(read_only=True)
    code = serializers.CharField(read_only=True)


class KindSerializer(CamelSerializer, serializers.Serializer[Any]):
    """A kind of destination: what it can hold, and what its settings are called."""

    kind = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    capabilities = serializers.DictField(read_only=True)
    idempotency_classes = serializers.ListField(child=serializers.CharField(), read_only=True)
    losses = serializers.ListField(child=serializers.CharField(), read_only=True)
    settings = serializers.DictField(child=serializers.CharField(), read_only=True)


class SecretSerializer(CamelSerializer, serializers.Serializer[Any]):
    secret = serializers.CharField(read_only=True)
