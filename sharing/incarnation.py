"""Which life of the data this is. A restored backup brings an earlier one back.

In the life that was lost, plans had newer versions, and destinations were told of them: nothing
of that is known here. So every key, and every number that leaves, names its life. The number is
kept in the database and, so that an old database is recognised, in BATON_INCARNATION outside;
within one life, a mark outside tells how far the log had come.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from sharing import mark
from sharing.models import Delivery, Installation, Lane, Source

ERA = 1_000_000  # numbers in one life
PUT_BACK = "a backup was put back. Nothing is sent until `manage.py after_restore` has run."
BEHIND = f"The database is older than BATON_INCARNATION says: {PUT_BACK}"
LACKING = (
    f"The database lacks entries of its log that BATON_MARK_FILE knows of: {PUT_BACK} (If the file "
    "is not about this database, delete it.)"
)


@dataclass(frozen=True)
class Life:
    number: int

    def numbered(self, number: int) -> int:
        """A number as the world is told it: above all that it was told in earlier lives."""
        return (self.number - 1) * ERA + number


def current() -> Life:
    return Life(max(settings.BATON_INCARNATION, stored()))


def stored() -> int:
    """The life that the database knows of."""
    return Installation.objects.values_list("incarnation", flat=True).first() or 1


def behind() -> str:
    """Why the database is older than what the world outside has seen; empty when it is not."""
    return _behind(stored())


def look() -> str:
    """As `behind`; and where the database is not, the file outside may learn how far it is."""
    life = stored()
    why = _behind(life)
    if not why:
        mark.keep(life)
    return why


def _behind(life: int) -> str:
    if life < settings.BATON_INCARNATION:
        return BEHIND
    return LACKING if mark.lacking(life) else ""


def restored_at() -> datetime | None:
    return Installation.objects.values_list("restored_at", flat=True).first()


def unseen(lane: Lane) -> bool:
    """Whether nobody has looked, since the restore, at what this lane's destination holds."""
    restored = restored_at() if lane.verify_needed else None
    return restored is not None and not lane.attempts.filter(started_at__gte=restored).exists()


def unconfirmed(lane: Lane) -> bool:
    """Whether its destination may hold what only the lost life knew of: nothing was brought there,
    or taken back, since the restore.
    """
    restored = restored_at() if lane.verify_needed else None
    if restored is None:
        return False
    return not lane.attempts.filter(started_at__gte=restored, outcome="success").exists()


def with_read_calendars(lanes: QuerySet[Lane]) -> QuerySet[Lane]:
    """Without those that were restored and may owe something older than what was sent.

    Until their calendar was read, only what is to be taken back may go.
    """
    if restored_at() is None:  # as nearly always
        return lanes
    return lanes.exclude(_unread())


def unread_calendar() -> Exists:
    """As a condition on deliveries: its lane waits for its calendar to be read after a restore."""
    restored = Exists(Installation.objects.filter(restored_at__isnull=False))
    return Exists(Lane.objects.filter(_unread(), restored, pk=OuterRef("lane")))


def _unread() -> Q:
    """As a condition on lanes, once something was restored."""
    unread = Source.objects.filter(athlete=OuterRef("plan__athlete"), read_at=None)
    removals = Delivery.objects.filter(
        lane=OuterRef("pk"), state=Delivery.State.WAITING, intent=Delivery.Intent.REMOVE
    )
    return Q(
        Exists(unread.exclude(state=Source.State.SUSPENDED)),
        ~Exists(removals),
        verify_needed=True,
    )
