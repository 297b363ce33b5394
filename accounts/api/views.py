"""Connections and organisations for other software. Tokens are never part of an answer."""

from django.db.models import QuerySet
from rest_framework import serializers, viewsets

from accounts.api.asking import Permitted, person
from accounts.camel import CamelSerializer
from accounts.models import Connection, Organisation


class ConnectionSerializer(CamelSerializer, serializers.ModelSerializer[Connection]):
    class Meta:
        model = Connection
        fields = ["id", "kind", "name", "state", "granted_scopes", "last_ok_at", "last_error"]
        read_only_fields = fields


class OrganisationSerializer(CamelSerializer, serializers.ModelSerializer[Organisation]):
    class Meta:
        model = Organisation
        fields = ["id", "name", "consent_policy"]
        read_only_fields = fields


class ConnectionViewSet(viewsets.ReadOnlyModelViewSet[Connection]):
    """How the access to TrainingPeaks is doing."""

    permission_classes = [Permitted]
    read_permission = "view_connection"
    serializer_class = ConnectionSerializer
    queryset = Connection.objects.none()

    def get_queryset(self) -> QuerySet[Connection]:
        return Connection.objects.for_user(person(self.request)).order_by("created_at")


class OrganisationViewSet(viewsets.ReadOnlyModelViewSet[Organisation]):
    """The organisations you belong to."""

    permission_classes = [Permitted]
    read_permission = "view_athlete"
    serializer_class = OrganisationSerializer
    queryset = Organisation.objects.none()

    def get_queryset(self) -> QuerySet[Organisation]:
        return Organisation.objects.allowing(person(self.request), self.read_permission).order_by(
            "name"
        )
