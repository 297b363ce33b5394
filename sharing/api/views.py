"""The endpoints. A view asks who may, calls one service, and answers."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts import roles
from accounts.api.asking import (
    ORGANISATION,
    Permitted,
    in_conflict,
    organisation_of,
    person,
    told,
)
from accounts.consent import Basis, Terms
from accounts.models import Athlete, ConsentDecision, User
from plans.errors import ContractError
from sharing import blocks, consents, quarantine, redeliver, remarks, routes
from sharing.api import serializers
from sharing.api.filters import DeliveryFilter, QuarantineFilter
from sharing.bulk import taking_back
from sharing.bulk.refusing import NotPossible
from sharing.models import Delivery, Plan, PlanVersion, Quarantine, Route
from sharing.models.plan import ERASED
from sharing.selectors import waiting
from sharing.selectors.conservation import balance, gaps
from sharing.selectors.document import newest_document


class AthleteViewSet(mixins.UpdateModelMixin, viewsets.ReadOnlyModelViewSet[Athlete]):
    """Athletes of your organisation. Only their time zone may be set; the source knows the rest."""

    permission_classes = [Permitted]
    read_permission = "view_athlete"
    write_permission = "manage_athlete"
    serializer_class = serializers.AthleteSerializer
    http_method_names = ["get", "patch", "head", "options"]
    queryset = Athlete.objects.none()

    def get_queryset(self) -> QuerySet[Athlete]:
        return Athlete.objects.for_user(person(self.request)).order_by("name")


class PlanViewSet(mixins.CreateModelMixin, viewsets.ReadOnlyModelViewSet[Plan]):
    """Plans and their newest content. Creating one makes a block with fixed days."""

    permission_classes = [Permitted]
    read_permission = "view_athlete"
    write_permission = "manage_athlete"
    serializer_class = serializers.PlanSerializer
    filterset_fields = ["athlete", "kind"]
    queryset = Plan.objects.none()

    def get_queryset(self) -> QuerySet[Plan]:
        return Plan.objects.for_user(person(self.request)).select_related("athlete").order_by("pk")

    def perform_create(self, serializer: BaseSerializer[Plan]) -> None:
        values: dict[str, Any] = dict(serializer.validated_data)
        roles.require(person(self.request), self.write_permission, values["athlete"])
        try:
            serializer.instance = blocks.open_block(**values)
        except ValueError as refusal:
            raise ValidationError({"endsOn": str(refusal)}) from refusal

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: str) -> Response:
        """End a block: it is read no more, and what was shared of it stays."""
        plan = self.get_object()
        if plan.kind != Plan.Kind.BLOCK:
            raise ValidationError("A rolling plan goes on by itself; only a block can be ended.")
        blocks.archive(plan)
        return Response(self.get_serializer(plan).data)

    @extend_schema(responses=serializers.PlanDocumentSerializer)
    @action(detail=True, url_path="document")
    def document(self, request: Request, pk: str) -> Response:
        """The newest version as plan.v1, with its status at every destination."""
        plan = self.get_object()
        if plan.athlete.is_erased:
            raise NotFound(ERASED)
        found = newest_document(plan)
        if found is None:
            raise NotFound("This plan has no version yet: its calendar has not been read.")
        return Response(found)

    @extend_schema(responses=serializers.PlanVersionSerializer(many=True))
    @action(detail=True)
    def versions(self, request: Request, pk: str) -> Response:
        """All versions, the newest first."""
        rows = self.get_object().versions.select_related("plan__athlete").order_by("-version")
        page: Any = self.paginate_queryset(rows)  # type: ignore[arg-type] # versions of a plan, not plans
        shown = serializers.PlanVersionSerializer(
            page, many=True, context=self.get_serializer_context()
        )
        return self.get_paginated_response(shown.data)


class PlanVersionViewSet(viewsets.ReadOnlyModelViewSet[PlanVersion]):
    """One immutable version."""

    permission_classes = [Permitted]
    read_permission = "view_athlete"
    serializer_class = serializers.PlanVersionSerializer
    filterset_fields = ["plan", "version"]
    queryset = PlanVersion.objects.none()

    def get_queryset(self) -> QuerySet[PlanVersion]:
        rows = PlanVersion.objects.for_user(person(self.request))
        return rows.select_related("plan__athlete").order_by("plan_id", "-version")

    @extend_schema(responses=serializers.PlanDocumentSerializer)
    @action(detail=True, url_path="document")
    def document(self, request: Request, pk: str) -> Response:
        """The version as plan.v1, as it was published."""
        version = self.get_object()
        if version.is_erased:
            raise NotFound(ERASED)
        content = version.document()
        return Response({"plan": content["plan"], "summary": content["summary"]})


@extend_schema_view(
    update=extend_schema(
        description="Change a route. Refused where it would take back more than you may alone: "
        "then take that back by a bulk action first."
    )
)
class RouteViewSet(
    mixins.CreateModelMixin, mixins.UpdateModelMixin, viewsets.ReadOnlyModelViewSet[Route]
):
    """Routes: which plans go where, when, and which fields leave for which purpose."""

    permission_classes = [Permitted]
    read_permission = "view_route"
    write_permission = "manage_route"
    serializer_class = serializers.RouteSerializer
    filterset_fields = ["destination", "state"]
    http_method_names = ["get", "post", "put", "head", "options"]
    queryset = Route.objects.none()

    def get_queryset(self) -> QuerySet[Route]:
        return Route.objects.for_user(person(self.request)).prefetch_related("athletes")

    def perform_create(self, serializer: BaseSerializer[Route]) -> None:
        values: dict[str, Any] = dict(serializer.validated_data)
        destination = values.pop("destination")
        roles.require(person(self.request), self.write_permission, destination)
        with told():
            serializer.instance = routes.open_route(
                destination.organisation, destination, _wish(values)
            )

    def perform_update(self, serializer: BaseSerializer[Route]) -> None:
        values: dict[str, Any] = dict(serializer.validated_data)
        values.pop("destination")
        with told(), in_conflict(NotPossible):
            serializer.instance = taking_back.change(
                self.get_object(), _wish(values), person(self.request)
            )

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Hold everything on this route; the queue is kept."""
        return self._set(Route.State.PAUSED)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Go on; only the newest version of each plan is sent."""
        return self._set(Route.State.ACTIVE)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, pk: str) -> Response:
        """End the route and take back what it wrote. Refused where that is more than you may move
        alone: then take everything back by a bulk action first.
        """
        with in_conflict(NotPossible):
            route = taking_back.retire(self.get_object(), person(request))
        return Response(self.get_serializer(route).data)

    def _set(self, state: Route.State) -> Response:
        route = routes.set_state(self.get_object(), state)
        return Response(self.get_serializer(route).data)


class ConsentViewSet(mixins.CreateModelMixin, viewsets.ReadOnlyModelViewSet[ConsentDecision]):
    """Consent decisions. Added, never edited: the latest for an athlete and destination counts."""

    permission_classes = [Permitted]
    read_permission = "view_consent"
    write_permission = "record_consent"
    serializer_class = serializers.ConsentSerializer
    filterset_fields = ["athlete", "destination_id", "decision"]
    queryset = ConsentDecision.objects.none()

    def get_queryset(self) -> QuerySet[ConsentDecision]:
        rows = ConsentDecision.objects.for_user(person(self.request)).select_related("athlete")
        return rows.order_by("-decided_at")

    @extend_schema(
        request=serializers.DecisionSerializer, responses={201: serializers.ConsentSerializer}
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Record what the athlete decided. A withdrawal takes back everything that was written."""
        wish = serializers.DecisionSerializer(
            data=request.data, context=self.get_serializer_context()
        )
        wish.is_valid(raise_exception=True)
        for concerned in ("athlete", "destination"):
            roles.require(person(request), self.write_permission, wish.validated_data[concerned])
        with told():
            decision = _decide(wish.validated_data, person(request))
        return Response(self.get_serializer(decision).data, status=status.HTTP_201_CREATED)


class DeliveryViewSet(viewsets.ReadOnlyModelViewSet[Delivery]):
    """Deliveries: the promise of one version at one destination, and what became of it."""

    permission_classes = [Permitted]
    read_permission = "view_athlete"
    write_permission = "redeliver"
    filterset_class = DeliveryFilter
    queryset = Delivery.objects.none()

    def get_queryset(self) -> QuerySet[Delivery]:
        rows = Delivery.objects.for_user(person(self.request)).select_related(
            "lane__destination", "lane__route", "version", "assigned_to"
        )
        rows = waiting.with_what_holds(rows)
        if self.action == "retrieve":
            rows = rows.prefetch_related("attempts__steps")
        return rows

    def get_serializer_class(self) -> type[BaseSerializer[Delivery]]:
        if self.action == "retrieve":
            return serializers.DeliveryDetailSerializer
        return serializers.DeliverySerializer

    @extend_schema(request=None, responses={201: serializers.DeliverySerializer})
    @action(detail=True, methods=["post"])
    def redeliver(self, request: Request, pk: str) -> Response:
        """Send this version once more. Refused when a newer one exists or consent is missing."""
        with in_conflict(redeliver.RedeliverRefused):
            again = redeliver.redeliver(self.get_object())
        shown = serializers.DeliverySerializer(again, context=self.get_serializer_context())
        return Response(shown.data, status=status.HTTP_201_CREATED)

    @extend_schema(request=serializers.SettleSerializer, responses=serializers.DeliverySerializer)
    @action(detail=True, methods=["post"])
    def settle(self, request: Request, pk: str) -> Response:
        """Answer for an unknown delivery, having looked at its destination. The answer is the
        delivery that counts now. Refused when somebody has answered already.
        """
        delivery = self.get_object()
        found = serializers.SettleSerializer(data=request.data)
        found.is_valid(raise_exception=True)
        is_there = found.validated_data["there"] == "yes"
        with in_conflict(redeliver.RedeliverRefused):
            settled = redeliver.settle_unknown(delivery, is_there=is_there)
        shown = serializers.DeliverySerializer(settled, context=self.get_serializer_context())
        return Response(shown.data)

    @extend_schema(request=serializers.AssignSerializer, responses=serializers.DeliverySerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        """Say who looks after it, by their address; nobody: null."""
        delivery = self.get_object()
        wish = serializers.AssignSerializer(data=request.data, context={"matter": delivery})
        wish.is_valid(raise_exception=True)
        remarks.assign(delivery, wish.validated_data["to"])
        shown = serializers.DeliverySerializer(delivery, context=self.get_serializer_context())
        return Response(shown.data)


class QuarantineViewSet(viewsets.ReadOnlyModelViewSet[Quarantine]):
    """Answers of the source that broke their contract. Nothing was sent because of them."""

    permission_classes = [Permitted]
    read_permission = "view_quarantine"
    write_permission = "replay_quarantine"
    serializer_class = serializers.QuarantineSerializer
    filterset_class = QuarantineFilter
    queryset = Quarantine.objects.none()

    def get_queryset(self) -> QuerySet[Quarantine]:
        rows = Quarantine.objects.for_user(person(self.request))
        return rows.select_related("settled_by", "assigned_to")

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        """Read the athlete's calendar again."""
        return self._settled(quarantine.replay, by=person(request))

    @extend_schema(request=serializers.DismissSerializer)
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, pk: str) -> Response:
        """Leave it unread, with a note if you like. Refused when it is settled already."""
        said = serializers.DismissSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        note = said.validated_data["note"]
        return self._settled(quarantine.dismiss, note=note, by=person(request))

    @extend_schema(request=serializers.AssignSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        """Say who looks after it, by their address; nobody: null. Refused when it is settled."""
        wish = serializers.AssignSerializer(
            data=request.data, context={"matter": self.get_object()}
        )
        wish.is_valid(raise_exception=True)
        return self._settled(remarks.assign, to=wish.validated_data["to"])

    def _settled(self, service: Callable[..., None], **said: Any) -> Response:
        with in_conflict(ContractError, quarantine.SettledError):
            service(self.get_object(), **said)
        return Response(self.get_serializer(self.get_object()).data)


class LedgerView(APIView):
    """The conservation ledger of an organisation, and the plans in which it does not add up."""

    permission_classes = [Permitted]
    read_permission = "view_athlete"

    @extend_schema(
        responses=serializers.LedgerSerializer,
        parameters=[ORGANISATION],
    )
    def get(self, request: Request) -> Response:
        found = balance([organisation_of(request, self.read_permission)])
        named = gaps(person(request), found.wrong)
        values = asdict(found.whole) | {
            "gap": found.whole.gap,
            "balanced": found.balanced,
            "gaps": named,
            "unnamed": len(found.wrong) - len(named),
        }
        return Response(serializers.LedgerSerializer(values).data)


def _wish(values: dict[str, Any]) -> routes.RouteSettings:
    values["athletes"] = [athlete.pk for athlete in values.pop("athletes", [])]
    return routes.RouteSettings(**values)


def _decide(values: dict[str, Any], user: User) -> ConsentDecision:
    basis = Basis(kind=ConsentDecision.Basis.COACH_RECORD, note=values["note"], decided_by=user)
    athlete, destination = values["athlete"], values["destination"]
    match values["decision"]:
        case "granted":
            terms = Terms(
                fields=values["fields_agreed"],
                purpose=values["purpose"],
                expires_at=values["expires_at"],
            )
            return consents.grant(athlete, destination, terms=terms, basis=basis)
        case "withdrawn":
            return consents.withdraw(athlete, destination, basis=basis)
    return consents.decline(athlete, destination, basis=basis)
