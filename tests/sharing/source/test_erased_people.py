"""Who was erased does not come back: neither by the roster, nor by a backup that is put back."""

from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from accounts import erasure_list
from accounts.models import Athlete, Connection, Erasure
from audit import fsck, stored, verify
from sharing import deliveries, intake, polling, roster, subscriptions, upkeep
from sharing.erasure import asking, finishing
from sharing.models import Hint, PlanVersion, Source
from tests import readable
from tests.sharing import fake_destination
from tests.sharing.source.studio import BEN, roster_entry

NAME, EMAIL, TITLE = "Benedikta Canary", "canary@example.org", "Canaryrun"


@pytest.fixture
def shared(ana):
    """Ben's plan was delivered."""
    Athlete.objects.filter(pk=ana.ben.pk).update(name=NAME, email=EMAIL)
    ana.world.agree()
    ana.api.put(BEN, 1, ana.day(1), Title=TITLE)
    intake.ask(ana.source, Hint.Kind.WEBHOOK)
    ana.read()
    drain(ana)
    return ana


def drain(ana):
    ana.world.make_due()
    while deliveries.deliver_due("worker"):
        ana.world.make_due()


def erase(ana):
    asking.ask(ana.ben)
    drain(ana)
    assert finishing.finish_due() == 1


@contextmanager
def lost_life():
    """Everything in this block happens to the outside world, and to the list, only."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def put_back(*options):
    out = StringIO()
    call_command("after_restore", *options, stdout=out)
    return out.getvalue()


def arrived():
    return [step.action.value for step in fake_destination.FakeAdapter.journal.arrived]


# --- the roster ---------------------------------------------------------------------------------


@pytest.mark.parametrize("finished", [False, True])
def test_the_roster_leaves_out_who_was_erased_and_says_so_once(shared, finished):
    (erase if finished else lambda ana: asking.ask(ana.ben))(shared)
    for _ in range(2):
        assert roster.sync(shared.connection) == roster.Outcome(kept_out=1)
    said = [entry for entry in stored.lines() if entry["action"] == "erasure.kept_out"]
    assert len(said) == 1
    assert Athlete.objects.count() == 1
    assert Athlete.objects.get().is_leaving


def test_everybody_else_on_the_roster_is_looked_after_as_before(shared):
    erase(shared)
    shared.api.athletes.append(roster_entry(BEN + 1, FirstName="Eve"))
    assert roster.sync(shared.connection) == roster.Outcome(created=1, kept_out=1)


def test_subscriptions_end_and_none_is_made_anew(shared):
    subscriptions.reconcile(shared.connection)
    asking.ask(shared.ben)
    assert subscriptions.reconcile(shared.connection).deleted == 3
    erase_rest(shared)
    assert subscriptions.reconcile(shared.connection).changed == 0


def erase_rest(ana):
    drain(ana)
    finishing.finish_due()


def test_a_poll_that_was_under_way_finds_nobody(shared):
    source = shared.source
    erase(shared)
    polling._finish(source, source.read_at, source.read_at, {"1": "now"}, whole=False)
    assert not Source.objects.exists()


def test_a_calendar_feed_does_not_make_its_athlete_anew(shared):
    feed = Connection.objects.create(
        organisation=shared.world.organisation, user=shared.world.ana, name=NAME,
        kind=Connection.Kind.CALENDAR_FEED, feed_url="https://www.trainingpeaks.com/ical/x",
    )  # fmt: skip
    Athlete.objects.update(connection=feed, source_id=None)
    erase(shared)
    assert feed.athletes.count() == 0
    assert feed not in upkeep._usable()


# --- a backup -----------------------------------------------------------------------------------


def test_who_was_erased_since_the_backup_is_erased_again_before_anything_is_sent(shared):
    with lost_life():
        erase(shared)
    assert readable.found(NAME) == [NAME]
    assert "erased again: 1" in put_back()
    assert readable.found(NAME, EMAIL, TITLE) == []
    assert Athlete.objects.get().is_erased
    assert PlanVersion.objects.get().summary()[0].startswith("Erased")
    before = len(arrived())
    drain(shared)
    shared.read()
    assert len(arrived()) == before
    assert roster.sync(shared.connection).kept_out == 1
    assert verify.verify().good
    assert fsck.fsck().good


def test_what_was_only_asked_for_is_asked_for_again(shared):
    with lost_life():
        asking.ask(shared.ben)
    put_back()
    assert Erasure.objects.get().state == Erasure.State.ASKED
    drain(shared)
    assert arrived() == ["create", "remove"]
    assert finishing.finish_due() == 1
    assert readable.found(NAME, EMAIL, TITLE) == []


def test_somebody_whom_the_backup_does_not_know_is_kept_out_of_the_roster(shared):
    with lost_life():
        erase(shared)
    (line,) = erasure_list.read().values()
    stranger = erasure_list.Line(
        athlete=shared.world.plan.pk, pseudonym=line.pseudonym, person=line.person, what="done",
        at=line.at,
    )  # fmt: skip
    erasure_list.path().unlink()
    erasure_list.add(stranger)
    put_back()
    assert roster.sync(shared.connection) == roster.Outcome(kept_out=1)


def test_a_second_restore_finds_nothing_left_to_do(shared):
    erase(shared)
    assert "erased again: 0" in put_back()
    assert verify.verify().good


def test_without_the_list_it_refuses_and_says_what_to_do(shared):
    erase(shared)
    erasure_list.path().unlink()
    with pytest.raises(CommandError, match=r"lacks 1 .* Put the newest list back"):
        put_back()
    assert "There is no list of erasures" in put_back("--dry-run")
    put_back("--erasures-lost")
    assert len(erasure_list.read()) == 1


def test_a_dry_run_says_how_many_and_erases_nobody(shared):
    with lost_life():
        erase(shared)
    assert "erased again: 1" in put_back("--dry-run")
    assert readable.found(NAME) == [NAME]
