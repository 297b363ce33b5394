"""Bulk actions and dead letters for other software: preview first, then start, cancel or undo."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import roles
from accounts.api.asking import (
    ASKED,
    ORGANISATION,
    Permitted,
    in_conflict,
    organisation_of,
    person,
    told,
)
from accounts.camel import CamelSerializer
from accounts.models import Organisation, User
from sharing.bulk import asking, causes, shown
from sharing.bulk.criteria import HIGHEST, Criteria, To
from sharing.bulk.forms import STATES
from sharing.bulk.refusing import NotPossible
from sharing.models import BulkAction, BulkItem

ACT = "redeliver"


class CriteriaSerializer(CamelSerializer, serializers.Serializer[Any]):
    """A filter. What is not said is not filtered."""

    state = serializers.ChoiceField(choices=STATES, required=False)
    cause = serializers.CharField(max_length=64, required=False)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """What the person may not see cannot be named either."""
        fields = super().get_fields()
        user = getattr(self.context.get("request"), "user", None)
        for name, rows in shown.ROWS.items():
            own = rows.objects.for_user(user) if isinstance(user, User) else rows.objects.none()
            fields[name] = serializers.PrimaryKeyRelatedField(queryset=own, required=False)
        return fields

    def criteria(self) -> Criteria:
        told_ = {name: getattr(value, "pk", value) for name, value in self.validated_data.items()}
        return Criteria(**{name: told_[name] for name in Criteria.model_fields if name in told_})

    def organisation(self, permission: str) -> Organisation:
        """That which the address names or, without it, that of what the filter names."""
        request: Request = self.context["request"]
        named = [self.validated_data[name] for name in shown.ROWS if name in self.validated_data]
        if named and ASKED not in request.query_params:
            return roles.organisation_of(named[0])
        return organisation_of(request, permission)


class AskSerializer(CriteriaSerializer):
    """What to preview. Nothing is done before it is started."""

    kind = serializers.ChoiceField(choices=BulkAction.Kind.choices)
    reason = serializers.CharField(max_length=300, required=False, default="")
    to = serializers.ChoiceField(
        choices=[(each.value, each.value) for each in To if each != To.BEFORE],
        required=False,
        help_text="For roll_back: a version of one plan, a moment, the previous or newest version.",
    )
    version = serializers.IntegerField(min_value=1, max_value=HIGHEST, required=False)
    moment = serializers.DateTimeField(required=False)


class BulkActionSerializer(CamelSerializer, serializers.ModelSerializer[BulkAction]):
    """`forecast` is what it would do, `items` how its plans stand, `deliveries` what came of it."""

    asked_by = serializers.CharField(source="asked_by.email", read_only=True)
    approved_by = serializers.SerializerMethodField()
    items = serializers.SerializerMethodField()
    deliveries = serializers.SerializerMethodField()
    needs_second = serializers.SerializerMethodField()

    class Meta:
        model = BulkAction
        fields = [
            "id", "kind", "criteria", "reason", "state", "forecast", "total", "needs_second",
            "items", "deliveries", "asked_by", "approved_by", "asked_at", "started_at", "ended_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_approved_by(self, row: BulkAction) -> str:
        return row.approved_by.email if row.approved_by else ""

    def get_items(self, row: BulkAction) -> dict[str, int]:
        return dict(self._progress[row.pk].items)

    def get_deliveries(self, row: BulkAction) -> dict[str, int]:
        return dict(self._progress[row.pk].deliveries)

    def get_needs_second(self, row: BulkAction) -> bool:
        return row.pk in self._seconds

    @cached_property
    def _progress(self) -> dict[UUID, shown.Progress]:
        return shown.progresses(self._rows)

    @cached_property
    def _seconds(self) -> set[UUID]:
        return shown.needing_second(self._rows)

    @property
    def _rows(self) -> list[BulkAction]:
        """All that are told of at once: asked about together."""
        told_: Any = self.root.instance
        return [told_] if isinstance(told_, BulkAction) else list(told_)


class BulkItemSerializer(CamelSerializer, serializers.ModelSerializer[BulkItem]):
    plan = serializers.UUIDField(source="lane.plan_id", read_only=True)
    destination = serializers.UUIDField(source="lane.destination_id", read_only=True)
    version = serializers.SerializerMethodField()
    made = serializers.UUIDField(source="made_id", read_only=True, allow_null=True)

    class Meta:
        model = BulkItem
        fields = ["id", "plan", "destination", "version", "state", "forecast", "reason", "made"]
        read_only_fields = fields

    def get_version(self, item: BulkItem) -> int | None:
        """The version that it is about; null for taking everything back."""
        if item.action.kind == BulkAction.Kind.REDELIVER:
            return item.delivery.version.version if item.delivery else None
        return item.version.version if item.version else None


class BulkActionViewSet(mixins.CreateModelMixin, viewsets.ReadOnlyModelViewSet[BulkAction]):
    """Many plans at once: delivered again, rolled back or taken back. Creating one previews it."""

    permission_classes = [Permitted]
    read_permission = "view_athlete"
    write_permission = ACT
    serializer_class = BulkActionSerializer
    filterset_fields = ["kind", "state"]
    queryset = BulkAction.objects.none()

    def get_queryset(self) -> QuerySet[BulkAction]:
        rows = BulkAction.objects.for_user(person(self.request))
        return rows.select_related("organisation", "asked_by", "approved_by").order_by("-asked_at")

    @extend_schema(
        request=AskSerializer, responses={201: BulkActionSerializer}, parameters=[ORGANISATION]
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Preview it. The forecast is there within moments: ask for the action again."""
        wish = AskSerializer(data=request.data, context=self.get_serializer_context())
        wish.is_valid(raise_exception=True)
        user, kind = person(request), wish.validated_data["kind"]
        organisation = wish.organisation(asking.PERMISSIONS[kind])
        with told():
            row = asking.ask(
                user, organisation, kind, wish.criteria(), reason=wish.validated_data["reason"]
            )
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=BulkItemSerializer(many=True))
    @action(detail=True)
    def items(self, request: Request, pk: str) -> Response:
        """Plan by plan: what was foretold, what was done, and why not."""
        rows = shown.items(self.get_object(), person(request)).select_related("action")
        page: Any = self.paginate_queryset(rows)  # type: ignore[arg-type] # items, not actions
        told_ = BulkItemSerializer(page, many=True, context=self.get_serializer_context())
        return self.get_paginated_response(told_.data)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def start(self, request: Request, pk: str) -> Response:
        """Do what was previewed; over the role's limit it waits for a second person."""
        return self._act(asking.start)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def agree(self, request: Request, pk: str) -> Response:
        """Be the second person: somebody else than who asked."""
        return self._act(asking.agree)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Leave the rest as it is. What was promised stays promised."""
        return self._act(asking.cancel)

    @extend_schema(request=None, responses={201: BulkActionSerializer})
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Preview bringing everything back to what was owed before this roll back."""
        return self._act(asking.undo, status.HTTP_201_CREATED)

    def _act(
        self, service: Callable[[BulkAction, User], BulkAction], answer: int = status.HTTP_200_OK
    ) -> Response:
        with in_conflict(NotPossible):
            row = service(self.get_object(), person(self.request))
        return Response(self.get_serializer(row).data, status=answer)


class CauseSerializer(CamelSerializer, serializers.Serializer[Any]):
    """Why deliveries are dead, whose matter that is, and the one thing to do."""

    code = serializers.CharField(read_only=True)
    count = serializers.IntegerField(read_only=True)
    destinations = serializers.IntegerField(read_only=True)
    oldest = serializers.DateTimeField(read_only=True)
    owner = serializers.CharField(read_only=True)
    words = serializers.CharField(source="coach_words", read_only=True)
    admin_words = serializers.CharField(read_only=True)
    action = serializers.CharField(read_only=True)


class DeadLettersView(APIView):
    """Dead letters by cause, the most frequent first; each of them is a delivery."""

    permission_classes = [Permitted]
    read_permission = "view_athlete"

    @extend_schema(
        parameters=[CriteriaSerializer, ORGANISATION], responses=CauseSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        wish = CriteriaSerializer(data=request.query_params, context={"request": request})
        wish.is_valid(raise_exception=True)
        user = person(request)
        organisation = wish.organisation(self.read_permission)
        found = causes.causes(user, organisation, wish.criteria())
        rows = [asdict(each) | asdict(each.kind) for each in found]
        return Response(CauseSerializer(rows, many=True).data)
