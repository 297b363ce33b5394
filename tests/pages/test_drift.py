"""The drift pages: every state is designed, every button is somebody's own."""

import re

import pytest
from django.urls import reverse

from accounts.models import Membership
from audit.log import audited_atomic
from audit.models import Entry
from insight.selectors.home import TOLD_FOR
from sharing import clock
from sharing.bulk import limits
from sharing.deliveries import deliver_due
from sharing.drift import asking, checks
from sharing.drift.values import Values, seal
from sharing.models import Drift, DriftCheck, Lane, Route
from tests.sharing import readable_destination
from tests.sharing import world as worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def calendar(monkeypatch):
    return readable_destination.install(monkeypatch)


@pytest.fixture
def world(calendar):
    """Ben's plan is delivered; since then he moved one session and deleted another."""
    world = worlds.build(name="Squad calendar", idempotency_class="upsert")
    world.agree()
    world.publish(
        worlds.session("tp-1", title="Tempo run"), worlds.session("tp-2", title="Long run")
    )
    deliver_all()
    return world


@pytest.fixture
def differing(world, calendar):
    calendar.change("tp-1", date="2030-01-01")
    calendar.delete("tp-2")
    check(world)
    return world


def deliver_all():
    while deliver_due("test"):
        pass


def check(world):
    asking.ask(world.destination)
    while checks.run_due():
        pass


def text(answer):
    return re.sub(r"\s+", " ", answer.content.decode())


def row(field):
    return Drift.objects.get(field=field)


def test_an_empty_page_says_so(client, world):
    client.force_login(world.ana)
    shown = text(client.get(reverse("drift")))
    assert "Nothing was read back yet" in shown
    assert "Webhooks and calendars cannot be read back" in shown
    assert "Nothing is kept" in text(client.get(reverse("drift"), {"show": "kept"}))
    assert "Nothing settled yet" in text(client.get(reverse("drift"), {"show": "settled"}))


def test_a_page_without_differences_after_a_check_says_so(client, world):
    check(world)
    client.force_login(world.ana)
    assert "Nothing differs<" in text(client.get(reverse("drift")))
    assert "Nothing differs." in text(
        client.get(reverse("destination", args=[world.destination.pk]))
    )


def test_no_page_says_that_nothing_differs_where_something_was_not_compared(client, world):
    Lane.objects.update(state="unknown")
    check(world)
    DriftCheck.objects.update(records_compared=4, lanes_read=2, skipped=7, given_up=2, busy=1)
    client.force_login(world.ana)
    why = (
        "7 plans were not compared: 2 given up, 1 in doubt, 1 being written, "
        "3 stopped, due later or without consent."
    )
    shown = text(client.get(reverse("drift")))
    assert "Nothing differs in what was compared<" in shown
    assert why in shown
    shown = text(client.get(reverse("destination", args=[world.destination.pk])))
    assert f"{why} Nothing differs in what was compared." in shown


def test_nothing_differs_is_not_said_of_a_check_that_is_under_way(client, world):
    asking.ask(world.destination)
    client.force_login(world.ana)
    assert "Nothing differs<" not in text(client.get(reverse("drift")))


def test_a_difference_is_listed_with_field_old_new_and_what_is_suggested(client, differing):
    client.force_login(differing.ana)
    shown = text(client.get(reverse("drift")))
    for words in ("Tempo run", "Day", "Tue 1 Jan 2030", "you decide", "Missing", "Long run"):
        assert words in shown


def test_a_check_that_failed_is_incomplete_and_says_why(client, world, calendar):
    from destinations.errors import ThrottledError

    calendar.faults.append(ThrottledError(http_status=429))
    check(world)
    client.force_login(world.ana)
    shown = text(client.get(reverse("drift")))
    assert "Incomplete" in shown
    assert "1 plan" in shown
    assert "could not be read" in text(
        client.get(reverse("destination", args=[world.destination.pk]))
    )


def test_a_person_puts_back_and_undoes(client, differing, calendar):
    client.force_login(differing.ana)
    here = reverse("drift") + "?show=open"
    answer = client.post(reverse("drift_repair", args=[row("date").pk]), {"next": here})
    assert answer.url == here
    deliver_all()
    assert row("date").state == "repaired"
    client.post(reverse("drift_undo", args=[row("date").pk]))
    deliver_all()
    assert calendar.said("tp-1")["date"] == "2030-01-01"
    assert (row("date").state, row("date").settled_by) == ("kept", differing.ana)
    actions = set(Entry.objects.values_list("action", flat=True))
    assert {"drift.found", "drift.repair", "drift.repaired", "drift.undo"} <= actions


def test_once_everything_is_put_back_no_page_counts_a_difference(client, differing):
    client.force_login(differing.ana)
    place = reverse("destination", args=[differing.destination.pk])
    pages = (place, reverse("destinations"), reverse("home"))
    assert all(counts_differences(client, page) for page in pages)
    client.post(reverse("drift_repair", args=[row("date").pk]))
    deliver_all()
    check(differing)
    assert not any(counts_differences(client, page) for page in pages)
    assert "Nothing differs." in text(client.get(place))
    assert "Nothing differs<" in text(client.get(reverse("drift")))


def counts_differences(client, page):
    return re.search(r"\d differences?\b", text(client.get(page)))


def test_what_is_settled_already_is_refused_with_the_reason(client, differing):
    client.force_login(differing.ana)
    address = reverse("drift_keep", args=[row("date").pk])
    client.post(address)
    assert "settled already" in text(client.post(address, follow=True))


def test_nobody_is_sent_elsewhere_by_a_button(client, differing):
    client.force_login(differing.ana)
    answer = client.post(
        reverse("drift_keep", args=[row("date").pk]), {"next": "https://evil.example/"}
    )
    assert answer.url == reverse("drift")


def test_another_studio_sees_and_touches_nothing(client, differing, dan):
    client.force_login(dan)
    assert "Tempo run" not in text(client.get(reverse("drift")))
    for name in ("drift_repair", "drift_keep", "drift_undo"):
        assert client.post(reverse(name, args=[row("date").pk])).status_code == 404
    place = differing.destination.pk
    for name in ("drift_check", "drift_restore"):
        assert client.post(reverse(name, args=[place])).status_code == 404
    assert client.get(reverse("drift"), {"destination": place}).status_code == 404
    assert row("date").state == "open"


@pytest.mark.parametrize(
    ("role", "sees", "settles", "manages"),
    [
        (Membership.Role.ADMIN, 200, 302, 302),
        (Membership.Role.COACH, 200, 302, 302),
        (Membership.Role.AUDITOR, 200, 403, 403),
        (Membership.Role.DESTINATION_OWNER, 403, 404, 302),  # a session is as good as not there
    ],
)
def test_each_role_does_what_it_may(client, differing, role, sees, settles, manages):
    differing.ana.memberships.update(role=role)
    client.force_login(differing.ana)
    assert client.get(reverse("drift")).status_code == sees
    assert client.post(reverse("drift_keep", args=[row("date").pk])).status_code == settles
    place = differing.destination.pk
    assert client.post(reverse("drift_check", args=[place])).status_code == manages
    assert client.get(reverse("drift_checks")).status_code == 200


def test_an_assistant_settles_only_for_their_own_athletes(client, differing):
    differing.ana.memberships.update(role=Membership.Role.ASSISTANT)
    client.force_login(differing.ana)
    assert "Tempo run" not in text(client.get(reverse("drift")))
    assert client.post(reverse("drift_keep", args=[row("date").pk])).status_code == 404


def test_buttons_that_a_role_may_not_press_are_not_shown(client, differing):
    differing.ana.memberships.update(role=Membership.Role.AUDITOR)
    client.force_login(differing.ana)
    shown = text(client.get(reverse("drift")))
    assert reverse("drift_keep", args=[row("date").pk]) not in shown
    place = reverse("destination", args=[differing.destination.pk])
    assert "Check for drift now" not in text(client.get(place))


def test_the_destination_shows_its_drift_and_can_be_checked(client, differing):
    client.force_login(differing.ana)
    page = reverse("destination", args=[differing.destination.pk])
    assert "2 differences" in text(client.get(page))
    assert "2 differences" in text(client.get(reverse("destinations")))
    answer = client.post(reverse("drift_check", args=[differing.destination.pk]), follow=True)
    assert "is being read back" in text(answer)
    assert DriftCheck.objects.filter(state="waiting", asked_by=differing.ana).count() == 1


def test_a_destination_that_cannot_be_read_back_says_so(client, world, journal):
    client.force_login(world.ana)
    for name, pk in (("destination", world.destination.pk), ("route", world.route.pk)):
        assert "cannot be read back" in text(client.get(reverse(name, args=[pk])))
    assert "cannot be read back" in text(client.get(reverse("destinations")))
    answer = client.post(reverse("drift_check", args=[world.destination.pk]), follow=True)
    assert "nothing can be compared" in text(answer)


@pytest.fixture
def journal(monkeypatch, world):
    from tests.sharing import fake_destination

    return fake_destination.install(monkeypatch)


def test_a_route_says_and_changes_what_is_done_about_each_difference(client, world):
    client.force_login(world.ana)
    page = reverse("route", args=[world.route.pk])
    assert "Ask me" in text(client.get(page))
    form = client.get(reverse("route_edit", args=[world.route.pk])).context["form"]
    said = {name: form.get_initial_for_field(each, name) for name, each in form.fields.items()}
    said = {name: value for name, value in said.items() if value not in (None, False)}
    said |= {"athletes": [], "drift_date": "keep", "drift_missing": "ask"}
    assert client.post(reverse("route_edit", args=[world.route.pk]), said).url == page
    chosen = Route.objects.get(pk=world.route.pk).drift_policy
    assert (chosen["date"], chosen["missing"], chosen["title"]) == ("keep", "ask", "source")
    assert "Keep the change there" in text(client.get(page))


def test_the_plan_tells_the_coach_what_was_changed_and_kept(client, differing):
    client.force_login(differing.ana)
    page = reverse("plan", args=[differing.plan.pk])
    shown = text(client.get(page))
    assert "Changed at a destination" in shown
    assert "Tue 1 Jan 2030" in shown
    Drift.objects.filter(field="date").update(state="kept", settled_at=clock.now())
    assert "Kept as it is there" in text(client.get(page))


def test_home_says_what_waits_and_what_was_kept(client, differing):
    client.force_login(differing.ana)
    shown = text(client.get(reverse("home")))
    assert "1 difference at Squad calendar" in shown
    Drift.objects.filter(field="date").update(state="kept", settled_at=clock.now())
    shown = text(client.get(reverse("home")))
    assert "1 change of an athlete was kept" in shown
    Drift.objects.filter(field="date").update(settled_by=differing.ana)
    assert "was kept" not in text(client.get(reverse("home")))


def test_home_says_what_a_check_found_and_the_route_kept(client, world, calendar):
    Route.objects.update(drift_policy={"date": "keep"})
    calendar.change("tp-1", date="2030-01-01")
    check(world)
    client.force_login(world.ana)
    shown = text(client.get(reverse("home")))
    assert "1 change of an athlete was kept" in shown
    assert "difference at Squad calendar" not in shown


def test_home_tells_again_of_a_kept_change_that_is_changed_again(client, world, calendar):
    Route.objects.update(drift_policy={"date": "keep"})
    client.force_login(world.ana)
    calendar.change("tp-1", date="2030-01-01")
    check(world)
    Drift.objects.update(settled_at=clock.now() - TOLD_FOR)
    check(world)
    assert "was kept" not in text(client.get(reverse("home")))
    calendar.change("tp-1", date="2030-02-02")
    check(world)
    assert "1 change of an athlete was kept" in text(client.get(reverse("home")))


def test_lost_data_waits_for_one_confirmation(client, world, calendar):
    world.publish(*[worlds.session(f"tp-{n}") for n in range(9)])
    deliver_all()
    calendar.held.clear()
    check(world)
    client.force_login(world.ana)
    shown = text(client.get(reverse("drift")))
    assert "seems to have lost its data: restore 9 sessions?" in shown
    client.post(reverse("drift_restore", args=[world.destination.pk]))
    assert set(Drift.objects.values_list("state", flat=True)) == {"repairing"}
    assert "seems to have lost its data" not in text(client.get(reverse("drift")))


def test_more_than_one_may_restore_alone_is_said_and_not_offered(
    client, world, calendar, monkeypatch
):
    monkeypatch.setitem(limits.ALONE, "coach", 0)
    world.publish(*[worlds.session(f"tp-{n}") for n in range(9)])
    deliver_all()
    calendar.held.clear()
    check(world)
    client.force_login(world.ana)
    button = reverse("drift_restore", args=[world.destination.pk])
    shown = text(client.get(reverse("drift")))
    assert "restore 9 sessions?" in shown
    assert "write to 1 plan at once, more than you may alone. Ask an owner or admin" in shown
    assert button not in shown
    assert "more than you may alone" in text(client.post(button, follow=True))
    assert set(Drift.objects.values_list("state", flat=True)) == {"open"}
    world.ana.memberships.update(role=Membership.Role.ADMIN)
    assert button in text(client.get(reverse("drift")))
    client.post(button)
    assert set(Drift.objects.values_list("state", flat=True)) == {"repairing"}


def test_who_may_not_confirm_is_told_who_may(client, world, calendar):
    world.publish(*[worlds.session(f"tp-{n}") for n in range(9)])
    deliver_all()
    calendar.held.clear()
    check(world)
    world.ana.memberships.update(role=Membership.Role.AUDITOR)
    client.force_login(world.ana)
    shown = text(client.get(reverse("drift")))
    assert "whoever answers for this destination can confirm it" in shown
    assert reverse("drift_restore", args=[world.destination.pk]) not in shown


def test_five_hundred_differences_come_in_pages_with_few_questions(
    client, world, django_assert_max_num_queries
):
    record = world.lane.records.first()
    with audited_atomic() as log:
        entry = log.record("drift.found")
        rows = [
            Drift(
                lane=world.lane, record=record, kind="altered", field=f"f{n}", policy="ask",
                found_at=clock.now(), audit_entry_id=entry,
            )
            for n in range(500)
        ]  # fmt: skip
        for each in rows:
            seal(each, Values(ours="a", theirs="b" * 2000, title="<b>Long</b> " * 20))
        Drift.objects.bulk_create(rows)
    client.force_login(world.ana)
    with django_assert_max_num_queries(40):
        shown = text(client.get(reverse("drift")))
    assert "1–50 of 500" in shown
    assert "<b>Long" not in shown
    assert "b" * 500 not in shown
