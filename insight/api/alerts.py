"""Alerts for other software: what is wrong now, and saying that somebody takes care of it."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.asking import Conflict, Permitted, person
from accounts.camel import CamelSerializer
from accounts.models import User
from insight import alerts as services
from insight.catalogue import KINDS
from insight.models import Alert
from insight.selectors import alerts as selectors


class AlertSerializer(CamelSerializer, serializers.ModelSerializer[Alert]):
    """An alert. `facts` holds codes, identifiers and numbers; `details` says them as sentences."""

    title = serializers.SerializerMethodField()
    details = serializers.SerializerMethodField()
    action = serializers.SerializerMethodField(help_text="The one thing to do.")

    class Meta:
        model = Alert
        fields = [
            "id", "kind", "severity", "state", "title", "details", "action", "organisation",
            "destination", "athlete", "connection", "count", "facts", "first_at", "last_at",
            "acknowledged_at", "acknowledged_by", "assigned_to", "note", "resolved_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_title(self, alert: Alert) -> str:
        return KINDS[alert.kind].title

    def get_details(self, alert: Alert) -> list[str]:
        return selectors.details(alert)

    def get_action(self, alert: Alert) -> str:
        return KINDS[alert.kind].action


class AcknowledgementSerializer(CamelSerializer, serializers.Serializer[Any]):
    """What is not sent stays as it is."""

    note = serializers.CharField(max_length=300, required=False, allow_blank=True)
    assigned_to = serializers.PrimaryKeyRelatedField(
        queryset=User.objects.none(), required=False, allow_null=True
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        field: Any = fields["assignedTo"]
        if "alert" in self.context:
            field.queryset = selectors.helpers(self.context["alert"])
        return fields


class AlertViewSet(viewsets.ReadOnlyModelViewSet[Alert]):
    """Alerts you may see: the open ones first."""

    permission_classes = [Permitted]
    read_permission = "view_alert"
    write_permission = "handle_alert"
    serializer_class = AlertSerializer
    filterset_fields = ["state", "kind", "severity", "destination", "athlete"]
    queryset = Alert.objects.none()

    def get_queryset(self) -> QuerySet[Alert]:
        return selectors.in_order(selectors.visible(person(self.request)))

    def check_object_permissions(self, request: Request, obj: Alert) -> None:
        """An alert of the whole installation belongs to no organisation: seeing it is enough."""
        if obj.organisation_id is not None:
            super().check_object_permissions(request, obj)

    @extend_schema(request=AcknowledgementSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        """Say that somebody takes care of it. Refused when it is over."""
        alert = self.get_object()
        if not selectors.may_handle(person(request), alert):
            raise PermissionDenied
        wish = AcknowledgementSerializer(data=request.data, context={"alert": alert})
        wish.is_valid(raise_exception=True)
        try:
            said = {"note": alert.note, "assigned_to": alert.assigned_to} | wish.validated_data
            alert = services.acknowledge(alert, person(request), **said)
        except services.AlertOverError:
            raise Conflict("It is over already.") from None
        return Response(self.get_serializer(alert).data)
