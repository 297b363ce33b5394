"""How deliveries, differences and quarantine can be searched."""

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from sharing.models import Delivery, Drift, Quarantine, Step


class DeliveryFilter(filters.FilterSet):  # type: ignore[misc] # the library has no types
    plan = filters.UUIDFilter(field_name="lane__plan")
    athlete = filters.UUIDFilter(field_name="lane__plan__athlete")
    destination = filters.UUIDFilter(field_name="lane__destination")
    route = filters.UUIDFilter(field_name="lane__route")
    state = filters.ChoiceFilter(choices=Delivery.State.choices)
    reason = filters.CharFilter()
    assignedTo = filters.CharFilter(field_name="assigned_to__email")  # noqa: N815 - the name on the wire
    acceptedAfter = filters.IsoDateTimeFilter(field_name="accepted_at", lookup_expr="gte")  # noqa: N815 - the name on the wire
    acceptedBefore = filters.IsoDateTimeFilter(field_name="accepted_at", lookup_expr="lt")  # noqa: N815 - the name on the wire

    remoteId = filters.CharFilter(method="wrote")  # noqa: N815 - the name on the wire

    class Meta:
        model = Delivery
        fields: list[str] = []

    def wrote(self, rows: QuerySet[Delivery], _: str, remote_id: str) -> QuerySet[Delivery]:
        """Those that the destination answered with this id, also where it has another by now."""
        steps = Step.objects.filter(remote_id=remote_id)
        return rows.filter(pk__in=steps.values("attempt__delivery"))


class DriftFilter(filters.FilterSet):  # type: ignore[misc] # the library has no types
    plan = filters.UUIDFilter(field_name="lane__plan")
    athlete = filters.UUIDFilter(field_name="lane__plan__athlete")
    destination = filters.UUIDFilter(field_name="lane__destination")
    route = filters.UUIDFilter(field_name="lane__route")
    state = filters.ChoiceFilter(choices=Drift.State.choices)
    kind = filters.ChoiceFilter(choices=Drift.Kind.choices)

    class Meta:
        model = Drift
        fields: list[str] = []


class QuarantineFilter(filters.FilterSet):  # type: ignore[misc] # the library has no types
    state = filters.ChoiceFilter(choices=Quarantine.State.choices)
    assignedTo = filters.CharFilter(field_name="assigned_to__email")  # noqa: N815 - the name on the wire

    class Meta:
        model = Quarantine
        fields: list[str] = []
