"""What people write beside a delivery or a quarantined answer, and who looks after it."""

from uuid import UUID

from accounts import roles
from accounts.models import User
from audit.log import Log, audited_atomic
from audit.retrying import retried
from sharing import clock, promises, quarantine
from sharing.models import Delivery, Quarantine, QuarantineRemark, Remark

LONGEST = 2000

Matter = Delivery | Quarantine


@retried
def write(matter: Matter, words: str, by: User) -> Remark | QuarantineRemark:
    """The words stay here: the log says only that something was written. Refused once an answer
    in quarantine is settled.
    """
    with audited_atomic() as log:
        return matter.remarks.create(
            author=by,
            words=words.strip()[:LONGEST],
            written_at=clock.now(),
            audit_entry_id=_record(matter, "remarked", log),
        )


@retried
def assign(matter: Matter, to: User | None) -> None:
    """Say who looks after it; None: nobody does. Whoever it is must be allowed to act on it.

    Refused once an answer in quarantine is settled: its entry in the log is how it was.
    """
    if to is not None:
        roles.require(to, act_on(matter), matter)
    with audited_atomic() as log:
        matter.audit_entry_id = _record(matter, "assigned" if to else "unassigned", log)
        matter.assigned_to = to
        matter.save(update_fields=["assigned_to", "audit_entry"])


def assignable(matter: Matter) -> list[User]:
    """The people of the organisation who may act on it."""
    right, organisation = act_on(matter), roles.organisation_of(matter)
    people = User.objects.filter(memberships__organisation=organisation, is_active=True)
    return [each for each in people.order_by("name", "email") if roles.may(each, right, matter)]


def act_on(matter: Matter) -> str:
    """The right that it takes."""
    return "redeliver" if isinstance(matter, Delivery) else "replay_quarantine"


def _record(matter: Matter, what: str, log: Log) -> UUID:
    if isinstance(matter, Delivery):
        return promises.record(matter, what, log)
    return quarantine.record(quarantine.unsettled(matter), what, log)
