"""Organisations, the people in them and the athletes they coach."""

import base64
import secrets
import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from accounts.rights import roles_with
from accounts.sealing import SealedError, SealedField, seal_with, unseal_with

DATA_KEY_BYTES = 32


class OrganisationManager(models.Manager["Organisation"]):
    def for_user(self, user: "User") -> QuerySet["Organisation"]:
        return self.filter(memberships__user=user).distinct()

    def allowing(self, user: "User", permission: str) -> QuerySet["Organisation"]:
        """Those in which this person's role holds the right; one held elsewhere counts nothing."""
        return self.filter(
            memberships__user=user, memberships__role__in=roles_with(permission)
        ).distinct()


class Organisation(models.Model):
    """A studio or club: the wall behind which everything else lives."""

    class ConsentPolicy(models.TextChoices):
        ATHLETE = "athlete", "The athlete decides through their own link"
        COACH = "coach", "The coach may record what the athlete said"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=64, unique=True)
    consent_policy = models.CharField(
        max_length=8, choices=ConsentPolicy.choices, default=ConsentPolicy.COACH
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrganisationManager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **extra: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in with an e-mail address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="one_account_per_address"),
        ]

    def __str__(self) -> str:
        return self.name or self.email


class Membership(models.Model):
    """What somebody is in an organisation."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        ADMIN = "admin", "Admin"
        COACH = "coach", "Coach"
        ASSISTANT = "assistant", "Assistant"
        DESTINATION_OWNER = "destination_owner", "Destination owner"
        AUDITOR = "auditor", "Auditor"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=20, choices=Role.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organisation"], name="one_role_per_organisation"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.organisation}"


class AthleteManager(models.Manager["Athlete"]):
    def for_user(self, user: User, permission: str = "view_athlete") -> QuerySet["Athlete"]:
        """All athletes of the organisations whose role holds the right; an assistant's are the
        assigned ones.
        """
        memberships = Membership.objects.filter(user=user, role__in=roles_with(permission))
        whole = memberships.exclude(role=Membership.Role.ASSISTANT).values("organisation")
        assisted = memberships.filter(role=Membership.Role.ASSISTANT).values("organisation")
        assigned = Q(organisation__in=assisted) & (
            _granted("user_permissions", user=user)
            | _granted("group_permissions", group__user=user)
        )
        return self.filter(Q(organisation__in=whole) | assigned).distinct()


def _granted(rows: str, **to: Any) -> Q:
    """Guardian's permission to view, as a condition: a list of athletes takes one query."""
    wanted = {"permission__codename": "view_athlete", **to}
    return Q(**{f"{rows}__{name}": value for name, value in wanted.items()})


class Athlete(models.Model):
    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        DETACHED = "detached", "No longer attached to the coach"
        ERASING = "erasing", "Being erased"
        ERASED = "erased", "Erased"

    LEAVING = (State.ERASING, State.ERASED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="athletes"
    )
    connection = models.ForeignKey(
        "accounts.Connection",
        on_delete=models.SET_NULL,
        related_name="athletes",
        null=True,
        blank=True,
    )
    source_id = models.BigIntegerField(null=True, blank=True)
    name = models.CharField(max_length=200)
    email = models.EmailField(max_length=254, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    is_premium = models.BooleanField(default=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    pseudonym = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    data_key = SealedField()
    link_generation = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AthleteManager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "source_id"], name="one_athlete_per_source_id"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.data_key and self._state.adding:
            self.data_key = base64.b64encode(secrets.token_bytes(DATA_KEY_BYTES)).decode()
        super().save(*args, **kwargs)

    @property
    def is_erased(self) -> bool:
        """Nothing about them can be read any more."""
        return self.state == self.State.ERASED

    @property
    def is_leaving(self) -> bool:
        """Asked to be erased: nothing new is shared, and nothing is asked of them."""
        return self.state in self.LEAVING

    def seal(self, data: bytes, purpose: str) -> bytes:
        """Seal content about this athlete. Destroying the key makes all of it unreadable."""
        return seal_with(self._key(), data, purpose)

    def unseal(self, sealed: bytes, purpose: str) -> bytes:
        return unseal_with(self._key(), sealed, purpose)

    def _key(self) -> bytes:
        if not self.data_key:
            raise SealedError("This athlete's key was destroyed: the content is gone for good.")
        return base64.b64decode(self.data_key)


class CohortManager(models.Manager["Cohort"]):
    def for_user(self, user: User) -> QuerySet["Cohort"]:
        """The cohorts of the organisations in which this person may see cohorts."""
        return self.filter(organisation__in=Organisation.objects.allowing(user, "view_cohort"))


class Cohort(models.Model):
    """Some athletes of an organisation under one name: a squad, a pilot group, a camp."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="cohorts")
    name = models.CharField(max_length=120)
    athletes = models.ManyToManyField(Athlete, blank=True, related_name="cohorts")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CohortManager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name"], name="cohort_names_are_unique")
        ]

    def __str__(self) -> str:
        return self.name


class ApiToken(models.Model):
    """A key for other software. Only its hash is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
