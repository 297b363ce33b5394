"""Somebody of two studios: what they may in one counts nothing in the other, at any address.

Gil has the lesser role in Ana's studio and nothing else. Fay has it too, and a greater role in
Dan's. In Ana's studio she must be told and allowed exactly what Gil is.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import assignments, cohorts
from accounts.models import Athlete, Connection, ConsentDecision, Membership, User
from audit.log import audited_atomic
from audit.models import Entry
from insight import alerts
from insight.alerts import Finding
from sharing import clock, quarantine, remarks, stops
from sharing.bulk import asking
from sharing.bulk.criteria import Criteria, To
from sharing.models import BulkAction, Drift, DriftCheck, RemoteRecord, Source
from sharing.source.errors import BadAnswerError
from tests.sharing import world as worlds

pytestmark = [pytest.mark.django_db, pytest.mark.in_one_lane]

PAIRS = [
    ("auditor", "coach"), ("destination_owner", "coach"), ("destination_owner", "auditor"),
    ("assistant", "owner"), ("coach", "owner"),
]  # fmt: skip
REFUSED = {403, 404}
NOT_NAMEABLE = {400, 422}  # a form or a body names a row that the person may not see
KEY = re.compile(r"[0-9a-f]{8}-")
PUBLIC = ("live/", "ready/", "a/", "feeds/", "hooks/", "accounts/", "back-office/", "api/schema/")
IN_THEIR_OWN = {  # these name nothing of a studio: they make something where the person may
    ("post", "destinations/new/webhook/"), ("post", "cohorts/new/"),
    ("post", "connections/calendar/"), ("post", "connections/trainingpeaks/start/"),
    ("post", "api/v1/destinations/"), ("post", "api/v1/cohorts/"),
    ("post", "stops/new/everything/"), ("post", "dead-letters/redeliver/"),
}  # fmt: skip
WEBHOOK = {"url": "https://hooks.example.com/x"}


@dataclass
class Studio:
    """Ana's: Ben, and Eve whom the assistants look after; one row of everything there is."""

    world: worlds.World
    rows: dict[str, Any]

    @property
    def secrets(self) -> dict[str, str]:
        """What would show that a row of Ana's was told: its key, or what only it says."""
        rows = {name: row for name, row in self.rows.items() if name != "organisations"}
        keys = {f"the key of {name}": str(row.pk) for name, row in rows.items()}
        entry = Entry.objects.filter(organisation=self.world.organisation.pk).latest("seq")
        words = {
            "an athlete's name": "Ben Canary", "a remark": "remark-canary",
            "a remark in quarantine": "kept-canary", "a quarantined field": "field-canary",
            "a connection": "connection-canary",
            "a cohort's name": "cohort-canary", "an audit entry": bytes(entry.leaf_hash).hex(),
            "the ledger": '"accepted":2',
        }  # fmt: skip
        return keys | words


@pytest.fixture
def studio(world, journal):
    world.ana.memberships.update(role="owner")
    Athlete.objects.filter(pk=world.ben.pk).update(name="Ben Canary")
    world.ben.refresh_from_db()
    eve = Athlete.objects.create(organisation=world.organisation, name="Eve")
    delivery = world.deliveries()[0]
    source = Source.objects.create(athlete=world.ben)
    connection = Connection.objects.create(
        organisation=world.organisation, user=world.ana, name="connection-canary",
        kind=Connection.Kind.CALENDAR_FEED,
    )  # fmt: skip
    answer = json.dumps([{"Id": 1}]).encode()
    with audited_atomic() as log:
        bad = BadAnswerError("workouts", "field-canary", "not a date", answer)
        kept = quarantine.keep(source, bad, log)
    check, drift = drifted(world)
    alert = alerts.raise_(
        Finding(
            "delivery_dead", f"lane:{world.lane.pk}", organisation=world.organisation.pk,
            athlete=world.ben.pk,
        )
    )  # fmt: skip
    rows = {
        "athletes": world.ben, "plans": world.plan, "deliveries": delivery,
        "versions": world.plan.versions.get(version=1), "routes": world.route,
        "destinations": world.destination, "quarantine": kept, "connections": connection,
        "drift": drift, "drift-checks": check, "alerts": alert,
        "organisations": world.organisation,
        "cohorts": cohorts.create(world.organisation, "cohort-canary", [world.ben]),
        "stops": stops.put(world.ben, "drain", reason="canary", by=world.ana),
        "bulk": asking.ask(
            world.ana, world.organisation, BulkAction.Kind.ROLL_BACK,
            Criteria(plan=world.plan.pk, to=To.PREVIOUS), reason="wrong week",
        ),
        "remarks": remarks.write(delivery, "remark-canary", world.ana),
        "quarantine-remarks": remarks.write(kept, "kept-canary", world.ana),
        "consents": ConsentDecision.objects.get(athlete=world.ben),
    }  # fmt: skip
    return Studio(world, {**rows, "bulk-actions": rows["bulk"], "eve": eve})


def drifted(world):
    with audited_atomic() as log:
        check = DriftCheck(
            organisation=world.organisation, destination=world.destination,
            state=DriftCheck.State.DONE, asked_at=clock.now(),
        )  # fmt: skip
        check.audit_entry_id = log.record("drift.checked", organisation=world.organisation.pk)
        check.save()
        record = RemoteRecord.objects.filter(lane=world.lane).first()
        drift = Drift(
            lane=world.lane, record=record, kind=Drift.Kind.MISSING, policy="ask",
            found_at=clock.now(), found_by=check,
        )  # fmt: skip
        drift.audit_entry_id = log.record("drift.found", organisation=world.organisation.pk)
        drift.save()
    return check, drift


@pytest.fixture
def elsewhere(db):
    """Dan's studio, with something in it."""
    return worlds.build(name="Elsewhere")


def member(name, studio, role):
    user = User.objects.create_user(f"{name}@example.com", "a long enough password", name=name)
    Membership.objects.create(user=user, organisation=studio.world.organisation, role=role)
    if role == Membership.Role.ASSISTANT:
        assignments.assign(user, studio.rows["eve"])
    return user


def addresses(patterns=None, prefix=""):
    for entry in patterns if patterns is not None else get_resolver().url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, path)
        elif isinstance(entry, URLPattern) and not path.startswith(PUBLIC):
            yield path, entry.callback


def filled(studio):
    """Every address with Ana's own rows in it. One that nobody filled in fails here."""
    rows = studio.rows
    for pattern, view in addresses():
        path = pattern.replace("(?P<pk>[^/.]+)", "<uuid:pk>").replace("^", "").replace("$", "")
        if path.startswith(("stops/new/<", "roll-back/<")):
            for scope in ("destination", "route", "cohort", "athlete"):
                scoped = path.replace("<str:scope>", scope)
                yield with_keys(scoped, f"{scope}s", rows), view
        else:
            name = path.removeprefix("api/v1/").partition("/")[0]
            at_a_place = path.startswith("drift/at/")
            yield with_keys(path, "destinations" if at_a_place else name, rows), view


def with_keys(path, name, rows):
    known = {"<slug:kind>": "webhook", "<int:number>": "1"}
    known["<uuid:destination>"] = str(rows["destinations"].pk)
    if name in rows:
        known["<uuid:pk>"] = str(rows[name].pk)
    for placeholder, value in known.items():
        path = path.replace(placeholder, value)
    assert "<" not in path, f"say what to put into {path}"
    return path


def body_of(path, studio):
    """What makes sense there; the rest is refused or ignored before anything is read of it."""
    world, rows = studio.world, studio.rows
    ben, place = str(world.ben.pk), str(world.destination.pk)
    route = {
        "name": "Digest", "purpose": "digest", "plan_kind": "rolling", "audience": "everyone",
        "cadence": "nightly", "local_time": "02:00", "weekday": "6", "share_title": "on",
        "why_title": "to know",
    }  # fmt: skip
    pages = {
        r"athletes/consents/": {
            "destination": place, "decision": "withdrawn", "note": "said so", "athletes": [ben],
        },
        r"athletes/.*/erase/": {"sure": "on"},
        r"routes/.*/state/": {"state": "retired"},
        r"routes/.*": route,
        r"destinations/.*/state/": {"state": "paused"},
        r"destinations/.*/stage/": {"stage": "live"},
        r"destinations/.*": {"name": "Renamed", **WEBHOOK},
        r"deliveries/.*/remarks/": {"words": "seen"},
        r"quarantine/.*/remarks/": {"words": "seen"},
        r"deliveries/.*": {"there": "yes"},
        r"cohorts/.*": {"name": "Renamed"},
        r"stops/new/.*": {"mode": "kill", "reason": "stop"},
        r"roll-back/.*": {"to": "previous", "reason": "wrong week"},
    }  # fmt: skip
    api = {
        r"api/v1/consents/": {
            "athlete": ben, "destination": place, "decision": "withdrawn", "note": "said so",
        },
        r"api/v1/routes/.*": {
            "destination": place, "name": "Digest", "purpose": "digest",
            "fieldsShared": {"title": "to know"},
        },
        r"api/v1/plans/": {
            "athlete": ben, "name": "Block", "startsOn": "2026-03-02", "endsOn": "2026-05-10",
        },
        r"api/v1/athletes/.*": {"timeZone": "Europe/Rome"},
        r"api/v1/remarks/": {"delivery": str(rows["deliveries"].pk), "words": "seen"},
        r"api/v1/quarantine-remarks/": {"quarantine": str(rows["quarantine"].pk), "words": "seen"},
        r"api/v1/drift-checks/": {"destination": place},
        r"api/v1/drift/restore/": {"destination": place},
        r"api/v1/stops/": {"route": str(rows["routes"].pk), "mode": "kill", "reason": "stop"},
        r"api/v1/bulk-actions/": {
            "kind": "roll_back", "to": "previous", "plan": str(world.plan.pk), "reason": "wrong",
        },
        r"api/v1/destinations/.*": {"kind": "webhook", "name": "Renamed", "settings": WEBHOOK},
        r"api/v1/cohorts/.*": {"name": "Renamed", "athletes": []},
        r"api/v1/deliveries/.*/assign/": {"to": None},
        r"api/v1/quarantine/.*/assign/": {"to": None},
    }  # fmt: skip
    found = {**pages, **api}
    return next((body for start, body in found.items() if re.fullmatch(start, path)), {})


def calls(studio):
    """Each address with each method that it may know."""
    for path, view in filled(studio):
        methods = {"get", "post"}
        if path.startswith("api/v1/"):
            known = set(getattr(view, "actions", None) or {"get": "get"})
            methods = known & set(view.cls.http_method_names) - {"head"}
        for method in sorted(methods):
            yield method, path


def ask(client, user, studio, method, path):
    """The answer, and how many entries it made in Ana's log. Nothing of it stays."""
    client.force_login(user)
    body, extra = body_of(path, studio) if method != "get" else {}, {}
    if path.startswith("api/v1/") and method != "get":
        extra["content_type"] = "application/json"
    mine = Entry.objects.filter(organisation=studio.world.organisation.pk)
    before = mine.count()
    with transaction.atomic():
        answer = getattr(client, method)(f"/{path}", body, **extra)
        wrote = mine.count() - before
        transaction.set_rollback(True)
    return answer, wrote


def told(answers, studio):
    """Which of the secrets were told by anything."""
    text = "\n".join(answer.content.decode() for answer in answers)
    return {name for name, secret in studio.secrets.items() if secret in text}


@pytest.fixture
def people(studio, elsewhere):
    def of_two(lesser, greater):
        gil, fay = member("gil", studio, lesser), member("fay", studio, lesser)
        Membership.objects.create(user=fay, organisation=elsewhere.organisation, role=greater)
        if greater == Membership.Role.ASSISTANT:
            assignments.assign(fay, elsewhere.ben)
        return gil, fay

    return of_two


@pytest.mark.parametrize(("lesser", "greater"), PAIRS)
def test_a_greater_role_elsewhere_tells_nothing_here(client, studio, people, lesser, greater):
    gil, fay = people(lesser, greater)
    paths = [path for method, path in calls(studio) if method == "get"]
    gils = [ask(client, gil, studio, "get", path)[0] for path in paths]
    fays = [ask(client, fay, studio, "get", path)[0] for path in paths]
    assert told(fays, studio) <= told(gils, studio)
    for path, his, hers in zip(paths, gils, fays, strict=True):
        if KEY.search(path):
            assert (hers.status_code in REFUSED) == (his.status_code in REFUSED), path


@pytest.mark.parametrize(("lesser", "greater"), PAIRS)
def test_a_greater_role_elsewhere_does_nothing_here(client, studio, people, lesser, greater):
    gil, fay = people(lesser, greater)
    for method, path in calls(studio):
        if method == "get" or (method, path) in IN_THEIR_OWN:
            continue
        (his, he_wrote), (hers, she_wrote) = (
            ask(client, user, studio, method, path) for user in (gil, fay)
        )
        assert she_wrote == he_wrote, (method, path, hers.status_code)
        if not KEY.search(f"{path} {body_of(path, studio)}"):
            continue  # no row of Ana's is named
        if his.status_code in REFUSED:
            refusals = REFUSED if KEY.search(path) else REFUSED | NOT_NAMEABLE
            assert hers.status_code in refusals, (method, path, hers.status_code)
        else:
            assert hers.status_code == his.status_code, (method, path)
