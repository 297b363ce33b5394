"""Remarks for other software: what people wrote beside deliveries and answers in quarantine."""

from typing import Any, TypeVar

from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets

from accounts import roles
from accounts.api.asking import Permitted, in_conflict, person
from sharing import remarks
from sharing.api.serializers import OwnRows
from sharing.models import QuarantineRemark, Remark
from sharing.quarantine import SettledError

R = TypeVar("R", Remark, QuarantineRemark)


class AnyRemarkSerializer(OwnRows, serializers.ModelSerializer[R]):
    author = serializers.CharField(source="author.email", read_only=True)


class RemarkSerializer(AnyRemarkSerializer[Remark]):
    class Meta:
        model = Remark
        fields = ["id", "delivery", "words", "author", "written_at"]
        read_only_fields = ["id", "author", "written_at"]


class QuarantineRemarkSerializer(AnyRemarkSerializer[QuarantineRemark]):
    class Meta:
        model = QuarantineRemark
        fields = ["id", "quarantine", "words", "author", "written_at"]
        read_only_fields = ["id", "author", "written_at"]


class AnyRemarkViewSet(mixins.CreateModelMixin, viewsets.ReadOnlyModelViewSet[R]):
    permission_classes = [Permitted]
    remark: type[R]
    beside: str  # the field that says what it is about

    def get_queryset(self) -> QuerySet[R]:
        rows: Any = self.remark.objects
        found: QuerySet[R] = rows.for_user(person(self.request))
        return found.select_related("author").order_by("-written_at")

    def perform_create(self, serializer: serializers.BaseSerializer[R]) -> None:
        user, values = person(self.request), dict(serializer.validated_data)
        matter = values[self.beside]
        roles.require(user, remarks.act_on(matter), matter)
        with in_conflict(SettledError):
            made: Any = remarks.write(matter, values["words"], user)
            serializer.instance = made


class RemarkViewSet(AnyRemarkViewSet[Remark]):
    """What people wrote beside deliveries."""

    read_permission = "view_athlete"
    write_permission = "redeliver"
    serializer_class = RemarkSerializer
    remark, beside = Remark, "delivery"
    filterset_fields = ["delivery"]
    queryset = Remark.objects.none()


class QuarantineRemarkViewSet(AnyRemarkViewSet[QuarantineRemark]):
    """What people wrote beside answers in quarantine. Refused where the answer is settled."""

    read_permission = "view_quarantine"
    write_permission = "replay_quarantine"
    serializer_class = QuarantineRemarkSerializer
    remark, beside = QuarantineRemark, "quarantine"
    filterset_fields = ["quarantine"]
    queryset = QuarantineRemark.objects.none()
