"""What somebody has moved alone within the last hour: several small acts are a large one."""

from accounts.models import Organisation, User
from audit import entry
from audit.models import Entry
from sharing import clock
from sharing.bulk import limits
from sharing.bulk.refusing import BLOCKED, SUPERSEDED
from sharing.models import BulkAction

TAKING_BACK = "route.taken_back"
RESTORING = "drift.restore"


def affected(action: BulkAction) -> int:
    """How many lanes are promised something when it runs."""
    told = action.forecast
    return int(action.total - told.get(SUPERSEDED, 0) - told.get(BLOCKED, 0))


def by_previews(user: User, organisation: Organisation, kind: str) -> int:
    """Lanes of the bulk actions of a kind that this person began and nobody else agreed to."""
    begun = BulkAction.objects.filter(
        organisation=organisation, asked_by=user, kind=kind,
        approved_by=None, started_at__gte=clock.now() - limits.WITHIN,
    )  # fmt: skip
    return sum(map(affected, begun))


def taken_back(user: User, organisation: Organisation) -> int:
    """With a preview, or by retiring and narrowing routes."""
    previewed = by_previews(user, organisation, BulkAction.Kind.TAKE_BACK)
    return previewed + at_once(user, organisation, TAKING_BACK)


def at_once(user: User, organisation: Organisation, act: str) -> int:
    """Lanes of the acts without a preview, as the log has them."""
    entries = Entry.objects.filter(
        action=act, organisation=organisation.pk, at__gte=clock.now() - limits.WITHIN
    )
    said = (entry.decode(bytes(body)) for body in entries.values_list("body", flat=True))
    return sum(line["extra"].get("lanes", 0) for line in said if line["by"] == str(user.pk))


def in_words(before: int) -> str:
    """The part of a refusal that tells what was moved already; empty when that is nothing."""
    return f", after {before} within the last hour" if before else ""
