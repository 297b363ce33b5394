"""Ana's studio, with Olga who owns it; watchdogs that look when the test says so."""

import pytest

from accounts.models import Connection, Membership, Organisation, User
from insight import watchdogs
from insight.models import Alert
from sharing import deliveries
from sharing.models import Source
from tests.sharing import fake_destination
from tests.sharing import world as worlds


@pytest.fixture
def inbox(monkeypatch):
    return fake_destination.install(monkeypatch)


@pytest.fixture
def studio(db, inbox):
    """Ana coaches Ben, who agreed; her TrainingPeaks is connected and his calendar was read."""
    studio = worlds.build(name="Squad calendar")
    studio.agree()
    studio.connection = Connection.objects.create(
        organisation=studio.organisation, user=studio.ana, name="Ana's TrainingPeaks"
    )
    studio.ben.connection = studio.connection
    studio.ben.save()
    studio.source = Source.objects.create(athlete=studio.ben)
    return studio


@pytest.fixture
def olga(studio):
    return member(studio.organisation, "Olga", Membership.Role.OWNER)


@pytest.fixture
def dan(db):
    """He owns another studio."""
    organisation = Organisation.objects.create(name="Elsewhere", slug="elsewhere")
    return member(organisation, "Dan", Membership.Role.OWNER)


def member(organisation, name, role):
    user = User.objects.create_user(f"{name.lower()}@example.com", None, name=name)
    Membership.objects.create(user=user, organisation=organisation, role=role)
    return user


def look():
    watchdogs.look()
    watchdogs.look_at_the_ledger()


def standing():
    """The kinds that stand, after every watchdog has looked."""
    look()
    return {alert.kind for alert in Alert.objects.filter(state__in=["open", "acknowledged"])}


def alert(kind):
    return Alert.objects.get(kind=kind, state__in=["open", "acknowledged"])


def work():
    while deliveries.deliver_due("test"):
        pass
