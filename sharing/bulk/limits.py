"""How many lanes a role may move by one action alone; beyond that a second person agrees."""

from datetime import timedelta

from accounts.models import Membership, Organisation, User

Role = Membership.Role
ALONE: dict[str, int | None] = {
    Role.OWNER: None,  # there may be nobody else to ask
    Role.ADMIN: 5000,
    Role.COACH: 500,
    Role.ASSISTANT: 25,
    Role.DESTINATION_OWNER: 500,  # nothing but to put back what was lost there
}
WITHIN = timedelta(hours=1)  # what is begun in it adds up: several small actions are a large one


def alone(user: User, organisation: Organisation) -> int | None:
    """The limit of this person here; None means there is none."""
    membership = Membership.objects.filter(user=user, organisation=organisation).first()
    return ALONE.get(membership.role, 0) if membership else 0


def needs_second(user: User, organisation: Organisation, lanes: int) -> bool:
    limit = alone(user, organisation)
    return limit is not None and lanes > limit


def one_at_a_time(user: User, organisation: Organisation) -> None:
    """Hold what else this person begins here until this transaction is over."""
    rows = Membership.objects.select_for_update(no_key=True)
    rows.filter(user=user, organisation=organisation).first()
