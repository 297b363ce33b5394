"""The destination pages: what there is, adding one, how it is, testing, pausing and resuming it."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts import roles
from accounts.models import Organisation, User
from destinations import pace, registry, repeats, schedule, selectors, services
from destinations.errors import CATALOGUE
from destinations.forms import DestinationForm
from destinations.models import Destination
from destinations.port import Capabilities, ChecksConnection, DestinationAdapter

MANAGE = "manage_destination"
ABILITIES = {
    "dates": "Days",
    "time_of_day": "Time of day",
    "duration": "Duration",
    "distance": "Distance",
    "intervals": "Intervals",
    "exercises": "Strength sets",
    "update": "Later changes",
    "remove": "Taking back",
    "read_back": "Reading back",
}


@dataclass(frozen=True)
class Ability:
    word: str
    able: bool


@dataclass(frozen=True)
class KindCard:
    """A kind as the pages show it."""

    adapter: type[DestinationAdapter]

    @property
    def kind(self) -> str:
        return self.adapter.kind

    @property
    def label(self) -> str:
        return self.adapter.label

    @property
    def capabilities(self) -> Capabilities:
        return self.adapter.capabilities

    @property
    def icon(self) -> str:
        if self.capabilities.published:
            return "calendar"
        return "webhook" if self.capabilities.whole_plan else "platform"

    @property
    def abilities(self) -> list[Ability]:
        return [Ability(word, getattr(self.capabilities, name)) for name, word in ABILITIES.items()]

    @property
    def promise(self) -> str:
        """What keeps a plan from arriving twice."""
        if self.capabilities.published:
            return ""
        if self.capabilities.receivers:
            return "You say what it does with a message that comes twice."
        return repeats.WORDS[self.capabilities.idempotency].twice

    @property
    def terms(self) -> tuple[str, ...]:
        return self.capabilities.terms

    @property
    def rotates(self) -> bool:
        return self.adapter.config_form.rotates

    @property
    def testable(self) -> bool:
        return issubclass(self.adapter, ChecksConnection)


def destinations(request: HttpRequest) -> HttpResponse:
    user = _person(request, "view_destination")
    rows = [
        {
            "destination": each,
            "label": registry.adapter_class(each.kind).label,
            "health": selectors.health(each),
        }
        for each in selectors.destinations_of(user).order_by("name")
    ]
    context = {"rows": rows, "may_edit": roles.may(user, MANAGE)}
    return render(request, "destinations/list.html", context)


def kinds(request: HttpRequest) -> HttpResponse:
    _person(request, MANAGE)
    shown = [KindCard(adapter) for adapter in registry.ADAPTERS.values()]
    return render(request, "destinations/kinds.html", {"kinds": shown})


def new(request: HttpRequest, kind: str) -> HttpResponse:
    user = _person(request, MANAGE)
    if kind not in registry.ADAPTERS:
        raise Http404
    card, organisation = KindCard(registry.ADAPTERS[kind]), _organisation(user)
    form = DestinationForm(
        request.POST or None,
        organisation=organisation,
        promises=card.capabilities.promises,
        called=not card.capabilities.published,
    )
    config = card.adapter.config_form(request.POST or None)
    if _valid(form, config):
        made = _try(form, config, services.create, organisation, user, kind=kind)
        if made:
            messages.success(request, f"{made.name} is added. Test it, then open a route to it.")
            return redirect("destination", made.pk)
    return _form(request, {"form": form, "config": config, "kind": card})


def edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    shown = _to_change(request, pk)
    card = KindCard(registry.adapter_class(shown.kind))
    form = DestinationForm(
        request.POST or None,
        organisation=shown.organisation,
        promises=card.capabilities.promises,
        called=not card.capabilities.published,
        destination=shown,
    )
    config = card.adapter.config_form(request.POST or None, stored=shown.configuration)
    if _valid(form, config) and _try(form, config, services.change, shown):
        messages.success(request, "Saved.")
        return redirect("destination", pk)
    return _form(request, {"form": form, "config": config, "kind": card, "destination": shown})


def destination(request: HttpRequest, pk: UUID) -> HttpResponse:
    user = _person(request, "view_destination")
    shown = get_object_or_404(selectors.destinations_of(user), pk=pk)
    card = KindCard(registry.adapter_class(shown.kind))
    context = {
        "destination": shown,
        "kind": card,
        "health": selectors.health(shown),
        "repeats": repeats.words(shown),
        "promises_too_much": selectors.promises_too_much(shown),
        "settings": _labelled(card, selectors.masked_settings(shown)),
        "paused": CATALOGUE.get(shown.paused_reason),
        "asked_until": selectors.asked_until(shown),
        "probes_at": selectors.probes_at(shown),
        "schedule": schedule.as_text(shown.schedule),
        "late": pace.seconds(shown.late_apply_window),
        "tries": schedule.in_words(shown.schedule),
        "may_edit": roles.may(user, MANAGE, shown),
    }
    return render(request, "destinations/detail.html", context)


@require_POST
def test(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask the destination now and show what it says, in place."""
    shown = _to_change(request, pk)
    began = monotonic()
    checked = services.test(shown)
    context = {
        "checked": checked,
        "error": CATALOGUE.get(checked.code),
        "seconds": monotonic() - began,
        "now": timezone.now(),
    }
    return render(request, "destinations/test_result.html", context)


@require_POST
def set_state(request: HttpRequest, pk: UUID) -> HttpResponse:
    shown = _to_change(request, pk)
    wish = request.POST.get("state")
    if wish == Destination.State.PAUSED:
        services.pause(shown, "Paused by a person.")
    elif wish == Destination.State.ACTIVE:
        services.resume(shown)
    else:
        return HttpResponseBadRequest("Say which state.")
    messages.success(
        request, f"{shown.name} is {'paused' if wish == 'paused' else 'at work again'}."
    )
    return redirect("destination", pk)


@require_POST
def set_stage(request: HttpRequest, pk: UUID) -> HttpResponse:
    shown = _to_change(request, pk)
    wish = request.POST.get("stage", "")
    if wish not in Destination.Stage.values:
        return HttpResponseBadRequest("Say which stage.")
    services.set_stage(shown, Destination.Stage(wish))
    messages.success(request, f"{shown.name} is now in {Destination.Stage(wish).label.lower()}.")
    return redirect("destination", pk)


@require_POST
def show_secret(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The signing secret, for setting up the other side. That it was shown is recorded."""
    shown = _to_change(request, pk)
    renew = request.POST.get("renew") == "yes"
    try:
        secret = services.rotate_secret(shown) if renew else services.show_secret(shown)
    except ValidationError as refusal:
        return HttpResponseBadRequest(refusal.messages[0])
    response = render(request, "destinations/secret.html", {"secret": secret, "renewed": renew})
    response["Cache-Control"] = "no-store"
    return response


def _to_change(request: HttpRequest, pk: UUID) -> Destination:
    user = _person(request, MANAGE)
    shown = get_object_or_404(selectors.destinations_of(user), pk=pk)
    roles.require(user, MANAGE, shown)
    return shown


def _person(request: HttpRequest, permission: str) -> User:
    if not isinstance(request.user, User):
        raise Http404
    roles.require(request.user, permission)
    return request.user


def _organisation(user: User) -> Organisation:
    """The organisation in which this person may add one; somebody with several, the first."""
    return get_object_or_404(Organisation.objects.allowing(user, MANAGE).order_by("name")[:1])


def _valid(*forms: Form) -> bool:
    """Every form is asked, so that all mistakes show at once."""
    verdicts = [form.is_valid() for form in forms]
    return all(verdicts)


def _try(form: Form, config: Form, service: Any, *rows: Any, **fixed: Any) -> Destination | None:
    """The row that the service made, or None with its refusal on the form."""
    try:
        made: Destination = service(
            *rows,
            answers={name: config.data.get(name) for name in config.fields},
            **form.cleaned_data,
            **fixed,
        )
    except ValidationError as refusal:
        for name, errors in getattr(refusal, "error_dict", {None: refusal}).items():
            form.add_error(name if name in form.fields else None, errors)
        return None
    return made


def _form(request: HttpRequest, context: Mapping[str, Any]) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    return render(request, "destinations/form.html", dict(context), status=status)


def _labelled(card: KindCard, settings: Mapping[str, object]) -> dict[str, object]:
    """The settings under the labels of the form that asked for them."""
    fields = card.adapter.config_form.base_fields
    return {str(fields[name].label): value for name, value in settings.items() if name in fields}
