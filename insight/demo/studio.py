"""Setting the stage: people, the connection, destinations, routes and consents."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from accounts import assignments, consent, oauth
from accounts.adapter import found_organisation
from accounts.models import Athlete, Connection, Membership, Organisation, User
from audit.log import audited_atomic
from destinations import services
from destinations.models import Destination
from insight.demo.sandbox import Sandbox
from plans.fields import MINIMAL_FIELDS
from sharing import consents, roster, routes, subscriptions
from sharing.models import Route

PURPOSE = "carry out the plan"
FIELDS = sorted(MINIMAL_FIELDS | {"description", "load"})
DECLINED, NEVER_ASKED = 1, 2  # places in the roster of those who do not share with the portal
ON_INTERVALS = 14  # athletes who also train with intervals.icu
ZONE = "Europe/Berlin"  # what the coach enters for the athlete whose zone TrainingPeaks lacks


@dataclass
class Studio:
    """The stage: who is who, and where plans go."""

    organisation: Organisation
    coach: User
    assistant: User
    password: str
    connection: Connection
    athletes: list[Athlete]
    portal: Destination
    calendars: Destination
    intervals: Destination

    @property
    def destinations(self) -> list[Destination]:
        return [self.portal, self.calendars, self.intervals]


def people(password: str) -> tuple[Organisation, User, User]:
    """Ana owns the studio; Cara assists her."""
    with audited_atomic() as log:
        ana = User.objects.create_user("ana@keller.example", password, name="Ana Keller")
        cara = User.objects.create_user("cara@keller.example", password, name="Cara Lind")
        organisation = found_organisation(ana, "Keller Endurance")
        Membership.objects.create(
            user=cara, organisation=organisation, role=Membership.Role.ASSISTANT
        )
        log.record("account.opened", organisation=organisation.pk)
    ana.is_staff = ana.is_superuser = True  # the back office is part of what the demo shows
    ana.save()
    return organisation, ana, cara


def connect(sandbox: Sandbox, coach: User, organisation: Organisation) -> Connection:
    """The authorisation-code flow, with the sandbox's consent page answered by a script."""
    browser = oauth.new_browser()
    query = parse_qs(urlsplit(oauth.start(coach, organisation, browser)).query)
    asked = {name: values[0] for name, values in query.items()}
    back = sandbox.post("/control/authorize", asked)["redirect"]
    answer = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    return oauth.complete(coach, browser, state=answer["state"], code=answer["code"])


def read_roster(connection: Connection) -> list[Athlete]:
    """Bring in the athletes; the coach fills in what TrainingPeaks does not say."""
    roster.sync(connection)
    athletes = list(Athlete.objects.filter(connection=connection).order_by("name"))
    for athlete in athletes:
        if not athlete.time_zone:
            roster.set_time_zone(athlete, ZONE)
    subscriptions.reconcile(connection)
    return athletes


def destinations(sandbox: Sandbox, organisation: Organisation, owner: User) -> list[Destination]:
    """The club's portal (signed webhook), a calendar for each athlete, and intervals.icu."""
    portal = services.create(
        organisation,
        owner,
        kind="webhook",
        name="Club portal",
        answers={"url": f"{sandbox.url}/destinations/webhook/portal"},
        rate_per_second=200,
        burst=200,
        slots=8,
    )
    sandbox.post("/control/inboxes/portal", {"secret": services.show_secret(portal)})
    calendars = services.create(
        organisation, owner, kind="icalendar", name="Athletes' calendars", answers={}, slots=8
    )
    return [portal, calendars]


def intervals_icu(
    sandbox: Sandbox, organisation: Organisation, owner: User, athletes: list[Athlete]
) -> Destination:
    lines = [f"{athlete.name} = i{5000 + number}" for number, athlete in enumerate(athletes)]
    return services.create(
        organisation,
        owner,
        kind="intervals_icu",
        name="intervals.icu",
        answers={
            "credential": "sandbox-key",
            "athletes": "\n".join(lines),
            "base_url": f"{sandbox.url}/destinations/intervals",
        },
        rate_per_second=50,
        burst=50,
        slots=4,
    )


def agree(studio: Studio) -> None:
    """Consents as a studio has them: most agree, one declines, one was never asked."""
    for number, athlete in enumerate(studio.athletes):
        if number == DECLINED:
            consents.decline(athlete, studio.portal, basis=consent.Basis())
        elif number != NEVER_ASKED:
            _grant(athlete, studio.portal)
        _grant(athlete, studio.calendars)
        if number < ON_INTERVALS:
            _grant(athlete, studio.intervals)


def _grant(athlete: Athlete, destination: Destination) -> None:
    terms = consent.Terms(fields=FIELDS, purpose=PURPOSE)
    consents.grant(athlete, destination, terms=terms, basis=consent.Basis())


def open_routes(studio: Studio) -> list[Route]:
    opened = [_route(studio, destination) for destination in studio.destinations[:2]]
    chosen = [athlete.pk for athlete in studio.athletes[:ON_INTERVALS]]
    return [*opened, _route(studio, studio.intervals, athletes=chosen)]


def _route(studio: Studio, destination: Destination, athletes: Collection[UUID] = ()) -> Route:
    wish = routes.RouteSettings(
        name=f"Weekly plans to {destination.name}",
        purpose="Athletes find their sessions where they train",
        fields=dict.fromkeys(FIELDS, PURPOSE),
        audience=Route.Audience.CHOSEN if athletes else Route.Audience.EVERYONE,
        athletes=athletes,
    )
    return routes.open_route(studio.organisation, destination, wish)


def set_up(sandbox: Sandbox) -> Studio:
    """Everything up to the moment when the coach changes the first plan."""
    sandbox.post("/control/reset")
    sandbox.post("/control/seed", {"studio": "demo"})
    password = secrets.token_urlsafe(9)
    organisation, ana, cara = people(password)
    connection = connect(sandbox, ana, organisation)
    athletes = read_roster(connection)
    for athlete in athletes[:10]:
        assignments.assign(cara, athlete)
    portal, calendars = destinations(sandbox, organisation, ana)
    intervals = intervals_icu(sandbox, organisation, ana, athletes[:ON_INTERVALS])
    studio = Studio(
        organisation, ana, cara, password, connection, athletes, portal, calendars, intervals
    )
    agree(studio)
    open_routes(studio)
    return studio
