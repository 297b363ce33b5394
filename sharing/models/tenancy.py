"""The wall between organisations, asked for once: every row leads to an athlete or to an
organisation.
"""

from typing import TypeVar

from django.db import models
from django.db.models import QuerySet

from accounts.models import Athlete, Organisation, User

M = TypeVar("M", bound=models.Model)


class Tenants(models.Manager[M]):
    """Rows that belong to an athlete: who may see the athlete may see them."""

    def __init__(self, athlete: str = "athlete") -> None:
        super().__init__()
        self.athlete = athlete

    def for_user(self, user: User) -> QuerySet[M]:
        return self.filter(**{f"{self.athlete}__in": Athlete.objects.for_user(user)})


class OrganisationTenants(models.Manager[M]):
    """Rows that belong to an organisation: its members may see them."""

    def for_user(self, user: User) -> QuerySet[M]:
        return self.filter(organisation__in=Organisation.objects.for_user(user))
