"""Signing up, the back office, and the commands that make people and keys."""

import io
import json

import pytest
from auditlog.models import LogEntry
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts import api_tokens, consent
from accounts.management.commands import create_coach
from accounts.models import (
    ApiToken,
    AthleteUserObjectPermission,
    Membership,
    OAuthFlow,
    Organisation,
    User,
)
from audit.models import Entry
from tests.accounts.conftest import PASSWORD, person

SECRETS = ("access-canary-1", "refresh-canary-1")


def sign_up(client, email="fay@example.com", password=PASSWORD):
    form = {"email": email, "password1": password, "password2": password}
    return client.post(reverse("account_signup"), form)


# --- signing up and in ------------------------------------------------------------------------


def test_signing_up_makes_an_organisation_of_ones_own(client, studio):
    assert sign_up(client).status_code == 302
    fay = User.objects.get(email="fay@example.com")
    membership = fay.memberships.get()
    assert membership.role == Membership.Role.OWNER
    assert membership.organisation.name == "fay's studio"
    assert not Organisation.objects.for_user(fay).exclude(pk=membership.organisation_id).exists()
    assert Entry.objects.filter(
        action="account.opened", organisation=membership.organisation_id
    ).exists()


def test_two_people_of_the_same_name_have_two_studios(client, db):
    sign_up(client, "fay@one.example")
    client.logout()
    sign_up(client, "fay@two.example")
    assert Organisation.objects.filter(name="fay's studio").count() == 2


def test_a_weak_password_makes_nobody(client, db):
    sign_up(client, password="short")
    assert not User.objects.exists()
    assert not Organisation.objects.exists()


def test_an_address_that_is_known_is_answered_as_any_other(client, studio, settings, mailoutbox):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"  # as in production
    known = sign_up(client, "ANA@example.com")
    client.logout()
    new = sign_up(client, "gus@example.com")
    assert (known.status_code, known["Location"]) == (new.status_code, new["Location"])
    assert User.objects.filter(email__iexact="ana@example.com").count() == 1
    assert [mail.to for mail in mailoutbox] == [["ana@example.com"], ["gus@example.com"]]


def test_an_address_is_one_person_however_it_is_written(db):
    User.objects.create_user("ana@example.com")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("Ana@Example.com")
    assert get_user_model().objects.get_by_natural_key("ANA@example.com")


def test_ana_signs_in_by_address_and_nobody_else_does(client, studio):
    form = {"login": "ana@example.com", "password": "not the password"}
    assert client.post(reverse("account_login"), form).status_code == 200
    form["password"] = PASSWORD
    assert client.post(reverse("account_login"), form).status_code == 302
    assert client.session["_auth_user_id"] == str(studio.ana.pk)


def test_a_session_ends_with_the_password(client, studio):
    client.force_login(studio.ana)
    assert client.get(reverse("connections")).status_code == 200
    studio.ana.set_password("another long password")
    studio.ana.save()
    assert client.get(reverse("connections")).status_code == 302


# --- the back office --------------------------------------------------------------------------


@pytest.fixture
def office(client, studio, connection):
    api_tokens.make(studio.ana, "portal")
    consent.decide(studio.ben, studio.ben.pk, "granted", consent.Basis())
    OAuthFlow.objects.create(
        state_digest="x", session_digest="y", organisation=studio.organisation, user=studio.ana,
        code_verifier="verifier-canary", started_at=connection.created_at,
    )  # fmt: skip
    client.force_login(person("Root", is_staff=True, is_superuser=True))
    return client


OURS = [model for model in admin.site._registry if model._meta.app_label in {"accounts", "audit"}]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_page_of_the_back_office_opens_and_shows_no_secret(office, studio, model):
    name = f"{model._meta.app_label}_{model._meta.model_name}"
    pages = [reverse(f"admin:{name}_changelist")]
    row = model._default_manager.first()
    assert row is not None
    pages.append(reverse(f"admin:{name}_change", args=[row.pk]))
    hidden = [*SECRETS, "verifier-canary", ApiToken.objects.get().digest, studio.ana.password]
    hidden.append(type(studio.ben).objects.get(pk=studio.ben.pk).data_key)
    for url in pages:
        answer = office.get(url)
        assert answer.status_code == 200, url
        text = answer.content.decode()
        assert not [secret for secret in hidden if secret in text]


@pytest.mark.parametrize("name", ["consentdecision", "connection", "apitoken"])
def test_what_is_history_or_secret_is_only_looked_at(office, name):
    url = reverse(f"admin:accounts_{name}_changelist")
    assert office.get(url).status_code == 200
    assert office.get(reverse(f"admin:accounts_{name}_add")).status_code == 403
    row = admin.site._registry
    model = next(each for each in row if each._meta.model_name == name)
    pk = model._default_manager.first().pk
    assert office.post(reverse(f"admin:accounts_{name}_change", args=[pk]), {}).status_code == 403
    assert office.post(
        reverse(f"admin:accounts_{name}_delete", args=[pk]), {"post": "yes"}
    ).status_code == 403  # fmt: skip
    assert model._default_manager.filter(pk=pk).exists()


def test_the_back_office_assigns_an_athlete_to_an_assistant(office, studio):
    url = reverse("admin:accounts_athleteuserobjectpermission_add")
    form = {"user": str(studio.cara.pk), "content_object": str(studio.eve.pk)}
    assert office.post(url, form).status_code == 302
    row = AthleteUserObjectPermission.objects.get(content_object=studio.eve)
    assert row.permission.codename == "view_athlete"
    assert studio.cara.has_perm("view_athlete", studio.eve)
    again = office.post(url, form)
    assert "assigned to this person already" in again.content.decode()
    form = {"user": str(studio.dan.pk), "content_object": str(studio.eve.pk)}
    assert "no assistant" in office.post(url, form).content.decode()


def test_a_role_changed_in_the_back_office_is_sealed_in_the_log(office, studio):
    membership = studio.ana.memberships.get()
    url = reverse("admin:accounts_membership_change", args=[membership.pk])
    form = {
        "user": str(studio.ana.pk), "organisation": str(studio.organisation.pk), "role": "auditor",
    }  # fmt: skip
    before = Entry.objects.filter(action="model.changed").count()
    assert office.post(url, form).status_code == 302
    assert Entry.objects.filter(action="model.changed").count() == before + 1
    entry = Entry.objects.order_by("seq").last()
    root = User.objects.get(email="root@example.com")
    assert f'"by":"{root.pk}"'.encode() in bytes(entry.body)


def test_who_may_enter_the_back_office_is_sealed_in_the_log_and_a_new_name_is_not(office, studio):
    url = reverse("admin:accounts_user_change", args=[studio.ana.pk])
    form = {"email": "ana@example.com", "name": "Ana Maria", "is_active": "on"}
    before = Entry.objects.count()
    assert office.post(url, form).status_code == 302
    assert Entry.objects.count() == before
    assert office.post(url, form | {"is_staff": "on"}).status_code == 302
    entry = Entry.objects.order_by("seq").last()
    assert entry.action == "model.changed"
    row = json.loads(bytes(entry.body))["extra"]["row"]
    assert LogEntry.objects.get(pk=row).changes == {"is_staff": ["False", "True"]}


def test_the_back_office_is_closed_to_a_coach(client, studio):
    client.force_login(studio.ana)
    assert client.get(reverse("admin:index")).status_code == 302


# --- commands ---------------------------------------------------------------------------------


def run(*args, **options):
    said = io.StringIO()
    call_command(*args, stdout=said, **options)
    return said.getvalue().strip()


def test_create_coach_makes_an_owner(db, monkeypatch):
    monkeypatch.setattr(create_coach, "getpass", lambda prompt: PASSWORD)
    said = run("create_coach", "fay@example.com", name="Fay", organisation="Fay Coaching")
    assert said == "Fay owns Fay Coaching."
    fay = User.objects.get()
    assert fay.check_password(PASSWORD)
    assert fay.memberships.get().role == Membership.Role.OWNER


def test_create_coach_refuses_a_weak_password_and_a_known_address(db, monkeypatch):
    monkeypatch.setattr(create_coach, "getpass", lambda prompt: "short")
    with pytest.raises(CommandError, match="too short"):
        run("create_coach", "fay@example.com")
    assert not User.objects.exists()
    User.objects.create_user("fay@example.com")
    with pytest.raises(CommandError, match="already"):
        run("create_coach", "FAY@example.com")


def test_create_api_token_shows_a_key_that_works(client, studio):
    key = run("create_api_token", "ana@example.com", "portal")
    answer = client.get("/api/v1/organisations/", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200


def test_create_api_token_needs_somebody(db):
    with pytest.raises(CommandError, match="Nobody signs in"):
        run("create_api_token", "nobody@example.com", "portal")
