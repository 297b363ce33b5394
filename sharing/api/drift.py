"""Drift for other software: what differs, what is done about it, and reading back now."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import roles
from accounts.api.asking import Permitted, person
from accounts.models import User
from sharing.api import serializers
from sharing.api.filters import DriftFilter
from sharing.bulk import putting_back
from sharing.bulk.refusing import NotPossible
from sharing.drift import asking, repairing
from sharing.models import Drift, DriftCheck
from sharing.selectors import drift as selectors

MANAGE = "manage_destination"


class DriftViewSet(viewsets.ReadOnlyModelViewSet[Drift]):
    """What destinations show otherwise than it was written, the newest first."""

    permission_classes = [Permitted]
    read_permission = "view_athlete"
    write_permission = "redeliver"
    serializer_class = serializers.DriftSerializer
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

    @extend_schema(request=serializers.RestoreSerializer, responses=serializers.RestoredSerializer)
    @action(detail=False, methods=["post"], write_permission=MANAGE)
    def restore(self, request: Request) -> Response:
        """Confirm that everything which waits for it at a destination is put back. Refused where
        that is more plans than you may move alone.
        """
        wish = serializers.RestoreSerializer(
            data=request.data, context=self.get_serializer_context()
        )
        wish.is_valid(raise_exception=True)
        destination = wish.validated_data["destination"]
        roles.require(person(request), MANAGE, destination)
        try:
            count = putting_back.restore(destination, person(request))
        except NotPossible as refusal:
            return Response({"detail": str(refusal)}, status=status.HTTP_409_CONFLICT)
        return Response(serializers.RestoredSerializer({"differences": count}).data)

    def _settled(self, service: Callable[[Drift, User], Drift]) -> Response:
        try:
            row = service(self.get_object(), person(self.request))
        except repairing.Refused as refusal:
            return Response({"detail": str(refusal)}, status=status.HTTP_409_CONFLICT)
        return Response(self.get_serializer(row).data)


class DriftCheckViewSet(mixins.CreateModelMixin, viewsets.ReadOnlyModelViewSet[DriftCheck]):
    """Readings back of a destination. Creating one asks for it as soon as a worker is free."""

    permission_classes = [Permitted]
    read_permission = "view_destination"
    write_permission = MANAGE
    serializer_class = serializers.DriftCheckSerializer
    filterset_fields = ["destination", "state"]
    queryset = DriftCheck.objects.none()

    def get_queryset(self) -> QuerySet[DriftCheck]:
        return selectors.checks(person(self.request))

    @extend_schema(
        request=serializers.AskForCheckSerializer,
        responses={201: serializers.DriftCheckSerializer},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Read it back now; the check that is under way, if there is one."""
        wish = serializers.AskForCheckSerializer(
            data=request.data, context=self.get_serializer_context()
        )
        wish.is_valid(raise_exception=True)
        destination = wish.validated_data["destination"]
        roles.require(person(request), self.write_permission, destination)
        try:
            check = asking.ask(destination, person(request))
        except asking.Refused as refusal:
            return Response({"detail": str(refusal)}, status=status.HTTP_409_CONFLICT)
        return Response(self.get_serializer(check).data, status=status.HTTP_201_CREATED)
