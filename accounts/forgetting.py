"""What this room holds of a person, made unreadable: key, name, address, zone, links, permissions.

What the audit log has digested is left as it was; the names that stood beside it go.
"""

from typing import Any

from auditlog import get_logentry_model
from django.contrib.admin.models import LogEntry as OfficeEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet, TextField
from django.db.models.functions import Cast

from accounts.models import (
    Athlete,
    AthleteGroupObjectPermission,
    AthleteUserObjectPermission,
    Connection,
)

NAME = "Erased athlete"
PERMISSIONS = (AthleteUserObjectPermission, AthleteGroupObjectPermission)


def forget(athlete: Athlete) -> None:
    """Done twice, it changes nothing more. Part of the caller's transaction."""
    _forget_calendar(athlete.connection)
    for permissions in PERMISSIONS:
        permissions.objects.filter(content_object=athlete).delete()
    athlete.cohorts.clear()
    _forget_row(athlete)
    _forget_labels(athlete)


def _forget_row(athlete: Athlete) -> None:
    athlete.state = Athlete.State.ERASED
    athlete.name, athlete.email, athlete.time_zone = NAME, "", ""
    athlete.source_id = athlete.connection = athlete.data_key = None
    athlete.is_premium = True
    athlete.link_generation += 1
    athlete.save()


def _forget_calendar(connection: Connection | None) -> None:
    """A published calendar is one person's: its address and its name are theirs."""
    if connection is None or connection.kind != Connection.Kind.CALENDAR_FEED:
        return
    connection.name, connection.feed_url = NAME, None
    connection.state = Connection.State.DISCONNECTED
    connection.save()
    _labels(Connection).filter(object_pk=str(connection.pk)).update(object_repr="")


def _forget_labels(athlete: Athlete) -> None:
    """Beside each change of a row stands what the row was called."""
    said = Cast("changes", TextField())
    _labels(Athlete).filter(object_pk=str(athlete.pk)).update(object_repr="")
    for permissions in PERMISSIONS:
        about = _labels(permissions).annotate(said=said).filter(said__contains=str(athlete.pk))
        about.update(object_repr="")
    office = OfficeEntry.objects.filter(content_type=ContentType.objects.get_for_model(Athlete))
    office.filter(object_id=str(athlete.pk)).update(object_repr="", change_message="")


def _labels(model: type[Model]) -> QuerySet[Any]:
    kind = ContentType.objects.get_for_model(model)
    found: QuerySet[Any] = get_logentry_model().objects.filter(content_type=kind)
    return found
