"""A small studio for tests: Ana coaches Ben; one fake destination, one route, one plan."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import uuid4

from accounts import consent
from accounts.models import Athlete, Membership, Organisation, User
from audit.log import audited_atomic
from destinations.models import Destination
from plans.fields import SESSION_FIELDS
from plans.hashing import content_hash
from plans.model import Plan as CanonicalPlan
from plans.model import Session
from sharing import clock, fan_out, routes, versions
from sharing.models import Attempt, Delivery, Lane, Plan, PlanVersion, Route

FIELDS = frozenset(SESSION_FIELDS)


@dataclass
class World:
    organisation: Organisation
    ana: User
    ben: Athlete
    destination: Destination
    route: Route
    plan: Plan

    @property
    def lane(self) -> Lane:
        return Lane.objects.select_related("plan__athlete", "route", "destination").get(
            plan=self.plan, route=self.route
        )

    def deliveries(self):
        return list(Delivery.objects.filter(lane__plan=self.plan).order_by("revision"))

    def states(self):
        return [delivery.state for delivery in self.deliveries()]

    def agree(self, fields=FIELDS):
        with audited_atomic():
            terms = consent.Terms(fields=fields, purpose="carry out the plan")
            return consent.decide(self.ben, self.destination.pk, "granted", consent.Basis(), terms)

    def publish(self, *sessions, urgent=True):
        """Make the next version of Ben's plan, as a reading would."""
        return publish(self.plan, sessions or (session("tp-1"),), urgent=urgent)

    def make_due(self):
        """Let every wait be over: time passes in the rows, not in the test."""
        past = clock.now() - timedelta(minutes=5)
        Lane.objects.update(due_at=past, hold_until=past, lease_until=past)
        Attempt.objects.exclude(settled_at=None).update(deadline_at=past)


def session(item_id, *, day=None, title="Easy run", seconds=3600, **fields):
    return Session(
        item_id=item_id,
        sport="run",
        date=day or clock.now().date() + timedelta(days=1),
        title=title,
        duration_seconds=seconds,
        **fields,
    )


def publish(plan, sessions, *, urgent=True):
    with audited_atomic() as log:
        plan.newest = Plan.objects.select_for_update(no_key=True).get(pk=plan.pk).newest
        number = plan.newest + 1
        now = clock.now()
        version = PlanVersion(plan=plan, version=number)
        fill(version, plan, sessions, now)
        version.urgent = urgent
        version.audit_entry_id = log.record(
            "plan.version.recorded",
            plan=plan.pk,
            version=number,
            commitment=versions.commitment(version),
        )
        version.save(force_insert=True)
        Plan.objects.filter(pk=plan.pk).update(newest=number)
        plan.newest = number
        fan_out.fan_out(version, log)
    return version


def fill(version: PlanVersion, plan: Plan, sessions, now: datetime) -> None:
    ordered = tuple(sorted(sessions, key=lambda s: (s.date, s.item_id)))
    canonical = CanonicalPlan(
        plan_id=str(plan.pk),
        version=version.version,
        plan_name=plan.name,
        start_date=min((s.date for s in ordered), default=date(2026, 3, 2)),
        end_date=max((s.date for s in ordered), default=date(2026, 3, 2)),
        total_duration=sum(s.duration_seconds or 0 for s in ordered),
        published_at=now,
        time_zone=plan.athlete.time_zone or None,
        exercise_list=ordered,
    )
    version.content_hash = content_hash(ordered)
    version.starts_on, version.ends_on = canonical.start_date, canonical.end_date
    version.session_count, version.total_duration = len(ordered), canonical.total_duration
    version.read_at = version.published_at = now
    version.rules = ["test/1"]
    version.seal({"plan": canonical.model_dump(mode="json", by_alias=True), "summary": ["New."]})


def build(**destination_options) -> World:
    organisation = Organisation.objects.create(name="Keller Endurance", slug=f"k-{uuid4().hex[:8]}")
    ana = User.objects.create_user(email=f"ana-{uuid4().hex[:8]}@example.com", password=None)
    Membership.objects.create(user=ana, organisation=organisation, role="coach")
    ben = Athlete.objects.create(
        organisation=organisation, name="Ben", time_zone="Europe/Paris", source_id=1
    )
    destination = make_destination(organisation, ana, **destination_options)
    plan = Plan.objects.create(athlete=ben, name="Training plan")
    route = routes.open_route(
        organisation,
        destination,
        routes.RouteSettings(
            name="Everyone", purpose="training", fields=dict.fromkeys(FIELDS, "training")
        ),
    )
    return World(organisation, ana, ben, destination, route, plan)


def make_destination(organisation, owner, **options) -> Destination:
    with audited_atomic() as log:
        destination = Destination(
            organisation=organisation,
            owner=owner,
            **{
                "kind": "fake",
                "name": f"Inbox {uuid4().hex[:6]}",
                "endpoint": "fake",
                "idempotency_class": "keyed",
                "rate_per_second": 1000,
                "burst": 100,
                **options,
            },
        )
        destination.configure({})
        destination.audit_entry_id = log.record("destination.created", destination=destination.pk)
        destination.save()
    return destination
