"""Ana coaches Ben and Eve; Cara assists with Ben only; Dan has a studio of his own."""

from dataclasses import dataclass

import pytest

from accounts import assignments
from accounts.models import Athlete, Connection, Membership, Organisation, User

PASSWORD = "a long enough password"


@dataclass
class Studio:
    organisation: Organisation
    ana: User
    cara: User
    ben: Athlete
    eve: Athlete
    elsewhere: Organisation
    dan: User
    zoe: Athlete


def person(name, organisation=None, role=Membership.Role.COACH, **extra):
    user = User.objects.create_user(f"{name.lower()}@example.com", PASSWORD, name=name, **extra)
    if organisation:
        Membership.objects.create(user=user, organisation=organisation, role=role)
    return user


@pytest.fixture
def studio(db):
    keller = Organisation.objects.create(name="Keller Endurance", slug="keller")
    elsewhere = Organisation.objects.create(name="Elsewhere", slug="elsewhere")
    studio = Studio(
        organisation=keller,
        ana=person("Ana", keller),
        cara=person("Cara", keller, Membership.Role.ASSISTANT),
        ben=Athlete.objects.create(organisation=keller, name="Ben", source_id=1),
        eve=Athlete.objects.create(organisation=keller, name="Eve", source_id=2),
        elsewhere=elsewhere,
        dan=person("Dan", elsewhere, Membership.Role.OWNER),
        zoe=Athlete.objects.create(organisation=elsewhere, name="Zoe", source_id=1),
    )
    assignments.assign(studio.cara, studio.ben)
    return studio


@pytest.fixture
def connection(studio):
    return Connection.objects.create(
        organisation=studio.organisation,
        user=studio.ana,
        access_token="access-canary-1",
        refresh_token="refresh-canary-1",
    )
