"""Consent: no decision is no, the latest counts, and what was decided is never edited."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts import consent, notices
from accounts.models import ConsentDecision, ConsentHead, Organisation
from audit.models import Entry

PORTAL, CALENDAR = uuid4(), uuid4()
LINK = consent.Basis()
TERMS = consent.Terms(fields={"title", "duration_seconds"}, purpose="carry out the plan")


def decide(athlete, decision, destination=PORTAL, basis=LINK, terms=TERMS):
    return consent.decide(athlete, destination, decision, basis, terms)


def coach_of(studio):
    kind = ConsentDecision.Basis.COACH_RECORD
    return consent.Basis(kind=kind, note="Said so after training.", decided_by=studio.ana)


def current(athlete, destination=PORTAL, **how):
    return consent.current(athlete.pk, destination, **how)


def test_no_decision_is_no(studio):
    assert current(studio.ben) is None


def test_a_grant_is_for_one_athlete_and_one_destination(studio):
    decide(studio.ben, "granted")
    assert current(studio.ben).fields == ["duration_seconds", "title"]
    assert current(studio.ben, CALENDAR) is None
    assert current(studio.eve) is None


@pytest.mark.parametrize("then", ["declined", "withdrawn"])
def test_the_latest_decision_wins(studio, then):
    decide(studio.ben, "granted")
    decide(studio.ben, then)
    assert current(studio.ben) is None
    again = decide(studio.ben, "granted")
    assert current(studio.ben) == again


def test_two_decisions_of_one_moment_are_told_apart(studio, time_machine):
    time_machine.move_to(datetime(2026, 3, 2, 7, 30, tzinfo=UTC), tick=False)
    decide(studio.ben, "granted")
    decide(studio.ben, "withdrawn")
    assert current(studio.ben) is None


def test_a_grant_ends_at_its_expiry_to_the_second(studio):
    until = timezone.now() + timedelta(days=7)
    decide(studio.ben, "granted", terms=consent.Terms(fields={"title"}, expires_at=until))
    assert current(studio.ben, now=until - timedelta(seconds=1))
    assert current(studio.ben, now=until) is None


def test_the_athlete_must_decide_where_the_policy_says_so(studio):
    studio.organisation.consent_policy = Organisation.ConsentPolicy.ATHLETE
    studio.organisation.save()
    studio.ben.refresh_from_db()
    with pytest.raises(ValidationError, match="own link"):
        decide(studio.ben, "granted", basis=coach_of(studio))
    assert current(studio.ben) is None
    assert not ConsentDecision.objects.exists()
    assert decide(studio.ben, "granted", basis=LINK)
    assert decide(studio.ben, "withdrawn", basis=coach_of(studio))
    assert current(studio.ben) is None


def test_a_coach_may_record_what_the_athlete_said_where_the_policy_allows_it(studio):
    row = decide(studio.ben, "granted", basis=coach_of(studio))
    assert (row.decided_by, row.note) == (studio.ana, "Said so after training.")


def test_an_unknown_decision_is_refused(studio):
    with pytest.raises(ValidationError, match="granted, declined or withdrawn"):
        decide(studio.ben, "perhaps")


@pytest.mark.parametrize("missing", [{"note": " "}, {"decided_by": None}])
def test_a_coachs_record_says_who_recorded_it_and_how_the_athlete_said_so(studio, missing):
    basis = replace(coach_of(studio), **missing)
    with pytest.raises(ValidationError, match="how the athlete said so"):
        decide(studio.ben, "granted", basis=basis)


def test_a_field_that_no_plan_has_cannot_be_agreed_to(studio):
    with pytest.raises(ValidationError, match="no such fields: heart, weight"):
        decide(studio.ben, "granted", terms=consent.Terms(fields={"title", "weight", "heart"}))


def test_a_consent_that_is_over_before_it_begins_is_refused(studio):
    with pytest.raises(ValidationError, match="end after it begins"):
        decide(studio.ben, "granted", terms=consent.Terms(expires_at=timezone.now()))


def test_a_decision_keeps_the_version_and_hash_of_the_text_that_was_shown(studio):
    row = decide(studio.ben, "granted")
    shown = notices.read(row.notice_version)
    assert (row.notice_hash, row.language) == (shown.hash, "en")


def test_a_published_notice_is_never_edited():
    """Its hash stands in decisions. To say it differently, add a file and name it the newest."""
    assert {path.stem: notices.read(path.stem).hash for path in notices.FOLDER.glob("*.txt")} == {
        "en-1": "73099fd99f8a45951fae27db9b1d4267247b6144b81ba7fc3cffb6ca60fecd24",
    }


def test_the_log_knows_who_decided_what_and_no_name(studio):
    row = decide(studio.ben, "granted", basis=coach_of(studio))
    entry = Entry.objects.get(id=row.audit_entry_id)
    body = bytes(entry.body).decode()
    assert (entry.action, entry.subject, entry.destination) == (
        "consent.granted", studio.ben.pseudonym, PORTAL,
    )  # fmt: skip
    assert str(row.pk) in body
    for word in ("Ben", "after training", str(studio.ben.pk)):
        assert word not in body


def test_a_decision_cannot_be_changed_or_removed_by_the_model(studio):
    row = decide(studio.ben, "granted")
    row.decision = "declined"
    with pytest.raises(TypeError, match="never edited"):
        row.save()
    with pytest.raises(TypeError, match="never deleted"):
        row.delete()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_consentdecision SET decision = 'granted'",
        "UPDATE accounts_consentdecision SET expires_at = NULL",
        "DELETE FROM accounts_consentdecision",
    ],
)
def test_the_database_refuses_to_change_or_remove_a_decision(studio, statement):
    decide(studio.ben, "declined")
    refused = pytest.raises(DatabaseError, match="append-only")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert ConsentDecision.objects.get().decision == "declined"


def test_a_bulk_change_is_refused_too(studio):
    decide(studio.ben, "declined")
    with pytest.raises(TypeError, match="never edited"):
        ConsentDecision.objects.update(decision="granted")
    with pytest.raises(TypeError, match="never deleted"):
        ConsentDecision.objects.all().delete()


def test_a_decision_that_fails_to_commit_leaves_the_old_one_in_force(studio):
    kept = decide(studio.ben, "granted")
    entries = Entry.objects.count()
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012 - what happens before the failure is the case
        decide(studio.ben, "withdrawn")
        raise RuntimeError
    assert current(studio.ben) == kept
    assert Entry.objects.count() == entries
    assert ConsentHead.objects.get().latest == kept


def test_a_sender_locks_the_decision_it_relies_on(studio, django_assert_num_queries):
    decide(studio.ben, "granted")
    with transaction.atomic(), django_assert_num_queries(2) as seen:
        current(studio.ben, for_share=True)
    if connection.vendor == "postgresql":
        assert "FOR NO KEY UPDATE" in seen.captured_queries[0]["sql"]


def test_ana_sees_the_decisions_and_dan_does_not(studio):
    row = decide(studio.ben, "granted")
    decide(studio.eve, "granted")
    assert ConsentDecision.objects.for_user(studio.ana).count() == 2
    assert list(ConsentDecision.objects.for_user(studio.cara)) == [row]
    assert not ConsentDecision.objects.for_user(studio.dan).exists()
