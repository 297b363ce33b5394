"""The shapes of the API. Every field is listed; what is not here is neither shown nor taken."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.camel import CamelSerializer
from accounts.models import Athlete, ConsentDecision, User
from destinations.models import Destination
from plans.fields import SESSION_FIELDS
from sharing import quarantine, remarks
from sharing.models import (
    Attempt,
    Delivery,
    Plan,
    PlanVersion,
    Quarantine,
    Route,
    Step,
)
from sharing.selectors import waiting

FIELD_CHOICES = sorted(SESSION_FIELDS)


class OwnRows(CamelSerializer):
    """A row that the person may not see cannot be named either."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        user = getattr(self.context.get("request"), "user", None)
        if user is not None and user.is_authenticated:
            for name, rows in OWN.items():
                if name in fields:
                    field: Any = fields[name]
                    getattr(field, "child_relation", field).queryset = rows.for_user(user)
        return fields


OWN: dict[str, Any] = {
    "athlete": Athlete.objects,
    "athletes": Athlete.objects,
    "destination": Destination.objects,
    "delivery": Delivery.objects,
    "quarantine": Quarantine.objects,
}


class AthleteSerializer(CamelSerializer, serializers.ModelSerializer[Athlete]):
    class Meta:
        model = Athlete
        fields = ["id", "name", "time_zone", "state", "is_premium"]
        read_only_fields = ["id", "name", "state", "is_premium"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if self.instance is not None and self.instance.is_leaving:
            raise serializers.ValidationError("This athlete is being erased.")
        return attrs


class PlanSerializer(OwnRows, serializers.ModelSerializer[Plan]):
    """A plan. Rolling plans come by themselves; a block with fixed days is made by a coach."""

    athlete = serializers.PrimaryKeyRelatedField(queryset=Athlete.objects.none())
    starts_on = serializers.DateField()
    ends_on = serializers.DateField()

    class Meta:
        model = Plan
        fields = ["id", "athlete", "name", "kind", "weeks", "starts_on", "ends_on", "newest"]
        validators: list[Any] = []  # one rolling plan per athlete does not limit blocks
        read_only_fields = ["id", "kind", "weeks", "newest"]


class PlanVersionSerializer(CamelSerializer, serializers.ModelSerializer[PlanVersion]):
    """A version without its content: numbers, hash, times and what changed in words."""

    summary = serializers.SerializerMethodField()

    class Meta:
        model = PlanVersion
        fields = [
            "id",
            "plan",
            "version",
            "content_hash",
            "starts_on",
            "ends_on",
            "session_count",
            "total_duration",
            "urgent",
            "rules",
            "first_hint_at",
            "read_at",
            "published_at",
            "summary",
        ]
        read_only_fields = fields

    def get_summary(self, version: PlanVersion) -> list[str]:
        return version.summary()


class RouteSerializer(OwnRows, serializers.ModelSerializer[Route]):
    fields_shared = serializers.DictField(
        source="fields",
        child=serializers.CharField(max_length=200),
        help_text="Session field → why it leaves. What is not named here stays here.",
    )
    athletes = serializers.PrimaryKeyRelatedField(
        many=True, queryset=Athlete.objects.none(), required=False
    )
    destination = serializers.PrimaryKeyRelatedField(queryset=Destination.objects.none())
    drift_policy = serializers.DictField(
        child=serializers.ChoiceField(choices=Route.OnDrift.choices),
        required=False,
        help_text="What differs there → what is done. What is not named here has its default.",
    )

    class Meta:
        model = Route
        fields = [
            "id",
            "destination",
            "name",
            "purpose",
            "plan_kind",
            "audience",
            "athletes",
            "fields_shared",
            "cadence",
            "local_time",
            "weekday",
            "urgent_at_once",
            "drift_policy",
            "state",
            "created_at",
        ]
        read_only_fields = ["id", "state", "created_at"]

    def validate_fields_shared(self, value: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(value) - set(SESSION_FIELDS))
        if unknown:
            raise serializers.ValidationError(f"Unknown fields: {', '.join(unknown)}.")
        return value


class ConsentSerializer(CamelSerializer, serializers.ModelSerializer[ConsentDecision]):
    basis_note = serializers.CharField(source="note", read_only=True)

    class Meta:
        model = ConsentDecision
        fields = [
            "id",
            "athlete",
            "destination_id",
            "decision",
            "purpose",
            "fields",
            "notice_version",
            "basis",
            "basis_note",
            "decided_at",
            "expires_at",
        ]
        read_only_fields = fields


class DecisionSerializer(OwnRows, serializers.Serializer[Any]):
    """A consent decision to record."""

    athlete = serializers.PrimaryKeyRelatedField(queryset=Athlete.objects.none())
    destination = serializers.PrimaryKeyRelatedField(queryset=Destination.objects.none())
    decision = serializers.ChoiceField(choices=["granted", "declined", "withdrawn"])
    fields_agreed = serializers.ListField(
        child=serializers.ChoiceField(choices=FIELD_CHOICES), required=False, default=list
    )
    purpose = serializers.CharField(max_length=200, required=False, default="")
    note = serializers.CharField(max_length=500, help_text="How the athlete said so.")
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        granted = attrs["decision"] == "granted"
        if granted and not (attrs["fields_agreed"] and attrs["purpose"]):
            raise serializers.ValidationError("A grant names its fields and its purpose.")
        return attrs


class StepSerializer(CamelSerializer, serializers.ModelSerializer[Step]):
    """One create, update or removal; `excerpt` is the beginning of what was answered."""

    class Meta:
        model = Step
        fields = [
            "item_key",
            "action",
            "state",
            "idempotency_key",
            "remote_id",
            "error_code",
            "excerpt",
            "intended_at",
            "settled_at",
        ]
        read_only_fields = fields


class AttemptSerializer(CamelSerializer, serializers.ModelSerializer[Attempt]):
    """One try. `problem` says what its code does not, such as the field that broke a contract;
    `excerpt` is the beginning of an answer that came before the first step.
    """

    steps = StepSerializer(many=True, read_only=True)

    class Meta:
        model = Attempt
        fields = [
            "id",
            "number",
            "plan_version",
            "endpoint",
            "started_at",
            "settled_at",
            "outcome",
            "error_code",
            "http_status",
            "problem",
            "excerpt",
            "next_try_at",
            "steps",
        ]
        read_only_fields = fields


class DeliverySerializer(CamelSerializer, serializers.ModelSerializer[Delivery]):
    plan = serializers.UUIDField(source="lane.plan_id", read_only=True)
    destination = serializers.UUIDField(source="lane.destination_id", read_only=True)
    route = serializers.UUIDField(source="lane.route_id", read_only=True)
    version = serializers.IntegerField(source="version.version", read_only=True)
    assigned_to = serializers.EmailField(source="assigned_to.email", default="", read_only=True)
    next_try_at = serializers.SerializerMethodField(
        help_text="Of one that waits; now when it is due, null while it waits for a person or, "
        "after a restore, for its calendar to be read."
    )

    class Meta:
        model = Delivery
        fields = [
            "id",
            "plan",
            "route",
            "destination",
            "version",
            "revision",
            "intent",
            "state",
            "reason",
            "due_at",
            "next_try_at",
            "accepted_at",
            "started_at",
            "settled_at",
            "assigned_to",
            "withheld",
            "notes",
            "rules",
        ]
        read_only_fields = fields

    def get_next_try_at(self, delivery: Delivery) -> datetime | None:
        found = waiting.next_try(delivery)
        return found.at if found else None


class AssignSerializer(serializers.Serializer[Any]):
    """Somebody who may act on the delivery, or the answer in quarantine."""

    to = serializers.EmailField(allow_null=True)

    def validate_to(self, value: str | None) -> User | None:
        if value is None:
            return None
        people = remarks.assignable(self.context["matter"])
        found = next((each for each in people if each.email.lower() == value.lower()), None)
        if found is None:
            raise serializers.ValidationError("Nobody with this address may act on it.")
        return found


class SettleSerializer(serializers.Serializer[Any]):
    """What a person found at the destination."""

    there = serializers.ChoiceField(
        choices=[("yes", "It is there: it counts as delivered"), ("no", "It is sent again")]
    )


class DeliveryDetailSerializer(DeliverySerializer):
    attempts = AttemptSerializer(many=True, read_only=True)

    class Meta(DeliverySerializer.Meta):
        fields = [*DeliverySerializer.Meta.fields, "attempts"]
        read_only_fields = fields


class QuarantineSerializer(CamelSerializer, serializers.ModelSerializer[Quarantine]):
    settled_by = serializers.EmailField(source="settled_by.email", default="", read_only=True)
    assigned_to = serializers.EmailField(source="assigned_to.email", default="", read_only=True)

    class Meta:
        model = Quarantine
        fields = [
            "id", "contract", "field", "problem", "state", "note", "created_at", "settled_at",
            "settled_by", "assigned_to",
        ]  # fmt: skip
        read_only_fields = fields


class DismissSerializer(serializers.Serializer[Any]):
    """Why it is dismissed, if there is something to say."""

    note = serializers.CharField(
        max_length=quarantine.LONGEST_NOTE, required=False, allow_blank=True, default=""
    )


@extend_schema_field({"type": "object", "description": "The canonical plan, plan.v1"})
class PlanDocumentField(serializers.JSONField):
    """A canonical plan, as the published JSON Schema plan.v1 describes it."""


class PlanDocumentSerializer(serializers.Serializer[Any]):
    plan = PlanDocumentField(read_only=True)
    summary = serializers.ListField(child=serializers.CharField(), read_only=True)


class GapSerializer(CamelSerializer, serializers.Serializer[Any]):
    """A lane in which it does not add up; `promises` are the first few of its revisions."""

    lane = serializers.UUIDField(source="lane.pk", read_only=True)
    athlete = serializers.UUIDField(source="lane.plan.athlete_id", read_only=True)
    plan = serializers.UUIDField(source="lane.plan_id", read_only=True)
    destination = serializers.UUIDField(source="lane.destination_id", read_only=True)
    promises = serializers.ListField(child=serializers.IntegerField(), read_only=True)


class LedgerSerializer(CamelSerializer, serializers.Serializer[Any]):
    """`balanced` is asked lane by lane: too many in one do not make up for too few in another."""

    accepted = serializers.IntegerField(read_only=True)
    ended = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    gap = serializers.IntegerField(read_only=True)
    balanced = serializers.BooleanField(read_only=True)
    gaps = GapSerializer(many=True, read_only=True)
    unnamed = serializers.IntegerField(
        read_only=True, help_text="How many more lanes there are that are not listed here."
    )
