"""Dead letters and bulk actions on the pages: found by cause, previewed, done, undone."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Athlete, Membership, Organisation
from destinations.errors import UnavailableError, UnsupportedPlanError
from sharing import clock, retry, upkeep
from sharing.bulk import asking, limits, running
from sharing.bulk.criteria import Criteria
from sharing.deliveries import deliver_due
from sharing.models import BulkAction, Delivery, Lane, Remark
from tests.pages.conftest import _person
from tests.sharing import world as worlds

pytestmark = pytest.mark.django_db


def text(answer):
    return answer.content.decode()


def work():
    while deliver_due("test"):
        pass


def go():
    while running.run_due():
        pass


@pytest.fixture
def letter(world, journal):
    """Version 2 died of what it says."""
    world.make_due()
    journal.answers.append(UnsupportedPlanError())
    work()
    return world.deliveries()[-1]


@pytest.fixture
def ana(client, world):
    client.force_login(world.ana)
    return world.ana


def preview(client, **wish):
    answer = client.post(reverse("dead_letters_redeliver"), wish)
    go()
    action = BulkAction.objects.order_by("-asked_at").first()
    assert answer["Location"] == reverse("bulk_action", args=[action.pk])
    return action


def page(client, action):
    return text(client.get(reverse("bulk_action", args=[action.pk])))


def test_without_dead_letters_the_page_says_so(client, world, ana):
    assert "No dead letters" in text(client.get(reverse("dead_letters")))
    assert "No bulk action yet" in text(client.get(reverse("bulk_actions")))


def test_a_cause_has_its_owner_its_words_and_one_thing_to_do(client, ana, letter):
    shown = text(client.get(reverse("dead_letters")))
    assert "The destination has no way to hold a part of this plan." in shown
    assert "Change that session, or leave its field out of the route." in shown
    assert "The coach" in shown
    assert "Preview delivering all 1 again" in shown
    assert reverse("delivery", args=[letter.pk]) in shown


def test_after_the_last_try_a_letter_has_its_cause_its_version_and_a_way_to_replay_it(
    client, world, ana, journal
):
    world.make_due()
    Lane.objects.update(tries=len(retry.SCHEDULE) - 1)
    journal.answers.append(UnavailableError())
    work()
    letter = world.deliveries()[-1]
    replay = f'action="{reverse("delivery_redeliver", args=[letter.pk])}"'
    _, _, listed = text(client.get(reverse("dead_letters"))).partition("One by one")
    for part in ("Ben, version 2", "The destination is not available"):
        assert part in listed
    assert f'href="{reverse("delivery", args=[letter.pk])}"' in listed
    assert replay in text(client.get(reverse("delivery", args=[letter.pk])))
    for page in ("dead_letters", "home", "deliveries"):
        assert "tries again" not in text(client.get(reverse(page)))
    state = text(client.get(reverse("delivery", args=[letter.pk]))).partition("The road")[0]
    assert "Baton has tried as often as planned. <strong>See that the destination takes" in state
    client.post(reverse("delivery_redeliver", args=[letter.pk]))
    work()
    assert world.states()[-2:] == ["dead", "delivered"]
    assert "No dead letters" in text(client.get(reverse("dead_letters")))


def test_who_belongs_to_two_organisations_chooses_whose_letters(client, world, ana, letter):
    assert 'name="organisation"' not in text(client.get(reverse("dead_letters")))
    first = Organisation.objects.create(name="A club")
    Membership.objects.create(user=world.ana, organisation=first, role=Membership.Role.COACH)
    assert "No dead letters" in text(client.get(reverse("dead_letters")))
    wish = {"organisation": str(world.organisation.pk)}
    assert "Preview delivering all 1 again" in text(client.get(reverse("dead_letters"), wish))
    action = preview(client, **wish)
    assert (action.organisation, action.total) == (world.organisation, 1)


def test_dead_letters_are_filtered_and_a_filter_without_sense_says_so(client, world, ana, letter):
    url = reverse("dead_letters")
    assert "Nothing fits this filter" in text(client.get(url, {"cause": "refused"}))
    assert "Preview delivering all 1" in text(client.get(url, {"athlete": str(world.ben.pk)}))
    assert "makes no sense" in text(client.get(url, {"since": "soon"}))


def test_ana_previews_and_delivers_again_what_died(client, world, ana, letter, journal):
    action = preview(client, cause="unsupported_plan")
    shown = page(client, action)
    assert "A preview: nothing has been done yet." in shown
    assert "Do it for 1 plan" in shown
    assert 'hx-trigger="every 2s"' not in shown
    journal.arrived.clear()
    client.post(reverse("bulk_start", args=[action.pk]))
    assert 'hx-trigger="every 2s"' in page(client, action)
    go()
    assert "1 delivery is still on the way" in page(client, action)
    work()
    shown = page(client, action)
    assert "Every plan has its answer below." in shown
    assert 'hx-trigger="every 2s"' not in shown
    assert world.states()[-1] == "delivered"
    assert action.forecast["create"] + action.forecast["update"] == len(journal.arrived)


def test_a_preview_that_is_not_ready_says_how_far_it_is(client, ana, letter):
    client.post(reverse("dead_letters_redeliver"), {})
    action = BulkAction.objects.get()
    shown = page(client, action)
    assert "Looking at 1 plan: 0 done." in shown
    assert "Do it for" not in shown


def test_ana_cancels_a_preview(client, ana, letter):
    action = preview(client)
    client.post(reverse("bulk_cancel", args=[action.pk]))
    action.refresh_from_db()
    assert action.state == "cancelled"
    answer = client.post(reverse("bulk_start", args=[action.pk]), follow=True)
    assert "stands otherwise now" in text(answer)


def test_over_the_limit_somebody_else_agrees_on_their_own_page(
    client, world, ana, letter, monkeypatch
):
    monkeypatch.setitem(limits.ALONE, "coach", 0)
    action = preview(client)
    assert "Ask a second person" in page(client, action)
    client.post(reverse("bulk_start", args=[action.pk]))
    shown = page(client, action)
    assert "It waits for a second person." in shown
    assert "I agree" not in shown
    client.post(reverse("bulk_agree", args=[action.pk]))
    action.refresh_from_db()
    assert action.state == "second"
    client.force_login(_person(world.organisation, "Eve", Membership.Role.ADMIN))
    assert "I agree: do it for 1 plan" in page(client, action)
    client.post(reverse("bulk_agree", args=[action.pk]))
    action.refresh_from_db()
    assert action.state == "running"


def test_what_nobody_agreed_to_in_time_says_so_and_leaves_the_dead_letters(
    client, world, ana, letter, monkeypatch
):
    monkeypatch.setitem(limits.ALONE, "coach", 0)
    action = preview(client)
    client.post(reverse("bulk_start", args=[action.pk]))
    words = "waiting for a second person"
    assert words in text(client.get(reverse("dead_letters")))
    BulkAction.objects.update(ready_at=clock.now() - timedelta(minutes=61))
    jobs = {name: run for name, _, run in upkeep.JOBS}
    jobs["end-old-bulk-actions"]()
    assert words not in text(client.get(reverse("dead_letters")))
    assert "Nobody agreed in time" in page(client, action)


# --- rolling back -----------------------------------------------------------------------------


@pytest.fixture
def delivered(world):
    world.make_due()
    work()
    return world


@pytest.mark.parametrize("scope", ["plan", "athlete", "route", "destination"])
def test_every_page_leads_to_its_roll_back(client, delivered, ana, scope):
    thing = things(delivered)[scope]
    url = reverse("roll_back", args=[scope, thing.pk])
    assert url in text(client.get(reverse(scope, args=[thing.pk])))
    assert "First you see what would happen" in text(client.get(url))
    answer = client.post(url, {"to": "previous", "reason": "Wrong week"})
    action = BulkAction.objects.get()
    assert answer["Location"] == reverse("bulk_action", args=[action.pk])
    go()
    action.refresh_from_db()
    assert (action.forecast["update"], action.forecast["remove"]) == (1, 1)


def things(world):
    return {
        "plan": world.plan,
        "athlete": world.ben,
        "route": world.route,
        "destination": world.destination,
    }


def test_a_plan_goes_back_to_a_version_shows_it_and_is_released(client, delivered, ana, journal):
    plan = reverse("plan", args=[delivered.plan.pk])
    url = reverse("roll_back", args=["plan", delivered.plan.pk])
    offered = text(client.get(reverse("plan_version", args=[delivered.plan.pk, 1])))
    assert f"{url}?to=version&amp;version=1" in offered
    done(client, url, to="version", version=1)
    assert journal.held["tp-2"] is None
    shown = text(client.get(plan))
    assert "Rolled back to version 1 at Squad calendar" in shown
    done(client, url, to="newest")
    assert "Rolled back" not in text(client.get(plan))
    assert journal.held["tp-2"]


def done(client, url, **wish):
    client.post(url, {"reason": "Wrong week", **wish})
    action = BulkAction.objects.order_by("-asked_at").first()
    go()
    client.post(reverse("bulk_start", args=[action.pk]))
    go()
    work()
    return action


def test_what_was_taken_back_is_undone(client, delivered, ana, journal):
    action = done(client, reverse("roll_back", args=["athlete", delivered.ben.pk]), to="nothing")
    assert [body for body in journal.held.values() if body] == []
    assert "Everything was taken back at" in text(
        client.get(reverse("plan", args=[delivered.plan.pk]))
    )
    assert "Preview an undo" in page(client, action)
    client.post(reverse("bulk_undo", args=[action.pk]))
    undo = BulkAction.objects.exclude(pk=action.pk).get()
    go()
    client.post(reverse("bulk_start", args=[undo.pk]))
    go()
    work()
    assert len([body for body in journal.held.values() if body]) == 2


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"to": "version"}, "Say which version."),
        ({"to": "version", "version": 2**63}, "Ensure this value is less than or equal to"),
        ({"to": "moment"}, "Say which moment."),
        ({"to": "moment", "moment": "yesterday"}, "Enter a valid date/time."),
        ({"to": "sideways"}, "Select a valid choice."),
        ({"to": "previous", "reason": ""}, "This field is required."),
    ],
)
def test_a_roll_back_that_cannot_be_meant_is_refused(client, delivered, ana, wish, words):
    url = reverse("roll_back", args=["plan", delivered.plan.pk])
    answer = client.post(url, {"reason": "Wrong week", **wish})
    assert answer.status_code == 422
    assert words in text(answer)
    assert not BulkAction.objects.exists()


# --- notes ------------------------------------------------------------------------------------


def test_a_dead_letter_is_annotated_and_given_to_somebody(client, world, ana, letter):
    client.post(reverse("delivery_remark", args=[letter.pk]), {"words": "Asked <them> to fix it"})
    client.post(reverse("delivery_assign", args=[letter.pk]), {"to": str(world.ana.pk)})
    letter.refresh_from_db()
    assert letter.assigned_to == world.ana
    assert Remark.objects.get().audit_entry.action == "delivery.remarked"
    assert b"them" not in bytes(Remark.objects.get().audit_entry.body)
    for url in (reverse("delivery", args=[letter.pk]), reverse("dead_letters")):
        shown = text(client.get(url))
        assert "Asked &lt;them&gt; to fix it" in shown
        assert "Ana Moreira" in shown
    client.post(reverse("delivery_assign", args=[letter.pk]), {"to": ""})
    letter.refresh_from_db()
    assert letter.assigned_to is None


def test_nobody_is_given_what_they_may_not_touch(client, world, ana, letter, cara, dan):
    for stranger in (cara, dan):  # Cara does not assist Ben; Dan is of another studio
        client.post(reverse("delivery_assign", args=[letter.pk]), {"to": str(stranger.pk)})
        letter.refresh_from_db()
        assert letter.assigned_to is None


# --- who --------------------------------------------------------------------------------------


def test_for_dan_nothing_of_anas_exists(client, world, ana, letter, dan):
    action = preview(client)
    client.force_login(dan)
    assert "No dead letters" in text(client.get(reverse("dead_letters")))
    assert "No bulk action yet" in text(client.get(reverse("bulk_actions")))
    assert client.get(reverse("bulk_action", args=[action.pk])).status_code == 404
    for name in ("bulk_start", "bulk_agree", "bulk_cancel", "bulk_undo"):
        assert client.post(reverse(name, args=[action.pk])).status_code == 404
    for scope, thing in things(world).items():
        url = reverse("roll_back", args=[scope, thing.pk])
        assert client.get(url).status_code == 404
        assert client.post(url, {"to": "nothing", "reason": "x"}).status_code == 404
    for name in ("delivery_remark", "delivery_assign"):
        assert client.post(reverse(name, args=[letter.pk]), {"words": "x"}).status_code == 404
    answer = client.post(reverse("dead_letters_redeliver"), {"athlete": str(world.ben.pk)})
    assert answer["Location"] == reverse("dead_letters")
    assert BulkAction.objects.count() == 1


def test_an_assistant_redelivers_for_her_athletes_only_and_rolls_nothing_back(
    client, world, letter, cara
):
    client.force_login(cara)
    assert "No dead letters" in text(client.get(reverse("dead_letters")))
    action = preview(client)
    assert action.forecast == {"lanes": 0}
    url = reverse("roll_back", args=["route", world.route.pk])
    assert client.get(url).status_code == 403


def test_an_old_preview_says_so_and_offers_nothing_that_would_be_refused(
    client, world, ana, letter
):
    action = preview(client, state="dead")
    assert "bulk-start" in page(client, action)
    BulkAction.objects.update(ready_at=clock.now() - timedelta(minutes=61))
    shown = page(client, action)
    assert "more than an hour old" in shown
    assert "bulk-start" not in shown


def test_a_filter_without_sense_is_not_handed_on_to_the_button(client, world, ana, letter):
    shown = text(client.get(reverse("dead_letters"), {"since": "soon"}))
    assert "Preview delivering all 1 again" in shown
    assert 'type="hidden" name="since"' not in shown


def test_an_auditor_looks_and_does_nothing(client, world, ana, letter):
    action = preview(client)
    client.force_login(_person(world.organisation, "Otto", Membership.Role.AUDITOR))
    shown = text(client.get(reverse("dead_letters")))
    assert "Preview" not in shown
    assert "Do it" not in page(client, action)
    assert client.post(reverse("dead_letters_redeliver")).status_code == 403
    answer = client.post(reverse("bulk_start", args=[action.pk]), follow=True)
    assert "Only who asked for this preview can start it." in text(answer)
    assert client.post(reverse("bulk_cancel", args=[action.pk])).status_code == 403


def test_a_bulk_action_shows_no_athlete_that_the_reader_may_not_see(
    client, world, ana, letter, cara
):
    action = preview(client, athlete=str(world.ben.pk))
    client.force_login(cara)
    shown = page(client, action)
    assert ">Ben" not in shown
    assert "not there any more" in shown


# --- many -------------------------------------------------------------------------------------


def test_many_dead_letters_come_in_pages_with_few_questions(
    client, world, ana, letter, django_assert_max_num_queries
):
    athletes = Athlete.objects.bulk_create(
        Athlete(organisation=world.organisation, name=f"Athlete {n:03}", data_key="x")
        for n in range(120)
    )
    for athlete in athletes:
        clone(world, letter, athlete)
    with django_assert_max_num_queries(40):
        shown = text(client.get(reverse("dead_letters")))
    assert "1–50 of 121" in shown
    action = preview(client)
    with django_assert_max_num_queries(40):
        shown = page(client, action)
    assert "1–50 of 121" in shown


def test_a_page_of_many_actions_asks_no_more_than_a_page_of_one(client, world, ana, letter):
    url = reverse("bulk_actions")
    wish = {"athlete": str(world.ben.pk), "route": str(world.route.pk)}
    preview(client, **wish)
    with CaptureQueriesContext(connection) as one:
        client.get(url)
    for _ in range(4):
        preview(client, **wish)
    with CaptureQueriesContext(connection) as five:
        shown = text(client.get(url))
    assert shown.count("Athlete: Ben") == 5
    assert len(five) == len(one)


def clone(world, letter, athlete):
    plan = worlds.Plan.objects.create(athlete=athlete, name="Training plan", newest=1)
    lane = worlds.Lane.objects.create(
        plan=plan, route=world.route, destination=world.destination, state="dead",
        desired=1, settled=1, audit_entry_id=letter.audit_entry_id,
    )  # fmt: skip
    Delivery.objects.create(
        lane=lane, revision=1, keyed_as=1, version=letter.version, state="dead",
        reason="unsupported_plan", due_at=clock.now(), accepted_at=clock.now(),
        settled_at=clock.now(), audit_entry_id=letter.audit_entry_id,
    )  # fmt: skip


def test_the_list_of_actions_says_what_came_of_each(client, world, ana, letter):
    asking.ask(world.ana, world.organisation, "take_back", Criteria(route=world.route.pk))
    go()
    shown = text(client.get(reverse("bulk_actions")))
    assert "Take everything back" in shown
    assert "Route: Everyone" in shown
