"""Who is recorded as having acted."""

import json
from uuid import UUID

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.utils.functional import SimpleLazyObject

from audit import actor
from audit.actor import SYSTEM, Actor, acting
from audit.log import audited_atomic
from audit.middleware import ActorMiddleware
from audit.models import Entry

GIVEN = "0f8fad5b-d9cb-469f-a165-70867728950e"


class Ana:
    pk = UUID(int=5)
    is_authenticated = True


def answered(rf, view, user=None, **headers):
    request = rf.get("/", headers=headers)
    if user is not None:
        request.user = user
    return ActorMiddleware(view)(request)


def whoever(seen):
    def view(request):
        seen.append((actor.current(), actor.request_id()))
        return HttpResponse()

    return view


def test_without_anybody_the_system_acts():
    assert actor.current() == SYSTEM
    assert actor.request_id() == ""


def test_an_actor_is_of_a_known_kind():
    with pytest.raises(ValueError, match="athlete"):
        Actor("coach", "1")


def test_a_signed_in_person_acts_and_nobody_else_afterwards(rf):
    seen = []
    answered(rf, whoever(seen), Ana())
    assert seen[0][0] == Actor("user", str(Ana.pk))
    assert actor.current() == SYSTEM


@pytest.mark.parametrize("user", [None, AnonymousUser()])
def test_a_stranger_acts_as_the_system(rf, user):
    seen = []
    answered(rf, whoever(seen), user)
    assert seen[0][0] == SYSTEM


def test_who_is_signed_in_is_not_asked_before_something_is_recorded(rf):
    def ask():
        pytest.fail("the session was read for nothing")

    answered(rf, lambda request: HttpResponse(), SimpleLazyObject(ask))


def test_a_person_the_api_recognises_later_is_the_one_who_acts(rf):
    seen = []

    def api(request):
        request.user = Ana()
        return whoever(seen)(request)

    answered(rf, api, AnonymousUser())
    assert seen[0][0].kind == "user"


def test_an_athlete_may_act_inside_of_somebodys_request():
    with acting(Actor("user", "x"), "ab" * 16), acting(Actor("athlete", "y")):
        assert actor.current() == Actor("athlete", "y")
        assert actor.request_id() == "ab" * 16


@pytest.mark.parametrize("given", [GIVEN, GIVEN.upper(), "ab" * 16])
def test_a_request_number_of_the_right_form_is_kept(rf, given):
    seen = []
    answer = answered(rf, whoever(seen), **{"X-Request-ID": given})
    assert seen[0][1] == answer["X-Request-ID"] == given.lower()


@pytest.mark.parametrize("given", ["", "ben-baker-1984", "x" * 200, "1; drop", "ab" * 15])
def test_any_other_request_number_is_replaced(rf, given):
    seen = []
    answer = answered(rf, whoever(seen), **{"X-Request-ID": given})
    assert answer["X-Request-ID"] != given
    assert len(seen[0][1]) == 32


@pytest.mark.django_db
def test_actor_and_request_are_in_the_entry(rf):
    def view(request):
        with audited_atomic() as log:
            log.record("route.paused")
        return HttpResponse()

    answered(rf, view, Ana(), **{"X-Request-ID": GIVEN})
    said = json.loads(bytes(Entry.objects.latest("seq").body))
    assert (said["actor"], said["by"], said["request"]) == ("user", str(Ana.pk), GIVEN)
