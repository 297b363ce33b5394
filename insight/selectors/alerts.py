"""Alerts as people read them: whom they concern, in the reader's words, the open ones first."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone

from accounts import roles
from accounts.models import Athlete, Membership, User
from accounts.rights import roles_with
from insight.catalogue import KINDS, AlertKind
from insight.models import STANDING, Alert
from sharing.ledger import MOST_NAMED
from sharing.models import Lane
from sharing.reasons import explain

Role = Membership.Role
HOUR = timedelta(hours=1)
SAID = {
    "job": "The job is {}.",
    "refused": "TrainingPeaks refuses to announce: {}.",
    "percent": "{} % of the way to being switched off.",
    "seconds": "They are {} seconds apart.",
    "refusal": "It says: {}.",
}


@dataclass(frozen=True)
class Shown:
    """One alert for one reader. `details` are the facts as sentences."""

    alert: Alert
    kind: AlertKind
    name: str
    words: str
    details: list[str]
    url: str


def visible(user: User) -> QuerySet[Alert]:
    """What a role lets see. Somebody who answers for destinations sees no athlete's alerts."""
    held = Membership.objects.filter(user=user, user__is_active=True)
    partial = (Role.ASSISTANT, Role.DESTINATION_OWNER)
    whole = held.exclude(role__in=partial).values("organisation")
    assisted = held.filter(role=Role.ASSISTANT).values("organisation")
    places = held.filter(role=Role.DESTINATION_OWNER).values("organisation")
    seen = Q(organisation__in=whole)
    seen |= Q(organisation__in=assisted) & (
        Q(athlete=None) | Q(athlete__in=Athlete.objects.for_user(user))
    )
    seen |= Q(organisation__in=places, destination__isnull=False, athlete=None)
    if _operates(user):
        seen |= Q(organisation=None)
    return Alert.objects.filter(seen)


def in_order(rows: QuerySet[Alert]) -> QuerySet[Alert]:
    """Open, acknowledged, resolved; the critical and the newest first."""
    ranked = rows.annotate(
        state_rank=_rank("state", Alert.State.values),
        severity_rank=_rank("severity", Alert.Severity.values),
    )
    return ranked.order_by("state_rank", "severity_rank", "-first_at", "pk")


def _rank(column: str, values: Iterable[str]) -> Case:
    ranks = [When(**{column: value}, then=Value(rank)) for rank, value in enumerate(values)]
    return Case(*ranks, output_field=IntegerField())


def open_count(user: User) -> int:
    return visible(user).filter(state=Alert.State.OPEN).count()


def standing(rows: QuerySet[Alert]) -> QuerySet[Alert]:
    return rows.filter(state__in=STANDING)


def may_handle(user: User, alert: Alert) -> bool:
    if alert.organisation_id is None:
        return _operates(user)
    return roles.may(user, "handle_alert", alert)


def helpers(alert: Alert) -> QuerySet[User]:
    """To whom it can be given: people of the organisation whose role lets them take care of it."""
    if alert.organisation_id is None:
        return User.objects.filter(is_active=True, is_staff=True)
    able = roles_with("handle_alert")
    members = Membership.objects.filter(organisation=alert.organisation_id, role__in=able)
    return User.objects.filter(is_active=True, pk__in=members.values("user")).order_by("email")


def shown(rows: Iterable[Alert], user: User) -> list[Shown]:
    administered = set(
        Membership.objects.filter(user=user, role__in=roles.ADMINISTRATORS).values_list(
            "organisation", flat=True
        )
    )
    alerts = list(rows)
    names = _lanes(alerts, user)
    return [_shown(alert, administered, names) for alert in alerts]


def _lanes(alerts: Iterable[Alert], user: User) -> dict[str, str]:
    """What the lanes that alerts name are called, for whoever may see their athletes."""
    named = {lane for alert in alerts for lane in alert.facts.get("promises", {})}
    if not named:
        return {}
    lanes = Lane.objects.for_user(user).filter(pk__in=named)
    return {
        str(lane.pk): f"{lane.plan.athlete.name}, {lane.plan.name} to {lane.destination.name}"
        for lane in lanes.select_related("plan__athlete", "destination")
    }


def _shown(alert: Alert, administered: set[UUID], names: Mapping[str, str]) -> Shown:
    kind = KINDS[alert.kind]
    technical = alert.organisation_id is None or alert.organisation_id in administered
    return Shown(
        alert=alert,
        kind=kind,
        name=_name(alert),
        words=kind.words(technical=technical),
        details=details(alert, names=names),
        url=kind.page(alert),
    )


def _name(alert: Alert) -> str:
    about = alert.athlete or alert.destination or alert.connection
    return str(about) if about else ""


def details(
    alert: Alert, now: datetime | None = None, names: Mapping[str, str] | None = None
) -> list[str]:
    """What the facts say. They hold no names, so this may leave by mail; a reader has `names`."""
    facts, said = alert.facts, []
    if "field" in facts:
        said.append(f"Field {facts['field'] or 'unnamed'} of {facts['contract']}.")
    if "heard" in facts:
        said.append(_heard(facts, alert.resolved_at or now or timezone.now()))
    if "window" in facts:
        said.append(f"{alert.count} failed attempts within {facts['window']} seconds.")
    elif alert.count > 1:
        said.append(f"{alert.count} in all.")
    said += [words.format(facts[fact]) for fact, words in SAID.items() if fact in facts]
    said += _unplaced(alert, names or {})
    if facts.get("reason"):
        said.append(explain(facts["reason"]).coach_words)
    if "last" in facts:
        said.append(f"It was last well on {_exact(facts['last'])}.")
    if "since" in facts:
        said.append(f"The oldest is of {_exact(facts['since'])}.")
    return said


def _unplaced(alert: Alert, names: Mapping[str, str]) -> Iterator[str]:
    for lane, odd in alert.facts.get("promises", {}).items():
        numbers = ", ".join(map(str, odd)) + (" and perhaps more" if len(odd) == MOST_NAMED else "")
        where = f"{names[lane]} (lane {lane})" if lane in names else f"Lane {lane}"
        yield f"{where}: promise{'' if len(odd) == 1 else 's'} {numbers}."


def _exact(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%-d %b %Y, %H:%M:%S} UTC"


def _heard(facts: Mapping[str, Any], now: datetime) -> str:
    if facts["heard"] is not None:
        return f"The last webhook event came {_ago(facts['heard'], now)}."
    asked = f"; they were asked for {_ago(facts['asked'], now)}" if "asked" in facts else ""
    return f"No webhook event ever came{asked}."


def _ago(moment: int, now: datetime) -> str:
    hours = int((now - datetime.fromtimestamp(moment, UTC)) / HOUR)
    return f"{hours} hour{'' if hours == 1 else 's'} ago" if hours else "less than an hour ago"


def _operates(user: User) -> bool:
    """Whether the installation is this person's concern: its work stands still for them, too."""
    administers = Membership.objects.filter(user=user, role__in=roles.ADMINISTRATORS)
    return user.is_staff or administers.exists()
