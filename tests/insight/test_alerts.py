"""An alert's life: raised once, acknowledged by a person, resolved when its cause is gone."""

import threading
from dataclasses import replace

import pytest
from django.db import IntegrityError, connection

from audit.entry import decode
from audit.fsck import fsck
from audit.models import Entry
from insight import alerts
from insight.alerts import Finding
from insight.models import Alert
from insight.selectors.alerts import in_order, visible

pytestmark = pytest.mark.django_db


@pytest.fixture
def finding(studio):
    return Finding(
        "breaker_open",
        f"destination:{studio.destination.pk}",
        organisation=studio.organisation.pk,
        destination=studio.destination.pk,
        facts={"reason": "unavailable"},
    )


def told(*actions):
    """The entries about alerts, as the log has them."""
    entries = Entry.objects.filter(action__startswith="alert.").order_by("seq")
    return [
        (each["action"], each["outcome"]) for each in map(decode, (bytes(e.body) for e in entries))
    ]


def test_the_same_fault_is_one_alert_however_often_it_is_seen(finding):
    first = alerts.raise_(finding)
    again = alerts.raise_(finding)
    assert (again.pk, Alert.objects.count()) == (first.pk, 1)
    assert told() == [("alert.raised", "breaker_open")]


def test_what_it_says_is_brought_up_to_date(finding):
    first = alerts.raise_(finding)
    alerts.raise_(Finding(**{**vars(finding), "count": 3, "facts": {"reason": "no_answer"}}))
    first.refresh_from_db()
    assert (first.count, first.facts) == (3, {"reason": "no_answer"})
    assert first.last_at > first.first_at


def test_another_subject_or_another_kind_is_another_alert(finding):
    alerts.raise_(finding)
    alerts.raise_(Finding(**{**vars(finding), "subject": "another"}))
    alerts.raise_(Finding(**{**vars(finding), "kind": "lane_late"}))
    assert Alert.objects.count() == 3


def test_a_fault_that_comes_back_is_a_new_alert(finding):
    first = alerts.raise_(finding)
    assert alerts.resolve(first)
    assert not alerts.resolve(first)
    again = alerts.raise_(finding)
    assert again.pk != first.pk
    assert told() == [
        ("alert.raised", "breaker_open"),
        ("alert.resolved", "breaker_open"),
        ("alert.raised", "breaker_open"),
    ]
    assert fsck().good


def test_the_database_refuses_a_second_alert_that_stands(finding):
    first = alerts.raise_(finding)
    with pytest.raises(IntegrityError):
        Alert.objects.create(
            kind=first.kind, subject=first.subject, severity="warning", first_at=first.first_at,
            last_at=first.last_at, audit_entry_id=first.audit_entry_id,
        )  # fmt: skip


def test_acknowledging_says_who_and_lets_it_stand(finding, studio):
    alert = alerts.raise_(finding)
    alerts.acknowledge(alert, studio.ana, note="Looking at it", assigned_to=studio.ana)
    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by, alert.note) == (
        "acknowledged", studio.ana, "Looking at it",
    )  # fmt: skip
    assert alerts.raise_(finding).pk == alert.pk
    assert alerts.resolve(alert)
    assert b"Looking" not in b"".join(bytes(e.body) for e in Entry.objects.all())


def counted(finding, count, *, adds_up=True):
    alerts.raise_(replace(finding, kind="delivery_dead", count=count, adds_up=adds_up))
    return Alert.objects.get(kind="delivery_dead")


def test_more_than_was_acknowledged_opens_it_again(finding, studio):
    alerts.acknowledge(counted(finding, 3), studio.ana, note="Mine", assigned_to=studio.ana)
    assert counted(finding, 3).state == "acknowledged"
    again = counted(finding, 4)
    assert (again.state, again.count, again.assigned_to) == ("open", 4, studio.ana)
    assert told()[-1] == ("alert.worsened", "delivery_dead")
    alerts.acknowledge(again, studio.ana)
    assert counted(finding, 1).state == "acknowledged"
    assert counted(finding, 2).state == "open"  # more than was left of them


def test_a_queue_that_grows_and_shrinks_stays_acknowledged(finding, studio):
    alerts.acknowledge(counted(finding, 3), studio.ana)
    assert counted(finding, 9, adds_up=False).state == "acknowledged"


def test_what_is_over_cannot_be_acknowledged(finding, studio):
    alert = alerts.raise_(finding)
    alerts.resolve(alert)
    with pytest.raises(alerts.AlertOverError):
        alerts.acknowledge(alert, studio.ana)


def test_the_log_names_the_athlete_by_pseudonym_only(studio):
    alerts.raise_(
        Finding(
            "webhooks_silent",
            f"athlete:{studio.ben.pk}",
            organisation=studio.organisation.pk,
            athlete=studio.ben.pk,
            facts={"heard": None},
        )
    )
    entry = Entry.objects.get(action="alert.raised")
    assert entry.subject == studio.ben.pseudonym
    assert str(studio.ben.pk).encode() not in bytes(entry.body)


def test_open_comes_before_acknowledged_and_critical_before_warning(studio, finding):
    for number, kind in enumerate(["lane_late", "breaker_open", "delivery_dead"]):
        alerts.raise_(Finding(kind, str(number), organisation=studio.organisation.pk))
    alerts.acknowledge(Alert.objects.get(kind="delivery_dead"), studio.ana)
    kinds = [each.kind for each in in_order(visible(studio.ana))]
    assert kinds == ["breaker_open", "lane_late", "delivery_dead"]


@pytest.mark.django_db(transaction=True)
def test_two_who_see_a_fault_at_the_same_moment_raise_one_alert(studio, finding):
    together = threading.Barrier(4)
    failures = []

    def see():
        try:
            together.wait(10)
            alerts.raise_(finding)
        except Exception as error:  # noqa: BLE001 - the test asks for any
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=see) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert Alert.objects.count() == 1
    assert len(told()) == 1
