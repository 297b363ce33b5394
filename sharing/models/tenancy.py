"""The wall between organisations, asked for once: every row leads to an athlete or to an
organisation.
"""

from typing import TypeVar

from django.db import models
from django.db.models import QuerySet

from accounts.models import Athlete, Organisation, User
from audit.append_only import AppendOnlyManager

M = TypeVar("M", bound=models.Model)


class Tenants(models.Manager[M]):
    """Rows that belong to an athlete: who may see the athlete may see them, or who holds the
    right that they ask for.
    """

    def __init__(self, athlete: str = "athlete", permission: str = "view_athlete") -> None:
        super().__init__()
        self.athlete, self.permission = athlete, permission

    def for_user(self, user: User) -> QuerySet[M]:
        seen = Athlete.objects.for_user(user, self.permission)
        return self.filter(**{f"{self.athlete}__in": seen})


class AppendOnlyTenants(Tenants[M], AppendOnlyManager[M]):
    """Those of them that are written once."""


class OrganisationTenants(models.Manager[M]):
    """Rows that belong to an organisation: its members whose role holds the right may see them.

    Where no right is named nobody may.
    """

    def __init__(self, permission: str = "") -> None:
        super().__init__()
        self.permission = permission

    def for_user(self, user: User) -> QuerySet[M]:
        return self.filter(organisation__in=Organisation.objects.allowing(user, self.permission))
