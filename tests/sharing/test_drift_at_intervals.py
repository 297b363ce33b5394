"""Drift against intervals.icu's simulator: 40 athletes, 14 days each, every kind of difference.

What was changed there is found, all of it; what was not changed, or is none of our business, is
not. The counts are in the test's report: `pytest -rP -k seeded`.
"""

import base64
import json
import sys
from datetime import date, timedelta
from itertools import cycle, islice

import pytest

from accounts.models import Athlete
from destinations import services
from plans.model import Session
from sharing import aftermath, clock, fan_out, routes
from sharing.deliveries import deliver_due
from sharing.drift import asking, checks, repairing, restoring
from sharing.drift.values import unseal
from sharing.models import Drift, Lane, Plan, RemoteRecord
from tests.contracts import plans
from tests.sandbox_process import SandboxProcess
from tests.sharing import world as worlds

pytestmark = [
    pytest.mark.processes,
    pytest.mark.in_one_lane,
    pytest.mark.django_db(transaction=True),
]

ATHLETES, DAYS = 40, 14
ZONES = ["Europe/Paris", "Pacific/Auckland", "America/Los_Angeles", "Asia/Kolkata"]
PLAIN = {"sport": "run", "title": "Easy run", "durationSeconds": 2700, "distanceMeters": 8000.0}
KINDS = [PLAIN, *plans.ALL[:-1]]  # not the one that is done already
BY_HAND = "by-hand"  # the key of the athletes' own application


@pytest.fixture(scope="module")
def process():
    with SandboxProcess() as running:
        running.post("/control/intervals", {"key": BY_HAND})
        yield running


@pytest.fixture
def there(process, settings):
    settings.BATON_ALLOW_LOOPBACK_DESTINATIONS = True
    for event in process.get("/control/intervals")["events"]:
        process.delete(f"/control/intervals/{event['id']}")
    return There(process)


class There:
    """The calendars at intervals.icu, as athletes and other applications change them."""

    def __init__(self, sandbox):
        self.sandbox = sandbox

    def events(self):
        return self.sandbox.get("/control/intervals")["events"]

    def ours(self):
        """Athlete and external id → the event that Baton wrote."""
        ours = [e for e in self.events() if e["application"] == "basic:sandbox-key"]
        return {(event["athlete_id"], event["external_id"]): event for event in ours}

    def change(self, event, **values):
        self.sandbox.patch(f"/control/intervals/{event['id']}", values)

    def delete(self, event):
        self.sandbox.delete(f"/control/intervals/{event['id']}")

    def add(self, athlete, by=BY_HAND, **values):
        """Somebody else's event."""
        key = base64.b64encode(f"API_KEY:{by}".encode()).decode()
        answer = self.sandbox.call(
            "POST",
            f"/destinations/intervals/api/v1/athlete/{athlete}/events",
            json.dumps(values).encode(),
            {"Authorization": f"Basic {key}", "Content-Type": "application/json"},
        )
        assert answer.status == 200, answer.text

    def copy(self, event, **values):
        made = ("name", "category", "type", "start_date_local", "description", "moving_time")
        copied = {name: event[name] for name in made if name in event}
        self.add(event["athlete_id"], **copied | values)


def studio(there, athletes=ATHLETES, days=DAYS):
    """Athletes with a session on each of the coming days, delivered."""
    world = worlds.build()
    world.route.delete()  # to nowhere
    lines = "\n".join(f"{name(n)} = {number(n)}" for n in range(athletes))
    world.destination = services.create(
        world.organisation, world.ana, kind="intervals_icu", name="intervals.icu",
        answers={
            "credential": "sandbox-key", "athletes": lines,
            "base_url": f"{there.sandbox.url}/destinations/intervals",
        },
        rate_per_second=1000, burst=1000,
    )  # fmt: skip
    services.set_stage(world.destination, "live")
    world.route = routes.open_route(
        world.organisation, world.destination,
        routes.RouteSettings(
            name="intervals.icu", purpose="training",
            fields=dict.fromkeys(worlds.FIELDS, "training"),
        ),
    )  # fmt: skip
    kinds = cycle(KINDS)
    for n, zone in zip(range(athletes), cycle(ZONES), strict=False):
        athlete = Athlete.objects.create(
            organisation=world.organisation, name=name(n), time_zone=zone
        )
        plan = Plan.objects.create(athlete=athlete, name="Plan")
        agreed = worlds.World(
            world.organisation, world.ana, athlete, world.destination, world.route, plan
        )
        agreed.agree()
        agreed.publish(*[session(n, day, next(kinds)) for day in range(days)])
    deliver()
    return world


def name(n):
    return f"Athlete {n:02}"


def number(n):
    return f"i{5000 + n}"


def session(n, day, kind):
    first = clock.now().date() + timedelta(days=2)  # not today in any time zone
    own = {"itemId": f"tp-{n * 100 + day}", "date": (first + timedelta(days=day)).isoformat()}
    return Session.model_validate(kind | own)


def deliver():
    while deliver_due("test"):
        pass


def check(world):
    asked = asking.ask(world.destination)
    while checks.run_due(budget=600):
        pass
    asked.refresh_from_db()
    return asked


def found():
    """(session, kind, field) of what is listed and not settled."""
    rows = Drift.objects.filter(state__in=["open", "repairing"]).select_related("record")
    return {(row.record.item_key.partition("#")[0], row.kind, row.field) for row in rows}


def later(event, days):
    day = date.fromisoformat(event["start_date_local"][:10]) + timedelta(days=days)
    return day.isoformat() + event["start_date_local"][10:]


def workouts_with(events, member):
    """Events where this figure was written, and is not worked out from the steps."""
    return (e for e in events if e.get(member) and "\n- " not in "\n" + e["description"])


SEEDS = {  # what somebody does there → what must be found
    "changed title": lambda there, e: (
        there.change(e, name=f"{e['name']} (mine)"), ("altered", "title")),
    "moved by a day": lambda there, e: (
        there.change(e, start_date_local=later(e, 1)), ("altered", "date")),
    "moved out of the plan": lambda there, e: (
        there.change(e, start_date_local=later(e, 60)), ("altered", "date")),
    "other time of day": lambda there, e: (
        there.change(e, start_date_local=e["start_date_local"][:10] + "T05:15:00"),
        ("altered", "start_time")),
    "other words": lambda there, e: (
        there.change(e, description="I do something else."), ("altered", "description")),
    "deleted": lambda there, e: (there.delete(e), ("missing", "")),
    "copied": lambda there, e: (there.copy(e), ("extra", "")),
    "copied to another day": lambda there, e: (
        there.copy(e, start_date_local=later(e, 0)[:10] + "T20:00:00"), ("extra", "")),
}  # fmt: skip
FIGURES = {
    "other length": ("moving_time", "duration_seconds", 60),
    "other distance": ("distance", "distance_meters", 500),
}
NOISE = {  # what somebody does there and is no difference
    "load set by hand": lambda there, e: there.change(e, icu_training_load=999),
    "a colour": lambda there, e: there.change(e, color="red"),
    "the day without its time": lambda there, e: there.change(
        e, start_date_local=e["start_date_local"].removesuffix("T00:00:00")),
    "white space": lambda there, e: there.change(
        e, name=f" {e['name']}  ", description=e["description"] + "\r\n\n"),
    "own workout of the same name": lambda there, e: there.add(
        e["athlete_id"], category="WORKOUT", type="Run", name=e["name"],
        start_date_local=e["start_date_local"], moving_time=1800, description="Mine."),
    "own note that quotes our mark": lambda there, e: there.add(
        e["athlete_id"], category="NOTE", name="What is this?",
        start_date_local=e["start_date_local"],
        description=f"It says Baton · {e['external_id']} there.\nWho wrote it?"),
    "event of another application with our id": lambda there, e: there.add(
        e["athlete_id"], category="WORKOUT", type="Ride", name="Imported",
        start_date_local=e["start_date_local"], external_id=e["external_id"]),
}  # fmt: skip


def seed(there, every):
    """Do one thing after the other to each so-many-th session; what must be found."""
    events = sorted(there.ours().values(), key=lambda e: (e["athlete_id"], e["external_id"]))
    wanted, kinds, picked = set(), {}, events[::every]
    for event, (what, doing) in zip(picked, cycle(SEEDS.items()), strict=False):
        _, (kind, field) = doing(there, event)
        wanted.add((event["external_id"], kind, field))
        kinds[what] = kinds.get(what, 0) + 1
    rest = [event for event in events if event not in picked]
    for what, (member, field, more) in FIGURES.items():
        for event in islice(workouts_with(rest, member), 12):
            there.change(event, **{member: event[member] + more})
            wanted.add((event["external_id"], "altered", field))
            kinds[what] = kinds.get(what, 0) + 1
            rest.remove(event)
    for event, (what, doing) in zip(rest[::2], cycle(NOISE.items()), strict=False):
        doing(there, event)
        kinds[what] = kinds.get(what, 0) + 1
    return wanted, kinds


def test_all_seeded_differences_are_found_and_no_other(there):
    world = studio(there)
    assert check(world).records_compared == ATHLETES * DAYS
    assert found() == set()

    wanted, kinds = seed(there, every=4)
    done = check(world)
    missed, false = wanted - found(), found() - wanted
    lines = [
        f"{done.records_compared} sessions of {done.lanes_read} athletes compared",
        *(f"{what}: {many}" for what, many in kinds.items()),
        f"seeded {len(wanted)}, found {len(found() & wanted)}, false {len(false)}",
    ]
    sys.stdout.write("\n".join(lines))
    assert (missed, false, done.state) == (set(), set(), "done")


def test_after_a_repair_of_everything_the_calendars_are_as_they_were(there):
    world = studio(there, athletes=6)
    before = _content(there.ours())
    wanted, _ = seed(there, every=5)
    check(world)
    assert found() == wanted
    restoring.restore(world.destination, world.ana)
    for row in Drift.objects.filter(state="open"):
        repairing.repair(row, world.ana)
    while restoring.repair_due():
        deliver()
    deliver()
    assert set(Drift.objects.values_list("state", flat=True)) == {"repaired"}
    assert check(world).state == "done"
    assert found() == set()
    after = _content(there.ours())
    assert {key: after[key] for key in before} == before
    last = [e.get("description", "").strip().rpartition("\n")[2] for e in there.events()]
    marks = [line for line in last if line.startswith("Baton")]
    assert len(marks) == len(before)  # every copy is gone, and nothing else of the athletes'


def _content(events):
    """What was written, as far as the reader cares; a load of one's own stays one's own."""
    return {
        key: [str(event.get(member)).strip() for member in ("name", "category", "type")]
        + [event["description"].strip(), event["start_date_local"].removesuffix("T00:00:00")]
        for key, event in events.items()
    }


@pytest.mark.parametrize(
    "fault",
    [
        "intervals_unauthorized", "intervals_forbidden", "intervals_throttle",
        "intervals_unavailable", "intervals_error", "intervals_cut_off",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_never_missing(there, fault):
    world = studio(there, athletes=2, days=3)
    there.sandbox.switch(**{fault: 50})
    try:
        done = check_once(world)
    finally:
        there.sandbox.switch(**{fault: 0})
    assert (done.records_compared, Drift.objects.count()) == (0, 0)
    assert done.state != "done"


def check_once(world):
    asked = asking.ask(world.destination)
    checks.run_due()
    asked.refresh_from_db()
    return asked


def test_a_list_that_leaves_out_every_second_event_costs_calls_and_no_truth(there):
    world = studio(there, athletes=2, days=4)
    gone = next(iter(there.ours().values()))
    there.delete(gone)
    there.sandbox.switch(intervals_partial_list=2)
    assert check(world).state == "done"
    assert found() == {(gone["external_id"], "missing", "")}


def test_what_another_destination_wrote_to_the_same_calendar_is_no_copy(there):
    """Two keys are two applications: each writes its own event with the same mark."""
    world = studio(there, athletes=1, days=2)
    plan = Plan.objects.get(athlete__name=name(0))
    lane = Lane.objects.get(plan=plan)
    for event in list(there.ours().values()):
        there.copy(event)
    ids = iter(sorted(e["id"] for e in there.events() if not e["external_id"]))
    twin = services.create(
        world.organisation, world.ana, kind="intervals_icu", name="The same, by another key",
        answers={"credential": BY_HAND, "athlete_id": number(0),
                 "base_url": f"{there.sandbox.url}/destinations/intervals"},
    )  # fmt: skip
    route = routes.open_route(
        world.organisation, twin, routes.RouteSettings(name="Twin", purpose="training")
    )
    beside = Lane.objects.get(plan=plan, route=route)
    Lane.objects.filter(pk=beside.pk).update(settled=beside.desired)
    for record in RemoteRecord.objects.filter(lane=lane):
        record.pk, record.lane, record.remote_id = None, beside, str(next(ids))
        record.save(force_insert=True)
    check(world)
    assert found() == set()


def test_a_kept_copy_stays_and_one_taken_away_is_gone_for_good(there):
    world = studio(there, athletes=1, days=3)
    first, second, _ = there.ours().values()
    there.copy(first)
    there.copy(second)
    check(world)
    rows = {row.record.item_key.partition("#")[0]: row for row in Drift.objects.all()}
    assert unseal(rows[first["external_id"]]).title == first["name"]
    repairing.keep(rows[first["external_id"]], world.ana)
    repairing.repair(rows[second["external_id"]], world.ana)
    deliver()
    assert check(world).state == "done"
    left = [e["name"] for e in there.events() if not e["external_id"]]
    assert left == [first["name"]]
    states = {row.record.item_key.partition("#")[0]: row.state for row in Drift.objects.all()}
    assert states == {first["external_id"]: "kept", second["external_id"]: "repaired"}
    with pytest.raises(repairing.Refused, match="makes no copies"):
        repairing.undo(Drift.objects.get(state="repaired"), world.ana)


def test_a_copy_that_was_never_decided_on_is_taken_back_with_everything_else(there):
    world = studio(there, athletes=1, days=2)
    there.copy(next(iter(there.ours().values())))
    check(world)
    with worlds.audited_atomic() as log:
        fan_out.take_back(fan_out.lanes_on(world.route), log)
    deliver()
    assert there.events() == []
    assert set(Drift.objects.values_list("state", flat=True)) == {"vanished"}


def test_f22_what_only_a_lost_life_wrote_is_taken_away_and_nothing_else(there):
    world = studio(there, athletes=2, days=3)
    mine = next(iter(there.ours().values()))
    lost = {"category": "WORKOUT", "type": "Run", "name": "Lost", "external_id": "tp-99",
            "start_date_local": mine["start_date_local"],
            "description": "Baton · tp-99"}  # fmt: skip
    there.add(number(0), by="sandbox-key", **lost)
    others = [
        {**lost, "name": "By another key", "external_id": "tp-99"},
        {**lost, "name": "No id of ours", "external_id": "own"},
        {**lost, "name": "A copy", "external_id": None, "start_date_local": later(mine, 1)},
    ]
    for event in others:
        there.add(number(0), **event)
    before = there.ours()
    aftermath.begin()
    with worlds.audited_atomic() as log:
        fan_out.share_newest(fan_out.lanes_on(world.route), log)
    deliver()
    names = {event["name"] for event in there.events()}
    assert "Lost" not in names
    assert {event["name"] for event in others} < names
    assert there.ours().keys() == before.keys() - {(number(0), "tp-99")}
    assert not Lane.objects.filter(verify_needed=True).exists()
    assert check(world).records_compared == 6
