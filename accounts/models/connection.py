"""Connections: the coach's access to a source, its sealed tokens and how it is doing."""

import uuid

from django.db import models

from accounts.models.people import Organisation, User
from accounts.sealing import SealedField


class ConnectionManager(models.Manager["Connection"]):
    def for_user(self, user: User) -> models.QuerySet["Connection"]:
        return self.filter(organisation__in=Organisation.objects.allowing(user, "view_connection"))


class Connection(models.Model):
    class Kind(models.TextChoices):
        TRAININGPEAKS = "trainingpeaks", "TrainingPeaks"
        CALENDAR_FEED = "calendar_feed", "TrainingPeaks calendar feed"

    class State(models.TextChoices):
        HEALTHY = "healthy", "Healthy"
        NEEDS_REAUTH = "needs_reauth", "Needs to be connected again"
        SCOPE_MISSING = "scope_missing", "Not everything was allowed"
        DISCONNECTED = "disconnected", "Disconnected"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="connections"
    )
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="connections")
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.TRAININGPEAKS)
    name = models.CharField(max_length=200, blank=True)
    access_token = SealedField()
    refresh_token = SealedField()
    feed_url = SealedField()
    expires_at = models.DateTimeField(null=True)
    lifetime = models.DurationField(null=True)
    granted_scopes = models.JSONField(default=list)
    scope_findings = models.JSONField(default=list)
    state = models.CharField(max_length=16, choices=State.choices, default=State.HEALTHY)
    generation = models.PositiveIntegerField(default=0)
    refresh_lease_until = models.DateTimeField(null=True)
    refresh_owner = models.CharField(max_length=64, blank=True)
    last_ok_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)
    # Of the last try to renew the token; empty when that succeeded.
    refresh_error = models.CharField(max_length=200, blank=True, default="", db_default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ConnectionManager()

    def __str__(self) -> str:
        return self.name or self.get_kind_display()


class OAuthFlow(models.Model):
    """An authorisation on its way: used once, within ten minutes, by the browser that began it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state_digest = models.CharField(max_length=64, unique=True)
    session_digest = models.CharField(max_length=64)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    code_verifier = SealedField()
    started_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"authorisation begun {self.started_at}"
