"""Erasing an athlete: what was shared is taken back, then nothing about them can be read."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import override_settings

from accounts import assignments, consent, erasure_list, erasures, links
from accounts.models import Athlete, Cohort, Connection, ConsentDecision, Erasure, Membership, User
from accounts.sealing import SealedError
from audit import fsck, triggers, verify
from audit.log import audited_atomic
from destinations.errors import UnavailableError
from insight.alerts import Finding, _open
from sharing import (
    blocks,
    consents,
    deliveries,
    fan_out,
    feeds,
    intake,
    ledger,
    promises,
    quarantine,
    redeliver,
    remarks,
    routes,
    stops,
)
from sharing.drift.values import Values, seal
from sharing.erasure import asking, finishing, traces
from sharing.models import (
    Attempt,
    BulkAction,
    BulkItem,
    Delivery,
    Drift,
    Feed,
    Hint,
    Lane,
    PlanVersion,
    Quarantine,
    RemoteRecord,
    Source,
    Step,
    Stop,
)
from sharing.source.errors import BadAnswerError
from tests import readable
from tests.faults.servers.forks import Fork, database_url
from tests.sharing import fake_destination
from tests.sharing import world as worlds

NAME, EMAIL, TITLE, WORDS = "Benedikta Canary", "canary@example.org", "Canaryrun", "canarywords"
SOURCE_ID = 987654321012
CANARIES = (NAME, EMAIL, TITLE, WORDS, str(SOURCE_ID))


@pytest.fixture
def journal(monkeypatch):
    return fake_destination.install(monkeypatch)


@pytest.fixture
def world(transactional_db, journal):
    """Ben agreed, and has two versions; the second one waits."""
    made = worlds.build()
    Athlete.objects.filter(pk=made.ben.pk).update(name=NAME, email=EMAIL, source_id=SOURCE_ID)
    made.ben.refresh_from_db()
    made.plan.athlete = made.ben
    made.agree()
    made.publish(worlds.session("tp-1", title=TITLE))
    drain(made)
    made.publish(worlds.session("tp-1", title=f"{TITLE} 2"))
    return made


def drain(world):
    world.make_due()
    while deliveries.deliver_due("worker"):
        world.make_due()


def erase(world):
    asking.ask(world.ben)
    drain(world)
    return finishing.finish_due()


def ben():
    return Athlete.objects.get(pseudonym=Erasure.objects.get().pseudonym)


def inbox():
    return fake_destination.FakeAdapter.journal


# --- asking -------------------------------------------------------------------------------------


def test_asking_ends_every_consent_and_owes_the_removal(world):
    Source.objects.create(athlete=world.ben)
    asking.ask(world.ben)
    last = world.deliveries()[-1]
    assert (last.intent, last.state) == ("remove", "waiting")
    assert world.states()[:-1] == ["delivered", "blocked"]
    assert consent.current(world.ben.pk, world.destination.pk) is None
    decision = ConsentDecision.objects.first()
    assert (decision.decision, decision.basis) == ("withdrawn", "erasure")
    assert Source.objects.get().state == Source.State.SUSPENDED
    assert Athlete.objects.get(pk=world.ben.pk).state == Athlete.State.ERASING


def test_asking_twice_is_one_wish(world):
    first = asking.ask(world.ben)
    assert asking.ask(world.ben) == first
    assert [d.intent for d in world.deliveries()].count("remove") == 1
    assert len(Path(erasure_list.path()).read_text().splitlines()) == 1


def test_a_reading_that_is_under_way_is_fenced_off(world):
    source = Source.objects.create(athlete=world.ben)
    asking.ask(world.ben)
    assert Source.objects.get().epoch == source.epoch + 1


def test_nothing_newer_is_ever_promised(world):
    asking.ask(world.ben)
    before = len(world.deliveries())
    world.publish(worlds.session("tp-2"))
    assert len(world.deliveries()) == before
    with pytest.raises(TypeError, match="being erased"):
        promises.promise(world.lane, PlanVersion.objects.first(), None)
    with pytest.raises(ValidationError, match="being erased"):
        consents.grant(world.ben, world.destination, terms=consent.Terms(), basis=consent.Basis())
    with pytest.raises(redeliver.RedeliverRefused, match="taken back"):
        redeliver.redeliver(world.deliveries()[0])
    assert fan_out.share_newest([world.lane], None) == []


def test_no_route_and_no_block_is_made_for_somebody_who_leaves(world):
    asking.ask(world.ben)
    other = worlds.make_destination(world.organisation, world.ana)
    wish = routes.RouteSettings(
        name="Ben", purpose="training", audience="chosen", athletes=[world.ben.pk]
    )
    route = routes.open_route(world.organisation, other, wish)
    assert not route.lanes.exists()
    assert not route.athletes.exists()
    today = world.deliveries()[0].accepted_at.date()
    with pytest.raises(ValueError, match="being erased"):
        blocks.open_block(Athlete.objects.get(pk=world.ben.pk), "Camp", today, today)


def test_the_athletes_own_link_stops_at_once(world):
    token = links.athlete_link_token(world.ben)
    asking.ask(world.ben)
    assert links.athlete_from_token(token) is None


def test_where_the_list_cannot_be_written_nothing_is_asked_for(world, settings, tmp_path):
    (tmp_path / "file").write_text("")
    settings.BATON_ERASURES_FILE = str(tmp_path / "file" / "erasures.jsonl")
    with pytest.raises(erasure_list.ErasureListError, match="Nothing was erased"):
        asking.ask(world.ben)
    assert not Erasure.objects.exists()
    assert world.states()[-1] == "waiting"
    assert consent.current(world.ben.pk, world.destination.pk)


# --- finishing ----------------------------------------------------------------------------------


def test_it_waits_until_the_removal_is_confirmed(world):
    inbox().answers.extend([UnavailableError()])
    asking.ask(world.ben)
    world.make_due()
    deliveries.deliver_due("worker")
    assert finishing.finish_due() == 0
    drain(world)
    assert inbox().arrived[-1].action == "remove"
    assert finishing.finish_due() == 1
    assert finishing.finish_due() == 0
    assert Erasure.objects.get().state == Erasure.State.DONE


@pytest.mark.parametrize("state", [Delivery.State.DEAD, Delivery.State.UNKNOWN, "waiting"])
def test_a_removal_that_nobody_confirms_is_waited_for_and_then_counted(world, state):
    asking.ask(world.ben)
    if state != "waiting":
        now = world.lane.created_at
        Delivery.objects.filter(intent="remove").update(state=state, settled_at=now)
        Lane.objects.update(state=state, settled=world.lane.desired)
    assert finishing.finish_due() == 0
    Erasure.objects.update(asked_at=world.lane.created_at - timedelta(days=31))
    assert finishing.finish_due() == 1
    row = Erasure.objects.get()
    assert row.remaining == 1
    assert world.lane.state == Lane.State.CLOSED
    assert world.states()[-1] == ("blocked" if state == "waiting" else state)
    assert ledger.ledger().balanced
    assert ledger.lanes_with_a_gap() == []


def test_what_was_never_sent_needs_no_removal(world):
    other = Athlete.objects.create(organisation=world.organisation, name="Eve", source_id=2)
    asking.ask(other)
    assert finishing.finish_due() == 1
    assert Athlete.objects.get(pk=other.pk).name == "Erased athlete"


def test_nothing_of_the_athlete_can_be_read_in_any_table(world):
    fill_every_table(world)
    assert sorted(readable.found(NAME, EMAIL, WORDS)) == sorted((NAME, EMAIL, WORDS))
    assert erase(world) == 1
    assert readable.found(*CANARIES) == []
    row = ben()
    assert (row.name, row.email, row.time_zone) == ("Erased athlete", "", "")
    assert (row.source_id, row.connection, row.data_key) == (None, None, None)
    for version in PlanVersion.objects.select_related("plan__athlete"):
        with pytest.raises(SealedError):
            version.document()
        assert version.summary() == ["Erased: what this version said is gone for good."]
        assert version.canonical().exercise_list == ()


def test_the_log_verifies_and_the_rows_agree_with_it(world):
    fill_every_table(world)
    erase(world)
    assert verify.verify().good
    assert fsck.fsck().good, fsck.fsck()
    assert triggers.missing() == []
    assert ledger.ledger().balanced
    assert ledger.lanes_with_a_gap() == []


def test_done_twice_changes_nothing(world):
    fill_every_table(world)
    erase(world)
    before = readable.everything()
    assert not finishing.finish(Erasure.objects.get())
    assert asking.ask(ben()) == Erasure.objects.get()
    assert readable.everything() == before


def test_a_feed_and_a_hook_stop_working(world, client):
    Source.objects.create(athlete=world.ben)
    addresses = [feeds.address(world.lane), intake.hook_url(Source.objects.get())]
    erase(world)
    feed, hook = (address.partition("8000")[2] for address in addresses)
    assert client.get(feed).status_code == 404
    assert client.post(hook, b"{}", content_type="application/json").status_code == 404


def test_a_calendar_that_follows_a_feed_finds_it_empty_before_it_is_gone(world):
    feeds.address(world.lane)
    Feed.objects.update(last_read_at=world.lane.created_at)
    assert erase(world) == 0
    feeds.was_read(Feed.objects.get())
    assert finishing.finish_due() == 1


def test_a_calendar_that_does_not_come_by_is_not_waited_for(world):
    feeds.address(world.lane)
    Feed.objects.update(last_read_at=world.lane.created_at - timedelta(days=9))
    assert erase(world) == 0
    Erasure.objects.update(asked_at=world.lane.created_at - timedelta(days=3))
    assert finishing.finish_due() == 1


def test_a_roster_that_was_kept_with_somebody_else_goes_as_well(world):
    connection = Connection.objects.create(organisation=world.organisation, user=world.ana)
    eve = Athlete.objects.create(
        organisation=world.organisation, name="Eve", source_id=2, connection=connection
    )
    Athlete.objects.filter(pk=world.ben.pk).update(connection=connection)
    keep(Source.objects.create(athlete=eve), contract="athletes")
    keep(eve.source, contract="workouts")
    contract = traces.departures.ROSTER
    Quarantine.objects.filter(contract="athletes").update(contract=contract)
    erase(world)
    assert list(Quarantine.objects.values_list("contract", flat=True)) == ["workouts"]


def test_a_published_calendar_is_disconnected_and_its_address_destroyed(world):
    feed = Connection.objects.create(
        organisation=world.organisation,
        user=world.ana,
        kind=Connection.Kind.CALENDAR_FEED,
        name=NAME,
        feed_url="https://www.trainingpeaks.com/ical/canarywords",
    )
    Athlete.objects.filter(pk=world.ben.pk).update(connection=feed)
    erase(world)
    feed = Connection.objects.get()
    assert (feed.state, feed.feed_url) == (Connection.State.DISCONNECTED, None)
    assert readable.found(NAME) == []


def keep(source, contract="workouts"):
    with audited_atomic() as log:
        error = BadAnswerError(contract, WORDS, WORDS, json.dumps({"who": NAME}).encode())
        return quarantine.keep(source, error, log)


def fill_every_table(world):
    """Something that names Ben wherever something can."""
    ben, lane = world.ben, world.lane
    source = Source.objects.create(athlete=ben)
    intake.record(source, headers={"X-TrainingPeaks-Who": WORDS}, body=json.dumps(NAME).encode())
    remarks.write(keep(source), WORDS, world.ana)
    cohort = Cohort.objects.create(organisation=world.organisation, name="Squad")
    cohort.athletes.add(ben)
    cara = User.objects.create_user("cara@example.com")
    Membership.objects.create(user=cara, organisation=world.organisation, role="assistant")
    assignments.assign(cara, ben)
    basis = consent.Basis(kind="coach_record", note=f"{NAME} said so", decided_by=world.ana)
    consents.decline(ben, worlds.make_destination(world.organisation, world.ana), basis=basis)
    remarks.write(world.deliveries()[0], WORDS, world.ana)
    stops.lift(stops.put(ben, Stop.Mode.PAUSE, reason=WORDS, by=world.ana))
    name_at_destinations()
    feeds.address(lane)
    record = RemoteRecord.objects.get()
    drift = Drift(lane=lane, record=record, kind="altered", field="title", policy="ask")
    drift.found_at, drift.audit_entry_id = record.written_at, lane.audit_entry_id
    seal(drift, Values(ours=TITLE, theirs=NAME, title=TITLE))
    drift.save()
    action = BulkAction.objects.create(
        organisation=world.organisation, kind="redeliver", reason=WORDS, asked_by=world.ana,
        asked_at=record.written_at, audit_entry_id=lane.audit_entry_id, state="done",
    )  # fmt: skip
    BulkItem.objects.create(action=action, lane=lane, state="done")
    alert = _open(Finding("webhooks_silent", f"athlete:{ben.pk}", athlete=ben.pk, count=1))
    alert.note = WORDS
    alert.save()
    world.plan.name = WORDS
    world.plan.save()
    ben.time_zone = "Europe/Berlin"
    ben.save()


def name_at_destinations():
    """What a destination cannot hold, and what one says that quotes and refuses what it is sent."""
    Delivery.objects.update(notes=[f"“{TITLE}” has no intervals"])
    Step.objects.update(excerpt=f'{{"error": "{TITLE} is too long"}}')
    Attempt.objects.update(problem=WORDS, excerpt=f'{{"error": "no calendar of {NAME}"}}')


# --- a process that dies over it ----------------------------------------------------------------


def finish_elsewhere():
    finishing.finish_due()


def test_p21_an_erasure_that_dies_half_way_is_done_again(world, tmp_path, settings):
    fill_every_table(world)
    asking.ask(world.ben)
    drain(world)
    other = Fork(
        f"{__name__}:finish_elsewhere", database=database_url(), log=tmp_path / "other.log",
        at="P21", BATON_ERASURES_FILE=settings.BATON_ERASURES_FILE,
    )  # fmt: skip
    other.await_death()
    assert Erasure.objects.get().state == Erasure.State.ASKED
    assert PlanVersion.objects.first().summary() == ["New."]
    assert finishing.finish_due() == 1
    assert readable.found(*CANARIES) == []
    assert verify.verify().good
    assert fsck.fsck().good


# --- the list outside ---------------------------------------------------------------------------


def test_the_list_names_nobody(world):
    erase(world)
    said = erasure_list.path().read_text()
    assert not [canary for canary in CANARIES if canary in said]
    lines = [json.loads(line) for line in said.splitlines()]
    assert [line["what"] for line in lines] == ["asked", "done"]
    assert {line["athlete"] for line in lines} == {str(world.ben.pk)}
    assert len({line["person"] for line in lines}) == 1


def test_a_line_that_somebody_died_over_never_counted(world):
    asking.ask(world.ben)
    with erasure_list.path().open("a") as file:
        file.write('{"athlete": "4f')
    assert len(erasure_list.read()) == 1
    drain(world)
    finishing.finish_due()
    (line,) = erasure_list.read().values()
    assert line.done


def test_a_line_that_was_damaged_is_said_with_its_number(world):
    asking.ask(world.ben)
    with erasure_list.path().open("a") as file:
        file.write("damaged\n")
    with pytest.raises(erasure_list.ErasureListError, match="Line 2"):
        erasure_list.read()


def test_who_it_was_is_known_again_only_with_the_secret_and_in_the_same_organisation(world):
    asking.ask(world.ben)
    assert erasures.of_listed(world.organisation.pk, SOURCE_ID)
    assert not erasures.of_listed(world.organisation.pk, SOURCE_ID + 1)
    assert not erasures.of_listed(world.ben.pk, SOURCE_ID)
    with override_settings(SECRET_KEY="another secret, as long as it has to be"):
        assert not erasures.of_listed(world.organisation.pk, SOURCE_ID)


# --- by command ---------------------------------------------------------------------------------


def command(*arguments):
    out = StringIO()
    call_command("erase_athlete", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_a_dry_run_says_what_would_be_taken_back(world):
    said = command(world.ben.pk, "--dry-run")
    assert world.destination.name in said
    assert "nothing was changed" in said
    assert not Erasure.objects.exists()


def test_the_command_asks_for_the_name_first(world, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda _: "Ben")
    with pytest.raises(CommandError, match="not their name"):
        command(world.ben.pk)
    assert not Erasure.objects.exists()
    monkeypatch.setattr("builtins.input", lambda _: NAME)
    assert "Asked for" in command(world.ben.pk)
    assert "asked for before" in command(world.ben.pk, "--yes")
    assert Erasure.objects.count() == 1


@pytest.mark.parametrize("athlete", ["Ben", "6f8b0b1e-0000-4000-8000-000000000000"])
def test_an_id_of_nobody_is_refused_with_what_to_do(transactional_db, athlete):
    with pytest.raises(CommandError, match="copy"):
        command(athlete, "--yes")


def test_hints_and_what_hangs_on_the_source_are_gone(world):
    fill_every_table(world)
    erase(world)
    assert not Source.objects.exists()
    assert not Hint.objects.exists()
    assert Feed.objects.get().revoked_at is not None
