"""Cohorts for other software: made, renamed, filled and deleted."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, viewsets
from rest_framework.serializers import BaseSerializer

from accounts import cohorts
from accounts.api.asking import ORGANISATION, Permitted, organisation_of, person, told
from accounts.camel import CamelSerializer
from accounts.models import Athlete, Cohort, User


class CohortSerializer(CamelSerializer, serializers.ModelSerializer[Cohort]):
    name = serializers.CharField(max_length=cohorts.LONGEST_NAME)
    athletes = serializers.PrimaryKeyRelatedField(
        many=True, queryset=Athlete.objects.none(), required=False
    )

    class Meta:
        model = Cohort
        fields = ["id", "name", "athletes", "created_at"]
        read_only_fields = ["id", "created_at"]

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Only athletes whom the person may see can be named."""
        fields = super().get_fields()
        user = getattr(self.context.get("request"), "user", None)
        if isinstance(user, User):
            chosen: Any = fields["athletes"]
            chosen.child_relation.queryset = Athlete.objects.for_user(user)
        return fields

    def to_representation(self, instance: Cohort) -> dict[str, Any]:
        """An assistant is shown those athletes whom they assist."""
        shown: dict[str, Any] = super().to_representation(instance)
        seen = Athlete.objects.for_user(person(self.context["request"])).filter(cohorts=instance)
        shown["athletes"] = list(seen.order_by("name").values_list("pk", flat=True))
        return shown


@extend_schema_view(create=extend_schema(parameters=[ORGANISATION]))
class CohortViewSet(viewsets.ModelViewSet[Cohort]):
    """Cohorts: some athletes under one name."""

    permission_classes = [Permitted]
    read_permission = "view_cohort"
    write_permission = "manage_cohort"
    serializer_class = CohortSerializer
    http_method_names = ["get", "post", "put", "delete", "head", "options"]
    queryset = Cohort.objects.none()

    def get_queryset(self) -> QuerySet[Cohort]:
        return Cohort.objects.for_user(person(self.request)).order_by("name", "pk")

    def perform_create(self, serializer: BaseSerializer[Cohort]) -> None:
        organisation = organisation_of(self.request, self.write_permission)
        with told():
            serializer.instance = cohorts.create(organisation, **serializer.validated_data)

    def perform_update(self, serializer: BaseSerializer[Cohort]) -> None:
        with told():
            serializer.instance = cohorts.change(self.get_object(), **serializer.validated_data)

    def perform_destroy(self, instance: Cohort) -> None:
        with told():
            cohorts.delete(instance)
