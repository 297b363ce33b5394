"""Signing up, in and out: what a new account gets, what is noted, and where nobody is sent."""

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Organisation, User
from audit.entry import decode
from audit.models import Entry
from tests.accounts.conftest import PASSWORD

LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def nobody_tried_before():
    cache.clear()


def sign_in(client, email="ana@example.com", password=PASSWORD, **more):
    return client.post(LOGIN, {"login": email, "password": password, **more})


def sign_up(email):
    form = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
    return Client().post(reverse("account_signup"), form)


def noted(action):
    return [(entry, decode(bytes(entry.body))) for entry in Entry.objects.filter(action=action)]


def test_somebody_who_signs_up_owns_a_studio_of_their_own(db):
    assert sign_up("Nia@Example.com").status_code == 302
    membership = Membership.objects.get(user__email__iexact="nia@example.com")
    assert membership.role == Membership.Role.OWNER
    assert membership.organisation.memberships.count() == 1
    ((entry, _),) = noted("account.opened")
    assert entry.organisation == membership.organisation_id


def test_where_addresses_are_confirmed_nobody_learns_who_has_an_account(
    settings, studio, mailoutbox
):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"  # as in production
    known, unknown = sign_up("ANA@example.com"), sign_up("nia@example.com")
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert [mail.to for mail in mailoutbox] == [["ana@example.com"], ["nia@example.com"]]
    assert User.objects.filter(email__iexact="ana@example.com").count() == 1
    assert Organisation.objects.for_user(studio.ana).count() == 1


def test_a_short_or_common_password_is_refused(client, db):
    for password in ("short", "password1234", "123456789012345"):
        form = {"email": "nia@example.com", "password1": password, "password2": password}
        assert client.post(reverse("account_signup"), form).status_code == 200
    assert not User.objects.exists()


def test_coming_and_going_is_in_the_log_of_the_studio(client, studio):
    sign_in(client)
    client.post(reverse("account_logout"))
    for action in ("session.started", "session.ended"):
        ((entry, said),) = noted(action)
        assert entry.organisation == studio.organisation.pk
        assert (said["actor"], said["by"]) == ("user", str(studio.ana.pk))
        assert said["extra"] == {"account": str(studio.ana.pk)}


def test_signing_out_without_being_signed_in_is_no_event(client, db):
    client.post(reverse("account_logout"))
    assert not Entry.objects.exists()


def test_somebody_in_two_studios_is_noted_in_both(client, studio):
    Membership.objects.create(
        user=studio.ana, organisation=studio.elsewhere, role=Membership.Role.COACH
    )
    sign_in(client)
    assert {entry.organisation for entry, _ in noted("session.started")} == {
        studio.organisation.pk,
        studio.elsewhere.pk,
    }


def test_a_refused_password_is_noted_and_the_password_is_not(client, studio):
    assert sign_in(client, password="canary-password-1").status_code == 200
    ((entry, said),) = noted("session.refused")
    assert entry.organisation == studio.organisation.pk
    assert (said["actor"], said["extra"]["account"]) == ("system", str(studio.ana.pk))
    assert b"canary" not in bytes(entry.body)


def test_an_unknown_address_is_noted_without_the_address(client, studio):
    sign_in(client, email="nobody@example.com")
    ((entry, said),) = noted("session.refused")
    assert entry.organisation is None
    assert said["extra"] == {"account": None}
    assert b"nobody" not in bytes(entry.body)


def test_known_and_unknown_addresses_get_the_same_answer(client, studio):
    known = sign_in(client, password="wrong password")
    unknown = sign_in(client, email="nobody@example.com", password="wrong password")
    assert known.status_code == unknown.status_code == 200
    assert known.context["form"].errors == unknown.context["form"].errors


def test_the_address_is_the_same_in_capitals(client, studio):
    assert sign_in(client, email="ANA@EXAMPLE.COM").status_code == 302


def test_somebody_switched_off_is_not_let_in(client, studio):
    User.objects.filter(pk=studio.ana.pk).update(is_active=False)
    sign_in(client)
    assert "_auth_user_id" not in client.session
    assert not noted("session.started")


def test_after_five_wrong_passwords_the_right_one_is_refused_for_a_while(
    client, studio, time_machine
):
    for _ in range(5):
        sign_in(client, password="wrong password")
    sign_in(client)
    assert "_auth_user_id" not in client.session
    assert len(noted("session.refused")) == 5


def test_signing_in_begins_a_new_session(client, studio):
    client.get(LOGIN)
    client.session.save()
    before = client.session.session_key
    sign_in(client)
    assert client.session.session_key != before


def test_a_session_is_dead_after_signing_out(client, studio):
    sign_in(client)
    stolen = client.cookies.copy()
    client.post(reverse("account_logout"))
    client.cookies = stolen
    assert client.get("/connections/").status_code == 302


def test_other_sessions_end_when_the_password_changes(client, studio):
    sign_in(client)
    studio.ana.set_password("another long password")
    studio.ana.save()
    assert client.get("/connections/").status_code == 302


@pytest.mark.parametrize(
    "away",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "https://testserver@evil.example/",
        "\thttps://evil.example",
    ],
)
def test_signing_in_leads_nowhere_else(client, studio, away):
    answer = sign_in(client, next=away)
    assert answer.status_code == 302
    assert answer["Location"] == reverse("home")


def test_signing_in_leads_back_to_the_page_that_was_asked_for(client, studio):
    assert sign_in(client, next="/connections/")["Location"] == "/connections/"


def test_the_back_office_is_entered_by_the_front_door(client, studio):
    """Its own door would let anybody try as often as they like, and note nothing."""
    office = reverse("admin:index")
    door = client.get(office, follow=True)
    assert door.redirect_chain[-1][0].startswith(LOGIN)
    tried = client.post(
        reverse("admin:login"), {"username": "ana@example.com", "password": PASSWORD}
    )
    assert tried["Location"].startswith(LOGIN)
    assert "_auth_user_id" not in client.session


def test_staff_comes_back_to_the_back_office_and_a_coach_does_not_get_in(client, studio):
    office = reverse("admin:index")
    User.objects.filter(pk=studio.cara.pk).update(is_staff=True)
    way = client.get(reverse("admin:login"), {"next": office})["Location"]
    answer = client.post(way, {"login": "cara@example.com", "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, office)
    assert client.get(office).status_code == 200
    client.post(reverse("account_logout"))
    sign_in(client)
    assert client.get(office, follow=True).status_code == 403


def test_leaving_by_the_back_office_is_noted_too(client, studio):
    User.objects.filter(pk=studio.ana.pk).update(is_staff=True)
    sign_in(client)
    client.post(reverse("admin:logout"))
    assert "_auth_user_id" not in client.session
    ((entry, _),) = noted("session.ended")
    assert entry.organisation == studio.organisation.pk
