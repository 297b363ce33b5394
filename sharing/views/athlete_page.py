"""The athlete's own page, by signed link: what is shared, where, since when, what changed."""

from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts import links, notices
from accounts.consent import Basis
from accounts.models import Athlete, ConsentDecision
from audit.actor import Actor, acting
from destinations import registry
from destinations.models import Destination
from sharing import acknowledgements, feeds
from sharing.models import Delivery, Lane, Plan, PlanVersion
from sharing.selectors import plans as plan_selectors
from sharing.selectors import roster as selectors
from sharing.selectors import stops as stop_selectors
from sharing.selectors.weeks import Week
from sharing.views.roster import decide, week_of

M = TypeVar("M", bound=Model)
WORDS = {
    "granted": "Shared", "withdrawn": "Stopped by you", "declined": "You said no",
    "expired": "Your yes has run out", "missing": "Not asked yet",
}  # fmt: skip
SAID = {
    "grant": "Thank you. Your plan is on its way there.",
    "decline": "Noted: nothing is shared there.",
    "withdraw": "Sharing has stopped. What is there is being taken back.",
    "acknowledge": "Thank you. Your coach sees that you have seen it.",
    "changed": "Your coach has changed what would be shared. Please look again before you agree.",
}
DECISIONS = {
    "grant": ConsentDecision.Decision.GRANTED,
    "decline": ConsentDecision.Decision.DECLINED,
    "withdraw": ConsentDecision.Decision.WITHDRAWN,
}
EARLIER = 8


@dataclass(frozen=True)
class PlanCard:
    plan: Plan
    version: PlanVersion | None
    acknowledged: bool
    week: Week | None
    earlier: list[PlanVersion]


@dataclass(frozen=True)
class Share:
    """One destination as the athlete sees it."""

    standing: selectors.Standing
    word: str
    label: str
    purpose: str
    fields: dict[str, str]
    holds: Delivery | None
    feed: str
    shown: str

    @property
    def destination(self) -> Destination:
        return self.standing.destination


# Exempt from the CSRF check because there is no cookie to abuse: the unguessable link in the
# address is the whole proof, a foreign page does not know it, and this page's own
# `no-referrer` makes browsers send `Origin: null`, which the check would refuse.
@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def athlete_page(request: HttpRequest, token: str) -> HttpResponse:
    athlete = links.athlete_from_token(token)
    if athlete is None:
        return _private(render(request, "sharing/athlete_link_gone.html", status=404))
    said = act(request, athlete) if request.method == "POST" else ""
    context = {
        "athlete": athlete, "said": said, "plans": plan_cards(athlete), "shares": shares(athlete),
        "notice": notices.newest(), "held": stop_selectors.holds_back(athlete),
    }  # fmt: skip
    return _private(render(request, "sharing/athlete_page.html", context))


def act(request: HttpRequest, athlete: Athlete) -> str:
    """Do what the athlete tapped, in their own name, and say what happened."""
    wish = request.POST.get("act", "")
    with acting(Actor("athlete", str(athlete.pseudonym))):
        if wish == "acknowledge":
            version = _their(PlanVersion.objects.filter(plan__athlete=athlete), request, "version")
            acknowledgements.acknowledge(version)
        elif wish in DECISIONS:
            wish = _decide(request, athlete, wish)
        else:
            return ""
    return SAID[wish]


def _decide(request: HttpRequest, athlete: Athlete, wish: str) -> str:
    """A yes is to what was on the page; when a coach changed that meanwhile, it is no yes."""
    places = Destination.objects.filter(organisation=athlete.organisation_id)
    destination = _their(places, request, "destination")
    if wish == "grant" and request.POST.get("shown") != selectors.digest_of(destination):
        return "changed"
    decide(DECISIONS[wish], athlete, destination, Basis())
    return wish


def _their(rows: QuerySet[M], request: HttpRequest, name: str) -> M:
    try:
        return get_object_or_404(rows, pk=UUID(request.POST.get(name, "")))
    except ValueError:
        raise Http404 from None


def plan_cards(athlete: Athlete) -> list[PlanCard]:
    cards = []
    for plan in plan_selectors.of_athlete(athlete):
        newest = plan_selectors.newest_version(plan)
        seen = newest is not None and newest.acknowledgements.exists()
        earlier = list(plan_selectors.versions(plan)[1 : 1 + EARLIER])
        cards.append(PlanCard(plan, newest, seen, week_of(newest), earlier))
    return cards


def shares(athlete: Athlete) -> list[Share]:
    """Every destination that a route leads to, and those that were decided on before."""
    places = list(
        Destination.objects.filter(organisation=athlete.organisation_id)
        .exclude(state=Destination.State.DISABLED)
        .order_by("name")
    )
    standings = selectors.standings([athlete], places)[athlete.pk]
    found = [_share(standing, athlete) for standing in standings]
    return [share for share in found if share.purpose or share.standing.decision]


def _share(standing: selectors.Standing, athlete: Athlete) -> Share:
    destination = standing.destination
    fields = selectors.fields_of(destination)
    if standing.granted and standing.decision:
        fields = {name: why for name, why in fields.items() if name in standing.decision.fields}
    lanes = athlete_lanes(athlete, destination)
    return Share(
        standing=standing,
        word=WORDS[standing.state],
        label=registry.adapter_class(destination.kind).label,
        purpose=selectors.purpose_of(destination),
        fields=fields,
        holds=_holds(lanes),
        feed=_feed(lanes, destination) if standing.granted else "",
        shown=selectors.digest_of(destination),
    )


def athlete_lanes(athlete: Athlete, destination: Destination) -> list[Lane]:
    return list(Lane.objects.filter(plan__athlete=athlete, destination=destination))


def _holds(lanes: list[Lane]) -> Delivery | None:
    """What was last delivered there; nothing once it was taken back."""
    delivered = Delivery.objects.filter(lane__in=lanes, state=Delivery.State.DELIVERED)
    newest = delivered.select_related("version").order_by("-settled_at").first()
    return newest if newest and newest.intent == Delivery.Intent.SHARE else None


def _feed(lanes: list[Lane], destination: Destination) -> str:
    published = registry.adapter_class(destination.kind).capabilities.published
    return feeds.address(lanes[0]) if published and lanes else ""


def _private(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store, private"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
