"""Which deliveries and lanes a filter finds: the lists on the pages ask the same as the actions."""

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from accounts.models import Organisation, User
from sharing import pinned
from sharing.bulk import criteria
from sharing.bulk.criteria import SCOPE, Criteria, To
from sharing.models import BulkAction, BulkItem, Delivery, Lane, Route

UNTIL_REPLACED = (Delivery.State.DEAD, Delivery.State.UNKNOWN)


def letters(user: User, organisation: Organisation, wish: Criteria) -> QuerySet[Delivery]:
    """The deliveries that the filter finds. A dead one counts until a newer promise replaces it."""
    state = state_of(wish)
    found = Delivery.objects.for_user(user).filter(
        _within(wish, "lane__"), lane__route__organisation=organisation, state=state
    )
    if state in UNTIL_REPLACED:
        newer = Delivery.objects.filter(lane=OuterRef("lane"), revision__gt=OuterRef("revision"))
        found = found.filter(~Exists(newer))
    if wish.cause:
        found = found.filter(reason=wish.cause)
    if wish.since:
        found = found.filter(settled_at__gte=wish.since)
    if wish.until:
        found = found.filter(settled_at__lt=wish.until)
    return found


def state_of(wish: Criteria) -> str:
    """How the deliveries stand that it is about: dead, unless it says otherwise."""
    return wish.state or Delivery.State.DEAD


def lanes(action: BulkAction) -> QuerySet[Lane]:
    """Each lane of the action, with the delivery that was `chosen` in it, if any was."""
    wish = criteria.of(action)
    if action.kind == BulkAction.Kind.REDELIVER:
        found = letters(action.asked_by, action.organisation, wish)
        newest = found.filter(lane=OuterRef("pk")).order_by("-revision").values("pk")[:1]
        chosen = Lane.objects.filter(pk__in=found.order_by().values("lane"))
        return chosen.annotate(chosen=Subquery(newest))
    mine = Lane.objects.for_user(action.asked_by).filter(
        route__organisation=action.organisation, desired__gt=0
    )
    if wish.to == To.BEFORE:
        items = BulkItem.objects.filter(action=wish.undoes, state__in=pinned.CARRIED_OUT)
        return mine.filter(pk__in=items.values("lane"))
    return mine.filter(_within(wish)).exclude(route__state=Route.State.RETIRED)


def _within(wish: Criteria, prefix: str = "") -> Q:
    return Q(**{f"{prefix}{SCOPE[name]}": key for name, key in wish.named.items()})
