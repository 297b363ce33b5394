"""How much goes to a destination in an hour: what is usual is learned from it."""

from django.db import models


class HourlyVolume(models.Model):
    """New versions that were promised to a destination within one hour."""

    destination = models.ForeignKey(
        "destinations.Destination", on_delete=models.CASCADE, related_name="+"
    )
    hour = models.DateTimeField()  # its beginning
    versions = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["destination", "hour"], name="an_hour_is_counted_once")
        ]

    def __str__(self) -> str:
        return f"{self.versions} in the hour from {self.hour}"
