import pytest
from rest_framework.test import APIClient

from accounts import api_tokens
from accounts.models import Membership, Organisation, User
from tests.sharing import fake_destination
from tests.sharing.world import build


@pytest.fixture
def inbox(monkeypatch):
    return fake_destination.install(monkeypatch)


@pytest.fixture
def studio(inbox):
    return build()


def client_of(user):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {api_tokens.make(user, 'tests')}")
    return client


@pytest.fixture
def ana(studio):
    return client_of(studio.ana)


@pytest.fixture
def dan():
    """A coach of another organisation."""
    stranger = User.objects.create_user("dan@elsewhere.example", None)
    elsewhere = Organisation.objects.create(name="Elsewhere", slug="elsewhere")
    Membership.objects.create(user=stranger, organisation=elsewhere, role="owner")
    return client_of(stranger)
