"""Stops: what a person holds back, from one athlete to everything. The queue is kept."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from sharing.models.base import REASON_LENGTH, Identified, audit_entry
from sharing.models.tenancy import OrganisationTenants

EVERYTHING = "everything"
NARROWEST_FIRST = ("athlete", "cohort", "route", "destination", "organisation")


class Stop(Identified):
    """Nothing leaves for what this covers until it is lifted.

    It covers one destination, route, cohort or athlete; with none of them named, a whole
    organisation; without an organisation, the whole installation.
    """

    class Mode(models.TextChoices):
        PAUSE = "pause", "Pause: nothing new is begun"
        DRAIN = "drain", "Drain: what waits now still goes out, nothing newer is begun"
        KILL = "kill", "Kill switch: what is under way stops before its next call, too"

    class Guardrail(models.TextChoices):
        """What Baton itself watches, and pauses what breaks it."""

        VOLUME = "volume", "Unusual volume"
        FAILURES = "failures", "Too many failures"
        EMPTYING = "emptying", "Emptied calendars"

    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.CASCADE, related_name="stops", null=True
    )
    destination = models.ForeignKey(
        "destinations.Destination", on_delete=models.CASCADE, related_name="stops", null=True
    )
    route = models.ForeignKey(
        "sharing.Route", on_delete=models.CASCADE, related_name="stops", null=True
    )
    cohort = models.ForeignKey(
        "accounts.Cohort", on_delete=models.CASCADE, related_name="stops", null=True
    )
    athlete = models.ForeignKey(
        "accounts.Athlete", on_delete=models.CASCADE, related_name="stops", null=True
    )
    mode = models.CharField(max_length=8, choices=Mode.choices)
    reason = models.CharField(max_length=REASON_LENGTH)
    guardrail = models.CharField(max_length=8, choices=Guardrail.choices, blank=True)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    stopped_at = models.DateTimeField()
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    lifted_at = models.DateTimeField(null=True)
    audit_entry = audit_entry()

    objects = OrganisationTenants("view_stop")

    class Meta:
        ordering = ["-stopped_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(organisation__isnull=False)
                | Q(destination=None, route=None, cohort=None, athlete=None),
                name="only_a_stop_of_everything_has_no_organisation",
            ),
            models.CheckConstraint(
                condition=Q(route=None, cohort=None, athlete=None)
                | Q(destination=None, cohort=None, athlete=None)
                | Q(destination=None, route=None, athlete=None)
                | Q(destination=None, route=None, cohort=None),
                name="a_stop_covers_one_thing",
            ),
        ]
        indexes = [
            models.Index(fields=["stopped_at"], condition=Q(lifted_at=None), name="stops_in_force")
        ]

    def __str__(self) -> str:
        return f"{self.mode} since {self.stopped_at}"

    @property
    def scope(self) -> str:
        """What sort of thing it covers."""
        return next((name for name in NARROWEST_FIRST if getattr(self, f"{name}_id")), EVERYTHING)
