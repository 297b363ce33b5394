"""What people write beside a delivery, and who of them looks after it."""

from accounts import roles
from accounts.models import User
from audit.log import audited_atomic
from audit.retrying import retried
from sharing import clock, promises
from sharing.models import Delivery, Remark

ACT = "redeliver"
LONGEST = 2000


@retried
def write(delivery: Delivery, words: str, by: User) -> Remark:
    """The words stay here: the log says only that something was written."""
    with audited_atomic() as log:
        return Remark.objects.create(
            delivery=delivery,
            author=by,
            words=words.strip()[:LONGEST],
            written_at=clock.now(),
            audit_entry_id=promises.record(delivery, "remarked", log),
        )


@retried
def assign(delivery: Delivery, to: User | None) -> Delivery:
    """Say who looks after it; None: nobody does. Whoever it is must be allowed to act on it."""
    if to is not None:
        roles.require(to, ACT, delivery.lane.plan.athlete)
    with audited_atomic() as log:
        delivery.assigned_to = to
        delivery.audit_entry_id = promises.record(delivery, "assigned" if to else "unassigned", log)
        delivery.save(update_fields=["assigned_to", "audit_entry"])
    return delivery


def assignable(delivery: Delivery) -> list[User]:
    """The people of the organisation who may act on this delivery."""
    athlete = delivery.lane.plan.athlete
    people = User.objects.filter(memberships__organisation=athlete.organisation_id, is_active=True)
    return [each for each in people.order_by("name", "email") if roles.may(each, ACT, athlete)]
