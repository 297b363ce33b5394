"""Empty, full, forbidden and broken: every page says what it means and what to do next."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts import assignments
from accounts.models import Athlete, Connection, Membership, Organisation, User
from destinations.models import Destination
from plans import contract
from sharing import clock, departures, quarantine, remarks
from sharing.models import Lane, Quarantine, QuarantineRemark, Source
from sharing.source.errors import CATALOGUE
from tests.sharing import world as worlds

pytestmark = pytest.mark.django_db

FIRST_STEPS = {
    "home": "Connect TrainingPeaks",
    "roster": "No athletes yet",
    "deliveries": "No deliveries yet",
    "destinations": "Add the first destination",
    "routes": "First a destination, then a route",
    "quarantine": "Nothing in quarantine",
    "connections": "Connect the account you coach with",
}


@pytest.fixture
def newcomer(client):
    user = User.objects.create_user("eve@example.com", "a long enough password")
    organisation = Organisation.objects.create(name="New", slug="new")
    Membership.objects.create(user=user, organisation=organisation, role="owner")
    client.force_login(user)
    return user


def text(answer):
    return answer.content.decode()


@pytest.mark.parametrize(("name", "words"), FIRST_STEPS.items())
def test_an_empty_page_says_the_next_step(client, newcomer, name, words):
    assert words in text(client.get(reverse(name)))


def test_the_checklist_goes_when_everything_is_set_up(client, world):
    client.force_login(world.ana)
    assert "Get going" in text(client.get(reverse("home")))
    _connect(world)
    assert "Get going" not in text(client.get(reverse("home")))


def test_the_conservation_line_is_green_and_turns_red_when_a_promise_has_no_place(client, world):
    client.force_login(world.ana)
    assert "nothing is lost, nothing is counted twice" in text(client.get(reverse("home")))
    lane = world.lane
    Lane.objects.filter(pk=lane.pk).update(desired=lane.desired + 1)
    assert "without a place" in text(client.get(reverse("home")))


GREEN = "nothing is lost, nothing is counted twice"


def test_the_line_is_red_where_only_the_sums_add_up(client, world):
    """Version 2 still waits, and its lane says that nothing is owed."""
    client.force_login(world.ana)
    Lane.objects.update(settled=2)
    for name in ("home", "conservation"):
        shown = text(client.get(reverse(name)))
        assert GREEN not in shown
        assert "For some plans it does not add up" in shown
        assert ">Balanced<" not in shown
        assert "Everything runs by itself" not in shown


def test_too_many_in_one_plan_do_not_make_up_for_too_few_in_another(client, world):
    dora = Athlete.objects.create(organisation=world.organisation, name="Dora")
    other = worlds.Plan.objects.create(athlete=dora, name="Plan")
    twin = worlds.World(world.organisation, world.ana, dora, world.destination, world.route, other)
    twin.agree()
    twin.publish()
    twin.publish()
    Lane.objects.filter(pk=world.lane.pk).update(desired=3)
    Lane.objects.filter(pk=twin.lane.pk).update(desired=1)
    client.force_login(world.ana)
    shown = text(client.get(reverse("home")))
    assert "4 accepted" in shown
    assert GREEN not in shown


def test_the_line_is_that_of_every_organisation_of_the_person(client, world):
    second = worlds.build(name="Another")  # by name it comes before Ana's first
    Organisation.objects.filter(pk=second.organisation.pk).update(name="A")
    Membership.objects.create(user=world.ana, organisation=second.organisation, role="coach")
    client.force_login(world.ana)
    shown = text(client.get(reverse("home")))
    assert "2 accepted" in shown
    assert GREEN in shown
    Lane.objects.filter(pk=world.lane.pk).update(desired=3)
    assert "1 promise without a place" in text(client.get(reverse("home")))


def test_what_needs_a_person_is_said_with_its_page(client, world):
    client.force_login(world.ana)
    delivery = world.deliveries()[1]
    worlds.Delivery.objects.filter(pk=delivery.pk).update(
        state="unknown", reason="outcome_unknown", settled_at=clock.now()
    )
    shown = text(client.get(reverse("home")))
    assert "Needs a person" in shown
    assert reverse("delivery", args=[delivery.pk]) in shown


def stuck(world, state, count):
    """Plans whose newest delivery is dead or unknown."""
    template = world.deliveries()[1]
    found = []
    for number in range(count):
        athlete = Athlete.objects.create(
            organisation=world.organisation, name=f"{state} {number}", data_key="x"
        )
        lane = Lane.objects.create(
            plan=worlds.Plan.objects.create(athlete=athlete, name="Plan"), route=world.route,
            destination=world.destination, desired=1, settled=1, state=state,
            audit_entry_id=template.audit_entry_id,
        )  # fmt: skip
        found.append(
            worlds.Delivery.objects.create(
                lane=lane, revision=1, keyed_as=1, version=template.version, state=state,
                reason="outcome_unknown", due_at=clock.now(), accepted_at=clock.now(),
                settled_at=clock.now(), audit_entry_id=template.audit_entry_id,
            )
        )  # fmt: skip
    return found


def needs(client):
    """The section of the home page, and what it says that there is to do."""
    return text(client.get(reverse("home"))).partition("Needs a person")[2].partition("</ul>")[0]


def test_many_needs_of_one_kind_are_one_line_and_hide_no_other(client, world):
    stuck(world, "dead", 13)
    stuck(world, "unknown", 4)
    quarantined(world)
    _connect(world)
    Connection.objects.update(state=Connection.State.NEEDS_REAUTH)
    client.force_login(world.ana)
    shown = needs(client)
    assert shown.count("<li>") == 5
    assert "13 deliveries were given up" in shown
    assert f'{reverse("dead_letters")}?state=dead"' in shown
    assert "4 deliveries wait for an answer" in shown
    assert f'{reverse("deliveries")}?state=unknown"' in shown
    assert "1 answer of TrainingPeaks in quarantine" in shown
    assert "s have not been asked yet" in shown
    assert "20 things need a person" in text(client.get(reverse("home")))


def test_a_few_needs_of_one_kind_have_a_line_each(client, world):
    found = stuck(world, "dead", 3)
    client.force_login(world.ana)
    shown = needs(client)
    assert all(reverse("delivery", args=[each.pk]) in shown for each in found)
    assert "were given up" not in shown


def test_many_destinations_and_connections_in_trouble_are_a_line_for_each_kind(client, world):
    now = clock.now()
    opened = {"breaker_state": "open", "breaker_opened_at": now, "breaker_until": now}
    for number, trouble in enumerate([opened, {"state": "paused", "paused_reason": "gone"}] * 4):
        place = worlds.build(name=f"Place {number}").destination
        Destination.objects.filter(pk=place.pk).update(organisation=world.organisation, **trouble)
    for _ in range(4):
        _connect(world)
    Connection.objects.update(state=Connection.State.NEEDS_REAUTH)
    client.force_login(world.ana)
    shown = needs(client)
    for words in (
        "4 TrainingPeaks connections are not well", "4 destinations were paused",
        "4 destinations fail",
    ):  # fmt: skip
        assert words in shown


def test_a_question_is_not_answered_by_what_waits_behind_it(client, world):
    (first, _) = world.deliveries()
    worlds.Delivery.objects.filter(pk=first.pk).update(state="unknown", reason="outcome_unknown")
    Lane.objects.update(state="unknown", settled=0)
    client.force_login(world.ana)
    assert reverse("delivery", args=[first.pk]) in needs(client)


def test_five_hundred_athletes_come_in_pages_with_few_questions(
    client, world, django_assert_max_num_queries
):
    Athlete.objects.bulk_create(
        Athlete(organisation=world.organisation, name=f"Athlete {n:03}", data_key="x")
        for n in range(500)
    )
    client.force_login(world.ana)
    with django_assert_max_num_queries(30):
        first = text(client.get(reverse("roster")))
    assert "1–50 of 501" in first
    assert "Athlete 480" in text(client.get(reverse("roster"), {"page": 10}))
    assert "Athlete 123" in text(client.get(reverse("roster"), {"q": "123"}))


def test_a_name_is_shown_as_text_whatever_is_in_it(client, world):
    world.ben.name = "<script>alert(1)</script>"
    world.ben.save()
    client.force_login(world.ana)
    for url in (reverse("roster"), reverse("athlete", args=[world.ben.pk]), reverse("deliveries")):
        assert "<script>alert" not in text(client.get(url))


def test_the_quarantine_names_the_field_and_can_be_settled(client, world):
    row = quarantined(world)
    client.force_login(world.ana)
    assert "[3].WorkoutDay" in text(client.get(reverse("quarantine")))
    answer = client.post(reverse("quarantine_replay", args=[row.pk]), follow=True)
    assert "still breaks its contract" in text(answer)
    client.post(reverse("quarantine_dismiss", args=[row.pk]), {"note": "known"})
    row.refresh_from_db()
    assert row.state == "dismissed"


@pytest.mark.parametrize(
    ("kept_as", "code"),
    [(contract.PLAN, "bad_answer"), (departures.MASS_CHANGE, "list_too_short")],
)
def test_a_quarantined_answer_says_what_to_do_until_it_is_settled(client, world, kept_as, code):
    row, said = quarantined(world), CATALOGUE[code]
    Quarantine.objects.update(contract=kept_as)
    client.force_login(world.ana)
    page = reverse("quarantined", args=[row.pk])
    assert said.action in text(client.get(reverse("quarantine")))
    shown = text(client.get(page))
    assert f"{said.coach_words} <strong>{said.action}</strong>" in shown
    assert f"{said.admin_words} <code>{code}</code>" in shown
    quarantine.dismiss(row, "known")
    for url in (f"{reverse('quarantine')}?settled=1", page):
        assert said.action not in text(client.get(url))


def test_a_dismissal_says_by_whom_when_and_why(client, world):
    row = quarantined(world)
    client.force_login(world.ana)
    shown = text(client.get(reverse("quarantine")))
    assert f'<label class="visually-hidden" for="note-{row.pk}">Why [3].WorkoutDay of' in shown
    assert f'id="note-{row.pk}"' in shown
    client.post(reverse("quarantine_dismiss", args=[row.pk]), {"note": "A <test> workout"})
    shown = text(client.get(reverse("quarantine"), {"settled": 1}))
    assert f"Dismissed by {world.ana}" in shown
    assert "just now</time>: A &lt;test&gt; workout" in shown
    assert f'id="note-{row.pk}"' not in shown


def test_what_another_has_dismissed_meanwhile_keeps_their_note(client, world):
    row = quarantined(world)
    quarantine.dismiss(row, "mine")
    Quarantine.objects.update(contract="understood by now")
    client.force_login(world.ana)
    for name in ("quarantine_dismiss", "quarantine_replay"):
        answer = client.post(reverse(name, args=[row.pk]), {"note": "another"}, follow=True)
        assert "settled already: dismissed" in text(answer)
    row.refresh_from_db()
    assert (row.state, row.note, row.settled_by) == ("dismissed", "mine", None)


def test_an_open_answer_is_annotated_and_given_to_somebody(client, world):
    row = quarantined(world)
    client.force_login(world.ana)
    assert reverse("quarantined", args=[row.pk]) in text(client.get(reverse("quarantine")))
    client.post(reverse("quarantine_remark", args=[row.pk]), {"words": "Asked <them> to fix it"})
    client.post(reverse("quarantine_assign", args=[row.pk]), {"to": str(world.ana.pk)})
    row.refresh_from_db()
    assert (row.state, row.assigned_to) == ("open", world.ana)
    assert row.audit_entry.action == "quarantine.assigned"
    remark = QuarantineRemark.objects.get()
    assert remark.audit_entry.action == "quarantine.remarked"
    assert b"them" not in bytes(remark.audit_entry.body)
    for url in (reverse("quarantine"), reverse("quarantined", args=[row.pk])):
        shown = text(client.get(url))
        assert "Asked &lt;them&gt; to fix it" in shown
        assert "Ana Moreira" in shown
    client.post(reverse("quarantine_assign", args=[row.pk]), {"to": ""})
    row.refresh_from_db()
    assert row.assigned_to is None
    assert row.audit_entry.action == "quarantine.unassigned"


def test_beside_what_is_settled_nothing_is_written_and_nobody_named(client, world):
    row = quarantined(world)
    quarantine.dismiss(row, "mine")
    client.force_login(world.ana)
    for name, said in (("remark", {"words": "Too late"}), ("assign", {"to": str(world.ana.pk)})):
        url = reverse(f"quarantine_{name}", args=[row.pk])
        assert "settled already: dismissed" in text(client.post(url, said, follow=True))
    row.refresh_from_db()
    assert (row.assigned_to, row.audit_entry.action) == (None, "quarantine.dismissed")
    assert not QuarantineRemark.objects.exists()


def test_a_note_without_words_is_not_kept(client, world):
    row = quarantined(world)
    client.force_login(world.ana)
    answer = client.post(reverse("quarantine_remark", args=[row.pk]), {"words": " "}, follow=True)
    assert "Write something first." in text(answer)
    assert not QuarantineRemark.objects.exists()


def test_a_quarantined_answer_is_given_to_nobody_who_may_not_settle_it(client, world, cara, dan):
    row = quarantined(world)
    assignments.assign(cara, world.ben)  # an assistant sees the athlete and no quarantine
    client.force_login(world.ana)
    for other in (cara, dan):
        client.post(reverse("quarantine_assign", args=[row.pk]), {"to": str(other.pk)})
        row.refresh_from_db()
        assert row.assigned_to is None


def test_what_is_given_to_somebody_stays_theirs_when_it_is_settled(client, world):
    row = quarantined(world)
    read_before = Quarantine.objects.get()
    remarks.assign(row, world.ana)
    with worlds.audited_atomic() as log:
        quarantine.settle(read_before, Quarantine.State.REPLAYED, log)
    client.force_login(world.ana)
    shown = text(client.get(reverse("quarantined", args=[row.pk])))
    assert "Ana Moreira looks after it." in shown
    assert "Write it down" not in shown


def test_for_dan_a_quarantined_answer_of_ana_does_not_exist(client, world, dan):
    row = quarantined(world)
    client.force_login(dan)
    assert client.get(reverse("quarantined", args=[row.pk])).status_code == 404
    for name in ("quarantine_remark", "quarantine_assign"):
        answer = client.post(reverse(name, args=[row.pk]), {"words": "x", "to": str(dan.pk)})
        assert answer.status_code == 404
    assert not QuarantineRemark.objects.exists()


def test_an_auditor_sees_the_quarantine_and_no_way_to_settle_it(client, world):
    row = quarantined(world)
    world.ana.memberships.update(role="auditor")
    client.force_login(world.ana)
    shown = text(client.get(reverse("quarantine")))
    assert "[3].WorkoutDay" in shown
    assert f'id="note-{row.pk}"' not in shown
    remarks.write(row, "Asked them", world.ana)
    page = text(client.get(reverse("quarantined", args=[row.pk])))
    assert "Asked them" in page
    assert "Write it down" not in page
    for name in ("quarantine_dismiss", "quarantine_remark", "quarantine_assign"):
        assert client.post(reverse(name, args=[row.pk]), {"words": "x"}).status_code == 403


def test_the_log_is_verified_on_its_page_and_its_bytes_are_there(client, world):
    world.ana.memberships.update(role="owner")
    client.force_login(world.ana)
    assert "Verified" in text(client.get(reverse("audit_verify")))
    shown = text(client.get(reverse("audit"), {"area": "consent"}))
    assert "Consent granted" in shown
    assert "Delivery accepted" not in shown


def test_personal_pages_are_kept_by_no_cache(client, world):
    client.force_login(world.ana)
    assert "no-store" in client.get(reverse("home"))["Cache-Control"]


@pytest.mark.parametrize(
    ("url", "status", "words"),
    [("/nothing/", 404, "Nothing here"), ("/audit/", 403, "not yours to see")],
)
def test_an_error_page_says_what_happened_in_plain_words(client, world, url, status, words):
    client.force_login(world.ana)
    answer = client.get(url)
    assert answer.status_code == status
    assert words in text(answer)


def test_a_stale_form_is_explained(world):
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(reverse("account_login"), {"login": "x"})
    assert answer.status_code == 403
    assert "gone stale" in text(answer)


def test_a_broken_page_still_has_its_own_words(client, world, monkeypatch):
    client.force_login(world.ana)
    client.raise_request_exception = False
    monkeypatch.setattr("insight.selectors.home.needs", lambda user: 1 / 0)
    answer = client.get(reverse("home"))
    assert answer.status_code == 500
    assert "on our side" in text(answer)


def _connect(world):
    Connection.objects.create(organisation=world.organisation, user=world.ana)


def quarantined(world):
    source, _ = Source.objects.get_or_create(athlete=world.ben)
    row = Quarantine(
        source=source, contract=contract.PLAN, field="[3].WorkoutDay", problem="is missing",
        created_at=clock.now(),
    )  # fmt: skip
    row.body = world.ben.seal(b"{}", purpose=f"quarantine:{row.pk}")
    with worlds.audited_atomic() as log:
        row.audit_entry_id = log.record("quarantine.kept", organisation=world.organisation.pk)
        row.save()
    return row
