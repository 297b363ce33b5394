"""Putting back all that waits for a confirmation at a destination, within the limit that every
other act on many plans has. There is no preview to which a second person could agree: who may do
more does it.
"""

from accounts import roles
from accounts.models import Membership, User
from destinations.models import Destination
from sharing.bulk import limits
from sharing.bulk.refusing import NotPossible
from sharing.drift import restoring

Role = Membership.Role


def restore(destination: Destination, by: User) -> int:
    """Repair everything that waits for it there. How many differences that is."""
    if refusal := why_not(destination, by):
        raise NotPossible(refusal)
    return restoring.restore(destination, by)


def why_not(destination: Destination, by: User) -> str:
    """Why this person may not do it alone, and who may; empty when they may."""
    waiting = restoring.waiting_for_confirmation(destination)
    lanes = waiting.order_by().values("lane").distinct().count()
    if not limits.needs_second(by, destination.organisation, lanes):
        return ""
    admin = limits.ALONE[Role.ADMIN]
    who = "an owner" if admin is not None and lanes > admin else "an owner or admin"
    ask = f"Ask {who} to restore them"
    if roles.may(by, "redeliver", destination):
        ask += ", or put differences back one by one"
    plans = "1 plan" if lanes == 1 else f"{lanes} plans"
    return f"This would write to {plans} at once, more than you may alone. {ask}."
