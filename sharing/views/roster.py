"""The roster and one athlete: what each agreed to, and where their plans stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts import links, roles
from accounts.consent import Basis
from accounts.models import Athlete, ConsentDecision, User
from audit.log import audited_atomic
from audit.retrying import retried
from destinations.models import Destination
from sharing import consents, intake
from sharing.forms import ConsentForm
from sharing.models import Hint, Plan, PlanVersion, Source
from sharing.selectors import plans as plan_selectors
from sharing.selectors import roster as selectors
from sharing.selectors.plans import AtDestination
from sharing.selectors.weeks import Week, weeks
from sharing.views import returning
from sharing.views.asking import own, page_of, person

RECORD = "record_consent"
GONE = "a destination that is gone"
MOST_DECISIONS = 100


@dataclass(frozen=True)
class Row:
    athlete: Athlete
    standings: Sequence[selectors.Standing]
    source: Source | None


@dataclass(frozen=True)
class PlanRow:
    plan: Plan
    version: PlanVersion | None
    at: Sequence[AtDestination]
    week: Week | None


def roster(request: HttpRequest) -> HttpResponse:
    user = person(request, "view_athlete")
    search = request.GET.get("q", "")
    destinations = selectors.destinations(user)
    page = page_of(request, selectors.athletes(user, search).select_related("source"))
    standings = selectors.standings(page.object_list, destinations)
    rows = [Row(each, standings[each.pk], getattr(each, "source", None)) for each in page]
    context = {
        "page": page, "rows": rows, "search": search, "destinations": destinations,
        "may_record": roles.may(user, RECORD), "consent_form": ConsentForm(user=user),
    }  # fmt: skip
    return render(request, "sharing/roster.html", context)


def athlete(request: HttpRequest, pk: UUID) -> HttpResponse:
    user = person(request, "view_athlete")
    athletes = Athlete.objects.for_user(user)
    shown = own(athletes.select_related("source", "organisation", "connection"), pk)
    destinations = selectors.destinations(user)
    return render(request, "sharing/athlete.html", {
        "athlete": shown,
        "source": getattr(shown, "source", None),
        "plans": plan_rows(shown),
        "standings": selectors.standings([shown], destinations)[shown.pk],
        "decisions": decisions(shown, user),
        "consent_form": ConsentForm(user=user),
        **_rights(user, shown, request),
    })  # fmt: skip


def _rights(user: User, shown: Athlete, request: HttpRequest) -> dict[str, Any]:
    may_record = roles.may(user, RECORD, shown) and not shown.is_leaving
    token = links.athlete_link_token(shown) if may_record else ""
    return {
        "may_record": may_record,
        "may_link": may_record,
        "may_read_again": roles.may(user, "manage_athlete", shown) and not shown.is_leaving,
        "may_erase": roles.may(user, "erase_athlete", shown) and not shown.is_leaving,
        "link": request.build_absolute_uri(reverse("athlete_page", args=[token])) if token else "",
    }


def plan_rows(shown: Athlete) -> list[PlanRow]:
    """Each plan with its newest version, its destinations and the week the athlete is in."""
    rows = []
    for plan in plan_selectors.of_athlete(shown):
        version = plan_selectors.newest_version(plan)
        rows.append(PlanRow(plan, version, plan_selectors.at_destinations(plan), week_of(version)))
    return rows


def week_of(version: PlanVersion | None) -> Week | None:
    if version is None:
        return None
    today = plan_selectors.local_today(version.plan.athlete)
    return next((week for week in weeks(version.canonical(), today) if week.is_now), None)


def decisions(shown: Athlete, user: User) -> list[tuple[str, ConsentDecision]]:
    """Every decision, newest first, with the name of its destination."""
    names = dict(Destination.objects.for_user(user).values_list("pk", "name"))
    found = ConsentDecision.objects.for_user(user).filter(athlete=shown).select_related("athlete")
    found = found.order_by("-decided_at")
    return [(names.get(each.destination_id, GONE), each) for each in found[:MOST_DECISIONS]]


@require_POST
def record_consents(request: HttpRequest) -> HttpResponse:
    """Record what athletes said elsewhere, with the coach's note as the basis of each."""
    user = person(request, RECORD)
    form = ConsentForm(request.POST, user=user)
    if not form.is_valid():
        return render(request, "sharing/record_consents.html", {"form": form}, status=422)
    for concerned in (form.cleaned_data["destination"], *form.cleaned_data["athletes"]):
        roles.require(user, RECORD, concerned)
    try:
        count = _record(form.cleaned_data, user)
    except ValidationError as refusal:
        form.add_error(None, refusal)
        return render(request, "sharing/record_consents.html", {"form": form}, status=422)
    messages.success(request, f"{count} decision{'' if count == 1 else 's'} recorded.")
    return redirect(returning.address(request, reverse("roster")))


@retried
def _record(wish: dict[str, Any], user: User) -> int:
    destination = wish["destination"]
    basis = Basis(kind=ConsentDecision.Basis.COACH_RECORD, note=wish["note"], decided_by=user)
    with audited_atomic():  # all of them, or none
        for shown in wish["athletes"]:
            decide(wish["decision"], shown, destination, basis)
    return len(wish["athletes"])


def decide(what: str, shown: Athlete, destination: Destination, basis: Basis) -> None:
    if what == ConsentDecision.Decision.GRANTED:
        consents.grant(shown, destination, terms=selectors.terms_of(destination), basis=basis)
    elif what == ConsentDecision.Decision.DECLINED:
        consents.decline(shown, destination, basis=basis)
    else:
        consents.withdraw(shown, destination, basis=basis)


@require_POST
def read_again(request: HttpRequest, pk: UUID) -> HttpResponse:
    shown = own(Athlete.objects.for_user(person(request)), pk)
    roles.require(person(request), "manage_athlete", shown)
    source = Source.objects.filter(athlete=shown).first()
    if source is None:
        messages.error(request, "This athlete has no calendar to read yet.")
    else:
        intake.ask(source, Hint.Kind.MANUAL, at_once=True)
        messages.success(request, "The calendar is being read.")
    return redirect("athlete", pk)


@require_POST
def renew_link(request: HttpRequest, pk: UUID) -> HttpResponse:
    shown = own(Athlete.objects.for_user(person(request)), pk)
    roles.require(person(request), RECORD, shown)
    links.renew(shown)
    messages.success(request, "The link was replaced; the old one has stopped working.")
    return redirect("athlete", pk)
