"""Drift for other software: what differs, what is done about it, and reading back now."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import roles
from accounts.api.asking import Permitted, in_conflict, person
from accounts.camel import CamelSerializer
from accounts.models import User
from destinations.models import Destination
from sharing.api.filters import DriftFilter
from sharing.api.serializers import OwnRows
from sharing.bulk import putting_back
from sharing.bulk.refusing import NotPossible
from sharing.drift import asking, repairing, words
from sharing.drift.values import unseal
from sharing.models import Drift, DriftCheck
from sharing.selectors import drift as selectors

MANAGE = "manage_destination"
VALUE = {"description": "A value of the plan, or null", "nullable": True}


class DriftSerializer(CamelSerializer, serializers.ModelSerializer[Drift]):
    """A difference; `ours` and `theirs` are what the plan and the destination say of the field."""

    plan = serializers.UUIDField(source="lane.plan_id", read_only=True)
    route = serializers.UUIDField(source="lane.route_id", read_only=True)
    destination = serializers.UUIDField(source="lane.destination_id", read_only=True)
    item_key = serializers.CharField(source="record.item_key", read_only=True)
    ours = serializers.SerializerMethodField()
    theirs = serializers.SerializerMethodField()
    suggestion = serializers.SerializerMethodField()

    class Meta:
        model = Drift
        fields = [
            "id",
            "plan",
            "route",
            "destination",
            "item_key",
            "kind",
            "field",
            "ours",
            "theirs",
            "policy",
            "state",
            "suggestion",
            "found_at",
            "settled_at",
        ]
        read_only_fields = fields

    @extend_schema_field(VALUE)
    def get_ours(self, row: Drift) -> Any:
        return unseal(row).ours if row.kind == Drift.Kind.ALTERED else None

    @extend_schema_field(VALUE)
    def get_theirs(self, row: Drift) -> Any:
        return unseal(row).theirs

    def get_suggestion(self, row: Drift) -> str:
        return words.suggestion(row)


class DriftCheckSerializer(CamelSerializer, serializers.ModelSerializer[DriftCheck]):
    """A reading back. `skipped` plans were not compared: `busy` of them are being written, of
    `givenUp` the last delivery is dead, `inDoubt` wait for somebody to look or for their next
    version, and the rest is stopped, due later or without consent.
    """

    class Meta:
        model = DriftCheck
        fields = [
            "id",
            "destination",
            "state",
            "asked_at",
            "started_at",
            "ended_at",
            "lanes_read",
            "records_compared",
            "skipped",
            "busy",
            "given_up",
            "in_doubt",
            "unreadable",
            "last_error",
        ]
        read_only_fields = fields


class AskForCheckSerializer(OwnRows, serializers.Serializer[Any]):
    destination = serializers.PrimaryKeyRelatedField(queryset=Destination.objects.none())


class RestoreSerializer(AskForCheckSerializer):
    pass


class RestoredSerializer(CamelSerializer, serializers.Serializer[Any]):
    differences = serializers.IntegerField(read_only=True, help_text="How many are put back.")


def _to_manage(
    view: viewsets.GenericViewSet[Any], wished: type[AskForCheckSerializer]
) -> Destination:
    """The destination that a wish names, if the person who asks may manage it."""
    wish = wished(data=view.request.data, context=view.get_serializer_context())
    wish.is_valid(raise_exception=True)
    destination: Destination = wish.validated_data["destination"]
    roles.require(person(view.request), MANAGE, destination)
    return destination


class DriftViewSet(viewsets.ReadOnlyModelViewSet[Drift]):
    """What destinations show otherwise than it was written, the newest first."""

    permission_classes = [Permitted]
    read_permission = "view_athlete"
    write_permission = "redeliver"
    serializer_class = DriftSerializer
    filterset_class = DriftFilter
    queryset = Drift.objects.none()

    def get_queryset(self) -> QuerySet[Drift]:
        return selectors.drifts(person(self.request)).order_by("-found_at", "pk")

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def repair(self, request: Request, pk: str) -> Response:
        """Put the plan's own back; of a copy: take it away. It is sent like every delivery."""
        return self._settled(repairing.repair)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def keep(self, request: Request, pk: str) -> Response:
        """Leave it as it is there until the coach changes this very field."""
        return self._settled(repairing.keep)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Take a repair back: what was read there is written again, and kept."""
        return self._settled(repairing.undo)

    @extend_schema(request=RestoreSerializer, responses=RestoredSerializer)
    @action(detail=False, methods=["post"], write_permission=MANAGE)
    def restore(self, request: Request) -> Response:
        """Confirm that everything which waits for it at a destination is put back. Refused where
        that is more plans than you may move alone.
        """
        destination = _to_manage(self, RestoreSerializer)
        with in_conflict(NotPossible):
            count = putting_back.restore(destination, person(request))
        return Response(RestoredSerializer({"differences": count}).data)

    def _settled(self, service: Callable[[Drift, User], Drift]) -> Response:
        with in_conflict(repairing.Refused):
            row = service(self.get_object(), person(self.request))
        return Response(self.get_serializer(row).data)


class DriftCheckViewSet(mixins.CreateModelMixin, viewsets.ReadOnlyModelViewSet[DriftCheck]):
    """Readings back of a destination. Creating one asks for it as soon as a worker is free."""

    permission_classes = [Permitted]
    read_permission = "view_destination"
    write_permission = MANAGE
    serializer_class = DriftCheckSerializer
    filterset_fields = ["destination", "state"]
    queryset = DriftCheck.objects.none()

    def get_queryset(self) -> QuerySet[DriftCheck]:
        return selectors.checks(person(self.request))

    @extend_schema(
        request=AskForCheckSerializer,
        responses={201: DriftCheckSerializer},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Read it back now; the check that is under way, if there is one."""
        destination = _to_manage(self, AskForCheckSerializer)
        with in_conflict(asking.Refused):
            check = asking.ask(destination, person(request))
        return Response(self.get_serializer(check).data, status=status.HTTP_201_CREATED)
