"""Destinations for other software: set up, test, pause, resume, renew the signing secret."""

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts.api.asking import ORGANISATION, Permitted, organisation_of, person, told
from destinations import registry, selectors, services
from destinations.api import serializers
from destinations.models import Destination


@extend_schema_view(create=extend_schema(parameters=[ORGANISATION]))
class DestinationViewSet(
    mixins.CreateModelMixin, mixins.UpdateModelMixin, viewsets.ReadOnlyModelViewSet[Destination]
):
    """The configured places plans go."""

    permission_classes = [Permitted]
    read_permission = "view_destination"
    write_permission = "manage_destination"
    serializer_class = serializers.DestinationSerializer
    filterset_fields = ["kind", "state"]
    http_method_names = ["get", "post", "put", "head", "options"]
    queryset = Destination.objects.none()

    def get_queryset(self) -> QuerySet[Destination]:
        return Destination.objects.for_user(person(self.request))

    def perform_create(self, serializer: BaseSerializer[Destination]) -> None:
        values: dict[str, Any] = dict(serializer.validated_data)
        user = person(self.request)
        with told(serializer):
            serializer.instance = services.create(
                organisation_of(self.request, self.write_permission),
                user,
                kind=values.pop("kind"),
                name=values.pop("name"),
                answers=values.pop("settings"),
                **values,
            )

    def perform_update(self, serializer: BaseSerializer[Destination]) -> None:
        values: dict[str, Any] = dict(serializer.validated_data)
        values.pop("kind")
        answers = values.pop("settings") or None
        with told(serializer):
            serializer.instance = services.change(self.get_object(), answers=answers, **values)

    @extend_schema(request=None, responses=serializers.CheckedSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Ask the destination whether it would take a plan."""
        checked = services.test(self.get_object())
        return Response(serializers.CheckedSerializer(asdict(checked)).data)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Keep everything waiting."""
        row = services.pause(self.get_object(), "Paused through the API")
        return Response(self.get_serializer(row).data)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Go on; what waited goes out in its newest version."""
        return Response(self.get_serializer(services.resume(self.get_object())).data)

    @extend_schema(request=None, responses=serializers.SecretSerializer)
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """A new signing secret, shown once. The old one signs on for a week."""
        with told():
            secret = services.rotate_secret(self.get_object())
        return Response({"secret": secret})


class KindsView(APIView):
    """The kinds of destination there are, and what each can hold."""

    permission_classes = [Permitted]
    read_permission = "view_destination"

    @extend_schema(responses=serializers.KindSerializer(many=True))
    def get(self, request: Request) -> Response:
        rows = [_kind(kind) for kind in selectors.kinds()]
        return Response(serializers.KindSerializer(rows, many=True).data)


def _kind(kind: selectors.Kind) -> dict[str, Any]:
    form = registry.adapter_class(kind.kind).config_form
    return {
        "kind": kind.kind,
        "name": kind.label,
        "capabilities": {
            name: _plain(v) for name, v in asdict(kind.capabilities).items() if name != "receivers"
        },
        "idempotency_classes": sorted(kind.capabilities.promises),
        "losses": kind.losses,
        "settings": {name: str(field.label or name) for name, field in form.base_fields.items()},
    }


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | None) else str(value)
