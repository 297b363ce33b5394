"""A version is made by a real change only, says what changed, and stays as it was written."""

import json
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import Athlete
from audit.append_only import AppendOnlyError
from audit.log import audited_atomic
from plans import contract
from sharing import clock, intake, versions, windows
from sharing.acknowledgements import acknowledge
from sharing.models import Acknowledgement, Plan, PlanVersion, Route
from sharing.source.window import Found
from sharing.windows import Window
from tests.sharing.source.studio import BEN
from tests.sharing.world import session

pytestmark = pytest.mark.usefixtures("transactional_db")


def record(ana, *sessions, window=None, plan=None):
    now = clock.now()
    with audited_atomic() as log:
        return versions.record(
            plan or ana.world.plan,
            Found(sessions, {}),
            window or Window(ana.monday, ana.day(41)),
            versions.Occasion(1, now, now),
            log,
        )


def later(ana, days):
    return Window(ana.day(days), ana.day(days + 41))


def test_time_passing_is_not_a_change(ana):
    first, second = session("tp-1", day=ana.day(1)), session("tp-2", day=ana.day(10))
    assert record(ana, first, second)
    assert record(ana, second, window=later(ana, 7)) is None
    assert record(ana, window=later(ana, 14)) is None


def test_what_comes_into_sight_is_a_version_but_not_urgent(ana):
    near, far = session("tp-1", day=ana.day(1)), session("tp-9", day=ana.day(45))
    assert record(ana, near, far).session_count == 1
    version = record(ana, near, far, window=later(ana, 7))
    assert (version.session_count, version.urgent) == (1, False)


def test_a_session_put_into_the_week_is_urgent_and_a_note_is_not(ana):
    old = session("tp-1", day=ana.day(1))
    record(ana, old)
    assert record(ana, old, session("tp-2", day=ana.day(2))).urgent
    noted = session("tp-1", day=ana.day(1), coach_notes="Easy!")
    assert not record(ana, noted, session("tp-2", day=ana.day(2))).urgent


def test_a_session_moved_back_into_the_past_counts_as_moved(ana):
    record(ana, session("tp-1", day=ana.day(10)))
    version = record(ana, session("tp-1", day=ana.day(8)), window=later(ana, 7))
    assert version is not None


def test_figures_that_a_basic_account_hides_are_not_taken_away(ana):
    Athlete.objects.update(is_premium=False)
    record(ana, session("tp-1", day=ana.day(1), load=80.0, intensity_factor=0.8))
    assert record(ana, session("tp-1", day=ana.day(1))) is None
    version = record(ana, session("tp-1", day=ana.day(1), title="New name"))
    assert version.canonical().exercise_list[0].load == 80.0
    changed = record(ana, session("tp-1", day=ana.day(1), seconds=600, title="New name"))
    assert changed.canonical().exercise_list[0].load is None
    assert "figures.keep-hidden/1" in changed.rules


def test_a_premium_account_that_loses_its_load_did_change(ana):
    record(ana, session("tp-1", day=ana.day(1), load=80.0))
    assert record(ana, session("tp-1", day=ana.day(1))) is not None


def test_the_summary_is_in_a_coachs_words(ana):
    first = record(ana, session("tp-1", day=ana.day(1), title="Intervals"))
    assert first.summary() == ["First version, with 1 session"]
    second = record(ana, session("tp-1", day=ana.day(2), title="Intervals"))
    assert any("moved" in line for line in second.summary())


def test_the_document_keeps_its_published_contract(ana):
    version = record(ana, session("tp-1", day=ana.day(1)))
    document = version.document()
    contract.check(document["plan"])
    assert (document["plan"]["version"], document["plan"]["planId"]) == (1, str(version.plan_id))


def test_nothing_of_it_can_be_read_without_the_athletes_key(ana):
    record(ana, session("tp-1", day=ana.day(1), title="canary"))
    row = PlanVersion.objects.values().get()
    assert b"canary" not in bytes(row["content"])
    assert "canary" not in json.dumps({k: str(v) for k, v in row.items() if k != "content"})


def test_a_stored_version_is_never_changed_nor_taken_away(ana):
    version = record(ana, session("tp-1", day=ana.day(1)))
    rows = PlanVersion.objects.filter(pk=version.pk)
    for change in (
        version.save,
        version.delete,
        rows.delete,
        version.plan.versions.all().delete,
        lambda: rows.update(urgent=True),
        lambda: version.plan.versions.update(urgent=True),
        lambda: PlanVersion.objects.bulk_update([version], ["urgent"]),
        lambda: PlanVersion.objects.update_or_create({"urgent": True}, pk=version.pk),
    ):
        with pytest.raises(AppendOnlyError, match="Plan version: added, never"):
            change()
    assert rows.values().get() == columns(version)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sharing_planversion SET content_hash = content_hash",
        "UPDATE sharing_planversion SET urgent = NOT urgent",
        "DELETE FROM sharing_planversion",
    ],
)
def test_the_database_refuses_to_change_a_version_or_take_it_away(ana, statement):
    Route.objects.update(state="retired")
    version = record(ana, session("tp-1", day=ana.day(1)))
    assert not version.deliveries.exists()  # nothing but the trigger keeps it
    refused = pytest.raises(DatabaseError, match="sharing_planversion is append-only")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert PlanVersion.objects.values().get() == columns(version)


def test_who_has_seen_a_version_is_never_changed_nor_taken_away(ana):
    seen = acknowledge(record(ana, session("tp-1", day=ana.day(1))))
    for change in (
        seen.save,
        seen.delete,
        Acknowledgement.objects.all().delete,
        lambda: seen.version.acknowledgements.update(channel="other"),
    ):
        with pytest.raises(AppendOnlyError, match="Acknowledgement: added, never"):
            change()
    refused = pytest.raises(DatabaseError, match="sharing_acknowledgement is append-only")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM sharing_acknowledgement")
    assert Acknowledgement.objects.get().channel == "athlete_link"


def columns(version):
    """The columns of a version as it was recorded."""
    return {field.attname: getattr(version, field.attname) for field in version._meta.fields}


def test_the_commitment_is_of_the_stored_bytes_and_differs_for_any_other(ana):
    version = record(ana, session("tp-1", day=ana.day(1)))
    stored = PlanVersion.objects.get(pk=version.pk)
    assert versions.commitment(stored) == versions.commitment(version)
    stored.content = bytes(stored.content)[:-1] + b"x"
    assert versions.commitment(stored) != versions.commitment(version)
    body = json.loads(bytes(version.audit_entry.body))
    assert versions.commitment(version) in json.dumps(body)


def test_a_row_that_was_altered_behind_our_back_is_named(ana):
    version = record(ana, session("tp-1", day=ana.day(1)))
    assert list(versions.altered()) == []
    with disarmed() as cursor:
        cursor.execute(
            "UPDATE sharing_planversion SET content_hash = 'x' || substr(content_hash, 2)"
        )
    ((_, words),) = versions.altered()
    assert f"version 1 of plan {version.plan_id} was altered" in words


@contextmanager
def disarmed():
    """What an attacker with the database's own rights would do first, and undo afterwards."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
            yield cursor
            cursor.execute("SET session_replication_role = origin")
            return
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f'DROP TRIGGER "{name}"')
        yield cursor
        for _, sql in triggers:
            cursor.execute(sql)


def test_numbers_go_on_where_no_earlier_installation_has_been(ana, settings):
    settings.BATON_INCARNATION = 3
    version = record(ana, session("tp-1", day=ana.day(1)))
    assert version.version == 2_000_001


def test_a_failure_after_the_version_leaves_no_trace_of_it(ana):
    def fails():
        with audited_atomic():
            record(ana, session("tp-1", day=ana.day(1)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert PlanVersion.objects.count() == 0
    assert Plan.objects.get().newest == 0


class TestWindows:
    def test_a_rolling_plan_begins_on_the_athletes_monday(self, ana):
        window = windows.window_of(ana.world.plan, clock.now())
        assert window.start.weekday() == 0
        assert (window.end - window.start).days == 7 * ana.world.plan.weeks - 1

    def test_without_a_time_zone_there_is_no_today(self, ana):
        ana.world.plan.athlete.time_zone = ""
        assert windows.window_of(ana.world.plan, clock.now()) is None

    @pytest.mark.parametrize(("first", "last", "read"), [
        (-30, -20, False), (-30, -5, True), (0, 20, True), (400, 420, False), (300, 420, True),
    ])  # fmt: skip
    def test_a_block_is_read_until_it_is_history(self, ana, first, last, read):
        plan = Plan(
            athlete=ana.ben, kind=Plan.Kind.BLOCK, starts_on=ana.day(first), ends_on=ana.day(last)
        )
        window = windows.window_of(plan, clock.now())
        assert (window is not None) is read
        if window:
            assert window.end - ana.day(0) <= timedelta(days=371)

    def test_days_are_read_once_however_many_plans_cover_them(self, ana):
        day = ana.day
        spans = [Window(day(20), day(30)), Window(day(0), day(10)), Window(day(5), day(12)),
                 Window(day(13), day(14))]  # fmt: skip
        assert windows.joined(spans) == [Window(day(0), day(14)), Window(day(20), day(30))]


def test_a_version_of_a_whole_reading_carries_strength_too(ana, api):
    api.strength[BEN] = [{"Id": 7, "PrescribedDate": f"{ana.day(3)}T00:00:00", "Title": "Gym"}]
    api.put(BEN, 1, ana.day(1), TssPlanned=None, TSSPlanned=55)
    intake.record(ana.source, headers={}, body=b"")
    ana.read()
    ride, gym = ana.newest().exercise_list
    assert (ride.load, gym.item_id) == (55.0, "tps-7")
