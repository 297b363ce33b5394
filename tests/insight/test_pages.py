"""The pages of alerts and conservation, and the API: who sees what, and what a person can do."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse

from accounts import assignments
from accounts.models import Membership
from audit.log import audited_atomic
from insight import alerts
from insight.alerts import Finding
from insight.forms import AREAS
from insight.models import Alert
from insight.templatetags.look import words
from sharing import clock, stops
from sharing.models import Hearing, Lane
from sharing.pump import beat
from tests.api.conftest import client_of
from tests.insight.conftest import look, member, work
from tests.reading import without_chance

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]


@pytest.fixture
def about_ben(studio):
    return alerts.raise_(
        Finding(
            "webhooks_silent",
            f"athlete:{studio.ben.pk}",
            organisation=studio.organisation.pk,
            athlete=studio.ben.pk,
            facts={"heard": None},
        )
    )


@pytest.fixture
def about_a_place(studio):
    return alerts.raise_(
        Finding(
            "breaker_open",
            f"destination:{studio.destination.pk}",
            organisation=studio.organisation.pk,
            destination=studio.destination.pk,
            facts={"reason": "unavailable"},
        )
    )


@pytest.fixture
def about_everything(db):
    return alerts.raise_(Finding("nothing_claimed", "installation"))


def page(client, user, name="alerts", *args, **query):
    client.force_login(user)
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return without_chance(answer.content.decode())


def test_an_alert_says_what_whom_and_the_one_action(client, studio, about_ben):
    shown = page(client, studio.ana)
    assert "TrainingPeaks announces no changes: Ben" in shown
    assert "No webhook event ever came." in shown
    assert reverse("athlete", args=[studio.ben.pk]) in shown
    assert 'class="count">1<' in shown
    assert "1 open alert" in page(client, studio.ana, "home")


def test_the_coach_and_the_admin_read_their_own_words(client, studio, olga, about_a_place):
    assert "Plans wait and go on by themselves" in page(client, studio.ana)
    assert "one probes from time to time" in page(client, olga)


def test_acknowledging_takes_it_off_the_count_and_names_who(client, studio, about_a_place):
    client.force_login(studio.ana)
    url = reverse("alert_acknowledge", args=[about_a_place.pk])
    answer = client.post(url, {"note": "On it", "assigned_to": str(studio.ana.pk)}, follow=True)
    shown = answer.content.decode()
    assert "On it" in shown
    assert "acknowledged by" in shown
    assert 'class="count"' not in shown
    assert "A destination fails" not in page(client, studio.ana, state="open")
    assert "A destination fails" in page(client, studio.ana, state="acknowledged")


def test_it_can_only_be_given_to_somebody_who_may_take_care_of_it(client, studio, dan, olga):
    alert = alerts.raise_(
        Finding("needs_reauth", "connection:x", organisation=studio.organisation.pk)
    )
    auditor = member(studio.organisation, "Aud", Membership.Role.AUDITOR)
    client.force_login(olga)
    for wrong in (dan, auditor):
        client.post(reverse("alert_acknowledge", args=[alert.pk]), {"assigned_to": str(wrong.pk)})
        alert.refresh_from_db()
        assert alert.state == "open"


def test_what_is_over_says_so_when_somebody_acknowledges_it(client, studio, about_a_place):
    alerts.resolve(about_a_place)
    client.force_login(studio.ana)
    answer = client.post(reverse("alert_acknowledge", args=[about_a_place.pk]), follow=True)
    assert "over already" in answer.content.decode()
    assert "A destination fails" in page(client, studio.ana, state="resolved")


def test_strangers_do_not_find_it(client, dan, about_ben, about_a_place):
    assert "No alert stands" in page(client, dan)
    for alert in (about_ben, about_a_place):
        assert client.get(reverse("alert", args=[alert.pk])).status_code == 404
        assert client.post(reverse("alert_acknowledge", args=[alert.pk])).status_code == 404
    assert Alert.objects.filter(state="open").count() == 2


def test_an_assistant_sees_only_the_athletes_she_assists(client, studio, about_ben, about_a_place):
    cara = member(studio.organisation, "Cara", Membership.Role.ASSISTANT)
    assert "Ben" not in page(client, cara)
    assert "Squad calendar" in page(client, cara)
    assert client.get(reverse("alert", args=[about_ben.pk])).status_code == 404
    assignments.assign(cara, studio.ben)
    assert "Ben" in page(client, cara)


def test_a_destination_owner_sees_no_athletes_alerts(client, studio, about_ben, about_a_place):
    vic = member(studio.organisation, "Vic", Membership.Role.DESTINATION_OWNER)
    shown = page(client, vic)
    assert "Squad calendar" in shown
    assert "Ben" not in shown


def test_an_auditor_sees_all_and_acknowledges_nothing(client, studio, about_a_place):
    auditor = member(studio.organisation, "Aud", Membership.Role.AUDITOR)
    shown = page(client, auditor)
    assert "Squad calendar" in shown
    assert "/acknowledge/" not in shown
    url = reverse("alert_acknowledge", args=[about_a_place.pk])
    assert client.post(url).status_code == 403


def test_the_installation_concerns_owners_and_staff_but_no_coach(
    client, studio, olga, about_everything
):
    assert "Nothing is being sent" in page(client, olga)
    assert "Nothing is being sent" not in page(client, studio.ana)
    client.force_login(olga)
    client.post(reverse("alert_acknowledge", args=[about_everything.pk]))
    about_everything.refresh_from_db()
    assert about_everything.state == "acknowledged"


def test_the_page_says_when_nobody_is_looking(client, studio):
    assert "No worker has been seen" in page(client, studio.ana)
    beat("worker")
    assert "No worker has been seen" not in page(client, studio.ana)


def test_an_alert_has_its_page_with_the_audit_entry(client, studio, olga, about_a_place):
    shown = page(client, olga, "alert", about_a_place.pk)
    assert f"?entry={about_a_place.audit_entry_id}" in shown
    assert "Alert.raised" in page(client, olga, "audit", area="alert").replace(" ", ".")


def test_the_count_costs_one_question_on_a_page(client, studio, about_ben, about_a_place):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.force_login(studio.ana)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        client.get(reverse("conservation"))
    assert sum("insight_alert" in query["sql"] for query in asked) == 1


# --- conservation ------------------------------------------------------------------------------


def test_the_equation_is_green_for_each_destination(client, studio):
    studio.publish()
    work()
    shown = page(client, studio.ana, "conservation")
    assert "nothing is lost, nothing is counted twice" in shown
    assert "Balanced" in shown
    assert "Where promises have no place" not in shown


def test_a_gap_is_red_and_names_the_plan(client, studio):
    studio.publish()
    work()
    Lane.objects.update(desired=3)
    shown = page(client, studio.ana, "conservation")
    assert "2 promises without a place" in shown
    assert f"Ben, {studio.plan.name}" in shown
    assert str(studio.lane.pk) in shown


def test_a_gap_names_no_athlete_to_whom_athletes_are_closed(client, studio, dan):
    studio.publish()
    work()
    Lane.objects.update(desired=3)
    vic = member(studio.organisation, "Vic", Membership.Role.DESTINATION_OWNER)
    shown = page(client, vic, "conservation")
    assert "1 more that is not listed here" in shown
    assert "Ben" not in shown
    assert "Nothing accepted yet" in page(client, dan, "conservation")


def test_the_alert_about_a_gap_names_the_plan_to_whom_may_see_it(client, studio):
    studio.publish()
    work()
    Lane.objects.update(desired=3)
    look()
    found = Alert.objects.get(kind="conservation_gap")
    lane, name = str(studio.lane.pk), f"Ben, {studio.plan.name} to Squad calendar"
    for shown in (page(client, studio.ana), page(client, studio.ana, "alert", found.pk)):
        assert f"{name} (lane {lane}): promises 2, 3." in shown
    cara = member(studio.organisation, "Cara", Membership.Role.ASSISTANT)
    for shown in (page(client, cara), page(client, cara, "alert", found.pk)):
        assert f"Lane {lane}: promises 2, 3." in shown
        assert "Ben" not in shown


# --- the API -----------------------------------------------------------------------------------


def test_the_api_lists_what_the_page_lists(studio, dan, about_ben, about_a_place):
    rows = client_of(studio.ana).get("/api/v1/alerts/").json()["results"]
    assert [row["kind"] for row in rows] == ["breaker_open", "webhooks_silent"]
    assert rows[0]["destination"] == str(studio.destination.pk)
    assert rows[1]["details"] == ["No webhook event ever came."]
    assert client_of(dan).get("/api/v1/alerts/").json()["results"] == []
    found = client_of(studio.ana).get("/api/v1/alerts/", {"severity": "warning"}).json()["results"]
    assert [row["id"] for row in found] == [str(about_ben.pk)]


def test_the_api_acknowledges(studio, dan, about_a_place):
    path = f"/api/v1/alerts/{about_a_place.pk}/acknowledge/"
    assert client_of(dan).post(path).status_code == 404
    auditor = member(studio.organisation, "Aud", Membership.Role.AUDITOR)
    assert client_of(auditor).post(path).status_code == 403
    ana = client_of(studio.ana)
    assert ana.post(path, {"assignedTo": str(dan.pk)}, format="json").status_code == 400
    wish = {"note": "On it", "assignedTo": str(studio.ana.pk)}
    answer = ana.post(path, wish, format="json").json()
    assert (answer["state"], answer["note"]) == ("acknowledged", "On it")
    assert answer["acknowledgedBy"] == answer["assignedTo"] == str(studio.ana.pk)
    alerts.resolve(about_a_place)
    assert ana.post(path).status_code == 409


def test_the_api_lets_an_owner_acknowledge_what_concerns_the_installation(
    studio, olga, about_everything
):
    path = f"/api/v1/alerts/{about_everything.pk}/acknowledge/"
    assert client_of(studio.ana).post(path).status_code == 404
    assert client_of(olga).post(path).status_code == 200


def test_an_alert_that_got_worse_keeps_its_note_and_its_person_when_it_is_seen_again(
    client, studio, about_a_place
):
    alerts.acknowledge(about_a_place, studio.ana, note="On the phone", assigned_to=studio.ana)
    Alert.objects.update(state="open")
    client.force_login(studio.ana)
    shown = client.get(reverse("alerts")).content.decode()
    assert 'name="note" value="On the phone"' in shown
    assert f'value="{studio.ana.pk}"' in shown
    client_of(studio.ana).post(f"/api/v1/alerts/{about_a_place.pk}/acknowledge/", {}, format="json")
    about_a_place.refresh_from_db()
    assert (about_a_place.note, about_a_place.assigned_to) == ("On the phone", studio.ana)


def test_what_a_person_holds_back_is_not_late(client, studio):
    client.force_login(studio.ana)
    studio.publish()
    Lane.objects.update(due_at=clock.now() - timedelta(minutes=5))
    assert "1 plan is due and not yet taken" in client.get(reverse("health")).content.decode()
    stops.put(studio.destination, "pause", reason="Camp", by=studio.ana)
    assert "not yet taken" not in client.get(reverse("health")).content.decode()


@pytest.mark.parametrize(
    ("row", "word", "words"),
    [
        (None, "Not used", "No worker takes any"),
        ({"asked": 1}, "Not tested yet", "The first one is under way."),
        ({"heard": 3, "since": 90}, "Well", "workers hear them. Since"),
        ({"asked": 31, "heard": 40}, "Not arriving", "nothing is lost. Since"),
    ],
    ids=["a pump alone", "at the start", "well", "silent"],
)
def test_the_health_page_says_whether_wake_up_calls_arrive(client, studio, row, word, words):
    client.force_login(studio.ana)
    if row is not None:
        now = clock.now()
        past = {name: now - timedelta(seconds=seconds) for name, seconds in row.items()}
        Hearing.objects.create(
            rung_at=now, asked_at=past.get("asked"), heard_at=past.get("heard"),
            since=past.get("since"),
        )  # fmt: skip
    shown = client.get(reverse("health")).content.decode()
    part = next(each for each in shown.split("<li>") if "Wake-up calls" in each)
    assert word in part
    assert words in part


@pytest.mark.parametrize(
    ("area", "action"),
    [
        ("plan", "plan.version.recorded"),
        ("stop", "stop.put"),
        ("delivery", "lane.opened"),
    ],
)
def test_the_audit_trail_is_searched_by_what_people_look_for(client, studio, area, action):
    membership = studio.organisation.memberships.get(user=studio.ana)
    membership.role = Membership.Role.OWNER
    membership.save()
    client.force_login(studio.ana)
    with audited_atomic() as log:
        log.record(action, organisation=studio.organisation.pk)
    shown = f">{words(action)}<"
    assert shown in client.get(reverse("audit"), {"area": area}).content.decode()
    assert shown not in client.get(reverse("audit"), {"area": "route"}).content.decode()


def test_whatever_is_recorded_can_be_searched_for():
    written = re.compile(r'record\w*\(\s*(?:\w+,\s*)?f?"([a-z]+)\.')
    rooms = ("accounts", "audit", "destinations", "sharing", "insight")
    files = (path for room in rooms for path in (ROOT / room).rglob("*.py"))
    begun = {word for path in files for word in written.findall(path.read_text())}
    assert {"bulk", "stop", "delivery"} <= begun
    assert begun <= {word for area in AREAS.values() for word in area.beginnings}
