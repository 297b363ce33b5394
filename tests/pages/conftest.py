"""Ana's studio with something on every page: two destinations, deliveries in several states."""

import pytest

from accounts.models import Athlete, Membership, Organisation, User
from sharing.deliveries import deliver_due
from tests.sharing import fake_destination
from tests.sharing import world as worlds


@pytest.fixture
def journal(monkeypatch):
    return fake_destination.install(monkeypatch)


@pytest.fixture
def world(db, journal):
    """Ana coaches Ben; version 1 was delivered, version 2 waits."""
    world = worlds.build(name="Squad calendar")
    world.ana.name = "Ana Moreira"
    world.ana.save()
    world.agree()
    world.publish()
    deliver_due("test")
    world.publish(worlds.session("tp-1", title="Tempo run"), worlds.session("tp-2"))
    return world


@pytest.fixture
def cara(world):
    return _person(world.organisation, "Cara", Membership.Role.ASSISTANT)


@pytest.fixture
def dan(db):
    """A coach of another studio."""
    organisation = Organisation.objects.create(name="Elsewhere", slug="elsewhere")
    return _person(organisation, "Dan", Membership.Role.OWNER)


@pytest.fixture
def stranger(dan):
    """Somebody of Dan's studio, whom Ana must never see."""
    organisation = dan.memberships.get().organisation
    return Athlete.objects.create(organisation=organisation, name="Zoe Elsewhere")


def _person(organisation, name, role):
    user = User.objects.create_user(f"{name.lower()}@example.com", "a long enough password")
    user.name = name
    user.save()
    Membership.objects.create(user=user, organisation=organisation, role=role)
    return user
