"""What is kept of a try that failed: the destination's answer, or what we found wrong ourselves."""

from dataclasses import replace

import pytest

from accounts.models import Erasure
from audit.models import Entry
from destinations.contract import check
from destinations.errors import PayloadError, UnavailableError, UnknownOutcomeError
from destinations.http.excerpt import LONGEST
from sharing import clock, deliveries
from sharing.erasure import asking, finishing
from sharing.models import Attempt, Lane, RemoteRecord, Step
from tests import readable
from tests.sharing import fake_destination, readable_destination
from tests.sharing.world import build, session

pytestmark = pytest.mark.django_db(transaction=True)

ANSWER = '{"error": "Ben Canary has no calendar"}'
SHORT_TITLES = {"properties": {"title": {"maxLength": 3}}}


def tried():
    """One try, whatever came before."""
    Lane.objects.update(due_at=clock.now())
    assert deliveries.deliver_due("worker")
    return Attempt.objects.latest("started_at")


def doubted(monkeypatch):
    """A calendar that is looked at before it is written again, because its record is in doubt."""
    calendar = readable_destination.install(monkeypatch)
    world = build(idempotency_class="none")
    world.agree()
    world.publish()
    tried()
    RemoteRecord.objects.update(state=RemoteRecord.State.UNCERTAIN)
    Lane.objects.update(verify_needed=True)
    return world, calendar


@pytest.mark.parametrize("error", [PayloadError, UnavailableError, UnknownOutcomeError])
def test_a_step_that_failed_or_is_in_doubt_keeps_the_answer(studio, inbox, error):
    inbox.answers.append(error(excerpt=ANSWER))
    studio.publish()
    attempt = tried()
    assert attempt.steps.get().excerpt == ANSWER
    assert (attempt.problem, attempt.excerpt) == ("", "")


def test_each_item_of_a_batch_keeps_its_own_answer(studio, inbox, monkeypatch):
    def half(self, steps):
        return {step.item_key: PayloadError(excerpt=f"not {step.item_key}") for step in steps}

    adapter = fake_destination.FakeAdapter
    monkeypatch.setattr(adapter, "write_batch", half, raising=False)
    monkeypatch.setattr(adapter, "capabilities", replace(adapter.capabilities, batch=10))
    studio.publish(session("tp-1"), session("tp-2"))
    tried()
    assert set(Step.objects.values_list("excerpt", flat=True)) == {"not tp-1", "not tp-2"}


def test_no_more_is_kept_of_an_answer_than_there_is_room_for(studio, inbox):
    inbox.answers.append(PayloadError("e" * 300, excerpt="x" * 5000))
    studio.publish()
    attempt = tried()
    assert len(attempt.steps.get().excerpt) == LONGEST
    assert len(attempt.problem) == 255


def test_a_broken_contract_keeps_the_field_and_the_rule_and_nothing_of_the_plan(studio, inbox):
    inbox.answers.append(lambda step: check(step.item.body, SHORT_TITLES))
    studio.publish(session("tp-1", title="Canaryrun"))
    attempt = tried()
    assert (attempt.error_code, attempt.outcome) == ("contract_broken", "payload")
    assert attempt.problem == "The payload breaks its contract at title (maxLength)."
    assert "Canaryrun" not in repr(Attempt.objects.values())


def test_our_own_fault_in_rendering_is_not_said_to_be_the_destination_s(studio, monkeypatch):
    def faulty(*_):
        raise KeyError("Canaryrun")

    monkeypatch.setattr(fake_destination.FakeAdapter, "render", faulty)
    studio.publish()
    attempt = tried()
    assert (attempt.error_code, attempt.outcome) == ("rendering_failed", "payload")
    assert attempt.problem == "Rendering failed (KeyError)."
    assert studio.deliveries()[0].reason == "rendering_failed"


def test_an_answer_to_a_look_before_the_first_step_is_kept_with_the_attempt(monkeypatch):
    world, calendar = doubted(monkeypatch)
    calendar.faults.append(UnknownOutcomeError(code="unreadable_answer", excerpt="<html>"))
    world.publish(session("tp-1", title="Tempo"))
    attempt = tried()
    assert (attempt.error_code, attempt.excerpt) == ("unreadable_answer", "<html>")
    assert not attempt.steps.exists()


def test_nothing_that_was_answered_is_in_the_log(studio, inbox):
    inbox.answers.append(PayloadError("Canaryproblem", excerpt=ANSWER))
    studio.publish()
    tried()
    said = b"".join(bytes(entry.body) for entry in Entry.objects.all())
    assert b"Canary" not in said


def test_an_answer_that_comes_after_an_erasure_is_not_kept(studio, inbox):
    """It was waited for as long as may be: the erasure is done, and then the answer comes."""

    def meanwhile(step):
        asking.ask(studio.ben)
        assert finishing.finish(Erasure.objects.get(), at_once=True)
        raise PayloadError(excerpt=ANSWER)

    inbox.answers.append(meanwhile)
    studio.publish()
    attempt = tried()
    assert attempt.outcome == "late_failure"
    assert readable.found("Ben Canary") == []


def test_an_answer_to_a_look_that_comes_after_an_erasure_is_not_kept(monkeypatch):
    world, calendar = doubted(monkeypatch)

    def meanwhile():
        asking.ask(world.ben)
        assert finishing.finish(Erasure.objects.get(), at_once=True)
        raise UnknownOutcomeError(excerpt=ANSWER)

    calendar.faults.append(meanwhile)
    world.publish(session("tp-1", title="Tempo"))
    assert tried().outcome == "late_failure"
    assert readable.found("Ben Canary") == []
