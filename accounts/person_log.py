"""What a person does, in the log of each organisation they belong to. Nobody's address is kept."""

from uuid import UUID

from accounts.models import Membership
from audit.log import Log


def note(log: Log, action: str, email: str, **extra: str) -> None:
    """Once in each organisation; for somebody who is in none, or unknown, once in no one's."""
    places: list[tuple[UUID | None, UUID | None]] = [
        *Membership.objects.filter(user__email__iexact=email).values_list("organisation", "user")
    ]
    for organisation, user in places or [(None, None)]:
        account = str(user) if user else None
        log.record(action, organisation=organisation, extra={"account": account, **extra})
