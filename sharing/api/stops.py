"""Stops for other software: what is held back, holding something back, letting it go."""

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.asking import Permitted, person, told
from accounts.camel import CamelSerializer
from accounts.models import User
from sharing import stops
from sharing.models import Stop
from sharing.selectors import stops as selectors
from sharing.stops import scopes

ONE = "Name one thing to stop, or everything."


class StopSerializer(CamelSerializer, serializers.ModelSerializer[Stop]):
    scope = serializers.CharField(read_only=True)
    stopped_by = serializers.SerializerMethodField()
    lifted_by = serializers.SerializerMethodField()
    waiting = serializers.SerializerMethodField(help_text="Deliveries that wait behind it now.")

    class Meta:
        model = Stop
        fields = [
            "id", "scope", *scopes.SCOPES, "mode", "reason", "guardrail", "stopped_at",
            "stopped_by", "lifted_at", "lifted_by", "waiting",
        ]  # fmt: skip
        read_only_fields = fields

    def get_stopped_by(self, stop: Stop) -> str:
        return selectors.person_of(stop, stop.stopped_by)

    def get_lifted_by(self, stop: Stop) -> str:
        return selectors.person_of(stop, stop.lifted_by) if stop.lifted_at else ""

    def get_waiting(self, stop: Stop) -> int:
        return selectors.waiting_behind(stop, person(self.context["request"]))


class WishSerializer(CamelSerializer, serializers.Serializer[Any]):
    """What to stop, how and why: exactly one thing, or everything."""

    mode = serializers.ChoiceField(choices=Stop.Mode.choices)
    reason = serializers.CharField(max_length=300)
    everything = serializers.BooleanField(default=False, help_text="The whole installation.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """What the person may not see cannot be named either."""
        fields = super().get_fields()
        user = getattr(self.context.get("request"), "user", None)
        for name, scope in scopes.SCOPES.items():
            rows: Any = scope.rows.objects.none()
            if isinstance(user, User):
                rows = scopes.targets(user, name)
            fields[name] = serializers.PrimaryKeyRelatedField(queryset=rows, required=False)
        return fields

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = [attrs[name] for name in scopes.SCOPES if name in attrs]
        if len(named) + attrs["everything"] != 1:
            raise serializers.ValidationError(ONE)
        return {"mode": attrs["mode"], "reason": attrs["reason"], "target": [*named, None][0]}


class StopFilter(filters.FilterSet):  # type: ignore[misc] # the library has no types
    inForce = filters.BooleanFilter(field_name="lifted_at", lookup_expr="isnull")  # noqa: N815 - the name on the wire

    class Meta:
        model = Stop
        fields: list[str] = []


class MayStop(Permitted):
    """Also whoever runs the installation. What a person may stop is asked of each thing."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return super().has_permission(request, view) or scopes.may(person(request), None)

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        user = person(request)
        return request.method in SAFE_METHODS or scopes.may(user, scopes.target_of(obj))


class StopViewSet(mixins.CreateModelMixin, viewsets.ReadOnlyModelViewSet[Stop]):
    """Stops: pause, drain and kill switch. The queue is kept; lifting sends the newest versions."""

    permission_classes = [MayStop]
    read_permission = "view_stop"
    write_permission = "manage_stop"
    serializer_class = StopSerializer
    filterset_class = StopFilter
    queryset = Stop.objects.none()

    def get_queryset(self) -> QuerySet[Stop]:
        return selectors.visible(person(self.request)).order_by("-stopped_at", "pk")

    @extend_schema(request=WishSerializer, responses={201: StopSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Hold something back, within seconds. Another mode takes the place of the first."""
        wish = WishSerializer(data=request.data, context=self.get_serializer_context())
        wish.is_valid(raise_exception=True)
        values = wish.validated_data
        scopes.require(person(request), values["target"])
        with told():
            stop = stops.put(
                values["target"], values["mode"], reason=values["reason"], by=person(request)
            )
        return Response(self.get_serializer(stop).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def lift(self, request: Request, pk: str) -> Response:
        """Let it go: the newest version of each plan, what was due first goes first."""
        stops.lift(self.get_object(), by=person(request))
        return Response(self.get_serializer(self.get_object()).data)
