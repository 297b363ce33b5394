"""Who is told of an alert and when: rows that wait to be mailed, written with the alert itself.

Of one fault a person hears at most every half hour. Who was never told that it began is not
told that it is over.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Max, Q, QuerySet

from accounts import roles
from accounts.models import Membership, User
from audit.log import audited_atomic
from insight.models import Alert, Notice

APART = timedelta(minutes=30)

RAISED, RESOLVED = Notice.Event.RAISED, Notice.Event.RESOLVED
WAITING, SENT, DROPPED = Notice.State.WAITING, Notice.State.SENT, Notice.State.DROPPED


def people_of(alert: Alert) -> QuerySet[User]:
    """Owners and admins; whoever answers for the destination; the athlete's coach."""
    if alert.organisation_id is None:
        return _operators()
    members = Membership.objects.filter(organisation=alert.organisation_id)
    concerned = members.filter(Q(role__in=roles.ADMINISTRATORS) | _answering(alert)).values("user")
    return User.objects.filter(is_active=True, pk__in=concerned)


def raised(alert: Alert, now: datetime) -> None:
    """It began, or became worse. Part of the caller's transaction, as is `resolved`."""
    same = _of_the_fault(alert)
    same.filter(event=RESOLVED, state=WAITING).update(state=DROPPED)  # it is not over after all
    alert.notices.filter(state=WAITING).update(state=DROPPED)  # this one says more
    _owe(alert, RAISED, people_of(alert).values_list("pk", flat=True), now, since=same)


def resolved(alert: Alert, now: datetime) -> None:
    """Whoever heard last that the fault is there is owed its end: maybe of an earlier alert, if it
    comes and goes.
    """
    alert.notices.filter(event=RAISED, state=WAITING).update(state=DROPPED)
    same = _of_the_fault(alert)
    heard = dict(same.filter(state=SENT).order_by("sent_at").values_list("person", "event"))
    told = [person for person, event in heard.items() if event == RAISED]
    _owe(alert, RESOLVED, told, now, since=same)


def sent(notice: Notice, now: datetime) -> None:
    """It is out. If the alert ended meanwhile, its end is owed to this person, too."""
    with audited_atomic():
        alert = Alert.objects.select_for_update(no_key=True).get(pk=notice.alert_id)
        Notice.objects.filter(pk=notice.pk).update(state=SENT, sent_at=now, last_error="")
        if notice.event == RAISED and not alert.stands:
            _owe(alert, RESOLVED, [notice.person_id], now, since=_of_the_fault(alert))


def _of_the_fault(alert: Alert) -> QuerySet[Notice]:
    """Of this alert and of those before it: a fault that comes back is a new alert."""
    return Notice.objects.filter(alert__kind=alert.kind, alert__subject=alert.subject)


def _owe(
    alert: Alert,
    event: Notice.Event,
    people: Iterable[UUID],
    now: datetime,
    *,
    since: QuerySet[Notice],
) -> None:
    last = dict(since.filter(state=SENT).values_list("person").annotate(Max("sent_at")).order_by())
    for person in people:
        due = max(now, last[person] + APART) if person in last else now
        Notice.objects.get_or_create(
            alert=alert,
            person_id=person,
            event=event,
            level=alert.level,
            defaults={"made_at": now, "due_at": due},
        )


def _operators() -> QuerySet[User]:
    """Who runs the installation: its staff; where there is none, the owners."""
    active = User.objects.filter(is_active=True)
    staff = active.filter(is_staff=True)
    owners = Membership.objects.filter(role=Membership.Role.OWNER).values("user")
    return staff if staff.exists() else active.filter(pk__in=owners)


def _answering(alert: Alert) -> Q:
    """Beside the administration. They count only as members of the organisation."""
    who = Q(pk__in=[])
    if alert.destination is not None:
        who |= Q(user__in=[alert.destination.owner_id, alert.destination.deputy_id])
    connection = alert.connection or (alert.athlete.connection if alert.athlete else None)
    if connection is not None:
        who |= Q(user=connection.user_id)
    elif alert.athlete is not None:
        who |= Q(role=Membership.Role.COACH)
    return who
