"""Remarks for other software: what people wrote beside deliveries and answers in quarantine."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets

from accounts import roles
from accounts.api.asking import Permitted, person
from accounts.camel import CamelSerializer
from accounts.models import User
from sharing import remarks
from sharing.models import Delivery, Quarantine, QuarantineRemark, Remark


class RemarkSerializer(CamelSerializer, serializers.ModelSerializer[Remark]):
    author = serializers.CharField(source="author.email", read_only=True)

    class Meta:
        model = Remark
        fields = ["id", "delivery", "words", "author", "written_at"]
        read_only_fields = ["id", "author", "written_at"]

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return _limited(self, super().get_fields(), "delivery", Delivery)


class QuarantineRemarkSerializer(CamelSerializer, serializers.ModelSerializer[QuarantineRemark]):
    author = serializers.CharField(source="author.email", read_only=True)

    class Meta:
        model = QuarantineRemark
        fields = ["id", "quarantine", "words", "author", "written_at"]
        read_only_fields = ["id", "author", "written_at"]

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return _limited(self, super().get_fields(), "quarantine", Quarantine)


class RemarkViewSet(mixins.CreateModelMixin, viewsets.ReadOnlyModelViewSet[Remark]):
    """What people wrote beside deliveries."""

    permission_classes = [Permitted]
    read_permission = "view_athlete"
    write_permission = "redeliver"
    serializer_class = RemarkSerializer
    filterset_fields = ["delivery"]
    queryset = Remark.objects.none()

    def get_queryset(self) -> QuerySet[Remark]:
        rows = Remark.objects.for_user(person(self.request)).select_related("author")
        return rows.order_by("-written_at")

    def perform_create(self, serializer: serializers.BaseSerializer[Remark]) -> None:
        user, values = person(self.request), dict(serializer.validated_data)
        _write(serializer, user, values["delivery"], values["words"])


class QuarantineRemarkViewSet(
    mixins.CreateModelMixin, viewsets.ReadOnlyModelViewSet[QuarantineRemark]
):
    """What people wrote beside answers in quarantine."""

    permission_classes = [Permitted]
    read_permission = "view_quarantine"
    write_permission = "replay_quarantine"
    serializer_class = QuarantineRemarkSerializer
    filterset_fields = ["quarantine"]
    queryset = QuarantineRemark.objects.none()

    def get_queryset(self) -> QuerySet[QuarantineRemark]:
        rows = QuarantineRemark.objects.for_user(person(self.request)).select_related("author")
        return rows.order_by("-written_at")

    def perform_create(self, serializer: serializers.BaseSerializer[QuarantineRemark]) -> None:
        user, values = person(self.request), dict(serializer.validated_data)
        _write(serializer, user, values["quarantine"], values["words"])


def _write(
    serializer: serializers.BaseSerializer[Any], user: User, matter: remarks.Matter, words: str
) -> None:
    roles.require(user, remarks.act_on(matter), matter)
    serializer.instance = remarks.write(matter, words, user)


def _limited(
    serializer: serializers.Serializer[Any],
    fields: dict[str, serializers.Field[Any, Any, Any, Any]],
    name: str,
    rows: type[Delivery] | type[Quarantine],
) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
    """What the person may not see cannot be named either."""
    user = getattr(serializer.context.get("request"), "user", None)
    if isinstance(user, User):
        field: Any = fields[name]
        field.queryset = rows.objects.for_user(user)
    return fields
