"""What people do on the pages, and what is refused with which words."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import responses
from django.urls import reverse

from accounts.models import Athlete, ConsentDecision, Organisation
from destinations.errors import PayloadError, UnknownOutcomeError
from destinations.models import Destination
from sharing.bulk import limits
from sharing.deliveries import deliver_due
from sharing.models import Delivery, Lane, RemoteRecord, Route, Step
from sharing.selectors import deliveries as selectors
from tests.sharing import world as worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(client, world):
    client.force_login(world.ana)
    return world.ana


def text(answer):
    return answer.content.decode()


def consent_form(world, **changes):
    return {
        "destination": world.destination.pk,
        "decision": "granted",
        "note": "signed form of 3 November",
        "athletes": [world.ben.pk],
        **changes,
    }


def route_form(**changes):
    return {
        "name": "Digest",
        "purpose": "weekly digest",
        "plan_kind": "rolling",
        "audience": "everyone",
        "cadence": "nightly",
        "local_time": "02:00",
        "weekday": "6",
        "urgent_at_once": "on",
        "share_title": "on",
        "why_title": "so that people know what it is",
        **changes,
    }


# --- consent ----------------------------------------------------------------------------------


def test_ana_records_consent_for_several_athletes_with_its_basis(client, world, ana):
    chloe = Athlete.objects.create(organisation=world.organisation, name="Chloé")
    client.post(reverse("record_consents"), consent_form(world, athletes=[world.ben.pk, chloe.pk]))
    decision = ConsentDecision.objects.get(athlete=chloe)
    assert decision.basis == "coach_record"
    assert decision.note == "signed form of 3 November"
    assert decision.decided_by == ana
    assert set(decision.fields) == set(world.route.fields)


def test_consent_without_a_note_is_not_recorded(client, world, ana):
    before = ConsentDecision.objects.count()
    answer = client.post(reverse("record_consents"), consent_form(world, note=""))
    assert answer.status_code == 422
    assert ConsentDecision.objects.count() == before


def test_where_only_athletes_decide_ana_cannot_record_a_yes(client, world, ana):
    world.organisation.consent_policy = Organisation.ConsentPolicy.ATHLETE
    world.organisation.save()
    before = ConsentDecision.objects.count()
    answer = client.post(reverse("record_consents"), consent_form(world))
    assert "must agree through their own link" in text(answer)
    assert ConsentDecision.objects.count() == before


def test_cara_may_not_record_consent(client, world, cara):
    client.force_login(cara)
    assert client.post(reverse("record_consents"), consent_form(world)).status_code == 403


def test_dans_athletes_cannot_be_ticked_by_ana(client, world, ana, stranger):
    client.post(reverse("record_consents"), consent_form(world, athletes=[stranger.pk]))
    assert not ConsentDecision.objects.filter(athlete=stranger).exists()


# --- deliveries -------------------------------------------------------------------------------


def finish(world):
    world.make_due()
    deliver_due("test")
    return world.deliveries()[-1]


def test_ana_redelivers_the_newest_version(client, world, ana):
    delivery = finish(world)
    answer = client.post(reverse("delivery_redeliver", args=[delivery.pk]))
    again = world.deliveries()[-1]
    assert answer["Location"] == reverse("delivery", args=[again.pk])
    assert (again.state, again.version_id) == (Delivery.State.WAITING, delivery.version_id)


def test_a_version_that_was_promised_again_has_one_chip_at_its_destination(client, world, ana):
    first = finish(world)
    client.post(reverse("delivery_redeliver", args=[first.pk]))
    again = world.deliveries()[-1]
    for page in (reverse("home"), reverse("plan", args=[world.plan.pk])):
        shown = text(client.get(page))
        assert reverse("delivery", args=[again.pk]) in shown
        assert reverse("delivery", args=[first.pk]) not in shown
    version = reverse("plan_version", args=[world.plan.pk, again.version.version])
    assert reverse("delivery", args=[first.pk]) in text(client.get(version))


def test_the_chip_of_what_was_taken_back_says_so(client, world, ana):
    client.post(reverse("record_consents"), consent_form(world, decision="withdrawn"))
    finish(world)
    assert "Squad calendar · removal" in text(client.get(reverse("home")))


def test_a_superseded_version_is_not_redelivered_and_the_page_says_why(client, world, ana):
    finish(world)
    old = world.deliveries()[0]
    answer = client.post(reverse("delivery_redeliver", args=[old.pk]), follow=True)
    assert "was superseded by version 2" in text(answer)
    assert len(world.deliveries()) == 2


@pytest.fixture
def unknown(world, journal):
    """A destination that cannot tell whether the last call was applied."""
    Destination.objects.update(idempotency_class="none")
    world.make_due()
    journal.answers.append(UnknownOutcomeError())
    while deliver_due("test"):
        pass
    delivery = world.deliveries()[-1]
    assert delivery.state == "unknown"
    return delivery


def settle(client, delivery, **answer):
    return client.post(reverse("delivery_settle", args=[delivery.pk]), answer, follow=True)


def test_saying_twice_that_it_is_there_is_answered_in_words(client, world, ana, unknown):
    settle(client, unknown, there="yes")
    unknown.refresh_from_db()
    assert (unknown.state, unknown.reason) == ("delivered", "confirmed_by_person")
    for answer in ("yes", "no"):
        assert "answered this already" in text(settle(client, unknown, there=answer))
    assert world.deliveries()[-1] == unknown


def test_without_an_answer_nothing_is_sent_again(client, world, ana, unknown):
    for answer in ({}, {"there": "perhaps"}):
        assert settle(client, unknown, **answer).status_code == 400
    unknown.refresh_from_db()
    assert unknown.state == "unknown"
    assert world.deliveries()[-1] == unknown


def test_what_was_sent_again_and_arrived_is_not_sent_a_third_time(client, world, ana, unknown):
    settle(client, unknown, there="no")
    finish(world)
    assert world.states()[-1] == "delivered"
    assert "sent again already" in text(settle(client, unknown, there="no"))
    assert world.states()[-1] == "delivered"


def test_dan_cannot_redeliver_anas_delivery(client, world, dan):
    delivery = finish(world)
    client.force_login(dan)
    assert client.post(reverse("delivery_redeliver", args=[delivery.pk])).status_code == 404


def test_a_remote_record_leads_to_the_version_that_wrote_it(client, world, ana):
    finish(world)
    answer = client.get(reverse("deliveries"), {"remote": "remote-tp-2"})
    assert reverse("plan_version", args=[world.plan.pk, 2]) in text(answer)


def looked_up(client, remote_id):
    """The versions that the page tells, and how each record stands."""
    page = text(client.get(reverse("deliveries"), {"remote": remote_id}))
    _, _, found = page.partition("From a remote record to its version")
    return re.findall(r", version (\d+)</a>", found), re.findall(
        r"chip[^>]*>.*?</svg>([^<]+)", found
    )


def test_an_id_that_was_replaced_or_removed_since_still_leads_to_its_version(client, world, ana):
    finish(world)
    assert looked_up(client, "remote-tp-2") == (["2"], ["Present"])
    records = RemoteRecord.objects.filter(item_key="tp-2")
    records.update(remote_id="another")
    assert looked_up(client, "remote-tp-2") == (["2"], ["Replaced since"])
    page = text(client.get(reverse("deliveries"), {"remote": "remote-tp-2"}))
    assert "its record there is <code>another</code> by now" in page
    records.update(state="removed")
    assert looked_up(client, "remote-tp-2") == (["2"], ["Removed"])
    records.update(remote_id="")
    assert looked_up(client, "remote-tp-2") == (["2"], ["Removed"])


def test_of_what_was_written_under_an_id_the_newest_comes_first_and_each_item_once(
    client, world, ana
):
    finish(world)
    Step.objects.filter(item_key="tp-2").update(remote_id="remote-tp-1")
    RemoteRecord.objects.update(remote_id="another")
    versions, states = looked_up(client, "remote-tp-1")
    assert versions == ["2", "2"]
    assert states == ["Replaced since"] * 2
    Step.objects.filter(attempt__plan_version=2, item_key="tp-1").update(action="remove")
    assert looked_up(client, "remote-tp-1")[0] == ["2", "1"]


def write_again(step, times):
    """The same item once more under the same id, by so many later attempts."""
    attempt = step.attempt
    for _ in range(times):
        attempt.pk, attempt.epoch = uuid4(), attempt.epoch + 1
        attempt.save(force_insert=True)
        step.pk, step.attempt = uuid4(), attempt
        step.intended_at += timedelta(seconds=1)
        step.save(force_insert=True)


def test_many_updates_of_one_item_hide_no_other_item_that_had_the_id_before(client, world, ana):
    finish(world)
    RemoteRecord.objects.update(remote_id="another")
    before = Step.objects.filter(attempt__plan_version=1, item_key="tp-1")
    before.update(remote_id="remote-tp-2")
    write_again(Step.objects.get(attempt__plan_version=2, item_key="tp-2"), selectors.MOST)
    assert looked_up(client, "remote-tp-2")[0] == ["2", "1"]


def test_a_look_up_asks_no_more_for_many_items_than_for_one(world, ana, django_assert_num_queries):
    finish(world)
    RemoteRecord.objects.update(remote_id="another")
    with django_assert_num_queries(3):
        assert len(selectors.remote_records(ana, "remote-tp-2")) == 1
    Step.objects.update(remote_id="remote-tp-2")
    with django_assert_num_queries(3):
        assert len(selectors.remote_records(ana, "remote-tp-2")) == 2


def test_a_remote_record_of_somebody_else_is_not_found(client, world, dan):
    finish(world)
    client.force_login(dan)
    for now in ("remote-tp-2", "another"):
        RemoteRecord.objects.filter(item_key="tp-2").update(remote_id=now)
        answer = client.get(reverse("deliveries"), {"remote": "remote-tp-2"})
        assert "No record with the id" in text(answer)


def test_deliveries_are_filtered_by_state(client, world, ana):
    shown = text(client.get(reverse("deliveries"), {"state": "waiting"}))
    assert reverse("delivery", args=[world.deliveries()[1].pk]) in shown
    assert reverse("delivery", args=[world.deliveries()[0].pk]) not in shown


def test_the_trace_tells_the_whole_road_in_order(client, world, ana, journal):
    journal.answers.append(PayloadError())
    delivery = finish(world)
    finish(world)
    shown = text(client.get(reverse("delivery", args=[delivery.pk])))
    road = ["Read from TrainingPeaks", "Version 2 recorded", "Delivery promised", "Attempt 1"]
    road += ["did not accept the content", "Attempt 2", "remote-tp-2", "Delivery delivered"]
    places = [shown.index(stop) for stop in road]
    assert places == sorted(places)


def test_a_delivery_that_a_newer_version_overtook_is_shown_as_superseded(client, world, ana):
    world.publish(worlds.session("tp-1", title="Race"))
    page = reverse("delivery", args=[world.deliveries()[1].pk])
    state, _, rest = text(client.get(page)).partition("The road of this delivery")
    road, _, _ = rest.partition("Facts")
    assert '<p class="strong">Superseded' in state
    assert "<h3>Superseded</h3>" in road
    assert all("A newer version took its place" in part for part in (state, road))
    assert page in text(client.get(reverse("deliveries"), {"state": "superseded"}))


def refused(world, journal, *errors):
    """The page of Ben's delivery after these."""
    journal.answers.extend(errors)
    return reverse("delivery", args=[finish(world).pk])


def test_a_failed_delivery_shows_the_answer_and_the_rest_of_it_on_request(
    client, world, ana, journal
):
    said = "<b>too long</b> " + "x" * 400 + " the end"
    page = refused(world, journal, PayloadError(excerpt=said))
    shown = text(client.get(page))
    state, _, road = shown.partition("The road of this delivery")
    for part in (state, road):
        assert "It answered:" in part
        assert "&lt;b&gt;too long&lt;/b&gt;" in part
        before, _, rest = part.partition("The whole answer")
        assert "the end" not in before
        assert "the end" in rest
    assert "<b>too long" not in shown


def test_a_broken_contract_names_the_field_where_the_action_says_so(client, world, ana, journal):
    problem = "The payload breaks its contract at event.name (maxLength)."
    page = refused(world, journal, PayloadError(problem, code="contract_broken"))
    state, _, road = text(client.get(page)).partition("The road of this delivery")
    assert "Report the field that the delivery names." in state
    assert problem in state
    assert problem in road


def test_one_answer_to_several_steps_is_shown_once(client, world, ana, journal):
    page = refused(world, journal, PayloadError(excerpt="not today"))
    Step.objects.filter(attempt__delivery=world.deliveries()[-1]).update(excerpt="not today")
    _, _, road = text(client.get(page)).partition("The road of this delivery")
    assert road.count("not today") == 1


def test_what_was_delivered_in_the_end_says_nothing_of_the_failure_at_its_head(
    client, world, ana, journal
):
    page = refused(world, journal, PayloadError(excerpt="not today"))
    finish(world)
    state, _, road = text(client.get(page)).partition("The road of this delivery")
    assert "not today" not in state
    assert "not today" in road


def test_nobody_else_reads_what_was_answered(client, world, dan, cara, journal):
    page = refused(world, journal, PayloadError(excerpt="not today"))
    for user in (dan, cara):
        client.force_login(user)
        assert client.get(page).status_code == 404


# --- routes -----------------------------------------------------------------------------------


@pytest.fixture
def second(world):
    return worlds.make_destination(world.organisation, world.ana, name="Second")


def test_ana_opens_a_route_with_a_purpose_for_each_field(client, world, ana, second):
    client.post(reverse("route_new", args=[second.pk]), route_form())
    route = Route.objects.get(destination=second)
    assert route.fields == {"title": "so that people know what it is"}
    assert route.cadence == "nightly"
    assert Lane.objects.filter(route=route, plan=world.plan).exists()


def test_a_field_without_a_purpose_does_not_leave(client, world, ana, second):
    answer = client.post(reverse("route_new", args=[second.pk]), route_form(why_title=" "))
    assert answer.status_code == 422
    assert "Say why this field leaves." in text(answer)
    assert not Route.objects.filter(destination=second).exists()


def test_a_second_route_for_the_same_athletes_is_refused_in_words(client, world, ana):
    answer = client.post(reverse("route_new", args=[world.destination.pk]), route_form())
    assert "already carries these athletes" in text(answer)


def test_the_cadence_advisor_shows_its_three_inputs(client, world, ana, second):
    shown = text(client.get(reverse("route_new", args=[second.pk])))
    for words in ("How often plans change", "What the platform can do", "How much hangs on it"):
        assert words in shown


def test_a_retired_route_takes_everything_back(client, world, ana):
    finish(world)
    client.post(reverse("route_state", args=[world.route.pk]), {"state": "retired"})
    assert world.deliveries()[-1].intent == Delivery.Intent.REMOVE


def test_what_is_too_much_for_one_person_is_taken_back_with_a_preview_first(
    client, world, ana, monkeypatch
):
    monkeypatch.setitem(limits.ALONE, "coach", 0)
    finish(world)
    url = reverse("route_state", args=[world.route.pk])
    answer = client.post(url, {"state": "retired"}, follow=True)
    assert answer.redirect_chain[0][0].startswith(
        reverse("roll_back", args=["route", world.route.pk])
    )
    assert "more than you may alone" in text(answer)
    assert Route.objects.get().state == "active"
    assert world.deliveries()[-1].intent == Delivery.Intent.SHARE
    Lane.objects.update(state="closed")  # taken back, and nothing shared since
    client.post(url, {"state": "retired"})
    assert Route.objects.get().state == "retired"


def test_who_narrows_a_route_for_too_many_is_told_on_the_form(client, world, ana, monkeypatch):
    monkeypatch.setitem(limits.ALONE, "coach", 0)
    finish(world)
    url = reverse("route_edit", args=[world.route.pk])
    answer = client.post(url, route_form(plan_kind="block"))
    assert answer.status_code == 422
    assert "more than you may alone" in text(answer)
    assert Route.objects.get().plan_kind == "rolling"


# --- destinations -----------------------------------------------------------------------------


HOOK = {"name": "Zapier", "url": "https://hooks.example.com/catch/1/t0k3n/"}


def test_ana_adds_a_destination_and_its_secret_is_never_shown(client, world, ana):
    answer = client.post(reverse("destination_new", args=["webhook"]), HOOK, follow=True)
    made = Destination.objects.get(name="Zapier")
    assert made.owner == ana
    assert "hooks.example.com" in text(answer)
    assert "t0k3n" not in text(answer)
    assert made.configuration["secret"] not in text(answer)


ZAP = {"name": "Zap", "url": "https://hooks.zapier.com/hooks/catch/1/t0k3n/"}


def make_webhook(client, answers):
    client.post(reverse("destination_new", args=["webhook"]), answers)
    return Destination.objects.get(name=answers["name"])


@pytest.mark.parametrize(
    ("answers", "made"),
    [
        (ZAP, "none"),
        (ZAP | {"idempotency_class": ""}, "none"),
        (ZAP | {"idempotency_class": "upsert"}, "upsert"),
        (HOOK, "keyed"),
        (HOOK | {"idempotency_class": "none"}, "none"),
    ],
)
def test_ana_says_what_a_webhook_does_with_a_message_that_comes_twice_or_its_address_does(
    client, world, ana, answers, made
):
    assert make_webhook(client, answers).idempotency_class == made


def test_the_question_is_asked_for_webhooks_only_and_shows_what_holds(client, world, ana):
    question = "What it does with a message that comes twice"
    new = text(client.get(reverse("destination_new", args=["webhook"])))
    assert question in new
    assert "go by the address" in new
    assert question not in text(client.get(reverse("destination_new", args=["icalendar"])))
    made = make_webhook(client, ZAP)
    edit = text(client.get(reverse("destination_edit", args=[made.pk])))
    assert "go by the address" not in edit
    [chosen] = re.findall(r'<input[^>]*name="idempotency_class"[^>]*checked[^>]*>', edit)
    assert 'value="none"' in chosen


def test_what_was_left_as_it_was_follows_an_address_that_promises_nothing(client, world, ana):
    made = make_webhook(client, HOOK)
    url = reverse("destination_edit", args=[made.pk])
    client.post(url, HOOK | {"url": ZAP["url"], "idempotency_class": "keyed"})
    made.refresh_from_db()
    assert made.idempotency_class == "none"
    client.post(url, {"name": made.name, "idempotency_class": "keyed"})
    made.refresh_from_db()
    assert made.idempotency_class == "keyed"


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ("keyed", "sends the same message again until it is acknowledged"),
        (
            "upsert",
            "waits 60 seconds for a call that may still arrive, then sends the newest again",
        ),
        ("none", "a person looks whether it is there, and decides"),
    ],
)
def test_the_page_of_a_webhook_claims_no_more_than_it_promises(client, world, ana, declared, says):
    made = make_webhook(client, HOOK | {"idempotency_class": declared})
    page = text(client.get(reverse("destination", args=[made.pk])))
    assert says in page
    assert "recognises the message id" not in page
    assert ("expected to recognise the message id" in page) == (declared == "keyed")
    assert "acts each time" not in page or declared == "none"


def test_pages_say_how_long_baton_waits_for_a_call_that_may_still_arrive(
    client, world, ana, journal
):
    Destination.objects.update(idempotency_class="upsert", late_apply_window=timedelta(seconds=1))
    journal.answers.append(UnknownOutcomeError())
    delivery = finish(world)
    for page in (("destination", world.destination.pk), ("delivery", delivery.pk)):
        shown = text(client.get(reverse(page[0], args=[page[1]])))
        assert "Baton waits 1 second for a call that may still arrive" in shown


def test_a_no_code_address_that_passes_for_more_is_shown_with_the_way_to_change_it(
    client, world, ana, cara
):
    made = make_webhook(client, ZAP)
    url = reverse("destination", args=[made.pk])
    warning, edit = "Its address starts an automation", reverse("destination_edit", args=[made.pk])
    assert warning not in text(client.get(url))
    Destination.objects.filter(pk=made.pk).update(idempotency_class="keyed")
    assert warning in text(client.get(url))
    assert f"{edit}#id_idempotency_class_0" in text(client.get(url))
    client.force_login(cara)
    assert f"{edit}#" not in text(client.get(url))


@pytest.mark.parametrize(
    ("declared", "again"),
    [
        ("keyed", "it is expected not to take a second time"),
        ("upsert", "It replaces what is there."),
        ("none", "look there first"),
    ],
)
def test_redelivering_says_what_it_will_do_there(client, world, ana, declared, again):
    Destination.objects.update(idempotency_class=declared)
    delivery = finish(world)
    assert again in text(client.get(reverse("delivery", args=[delivery.pk])))


def test_a_delivery_in_doubt_that_goes_on_by_itself_asks_nobody(client, world, ana, journal):
    journal.answers.append(UnknownOutcomeError())
    delivery = finish(world)
    assert delivery.state == "waiting"
    page = text(client.get(reverse("delivery", args=[delivery.pk])))
    assert "sends the same message again until it is acknowledged" in page
    assert "say here whether it is there" not in page


PACE = {"rate_per_second": "0.5", "burst": "3", "slots": "4", "late_apply_window": "90"}


def pace_of(made):
    made.refresh_from_db()
    return (made.rate_per_second, made.burst, made.slots, made.late_apply_window)


def test_ana_sets_how_fast_a_destination_is_called_and_reads_it_back(client, world, ana):
    made = make_webhook(client, HOOK | {"slots": "3"})
    assert pace_of(made) == (5.0, 5, 3, timedelta(seconds=60))
    url = reverse("destination_edit", args=[made.pk])
    assert re.search(r'name="late_apply_window"[^>]*value="60"', text(client.get(url)))
    client.post(url, HOOK | PACE)
    assert pace_of(made) == (0.5, 3, 4, timedelta(seconds=90))
    page = " ".join(text(client.get(reverse("destination", args=[made.pk]))).split())
    assert "0.50 calls per second, 3 in one go, 4 plans at the same time" in page
    assert "<dt>Late window</dt> <dd> 90 seconds" in page
    client.post(url, HOOK)
    assert pace_of(made) == (0.5, 3, 4, timedelta(seconds=90))


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate_per_second": "0"},
        {"rate_per_second": "1000.5"},
        {"burst": "0"},
        {"slots": "101"},
        {"late_apply_window": "-1"},
        {"late_apply_window": "3601"},
        {"late_apply_window": "9" * 30},
    ],
)
def test_a_pace_that_makes_no_sense_is_refused_at_its_field(client, world, ana, wrong):
    made = make_webhook(client, HOOK)
    before = pace_of(made)
    answer = client.post(reverse("destination_edit", args=[made.pk]), HOOK | PACE | wrong)
    assert answer.status_code == 422
    [name] = wrong
    assert answer.context["form"].errors.keys() == {name}
    assert "Choose between" in text(answer)
    assert pace_of(made) == before


def test_a_figure_from_before_the_bounds_keeps_nobody_from_a_new_name(client, world, ana):
    made = make_webhook(client, HOOK)
    old = {"rate_per_second": 0.005, "burst": 2000, "slots": 200}
    Destination.objects.filter(pk=made.pk).update(**old, late_apply_window=timedelta(hours=2))
    url = reverse("destination_edit", args=[made.pk])
    form = client.get(url).context["form"]
    shown = {bound.name: str(bound.value()) for bound in form.about_its_pace}
    assert not any("min=" in str(bound) or "max=" in str(bound) for bound in form.about_its_pace)
    assert client.post(url, HOOK | shown | {"name": "Renamed"}).status_code == 302
    assert Destination.objects.get(pk=made.pk).name == "Renamed"
    assert pace_of(made) == (0.005, 2000, 200, timedelta(hours=2))


def test_cara_may_not_change_the_pace(client, world, ana, cara):
    made = make_webhook(client, HOOK)
    client.force_login(cara)
    answer = client.post(reverse("destination_edit", args=[made.pk]), HOOK | PACE)
    assert answer.status_code == 403
    assert pace_of(made) == (5.0, 5, 2, timedelta(seconds=60))


def test_what_is_only_read_from_baton_is_asked_for_no_rate(client, world, ana):
    asked = text(client.get(reverse("destination_new", args=["icalendar"])))
    assert 'name="slots"' in asked
    for name in ("rate_per_second", "burst", "late_apply_window"):
        assert f'name="{name}"' not in asked
    client.post(reverse("destination_new", args=["icalendar"]), {"name": "Feed"} | PACE)
    made = Destination.objects.get(name="Feed")
    assert pace_of(made) == (5.0, 5, 4, timedelta(seconds=60))
    assert "Late window" not in text(client.get(reverse("destination", args=[made.pk])))


def test_mistakes_in_both_forms_show_at_once(client, world, ana):
    answer = client.post(reverse("destination_new", args=["webhook"]), {"url": "ftp://x"})
    assert answer.status_code == 422
    assert text(answer).count('class="errorlist"') >= 2


def test_a_name_that_is_taken_is_refused_at_its_field(client, world, ana):
    answer = client.post(
        reverse("destination_new", args=["webhook"]), HOOK | {"name": "Squad calendar"}
    )
    assert answer.status_code == 422
    assert Destination.objects.count() == 1


def test_pausing_and_resuming_is_one_click_each(client, world, ana):
    url = reverse("destination_state", args=[world.destination.pk])
    client.post(url, {"state": "paused"})
    world.destination.refresh_from_db()
    assert world.destination.state == "paused"
    client.post(url, {"state": "active"})
    world.destination.refresh_from_db()
    assert world.destination.state == "active"


@responses.activate
def test_the_test_button_answers_in_place(client, world, ana):
    client.post(reverse("destination_new", args=["webhook"]), HOOK)
    made = Destination.objects.get(name="Zapier")
    answer = client.post(
        reverse("destination_test", args=[made.pk]), headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    assert "<html" not in text(answer)


def test_cara_may_not_change_destinations(client, world, cara):
    client.force_login(cara)
    url = reverse("destination_state", args=[world.destination.pk])
    assert client.post(url, {"state": "paused"}).status_code == 403


def test_an_unknown_kind_does_not_exist(client, world, ana):
    assert client.get(reverse("destination_new", args=["fax"])).status_code == 404
