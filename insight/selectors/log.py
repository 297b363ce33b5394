"""The audit log as people read it: who did what, about whom, with the exact bytes as evidence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse

from accounts.models import Athlete, Connection, Organisation, User
from audit.entry import decode
from audit.models import Entry
from destinations.models import Destination
from insight.catalogue import KINDS
from sharing.models import Delivery, Plan
from sharing.reasons import known


@dataclass(frozen=True)
class About:
    word: str
    url: str = ""


@dataclass(frozen=True)
class Line:
    """An entry; its `outcome` is in words."""

    entry: Entry
    who: str
    outcome: str
    about: list[About]
    text: str

    @property
    def leaf(self) -> str:
        return bytes(self.entry.leaf_hash).hex()


def entries(user: User) -> QuerySet[Entry]:
    """The entries of the organisations whose log this person may read, newest first."""
    own = Organisation.objects.allowing(user, "view_audit").values("pk")
    return Entry.objects.filter(organisation__in=own).order_by("-seq")


def lines(shown: Iterable[Entry], user: User) -> list[Line]:
    rows = list(shown)
    names = _names(rows, user)
    return [_line(entry, names) for entry in rows]


def _line(entry: Entry, names: Mapping[UUID, About]) -> Line:
    text = bytes(entry.body).decode(errors="replace")
    body = _said(bytes(entry.body))
    keys = [entry.delivery, entry.plan, entry.subject, entry.destination]
    return Line(
        entry=entry,
        who=_who(str(body.get("actor", "")), str(body.get("by", "")), names),
        outcome=_outcome(entry.action, str(body.get("outcome") or "")),
        about=[names[key] for key in keys if key and key in names],
        text=text,
    )


def _said(body: bytes) -> dict[str, Any]:
    """What the entry says; nothing when somebody made it unreadable, which the check reports."""
    try:
        return decode(body)
    except ValueError:
        return {}


def _outcome(action: str, name: str) -> str:
    """A reason or an error in a coach's words; an alert by its title, what is no code by itself."""
    if action.startswith("alert.") and name in KINDS:
        return KINDS[name].title
    if action.startswith("connection.") and name in Connection.State.values:
        return str(Connection.State(name).label)
    row = known(name)
    return row.coach_words if row else name.replace("_", " ").capitalize()


def _who(kind: str, identity: str, names: Mapping[UUID, About]) -> str:
    """A name where the person is known to the reader, otherwise what kind of actor it was."""
    try:
        known = names.get(UUID(identity))
    except ValueError:
        known = None
    if known:
        return known.word
    return "Baton" if kind == "system" else kind.capitalize() or "Not readable"


def _names(rows: list[Entry], user: User) -> dict[UUID, About]:
    """Every row the entries speak of that this person may see, in six queries."""
    names = {
        each.pk: About(each.name, reverse("plan", args=[each.pk]))
        for each in Plan.objects.for_user(user).filter(pk__in=_of(rows, "plan"))
    }
    names |= _people(rows, user)
    names |= {
        each.pk: About(each.name, reverse("destination", args=[each.pk]))
        for each in Destination.objects.for_user(user).filter(pk__in=_of(rows, "destination"))
    }
    seen = Delivery.objects.for_user(user).filter(pk__in=_of(rows, "delivery"))
    for each in seen.select_related("version"):
        word = f"Delivery of version {each.version.version}"
        names[each.pk] = About(word, reverse("delivery", args=[each.pk]))
    return names


def _people(rows: list[Entry], user: User) -> dict[UUID, About]:
    athletes = Athlete.objects.for_user(user).filter(pseudonym__in=_of(rows, "subject"))
    own = Organisation.objects.for_user(user)
    colleagues = User.objects.filter(memberships__organisation__in=own).distinct()
    return {
        each.pseudonym: About(each.name, reverse("athlete", args=[each.pk])) for each in athletes
    } | {each.pk: About(str(each)) for each in colleagues}


def _of(rows: list[Entry], column: str) -> set[UUID]:
    return {value for row in rows if (value := getattr(row, column))}
