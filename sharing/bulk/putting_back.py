"""Putting back all that waits for a confirmation at a destination, within the limit that every
other act on many plans has. There is no preview to which a second person could agree: who may do
more does it.
"""

from accounts import roles
from accounts.models import Membership, User
from audit.log import audited_atomic
from audit.retrying import retried
from destinations.models import Destination
from sharing.bulk import lately, limits
from sharing.bulk.refusing import NotPossible
from sharing.drift import restoring

Role = Membership.Role


@retried
def restore(destination: Destination, by: User) -> int:
    """Repair everything that waits for it there. How many differences that is."""
    with audited_atomic():
        limits.one_at_a_time(by, destination.organisation)
        if refusal := why_not(destination, by):
            raise NotPossible(refusal)
        return restoring.restore(destination, by)


def why_not(destination: Destination, by: User) -> str:
    """Why this person may not do it alone, and who may; empty when they may."""
    waiting = restoring.waiting_for_confirmation(destination)
    lanes = waiting.order_by().values("lane").distinct().count()
    before = lately.at_once(by, destination.organisation, lately.RESTORING)
    if not limits.needs_second(by, destination.organisation, lanes + before):
        return ""
    admin = limits.ALONE[Role.ADMIN]
    who = "an owner" if admin is not None and lanes > admin else "an owner or admin"
    ask = f"Ask {who} to restore them"
    if roles.may(by, "redeliver", destination):
        ask += ", or put differences back one by one"
    plans = "1 plan" if lanes == 1 else f"{lanes} plans"
    plans += f" at once{lately.in_words(before)}"
    return f"This would write to {plans}, more than you may alone. {ask}."
