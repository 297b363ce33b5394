"""How long calls take: a histogram for each endpoint and hour."""

from django.db import models
from django.db.models import Q


class Latency(models.Model):
    """The calls of one endpoint within one hour, counted by how long they took.

    `counts` has one number for each bucket of `sharing.latency`. An endpoint of a destination
    belongs to that destination; those of the source belong to nobody.
    """

    endpoint = models.CharField(max_length=64)
    destination = models.ForeignKey(
        "destinations.Destination", on_delete=models.CASCADE, related_name="+", null=True
    )
    hour = models.DateTimeField()  # its beginning
    counts = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "destination", "hour"],
                name="one_histogram_for_an_endpoint_and_hour",
            ),
            models.UniqueConstraint(
                fields=["endpoint", "hour"],
                condition=Q(destination=None),
                name="one_histogram_for_an_endpoint_of_the_source",
            ),
        ]
        indexes = [models.Index(fields=["hour"], name="latency_by_hour")]

    def __str__(self) -> str:
        return f"{self.endpoint} in the hour from {self.hour}"
