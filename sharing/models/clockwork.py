"""Rows that keep time for many processes: periodic jobs, heartbeats, calls, rate limits."""

from django.db import models

from sharing.models.base import long_ago


class PeriodicJob(models.Model):
    """A job that runs once per period, however many schedulers there are."""

    name = models.CharField(max_length=64, primary_key=True)
    next_run_at = models.DateTimeField(default=long_ago)
    lease_until = models.DateTimeField(default=long_ago)
    epoch = models.BigIntegerField(default=0)
    last_ok_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.name


class Heartbeat(models.Model):
    """When a pump was last seen alive."""

    worker = models.CharField(max_length=64, primary_key=True)
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.worker


class Hearing(models.Model):
    """One row: whether wake-up calls reach a worker. `asked_at` is since when one is missing."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    rung_at = models.DateTimeField(default=long_ago)
    asked_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)
    since = models.DateTimeField(null=True)  # they have arrived without a break since then

    def __str__(self) -> str:
        return f"heard at {self.heard_at}"


class Limiter(models.Model):
    """A rate limit shared by all workers: when the next call would be exactly on time."""

    key = models.CharField(max_length=64, primary_key=True)
    on_time_at = models.DateTimeField(default=long_ago)

    def __str__(self) -> str:
        return self.key


class Installation(models.Model):
    """One row: which life of the data this is. A restored backup brings the old number back."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    incarnation = models.PositiveIntegerField(default=1)
    restored_at = models.DateTimeField(null=True)  # when `after_restore` ran last

    def __str__(self) -> str:
        return f"incarnation {self.incarnation}"
