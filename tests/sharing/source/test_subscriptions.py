"""Three subscriptions per athlete, at the right address, whatever happened to them meanwhile."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Athlete, Connection
from sharing import intake, subscriptions
from sharing.models import Source, Subscription
from sharing.source.errors import SourceError, SourceRefusedError, SourceUnavailableError
from tests.sharing.source.studio import BEN

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("transactional_db")


def reconcile(ana):
    return subscriptions.reconcile(Connection.objects.get(pk=ana.connection.pk))


def test_an_athlete_gets_three_subscriptions_at_their_secret_address(ana, api):
    outcome = reconcile(ana)
    assert outcome.created == 3
    made = list(api.subscriptions.values())
    assert {s["EventType"] for s in made} == set(subscriptions.EVENTS)
    assert {s["WebhookUrl"] for s in made} == {intake.hook_url(ana.source)}
    assert {s["AthleteId"] for s in made} == {BEN}
    assert Subscription.objects.count() == 3


def test_doing_it_again_changes_nothing(ana, api):
    reconcile(ana)
    assert reconcile(ana).changed == 0
    assert len(api.subscriptions) == 3


def test_what_is_as_it_was_is_noted_in_one_statement(ana, api):
    """A roster of a thousand has three thousand of them, and they hardly ever change."""
    reconcile(ana)
    Subscription.objects.update(seen_at=LONG_AGO)
    with CaptureQueriesContext(connection) as asked:
        reconcile(ana)
    writes = [each for each in asked if 'UPDATE "sharing_subscription"' in each["sql"]]
    assert len(writes) == 1
    assert not Subscription.objects.filter(seen_at=LONG_AGO).exists()


def test_one_that_vanished_is_made_again(ana, api):
    reconcile(ana)
    api.subscriptions.popitem()
    assert reconcile(ana).created == 1
    assert len(api.subscriptions) == 3


@pytest.mark.parametrize("wrong", [{"Active": False}, {"WebhookUrl": "https://elsewhere.example/"}])
def test_one_that_sleeps_or_points_elsewhere_is_corrected_in_place(ana, api, wrong):
    reconcile(ana)
    number = next(iter(api.subscriptions))
    api.subscriptions[number] |= wrong
    assert reconcile(ana).corrected == 1
    assert api.subscriptions[number]["Active"] is True
    assert api.subscriptions[number]["WebhookUrl"] == intake.hook_url(ana.source)


def test_a_rotated_secret_is_moved_to_with_put(ana, api):
    reconcile(ana)
    intake.rotate(ana.source.pk)
    assert reconcile(ana).corrected == 3
    assert {s["WebhookUrl"] for s in api.subscriptions.values()} == {intake.hook_url(ana.source)}
    assert set(Subscription.objects.values_list("hook_generation", flat=True)) == {2}


def test_a_second_one_for_the_same_event_is_ended(ana, api):
    reconcile(ana)
    api.subscriptions["double"] = {**next(iter(api.subscriptions.values())), "Id": "double"}
    assert reconcile(ana).deleted == 1
    assert "double" not in api.subscriptions


def test_those_of_an_athlete_who_left_are_ended(ana, api):
    reconcile(ana)
    Athlete.objects.update(state=Athlete.State.DETACHED)
    Source.objects.update(state=Source.State.SUSPENDED)
    assert reconcile(ana).deleted == 3
    assert api.subscriptions == {}
    assert Subscription.objects.count() == 0


def test_anothers_subscriptions_are_left_alone(ana, api):
    foreign = {"Id": "f", "AthleteId": BEN, "EventType": "workout-created", "Active": True,
               "WebhookUrl": "https://other.example/hooks/trainingpeaks/1/2/"}  # fmt: skip
    api.subscriptions["f"] = foreign
    reconcile(ana)
    assert api.subscriptions["f"] == foreign


def test_one_that_cannot_be_made_does_not_cost_the_others(ana, api):
    api.will("subscribe", 400, ["No."])
    outcome = reconcile(ana)
    assert (outcome.created, outcome.rejected) == (2, 1)
    assert reconcile(ana).created == 1


def another(ana, number):
    athlete = Athlete.objects.create(
        organisation=ana.world.organisation, connection=ana.connection, name=f"Athlete {number}",
        source_id=number,
    )  # fmt: skip
    return Source.objects.create(athlete=athlete)


def test_one_athlete_who_may_not_be_subscribed_does_not_cost_the_others(ana, api):
    another(ana, 7)
    api.will("subscribe", 403, "Not your athlete", times=3)
    outcome = reconcile(ana)
    assert (outcome.created, outcome.rejected) == (3, 3)
    ana.connection.refresh_from_db()
    assert ana.connection.state == Connection.State.HEALTHY


def test_one_athlete_whose_subscription_may_not_be_ended_does_not_cost_the_others(ana, api):
    reconcile(ana)
    Athlete.objects.update(state=Athlete.State.DETACHED)
    api.will("unsubscribe", 403, "Not your athlete")
    outcome = reconcile(ana)
    assert (outcome.deleted, outcome.rejected) == (2, 1)


def test_when_nobody_at_all_may_be_subscribed_it_is_the_scope(ana, api):
    another(ana, 7)
    api.will("subscribe", 403, "Forbidden", times=6)
    with pytest.raises(SourceRefusedError, match="webhook:write-subscriptions"):
        reconcile(ana)


def test_what_is_refused_is_remembered_until_it_is_not(ana, api):
    api.will("subscribe", 400, ["No."], times=2)
    reconcile(ana)
    asked = ana.source.hooks_asked_at
    assert asked is not None
    assert ana.source.hooks_refused == "workout-created workout-updated"
    reconcile(ana)
    assert (ana.source.hooks_refused, ana.source.hooks_asked_at) == ("", asked)


@pytest.mark.parametrize("status", [403, 404, 501])
def test_who_may_not_see_the_list_is_refused_every_kind(ana, api, status):
    api.will("subscriptions", status, "No.")
    with pytest.raises(SourceError):
        reconcile(ana)
    assert ana.source.hooks_refused == " ".join(subscriptions.EVENTS)


def test_ending_one_that_is_gone_is_what_we_wanted(ana, api):
    reconcile(ana)
    api.subscriptions["double"] = {**next(iter(api.subscriptions.values())), "Id": "double"}
    api.will("unsubscribe", 404, "<html>")
    assert reconcile(ana).deleted == 1


def test_an_answer_of_200_is_as_good_as_201(ana, api):
    api.will("subscribe", 200, {"id": "low", "athleteId": BEN})
    reconcile(ana)
    assert Subscription.objects.filter(remote_id="low").exists()


@pytest.mark.parametrize(
    "entry",
    [None, "text", {}, {"Id": "x"}, {"AthleteId": 5}, {"Id": "x", "AthleteId": "n"}],
)
def test_nonsense_in_the_list_is_not_ours(entry):
    assert subscriptions.listed([entry]) == []


def test_a_missing_scope_and_an_overload_stop_the_whole_run(ana, api):
    api.will("subscriptions", 401, times=2)
    with pytest.raises(SourceRefusedError):
        reconcile(ana)
    api.will("subscribe", 503, headers={"Retry-After": "0"})
    with pytest.raises(SourceUnavailableError):
        reconcile(ana)
